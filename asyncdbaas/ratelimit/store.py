"""The Redis or Valkey server that keeps a shared quota: one script, one channel, errors in plain words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
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
    from redis.exceptions import NoScriptError, ResponseError
    from redis.exceptions import TimeoutError as RedisTimeoutError
except ModuleNotFoundError as missing:
    if (missing.name or "").partition(".")[0] != "redis":
        raise
    reason = "redis is missing; install it with: pip install 'asyncdbaas[redis]'"
    raise ModuleNotFoundError(reason, name="redis") from None

__all__ = ["PATIENCE", "RIGHTS", "QuotaStore", "check_options"]

# Seconds that an exchange may take. It takes a millisecond; a server that needs this long counts as unreachable, and
# calls wait for it no longer.
PATIENCE: Final = 2.0
# Seconds for each sentinel, so that one that does not respond leaves time for the next.
_SENTINEL_PATIENCE: Final = 0.5
# What the user of the server may have to do, as Redis writes it.
RIGHTS: Final = (
    "+select +eval +evalsha +time +info +exists +del +pexpire +hget +hset +hdel +zadd +zrem +zcard +zcount +zrank "
    "+zrange +zrangebyscore +zremrangebyscore +publish +subscribe"
)
# The ledger, and what it keeps in order, as `ledger.lua` names them.
_KEYS: Final = ("ledger", "responses", "deadlines", "waiting", "interactive", "bulk")
# What a server's words, in small letters, mean for the one who set it up.
_MEANINGS: Final = (
    (
        ("wrongtype", "format of the ledger"),
        "{keys} hold data of another application, or of another version of this one",
    ),
    (
        ("username-password", "authentication required", "noauth", "without any password"),
        "it does not accept the user and password of the address",
    ),
    (("permission", "can't run this command", "can't access"), f"its user needs {RIGHTS} ~{{keys}} &{{keys}}"),
    (("non deterministic",), "it is too old, Redis 5 or Valkey is needed"),
    (("moved", "crossslot", "clusterdown"), "it is a part of a cluster, a single server is needed"),
    (("readonly", "read only replica"), "it is a replica, the primary is needed"),
)


class QuotaStore:
    """The connections to the server for one quota, in one event loop: one for the script, one for the channel."""

    def __init__(self, address: StoreAddress, quota: str, hear: Callable[[str], object]) -> None:
        self.quota = quota
        self._hear = hear
        self._keys = tuple(f"asyncdbaas:{{{quota}}}:{key}" for key in _KEYS)
        self._address = address
        self._script = (files("asyncdbaas.ratelimit") / "ledger.lua").read_text(encoding="utf-8")
        self._digest = sha1(self._script.encode(), usedforsecurity=False).hexdigest()
        self._client, self._sentinels = _connect(address)
        self._channel: Any = None
        self._subscribed_at = 0.0
        self._listener: asyncio.Task[None] | None = None

    async def exchange(self, report: dict[str, object]) -> dict[str, Any]:
        """Run the script once; raise QuotaStoreError for whatever goes wrong.

        The reply is `stale` if another worker with the same id has sent later reports.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                if self._listener is None or self._listener.done():
                    await self._subscribe()
                subscribed = asyncio.get_running_loop().time() - self._subscribed_at
                words = json.dumps({**report, "subscribed": int(subscribed * 1e6)})
                reply: dict[str, Any] = json.loads(await self._run(words))
                return reply
        except ResponseError as error:
            if str(error).startswith("STALE"):
                return {"stale": True}
            words = self._explain(error)
        except Exception as error:  # noqa: BLE001 -- a server that is no Redis makes the client library raise anything
            words = self._explain(error)
        raise QuotaStoreError(words)

    async def _run(self, report: str) -> bytes:
        arguments = (len(self._keys), *self._keys, report)
        try:
            reply: bytes = await self._client.evalsha(self._digest, *arguments)
        except NoScriptError:  # the server has been started again, or its scripts were flushed
            reply = await self._client.eval(self._script, *arguments)
        return reply

    async def _subscribe(self) -> None:
        """Listen to the channel on which a ledger that has lost its data calls the workers."""
        await self._unsubscribe()
        self._subscribed_at = asyncio.get_running_loop().time()
        self._channel = self._client.pubsub()
        await self._channel.subscribe(self._keys[0])
        await self._channel.get_message(timeout=PATIENCE)  # the confirmation: from now on the ledger counts this worker
        self._listener = asyncio.create_task(self._listen(self._channel), name="asyncdbaas shared quota, channel")

    async def _listen(self, channel: Any) -> None:
        with suppress(Exception):  # whatever it is, the next exchange subscribes again, or fails and says why
            async for message in channel.listen():
                if message["type"] == "message":
                    self._hear(message["data"].decode())
        if channel is self._channel:  # the connection is lost: the server may have been started again, without its data
            self._hear("")

    async def _unsubscribe(self) -> None:
        listener, channel, self._listener, self._channel = self._listener, self._channel, None, None
        if channel is not None:
            await channel.aclose()
        if listener is not None:
            listener.cancel()
            await asyncio.wait({listener})

    def _explain(self, error: Exception) -> str:
        """Return what is wrong and what to do, without a secret, even if the server echoed one."""
        if isinstance(error, TimeoutError | RedisTimeoutError):
            return f"it did not respond within {PATIENCE:g} s"
        said = f"{type(error).__name__}: {error}"
        for secret in self._address.secrets:
            said = said.replace(secret, "***")
        for words, meaning in _MEANINGS:
            if any(word in said.lower() for word in words):
                return f"{meaning.format(keys=f'asyncdbaas:{{{self.quota}}}:*')} ({said})"
        return said

    async def close(self) -> None:
        """Close the connections."""
        await self._unsubscribe()
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
