"""The session: a connection pool, a token, a rate limiter, and the way to send requests with them."""

from __future__ import annotations

import asyncio
import copy
import os
import ssl
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final, Self, TypeAlias, TypeVar, overload
from weakref import WeakValueDictionary

import aiohttp
from yarl import URL

from asyncdbaas import hooks
from asyncdbaas._core.admission import Admission
from asyncdbaas._core.call import Options, Params, ResponseInfo, collected_responses
from asyncdbaas._core.credentials import Credentials, Token
from asyncdbaas._core.decoding import Reader, reader
from asyncdbaas._core.deletions import Deletions
from asyncdbaas._core.http import RateLimitHeaders, check_base_url, origin, read_rate_limit
from asyncdbaas._core.lifetime import Lifetime
from asyncdbaas._core.observers import Observers, log_as_environment_says
from asyncdbaas._core.passwords import Passwords
from asyncdbaas._core.sender import Sender
from asyncdbaas._core.transport import Transport
from asyncdbaas.ratelimit import Priority, RateLimiter
from asyncdbaas.retry import RetryPolicy
from asyncdbaas.types import UNSET, Hidden, Unset, as_secret, as_secrets

__all__ = ["AsyncSession", "ResponseInfo", "Token"]

T = TypeVar("T")
Into: TypeAlias = type[T] | Reader[T]
"""The class of a result, or a reader of the body that has it."""

_API: Final = "https://api.digitalocean.com"


class AsyncSession:
    """A connection pool, a token and a rate limiter for calls to the Managed Databases API.

        async with AsyncSession() as session:
            found = await clusters.list_clusters(session)

    Pass the session to the functions of the endpoint modules. Thousands of calls may run at the same time: the session
    sends them in order of arrival, as fast as `max_connections` and the rate limit allow. It belongs to the event loop
    in which it was opened. Without a block, use `await AsyncSession().open()` and `await session.close()`.

    Args:
        token: An API token, or a function or coroutine function that returns one (for rotation; it is called before
            each attempt). The default is DIGITALOCEAN_TOKEN, else DIGITALOCEAN_ACCESS_TOKEN, of the environment.
        base_url: Another address of the API, such as an emulator's. The default is DIGITALOCEAN_API_URL of the
            environment, else the vendor's. Only https, except on this machine: the token must not travel in the clear.
        max_connections: Number of requests in flight at once. 100 use up a minute's quota in well under a second.
        max_wait: Seconds that a call may wait for a connection slot and the rate limit. If it would take longer, the
            call fails with QuotaWaitError and is not sent. The default is to wait as long as it takes, up to an hour.
        timeout: Seconds for one attempt, from the moment it has a connection slot and a permit to the last byte of the
            response. It is long because creating a topic may block for 20 s.
        retry: Which failures are retried, and when (see RetryPolicy).
        rate_limiter: Pass the same one to sessions that share a token. For many processes, use `SharedRateLimiter`.
        http: An `aiohttp.ClientSession` whose connections to use, with their TLS settings and its proxy. Its other
            settings do not apply here. It is not closed.
        trust_env: Use the environment's proxy (HTTPS_PROXY, NO_PROXY) and authorities (SSL_CERT_FILE, SSL_CERT_DIR).
        ssl_context: TLS settings, such as certificate authorities of your own.
        user_agent: Name and version of your application, put before this library's in each request.
        coalesce_reads: Let identical reads that wait for the quota share one request.
        on_event: Called with the events of each call (see `asyncdbaas.hooks`).
    """

    def __init__(
        self,
        token: Token | None = None,
        *,
        base_url: str | None = None,
        max_connections: int = 100,
        max_wait: float | None = None,
        timeout: float = 60.0,
        retry: RetryPolicy | None = None,
        rate_limiter: RateLimiter | None = None,
        http: aiohttp.ClientSession | None = None,
        trust_env: bool = True,
        ssl_context: ssl.SSLContext | None = None,
        user_agent: str | None = None,
        coalesce_reads: bool = True,
        on_event: Callable[[hooks.CallEvent], object] | None = None,
    ) -> None:
        token, base_url = as_secret(token), as_secret(base_url)  # before anything can raise and show them
        self._base, self._lifetime = "", Lifetime()  # for repr: a traceback with locals shows a half-made session, too
        retry = RetryPolicy() if retry is None else retry
        self._options = Options(max_wait=max_wait, timeout=timeout, retry=retry, coalesce_reads=coalesce_reads)
        self._credentials = Credentials(token, user_agent, self._lifetime)
        self._base = check_base_url(os.environ.get("DIGITALOCEAN_API_URL") or _API if base_url is None else base_url)
        self.rate_limiter: Final = RateLimiter() if rate_limiter is None else rate_limiter
        """The rate limiter of this session. Ask it for `forecast(n)`, `waiting` and `in_flight`."""
        self._observers = Observers(on_event)
        self._admission = Admission(self.rate_limiter, max_connections, self._lifetime, self._observers)
        self._transport = Transport(
            self._base,
            self._lifetime,
            self._credentials,
            max_connections=max_connections,
            lent=http,
            trust_env=trust_env,
            ssl_context=ssl_context,
        )
        self._sender = Sender(self._lifetime, self._admission, self._credentials, self._transport, self._observers)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.deletions, self.passwords = Deletions(), Passwords()

    def __repr__(self) -> str:
        return f"<AsyncSession {origin(self._base)} {self._lifetime.state}>"

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def open(self) -> Self:
        """Open the session in the running event loop, and return it. Call `close` when it is no longer needed."""
        log_as_environment_says()
        self._lifetime.check_unopened()
        self.rate_limiter.attach(self._admission, self._credentials.token)
        try:
            login = self._transport.open()
        except BaseException:
            await self.rate_limiter.detach(self._admission)
            raise
        self._credentials.also_hide(login, URL(self._base).path.strip("/"))
        self._lifetime.open(self._options.timeout)
        return self

    async def close(self) -> None:
        """Close the connections. Calls that wait or are in flight end at once, with an error."""
        if not self._lifetime.close():
            return
        self._admission.close()
        try:
            await self._transport.close()
        finally:
            await self.rate_limiter.detach(self._admission)

    def with_options(
        self,
        *,
        max_wait: float | Unset | None = UNSET,
        timeout: float | Unset = UNSET,
        retry: RetryPolicy | Unset = UNSET,
        headers: Mapping[str, str] | Unset = UNSET,
        priority: Priority | Unset | None = UNSET,
    ) -> Self:
        """Return a session with other options for its calls, and everything else shared.

        The two share connections, rate limiter, locks and listeners, and are open or closed together.

        Args:
            max_wait: As for AsyncSession; None waits as long as it takes, as background jobs should.
            timeout: As for AsyncSession.
            retry: As for AsyncSession.
            headers: More headers for each request, added to those set before. A value is hidden like the token.
            priority: "bulk" lets other calls go first; None means that of the block (see `asyncdbaas.priority`).
        """
        headers = as_secrets(headers)  # before anything can raise and show them
        options = self._options.changed(headers, max_wait=max_wait, timeout=timeout, retry=retry, priority=priority)
        other = copy.copy(self)
        other._options = options  # noqa: SLF001 -- one of this class
        return other

    @property
    def rate_limit(self) -> RateLimitHeaders:
        """Hourly quota of the token, as the last response that has rate-limit headers shows it."""
        return read_rate_limit(self._admission.last_headers)

    @overload
    def request(
        self, method: str, path: str, into: None = None, *, body: object = None, params: Params = None
    ) -> Coroutine[Any, Any, None]: ...
    @overload
    def request(
        self, method: str, path: str, into: Into[T], *, key: str = "", body: object = None, params: Params = None
    ) -> Coroutine[Any, Any, T]: ...
    def request(
        self,
        method: str,
        path: str,
        into: Into[T] | None = None,
        *,
        key: str = "",
        body: object = None,
        params: Params = None,
    ) -> Coroutine[Any, Any, T | None]:
        """Send one request, retry it if that is safe, and return the result, for operations that have no function.

        Raise APIError for any status but 2xx, TransportError if no response came, DecodeError if it does not fit,
        AcceptedError if there is no result yet, SessionStateError if the session is not open here.

        Args:
            method: In capitals.
            path: Starts at `/v2`, and is percent-encoded.
            into: The class of the result. Without it the result is None, and any body but a page or an error will do.
            key: The envelope around the result. The response may lack it.
            body: An attrs object or plain data.
            params: The query.
        """
        read = into if into is None or isinstance(into, Reader) else reader(into, key)
        body = Hidden(body)  # plain data may hold a password, which a traceback with locals must not show
        return self._sender.call(self._options, method, path, read, body=body, params=params)

    def lock(self, name: str) -> asyncio.Lock:
        """Return the lock of that name, for writes that the service wants one at a time.

        It exists as long as a task holds it or waits for it.
        """
        self._lifetime.check()
        return self._locks.setdefault(name, asyncio.Lock())

    def listening(self, on_event: Callable[[hooks.CallEvent], object]) -> AbstractContextManager[None]:
        """Call a function with the events of all calls made while the block runs, in addition to `on_event`."""
        return self._observers.listening(on_event)

    def responses(self) -> AbstractContextManager[list[ResponseInfo]]:
        """Collect status, headers and request id of the successful responses to calls made in the block.

            with session.responses() as seen:
                topic = await topics.create_topic(session, cluster_id, wanted)
            print(seen[-1].request_id)

        It covers tasks started in the block, in the order in which they end, but not calls of tasks outside of it.
        """
        return collected_responses(self._lifetime)
