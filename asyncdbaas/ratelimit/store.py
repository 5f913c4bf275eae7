"""The Redis or Valkey server that keeps a shared quota: one connection, one script, errors in plain words."""

from __future__ import annotations

import asyncio
import json
from hashlib import sha1
from importlib.resources import files
from typing import Any, Final

from asyncdbaas.errors import InvalidInputError, QuotaStoreError
from asyncdbaas.ratelimit.address import StoreAddress

try:
    from redis.asyncio import ConnectionPool, Redis, Sentinel
    from redis.asyncio.connection import parse_url
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff
    from redis.exceptions import NoScriptError
    from redis.exceptions import TimeoutError as RedisTimeoutError
except ModuleNotFoundError as missing:
    if (missing.name or "").partition(".")[0] != "redis":
        raise
    reason = "redis is missing; install it with: pip install 'asyncdbaas[redis]'"
    raise ModuleNotFoundError(reason, name="redis") from None

__all__ = ["PATIENCE", "QuotaStore", "check_options"]

# Seconds that an exchange may take. It takes a millisecond; a server that needs this long counts as unreachable, and
# calls wait for it no longer.
PATIENCE: Final = 2.0
# Seconds for each sentinel, so that one that does not respond leaves time for the next.
_SENTINEL_PATIENCE: Final = 0.5
_RIGHTS: Final = (
    "+select +eval +evalsha +time +get +set +exists +del +pexpire +hget +hset +hdel +hlen +hincrby "
    "+zadd +zcard +zcount +zrem +zrangebyscore +zremrangebyscore"
)
# What a server's words, in small letters, mean for the one who set it up.
_MEANINGS: Final = (
    (
        ("wrongtype", "format of the books"),
        "{keys} hold data of another application, or of another version of this one",
    ),
    (
        ("username-password", "authentication required", "noauth", "without any password"),
        "it does not accept the user and password of the address",
    ),
    (("permission", "can't run this command", "can't access"), f"its user needs {_RIGHTS} on {{keys}}"),
    (("non deterministic",), "it is too old, Redis 5 or Valkey is needed"),
    (("moved", "crossslot", "clusterdown"), "it is a part of a cluster, a single server is needed"),
    (("readonly", "read only replica"), "it is a replica, the primary is needed"),
)


class QuotaStore:
    """The connection to the server for one quota, in one event loop."""

    def __init__(self, address: StoreAddress, quota: str) -> None:
        self.quota = quota
        self._keys = (f"asyncdbaas:{{{quota}}}:books", f"asyncdbaas:{{{quota}}}:answers")
        self._address = address
        self._script = (files("asyncdbaas.ratelimit") / "ledger.lua").read_text(encoding="utf-8")
        self._digest = sha1(self._script.encode(), usedforsecurity=False).hexdigest()
        self._client, self._sentinels = _connect(address)

    async def exchange(self, report: dict[str, object]) -> dict[str, Any]:
        """Run the script once; raise QuotaStoreError for whatever goes wrong."""
        try:
            async with asyncio.timeout(PATIENCE):
                reply: dict[str, Any] = json.loads(await self._run(json.dumps(report)))
                return reply
        except Exception as error:  # noqa: BLE001 -- a server that is no Redis makes the client library raise anything
            words = self._explain(error)
        raise QuotaStoreError(words)

    async def _run(self, report: str) -> bytes:
        try:
            reply: bytes = await self._client.evalsha(self._digest, len(self._keys), *self._keys, report)
        except NoScriptError:
            reply = await self._client.eval(self._script, len(self._keys), *self._keys, report)
        return reply

    def _explain(self, error: Exception) -> str:
        """Say what is wrong and what to do, without a secret, whatever the server echoed."""
        if isinstance(error, TimeoutError | RedisTimeoutError):
            return f"it did not respond within {PATIENCE:g} s"
        said = f"{type(error).__name__}: {error}"
        for secret in self._address.secrets:
            said = said.replace(secret, "***")
        for words, meaning in _MEANINGS:
            if any(word in said.lower() for word in words):
                return f"{meaning.format(keys=' and '.join(self._keys))} ({said})"
        return said

    async def close(self) -> None:
        """Close the connections."""
        for client in (self._client, *self._sentinels):
            await client.aclose()


def check_options(address: StoreAddress) -> None:
    """Raise InvalidInputError if redis-py does not take an option of the address."""
    try:
        client, _ = _connect(address)
        client.connection_pool.make_connection()
    except (ValueError, TypeError):
        problem = "an option after `?` is unknown to redis-py, or its value is not valid"
    else:
        return
    raise InvalidInputError(f"the address of the quota store is not valid: {problem}")


def _connect(address: StoreAddress) -> tuple[Any, list[Any]]:
    """Return a client, and those of the sentinels that it asks for the primary."""
    # RESP 2, for servers of any age. No retries: the limiter calls again at a time of its own.
    always: dict[str, Any] = {"protocol": 2, "retry": Retry(NoBackoff(), 0)}
    options: dict[str, Any] = {**always, **parse_url(address.url)}
    if address.url.startswith("rediss:") and options.get("ssl_cert_reqs") != "none":
        options.setdefault("ssl_check_hostname", True)  # redis-py before version 6 does not check it unless asked to
    if not address.sentinels:
        return Redis.from_pool(ConnectionPool(**options)), []
    for name in ("host", "port"):
        options.pop(name, None)
    patience = {"socket_timeout": _SENTINEL_PATIENCE, "socket_connect_timeout": _SENTINEL_PATIENCE}
    sentinel: Any = Sentinel(address.sentinels, sentinel_kwargs={**always, **patience}, **options)  # type: ignore[no-untyped-call]  # untyped there
    return sentinel.master_for(address.service), sentinel.sentinels
