"""The session: one pool of connections, one token, one rate limiter, and the life of each request."""

from __future__ import annotations

import asyncio
import inspect
import ipaddress
import os
import re
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Final, Self, TypeVar, overload
from weakref import WeakValueDictionary

import aiohttp
import attrs
from yarl import URL

from ._codec import MismatchError, NotYetError, encode, reader
from ._http import RateLimitHeaders, api_error, check_path, parse_count, parse_retry_after, read_rate_limit
from ._version import __version__
from .errors import (
    AcceptedError,
    DecodeError,
    InvalidInputError,
    NotFoundError,
    RateLimitError,
    RequestError,
    RequestTimeoutError,
    SessionStateError,
    TLSError,
    TransportError,
)
from .ratelimit import RateLimiter, WaitQueue
from .retry import RetryPolicy
from .types import Secret

__all__ = ["AsyncSession", "Token"]

T = TypeVar("T")

Token = str | Callable[[], str | Awaitable[str]]
"""An API token, or a function or coroutine function that returns one, asked before each attempt."""

_API: Final = "https://api.digitalocean.com"
_TOKEN_VARIABLES: Final = ("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN")
_NO_TOKEN_CHARACTER: Final = re.compile(r"[^\x21-\x7e]")
# The largest answers known, lists of thousands of topics, stay below a tenth of this.
_LARGEST_ANSWER: Final = 64 * 2**20


@attrs.frozen(kw_only=True)
class _Call:
    """One request, ready to be sent any number of times."""

    method: str
    path: str
    url: URL
    body: bytes | None = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes = attrs.field(repr=False)


class AsyncSession:
    """Hold the connections, the token and the quota for calls to the Managed Databases API.

    Use it as `async with AsyncSession() as session:` and pass it to the functions of the endpoint modules. Calls may
    run at the same time, by the thousand; the session sends them in order of arrival, never more than
    `max_connections` at once and never more than the rate limit allows.

    token: an API token, or a function or coroutine function that returns one (for rotation; it is asked before each
        attempt). Left out, it comes from DIGITALOCEAN_TOKEN, else from DIGITALOCEAN_ACCESS_TOKEN.
    base_url: another address of the API, such as an emulator's. Left out, it comes from DIGITALOCEAN_API_URL, else it
        is the vendor's. https only, except on loopback: the token must not travel in the clear.
    max_connections: how many requests may be on the wire at once. 100 use up a minute's quota in well under a second.
    timeout: seconds for one attempt, from the moment it has a connection slot and its turn to the last byte of the
        answer. Long, because creating a topic may block for 20 s.
    retry: what is repeated (see RetryPolicy).
    rate_limiter: give sessions that share a token the same one.
    http: an `aiohttp.ClientSession` to borrow; it is never closed here, and keeps its own proxy and TLS settings.
    trust_env: take proxies from HTTP_PROXY, HTTPS_PROXY and .netrc.
    """

    def __init__(
        self,
        token: Token | None = None,
        *,
        base_url: str | None = None,
        max_connections: int = 100,
        timeout: float = 60.0,
        retry: RetryPolicy | None = None,
        rate_limiter: RateLimiter | None = None,
        http: aiohttp.ClientSession | None = None,
        trust_env: bool = False,
    ) -> None:
        if max_connections < 1:
            raise InvalidInputError(f"max_connections must be at least 1, not {max_connections}")
        if not timeout > 0:
            raise InvalidInputError(f"timeout must be above 0 seconds, not {timeout}")
        self._token = token if callable(token) else _check_token(_default_token() if token is None else token)
        self._base = _check_base_url(base_url or os.environ.get("DIGITALOCEAN_API_URL") or _API)
        self._retry = RetryPolicy() if retry is None else retry
        self.rate_limiter: Final = RateLimiter() if rate_limiter is None else rate_limiter
        """What paces this session; ask it for `forecast(n)`, `waiting` and `in_flight`."""
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._seconds = timeout
        self._trust_env = trust_env
        self._borrowed = http
        self._http: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._max_connections = max_connections
        self._free_slots = max_connections
        self._slot_queue = WaitQueue()
        self._closing: asyncio.Future[None] | None = None
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._headers: dict[str, str] = {}
        self._headers_of: str | None = None
        self._last_headers: Mapping[str, str] = {}

    def __repr__(self) -> str:
        state = "not open" if self._closing is None else "closed" if self._closing.done() else "open"
        return f"<AsyncSession {self._base} {state}>"

    async def __aenter__(self) -> Self:
        if self._closing is not None:
            raise SessionStateError("this session has been opened before; make a new AsyncSession")
        self._loop = asyncio.get_running_loop()
        self._closing = self._loop.create_future()
        self._http = self._borrowed or aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._max_connections),
            cookie_jar=aiohttp.DummyCookieJar(),  # the edge network sets cookies that mean nothing here
            trust_env=self._trust_env,
        )
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections. Calls that still wait or are on the wire end at once, with an error."""
        if self._closing is None or self._closing.done():
            return
        self._closing.set_result(None)
        self._slot_queue.fail(self, _closed_error)
        self.rate_limiter.fail(self, _closed_error)
        if self._http is not None and self._borrowed is None:
            await self._http.close()

    @property
    def rate_limit(self) -> RateLimitHeaders:
        """What the service said of the hourly quota in its last answer that said anything."""
        return read_rate_limit(self._last_headers)

    def lock(self, name: str) -> asyncio.Lock:
        """Return the lock of that name, for writes that the service wants one at a time.

        It is gone when nobody holds it or waits for it.
        """
        return self._locks.setdefault(name, asyncio.Lock())

    @overload
    async def request(
        self,
        method: str,
        path: str,
        into: None = None,
        *,
        key: None = None,
        body: object = None,
        params: Mapping[str, str | int] | None = None,
    ) -> None: ...
    @overload
    async def request(
        self,
        method: str,
        path: str,
        into: type[T],
        *,
        key: str | None = None,
        body: object = None,
        params: Mapping[str, str | int] | None = None,
    ) -> T: ...
    async def request(
        self,
        method: str,
        path: str,
        into: type[T] | None = None,
        *,
        key: str | None = None,
        body: object = None,
        params: Mapping[str, str | int] | None = None,
    ) -> T | None:
        """Send one request, wait for its turn, repeat it if that is safe, and return the answer as an `into`.

        The functions of the endpoint modules are made of this; use it for what they lack. `path` starts at `/v2` and
        is percent-encoded already; `key` is the envelope around the object, which may also be missing. Without `into`,
        the body of the answer is not looked at and None is returned. `body` is an attrs object or plain data.

        Raise APIError for any status but 2xx, TransportError if no answer came, DecodeError if it does not fit,
        AcceptedError if the result does not show yet, SessionStateError if the session is not open here.
        """
        return await self.run(method, path, _ignore if into is None else reader(into, key), body=body, params=params)

    async def run(
        self,
        method: str,
        path: str,
        read: Callable[[bytes], T],
        *,
        body: object = None,
        params: Mapping[str, str | int] | None = None,
    ) -> T:
        """Do what `request` does, with a reader for the body of the answer."""
        url = URL(self._base + check_path(path), encoded=True)
        call = _Call(
            method=method,
            path=path,
            url=url.with_query(params) if params else url,
            body=None if body is None else encode(body),
        )
        answer = await self._perform(call)
        try:
            return read(answer.body)
        except MismatchError as error:
            problem: type[RequestError] = DecodeError
            reason = f"{answer.status}, but the answer does not fit: {error}"
        except NotYetError as error:
            problem, reason = AcceptedError, f"{answer.status}, accepted, but nothing to show yet: {error}"
        raise problem(reason, method=method, path=path, request_id=answer.headers.get("x-request-id"))

    async def _perform(self, call: _Call) -> _Answer:
        if self._closing is None:
            raise SessionStateError("the session is not open; use `async with AsyncSession() as session:`")
        if self._closing.done():
            raise _closed_error()
        if asyncio.get_running_loop() is not self._loop:
            raise SessionStateError("the session was opened in another event loop; open one in each")
        outcome = await self._attempt(call)
        return outcome if isinstance(outcome, _Answer) else await self._repeat(call, outcome)

    async def _repeat(self, call: _Call, error: RequestError) -> _Answer:
        failures = refusals = 0
        unknown = False
        waits = self._retry.waits()
        while True:
            refused = isinstance(error, RateLimitError)
            refusals, failures = refusals + refused, failures + (not refused)
            unknown = unknown or error.outcome_unknown
            if self._is_closed() or not self._retry.retries(error, failures=failures, refusals=refusals):
                error.attempts, error.outcome_unknown = failures + refusals, unknown
                raise error
            if not refused:  # the rate limiter paces the others
                await self._sleep(self._retry.wait(next(waits), error))
            outcome = await self._attempt(call)
            if isinstance(outcome, _Answer):
                return outcome
            if unknown and call.method == "DELETE" and isinstance(outcome, NotFoundError):
                return _Answer(status=204, headers={}, body=b"")  # the earlier attempt did it
            error = outcome

    async def _sleep(self, seconds: float) -> None:
        """Sleep, but no longer than the session is open."""
        if self._closing is not None:
            await asyncio.wait({self._closing}, timeout=seconds)
        if self._is_closed():
            raise _closed_error()

    def _is_closed(self) -> bool:
        return self._closing is None or self._closing.done()

    async def _attempt(self, call: _Call) -> _Answer | RequestError:
        headers = await self._make_headers(call.body is not None)
        await self._take_slot()
        try:
            await self.rate_limiter.acquire(self)
            counted = True
            try:
                answer = await self._send(call, headers)
                counted = self._learn(answer)
            finally:
                self.rate_limiter.release(counted=counted)
        finally:
            self._free_slot()
        if isinstance(answer, _Answer) and not 200 <= answer.status < 300:
            return api_error(answer.status, answer.headers, answer.body, method=call.method, path=call.path)
        return answer

    async def _take_slot(self) -> None:
        if self._free_slots:
            self._free_slots -= 1
        else:
            await self._slot_queue.wait(self, self._free_slot)

    def _free_slot(self) -> None:
        if not self._slot_queue.wake():
            self._free_slots += 1

    async def _make_headers(self, has_body: bool) -> Mapping[str, str]:
        token = self._token
        if callable(token):
            answer = token()
            token = _check_token(await answer if inspect.isawaitable(answer) else answer)
        if token != self._headers_of:
            self._headers = {
                "Authorization": Secret(f"Bearer {token}"),
                "Accept": "application/json",
                "User-Agent": _AGENT,
            }
            self._headers_of = token
        return {**self._headers, "Content-Type": "application/json"} if has_body else self._headers

    async def _send(self, call: _Call, headers: Mapping[str, str]) -> _Answer | RequestError:
        """Put one request on the wire and read the whole answer."""
        if self._http is None or self._http.closed:
            raise _closed_error()
        try:
            async with self._http.request(
                call.method,
                call.url,
                data=call.body,
                headers=headers,
                allow_redirects=False,  # the token must not follow
                timeout=self._timeout,
                middlewares=_ONCE,
            ) as response:
                body = await _read_body(response)
                return _Answer(status=response.status, headers=response.headers, body=body)
        except _TooLargeError as error:
            return DecodeError(str(error), method=call.method, path=call.path)
        except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
            failure = error.with_traceback(None)  # its frames hold the token and the body
        return _transport_error(call, failure, self._seconds)

    def _learn(self, answer: _Answer | RequestError) -> bool:
        """Tell the rate limiter what became of a request; return whether the service counts it."""
        if not isinstance(answer, _Answer):
            return not isinstance(answer, TransportError) or answer.sent
        headers = answer.headers
        remaining = parse_count(headers.get("ratelimit-remaining"))
        if remaining is not None:
            self._last_headers = headers
        if answer.status == 429:
            now, reset = time.time(), read_rate_limit(headers).reset
            retry_after = parse_retry_after(headers.get("retry-after"), now)
            self.rate_limiter.refused(retry_after, None if reset is None else reset - now)
            return False
        self.rate_limiter.succeeded(remaining)
        return True


class _TooLargeError(Exception):
    """The answer is larger than any that is known."""


class _BrokenError(aiohttp.ClientError):
    """The connection broke after the request may have left."""


async def _send_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from silently sending a request again: a repetition has to pass the rate limiter, too."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _BrokenError(str(error) or type(error).__name__) from None


def _ignore(_: bytes) -> None:
    """Read nothing."""


_ONCE: Final = (_send_once,)
_AGENT: Final = f"asyncdbaas/{__version__} aiohttp/{aiohttp.__version__} Python/{sys.version.split()[0]}"


async def _read_body(response: aiohttp.ClientResponse) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > _LARGEST_ANSWER:
            response.close()
            raise _TooLargeError(
                f"the answer is larger than {_LARGEST_ANSWER >> 20} MiB, so it was not read to its end"
            )
        chunks.append(chunk)
    return b"".join(chunks)


def _transport_error(call: _Call, failure: BaseException, timeout: float) -> TransportError:
    sent = not isinstance(failure, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL))
    kind: type[TransportError] = TransportError
    reason = f"no usable answer ({type(failure).__name__}: {failure})"
    if isinstance(failure, TimeoutError):
        kind, reason = RequestTimeoutError, f"no complete answer within {timeout:g} s"
    elif isinstance(failure, aiohttp.ClientSSLError):
        kind, reason = TLSError, f"TLS failed: {failure}"
    elif not sent:
        reason = f"could not connect: {failure}"
    unknown = sent and call.method not in ("GET", "HEAD")
    error = kind(reason, sent=sent, method=call.method, path=call.path, outcome_unknown=unknown)
    error.__cause__ = failure
    return error


def _closed_error() -> SessionStateError:
    return SessionStateError("the session is closed; make the calls inside its `async with` block")


def _default_token() -> str:
    for name in _TOKEN_VARIABLES:
        if token := os.environ.get(name):
            return token
    raise InvalidInputError(f"no token: pass token=..., or set {_TOKEN_VARIABLES[0]}")


def _check_token(token: object) -> Secret:
    if not isinstance(token, str):
        raise InvalidInputError(f"the token must be a string, not {type(token).__name__}")
    if not token:
        raise InvalidInputError("the token is empty")
    if found := _NO_TOKEN_CHARACTER.search(token):
        where = f"at position {found.start()} of {len(token)}"
        raise InvalidInputError(f"the token holds {found.group()!r} {where}; was it read with its line end?")
    return Secret(token)


def _check_base_url(base_url: str) -> str:
    url = URL(base_url)
    if url.scheme not in ("http", "https") or not url.host:
        raise InvalidInputError(f"base_url must be an http(s) address, not {base_url!r}")
    if url.user or url.password or url.query_string or url.fragment:
        raise InvalidInputError("base_url must not hold a user, a password, a query or a fragment")
    if url.scheme == "http" and not _is_loopback(url.host):
        raise InvalidInputError(f"base_url must use https, or the token travels in the clear: {base_url!r}")
    return str(url).rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
