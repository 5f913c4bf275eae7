"""The Redis or Valkey server that keeps a shared quota: one connection, one script, failures in plain words."""

from __future__ import annotations

import asyncio
import json
from hashlib import sha1
from importlib.resources import files
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from asyncdbaas.errors import InvalidInputError, QuotaStoreError
from asyncdbaas.types import Secret

try:
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff
    from redis.exceptions import NoScriptError
    from redis.exceptions import TimeoutError as RedisTimeoutError
except ModuleNotFoundError as missing:
    if (missing.name or "").partition(".")[0] != "redis":
        raise
    reason = "redis is missing; install it with: pip install 'asyncdbaas[redis]'"
    raise ModuleNotFoundError(reason, name="redis") from None

__all__ = ["PATIENCE", "QuotaStore", "check_url", "show_url"]

# An exchange takes a millisecond. A server that needs this long is away, and calls wait no longer for it.
PATIENCE: Final = 2.0
_SCHEMES: Final = {"valkey": "redis", "valkeys": "rediss", "redis": "redis", "rediss": "rediss", "unix": "unix"}
_RIGHTS: Final = "+eval +evalsha +time +get +set +pexpire +zadd +zcount +zrem +zrangebyscore +zremrangebyscore"
# What a server's words, in small letters, mean for the one who set it up.
_MEANINGS: Final = (
    (("wrongtype", "format of the books"), "{keys} hold another application's data, or another version's of this one"),
    (
        ("username-password", "authentication required", "noauth", "without any password"),
        "it does not accept the user and password of the URL",
    ),
    (("permission", "can't run this command", "can't access"), f"its user needs {_RIGHTS} on {{keys}}"),
    (("non deterministic",), "it is too old, Redis 5 or Valkey is needed"),
    (("moved", "crossslot", "clusterdown"), "it is a part of a cluster, a single server is needed"),
    (("readonly", "read only replica"), "it is a replica, the primary is needed"),
)


class QuotaStore:
    """A conversation with the server about one quota, in one event loop."""

    def __init__(self, url: Secret, quota: str, loop: asyncio.AbstractEventLoop) -> None:
        self.quota = quota
        self.loop = loop
        self._keys = (f"asyncdbaas:{{{quota}}}:books", f"asyncdbaas:{{{quota}}}:answers")
        self._secrets = _secrets(url)
        self._script = (files("asyncdbaas.ratelimit") / "ledger.lua").read_text(encoding="utf-8")
        self._digest = sha1(self._script.encode(), usedforsecurity=False).hexdigest()
        self._client = _client(url)

    async def exchange(self, report: dict[str, object]) -> dict[str, Any]:
        """Run the script once; raise QuotaStoreError for whatever goes wrong."""
        try:
            async with asyncio.timeout(PATIENCE):
                answer: dict[str, Any] = json.loads(await self._run(json.dumps(report)))
                return answer
        except Exception as error:  # noqa: BLE001 -- a server that is no Redis makes the client library raise anything
            words = self._explain(error)
        raise QuotaStoreError(words)

    async def _run(self, report: str) -> bytes:
        try:
            answer: bytes = await self._client.evalsha(self._digest, len(self._keys), *self._keys, report)
        except NoScriptError:
            answer = await self._client.eval(self._script, len(self._keys), *self._keys, report)
        return answer

    def _explain(self, error: Exception) -> str:
        """Say what is wrong and what to do, without a secret, whatever the server echoed."""
        if isinstance(error, TimeoutError | RedisTimeoutError):
            return f"it did not answer within {PATIENCE:g} s"
        said = f"{type(error).__name__}: {error}"
        for secret in self._secrets:
            said = said.replace(secret, "***")
        for words, meaning in _MEANINGS:
            if any(word in said.lower() for word in words):
                return f"{meaning.format(keys=' and '.join(self._keys))} ({said})"
        return said

    async def close(self) -> None:
        """Close the connection."""
        await self._client.aclose()


def check_url(url: str) -> Secret:
    """Return the URL of a store, which must be one, as a secret."""
    hidden = Secret(url)
    problem = "it must begin with redis://, rediss://, valkey://, valkeys:// or unix://"
    if urlsplit(hidden).scheme in _SCHEMES:
        try:
            _client(hidden)
        except (ValueError, TypeError) as error:
            problem = str(error)
        else:
            return hidden
    raise InvalidInputError(f"the URL of the quota's store is not valid: {problem}")


def show_url(url: Secret) -> str:
    """Return a URL without user, password and options."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _client(url: Secret) -> Any:
    scheme, rest = url.split("://", 1)
    known = Secret(f"{_SCHEMES[scheme]}://{rest}")
    # RESP 2, for servers of any age. No retries: the limiter calls again at a time of its own.
    return Redis.from_url(known, protocol=2, retry=Retry(NoBackoff(), 0))  # pyright: ignore[reportUnknownMemberType]  # its settings are untyped


def _secrets(url: Secret) -> list[str]:
    """Return what must not be shown, the longest first, in each spelling that a server may echo."""
    parts = urlsplit(url)
    found = {parts.password or "", unquote(parts.password or "")}
    found |= {value for name, value in parse_qsl(parts.query) if "password" in name}
    return sorted(found - {""}, key=len, reverse=True)
