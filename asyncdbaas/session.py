"""The session: one pool of connections, one token, one rate limiter, and the life of each request."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from itertools import count
from math import isinf
from types import TracebackType
from typing import Any, Final, Self, TypeVar, overload
from weakref import WeakValueDictionary

import aiohttp
import attrs
from multidict import CIMultiDict
from yarl import URL

from asyncdbaas import hooks
from asyncdbaas._core.codec import encode
from asyncdbaas._core.deadlines import Deadlines
from asyncdbaas._core.decoding import IGNORE, LARGE, MismatchError, NotYetError, Reader, reader
from asyncdbaas._core.deletions import Deletions
from asyncdbaas._core.http import (
    METHODS,
    RateLimitHeaders,
    api_error,
    check_base_url,
    check_params,
    check_path,
    check_token,
    parse_count,
    parse_retry_after,
    read_rate_limit,
)
from asyncdbaas._core.passwords import Passwords
from asyncdbaas._core.slices import read_in_slices
from asyncdbaas._core.transport import UnsolicitedResponseError, close_within, environment_proxy, request_class
from asyncdbaas._version import __version__
from asyncdbaas.errors import (
    AcceptedError,
    DecodeError,
    InvalidInputError,
    NotFoundError,
    QuotaWaitError,
    RateLimitError,
    RequestError,
    RequestTimeoutError,
    SessionStateError,
    TLSError,
    TokenError,
    TransportError,
)
from asyncdbaas.ratelimit import RateLimiter, current_priority
from asyncdbaas.ratelimit.queue import WaitQueue
from asyncdbaas.retry import RetryPolicy
from asyncdbaas.types import Hidden, Secret, SecretBytes

__all__ = ["AsyncSession", "Token"]

T = TypeVar("T")

Token = str | Callable[[], str | Awaitable[str]]
"""An API token, or a function or coroutine function that returns one, asked before each attempt."""

_API: Final = "https://api.digitalocean.com"
_TOKEN_VARIABLES: Final = ("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN")
_HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "User-Agent": f"asyncdbaas/{__version__} aiohttp/{aiohttp.__version__} Python/{sys.version.split()[0]}",
}
# The largest answers known, lists of thousands of topics, stay below a tenth of this.
_LARGEST_ANSWER: Final = 64 * 2**20
# Of an error, only the beginning is looked at.
_LARGEST_ERROR: Final = 64 * 2**10
# Longer than a TLS handshake over a slow line takes; until it is done, nothing was sent.
_CONNECT_SECONDS: Final = 30.0
# What a peer gets to take what has been written to it.
_CLOSE_SECONDS: Final = 1.0

_log: Final = logging.getLogger("asyncdbaas")


@attrs.define
class _Call:
    """One request, ready to be sent any number of times."""

    number: int
    method: str
    path: str
    url: URL
    body: bytes | None = attrs.field(repr=False)
    observed: bool
    began: float
    waited: float = 0.0
    attempts: int = 0


@attrs.define
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes = attrs.field(repr=False)

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


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
    max_wait: seconds that a call may wait for a connection slot and the rate limit before it fails with QuotaWaitError,
        unsent. Left out, it waits as long as it takes, up to an hour.
    timeout: seconds for one attempt, from the moment it has a connection slot and its turn to the last byte of the
        answer. Long, because creating a topic may block for 20 s.
    retry: what is repeated (see RetryPolicy).
    rate_limiter: give sessions that share a token the same one; `SharedRateLimiter` is one for many processes.
    http: an `aiohttp.ClientSession` to borrow; it is never closed here, and keeps its own proxy and TLS settings.
    trust_env: take the proxy from HTTP_PROXY or HTTPS_PROXY, with its user and password, unless NO_PROXY forbids it.
    on_event: called with what happens to each call (see `asyncdbaas.hooks`).
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
        trust_env: bool = False,
        on_event: Callable[[hooks.CallEvent], object] | None = None,
    ) -> None:
        token = Secret(token) if isinstance(token, str) else token  # before anything can raise and show it
        self._base = ""  # repr works from here on: a traceback with locals shows a session that could not be made, too
        self._closing: asyncio.Future[None] | None = None
        _check_numbers(max_connections, timeout, max_wait)
        self._token = token if callable(token) else check_token(_default_token() if token is None else token)
        default = os.environ.get("DIGITALOCEAN_API_URL") or _API
        self._base = check_base_url(default if base_url is None else base_url)
        self._retry = RetryPolicy() if retry is None else retry
        self.rate_limiter: Final = RateLimiter() if rate_limiter is None else rate_limiter
        """What paces this session; ask it for `forecast(n)`, `waiting` and `in_flight`."""
        self._timeout, self._max_wait = timeout, max_wait
        self._trust_env = trust_env
        self._listeners: tuple[Callable[[hooks.CallEvent], object], ...] = () if on_event is None else (on_event,)
        self._borrowed = http
        self._http: aiohttp.ClientSession | None = None
        self._proxy_headers: dict[str, str] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._max_connections = self._free_slots = max_connections
        # Bulk calls hold their slots while they wait for the quota, where interactive ones must be able to go first.
        self._spare_slots = min(max_connections - 1, max(1, max_connections // 10))
        self._slot_queue = WaitQueue()
        self._headers: tuple[CIMultiDict[str], CIMultiDict[str]] = CIMultiDict(), CIMultiDict()
        self._headers_of: Secret | None = None
        self._last_headers: Mapping[str, str] = {}
        self._numbers, self.deletions, self.passwords = count(1), Deletions(), Passwords()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def __repr__(self) -> str:
        state = "not open" if self._closing is None else "closed" if self._closing.done() else "open"
        return f"<AsyncSession {self._base} {state}>"

    async def __aenter__(self) -> Self:
        if self._closing is not None:
            raise SessionStateError("this session has been opened before; make a new AsyncSession")
        proxy = None
        if self._trust_env and self._borrowed is None:
            proxy, self._proxy_headers = environment_proxy(self._base)
        self._loop = asyncio.get_running_loop()
        self._deadlines = Deadlines(self._timeout, self._loop)
        self.rate_limiter.attach(self, self._token if isinstance(self._token, Secret) else None)
        self._closing = self._loop.create_future()
        self._http = self._borrowed or aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._max_connections),
            cookie_jar=aiohttp.DummyCookieJar(),  # the edge network sets cookies that mean nothing here
            request_class=request_class(),
            proxy=proxy,
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
        self._deadlines.expire_all()
        try:
            if self._http is not None and self._borrowed is None:
                await close_within(_CLOSE_SECONDS, self._http)
        finally:
            await self.rate_limiter.detach(self)

    @property
    def rate_limit(self) -> RateLimitHeaders:
        """What the service said of the hourly quota in its last answer that said anything."""
        return read_rate_limit(self._last_headers)

    @overload
    def request(
        self,
        method: str,
        path: str,
        into: None = None,
        *,
        key: None = None,
        body: object = None,
        params: Mapping[str, str | int] | None = None,
    ) -> Coroutine[Any, Any, None]: ...
    @overload
    def request(
        self,
        method: str,
        path: str,
        into: type[T],
        *,
        key: str | None = None,
        body: object = None,
        params: Mapping[str, str | int] | None = None,
    ) -> Coroutine[Any, Any, T]: ...
    def request(
        self,
        method: str,
        path: str,
        into: type[T] | None = None,
        *,
        key: str | None = None,
        body: object = None,
        params: Mapping[str, str | int] | None = None,
    ) -> Coroutine[Any, Any, T | None]:
        """Send one request, wait for its turn, repeat it if that is safe, and return the answer as an `into`.

        The functions of the endpoint modules are made of this; use it for what they lack. `method` is in capitals.
        `path` starts at `/v2` and is percent-encoded already; `key` is the envelope around the object, which may also
        be missing. Without `into`, the body of the answer is not looked at and None is returned. `body` is an attrs
        object or plain data.

        Raise APIError for any status but 2xx, TransportError if no answer came, DecodeError if it does not fit,
        AcceptedError if the result does not show yet, SessionStateError if the session is not open here.
        """
        body = Hidden(body)  # plain data may hold a password, which a traceback with locals must not show
        read: Reader[Any] = IGNORE if into is None else reader(into, key)
        return self.run(method, path, read, body=body, params=params)

    async def run(
        self,
        method: str,
        path: str,
        read: Reader[T],
        *,
        body: Hidden | None = None,
        params: Mapping[str, str | int] | None = None,
    ) -> T:
        """Do what `request` does, with a reader for the body of the answer."""
        call = self._prepare(method, path, body, params)
        del body  # it has been encoded; thousands may wait below
        if call.observed:
            return await self._observe(call, read)
        outcome = await self._attempt(call)
        answer = outcome if isinstance(outcome, _Answer) else await self._repeat(call, outcome)
        return await self._read(call, answer, read)

    def lock(self, name: str) -> asyncio.Lock:
        """Return the lock of that name, for writes that the service wants one at a time.

        It lives as long as somebody holds it or waits for it. Nothing that a call under it does lacks a deadline, and
        a caller that is cancelled while it waits leaves the others in line.
        """
        return self._locks.setdefault(name, asyncio.Lock())

    @contextmanager
    def listening(self, on_event: Callable[[hooks.CallEvent], object]) -> Generator[None, None, None]:
        """Call a function with what happens to each call made while the block runs, beside `on_event`."""
        self._listeners = (*self._listeners, on_event)
        try:
            yield
        finally:
            self._listeners = tuple(listener for listener in self._listeners if listener is not on_event)

    def _prepare(self, method: str, path: str, body: Hidden | None, params: Mapping[str, str | int] | None) -> _Call:
        self._check_open()
        if method not in METHODS:
            raise InvalidInputError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
        url = _url(self._base, path)
        return _Call(
            next(self._numbers),
            method,
            path,
            url.with_query(check_params(params)) if params else url,
            None if body is None or body.value is None else SecretBytes(encode(body.value)),
            bool(self._listeners) or _log.isEnabledFor(logging.INFO),
            time.monotonic(),
        )

    def _check_open(self) -> None:
        if self._closing is None:
            raise SessionStateError("the session is not open; use `async with AsyncSession() as session:`")
        if self._closing.done():
            raise _closed_error()
        if asyncio.get_running_loop() is not self._loop:
            raise SessionStateError("the session was opened in another event loop; open one in each")

    async def _repeat(self, call: _Call, error: RequestError) -> _Answer:
        """Send a request that has failed again, as often as the retry policy says."""
        unknown, refusals = error.outcome_unknown, 0
        waits = self._retry.waits()
        while True:
            refused = isinstance(error, RateLimitError)
            refusals += refused
            if self._is_closed() or not self._retry.retries(
                error, failures=call.attempts - refusals, refusals=refusals
            ):
                error.attempts, error.outcome_unknown = call.attempts, unknown
                raise error
            # The rate limiter paces those that it refused.
            await self._back_off(call, 0.0 if refused else self._retry.wait(next(waits), error), error)
            try:
                outcome = await self._attempt(call)
            except Exception as failure:  # whatever it is, only the earlier error tells the outcome
                error.attempts, error.outcome_unknown = call.attempts, unknown
                raise error from failure
            if isinstance(outcome, _Answer):
                return outcome
            if unknown and call.method == "DELETE" and isinstance(outcome, NotFoundError):
                return _Answer(204, {}, b"")  # an earlier attempt did it
            error, unknown = outcome, unknown or outcome.outcome_unknown

    async def _back_off(self, call: _Call, seconds: float, error: RequestError) -> None:
        """Sleep, but no longer than the session is open."""
        if call.observed:
            self._tell(hooks.RetryScheduled, call, attempt=call.attempts, delay=seconds, error=error)
        if seconds > 0 and self._closing is not None:
            await asyncio.wait({self._closing}, timeout=seconds)

    def _is_closed(self) -> bool:
        return self._closing is None or self._closing.done()

    async def _attempt(self, call: _Call) -> _Answer | RequestError:
        """Wait for a connection slot and for the rate limit, send once, and return what came of it."""
        queued = time.monotonic() if call.observed else 0.0
        if self._max_wait is None:
            await self._enter(call)
        elif refusal := await self._enter_within(self._max_wait, call):
            return refusal
        call.attempts += 1
        counted = False
        try:
            token = self._token if isinstance(self._token, Secret) else await self._ask(self._token, call)
            if isinstance(token, TransportError):
                return token
            counted = True
            sent_at = self._note_start(call, queued) if call.observed else 0.0
            answer = await self._send(call, token)
            counted = self._learn(answer)
        finally:
            self.rate_limiter.release(counted=counted)
            self._free_slot()
        outcome = _judge(call, answer)
        if call.observed:
            self._note_end(call, sent_at, answer, outcome)
        return outcome

    async def _enter(self, call: _Call) -> None:
        """Take a connection slot and a turn of the rate limiter."""
        if self._free_slots > (0 if current_priority() == "interactive" else self._spare_slots):
            self._free_slots -= 1
        else:
            await self._slot_queue.wait(self._slot_queue.join(self), self._free_slot)
        limiter = self.rate_limiter
        try:
            if self._is_closed():
                raise _closed_error()
            if call.observed and (delay := limiter.delay()) > 0:
                self._tell(hooks.QuotaWait, call, seconds=delay, waiting=limiter.waiting)
            await limiter.acquire(self)
        except BaseException:
            self._free_slot()
            raise

    async def _enter_within(self, seconds: float, call: _Call) -> QuotaWaitError | None:
        """Do what `_enter` does, or return an error if that would take longer than a call may wait."""
        deadline = asyncio.timeout(seconds)
        try:
            # An infinite delay ends with the answer to a request under way, which may come at once.
            if (delay := self.rate_limiter.delay()) <= seconds or isinf(delay):
                async with deadline:
                    await self._enter(call)
                    return None
        except TimeoutError:
            if not deadline.expired():
                raise
        return QuotaWaitError(
            f"not sent: the quota is used up, and a call may wait for it {seconds:g} s at most",
            status=429,
            retry_after=self.rate_limiter.forecast(1),
            method=call.method,
            path=call.path,
        )

    def _free_slot(self) -> None:
        if not self._slot_queue.wake(bulk=self._free_slots >= self._spare_slots):
            self._free_slots += 1

    async def _ask(self, provider: Callable[[], str | Awaitable[str]], call: _Call) -> Secret | TransportError:
        """Ask for the token, only now that the request may leave: one that queues must not send an old token."""
        if self._is_closed():  # its turn came as the session closed, which has ended all deadlines
            raise _closed_error()
        deadline = self._deadlines.start()
        try:
            with deadline:
                answer: object = provider()
                if inspect.isawaitable(answer):
                    answer = await answer
                answer = Secret(answer) if isinstance(answer, str) else answer
        except TimeoutError:
            if not deadline.passed:
                raise
            if self._is_closed():
                raise _closed_error() from None
            reason = f"the token function did not answer within {self._timeout:g} s"
            return RequestTimeoutError(reason, sent=False, method=call.method, path=call.path)
        return check_token(answer)

    async def _send(self, call: _Call, token: Secret) -> _Answer | RequestError:
        """Put one request on the wire and read the whole answer."""
        http = self._http
        if http is None or http.closed or self._is_closed():
            raise _closed_error()
        try:
            with self._deadlines.start():
                # Not `async with`: an answer read to its end has given its connection back, and leaving the block
                # would take 3 % of a call.
                response = await http.request(
                    call.method,
                    call.url,
                    data=call.body,
                    headers=self._headers_for(token, has_body=call.body is not None),
                    allow_redirects=False,  # the token must not follow
                    timeout=_WIRE_TIMEOUT,
                    proxy_headers=self._proxy_headers,
                    # aiohttp never resends a POST by itself, and a middleware costs 2 % of a call.
                    middlewares=() if call.method == "POST" else _ONCE,
                )
                try:
                    content = response.content
                    # A short answer comes in one piece with its headers.
                    body = content.read_nowait() if content.is_eof() else await _read_body(response)
                    return _Answer(response.status, response.headers, body)
                except BaseException:
                    response.close()
                    raise
        except _TooLargeError as error:
            return DecodeError(str(error), method=call.method, path=call.path)
        except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
            return self._transport_error(call, error)

    def _headers_for(self, token: Secret, *, has_body: bool) -> CIMultiDict[str]:
        if token != self._headers_of:
            bare = {"Authorization": Secret(f"Bearer {token}"), **_HEADERS}
            if self._base.startswith("http:"):
                bare |= self._proxy_headers or {}  # without TLS, the proxy reads them here, and takes them out
            self._headers = CIMultiDict(bare), CIMultiDict({**bare, "Content-Type": "application/json"})
            self._headers_of = token
        return self._headers[has_body]

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
            self.rate_limiter.refused(
                retry_after, None if reset is None else reset - now, max_pause=self._retry.max_retry_after
            )
            return False
        self.rate_limiter.succeeded(remaining)
        return True

    def _transport_error(self, call: _Call, failure: BaseException) -> TransportError:
        sent = not isinstance(failure, _UNSENT)
        kind: type[TransportError] = TransportError
        reason = f"no usable answer ({type(failure).__name__.lstrip('_')}: {failure})"
        if self._is_closed():
            reason = "the session was closed before the answer came"
        elif isinstance(failure, aiohttp.ClientSSLError):
            kind, reason = TLSError, f"TLS failed: {failure}"
        elif isinstance(failure, aiohttp.ClientHttpProxyError):
            reason = f"could not connect: the proxy answered {failure.status} ({failure.message})"
        elif not sent:
            reason = f"could not connect: {failure}"
        elif isinstance(failure, TimeoutError):
            kind, reason = RequestTimeoutError, f"no complete answer within {self._timeout:g} s"
        unknown = sent and call.method not in ("GET", "HEAD")
        error = kind(reason, sent=sent, method=call.method, path=call.path, outcome_unknown=unknown)
        # The cause tells what aiohttp saw. The frames and the errors behind it hold the token and the body.
        failure.__cause__ = failure.__context__ = None
        error.__cause__ = failure.with_traceback(None)
        return error

    async def _read(self, call: _Call, answer: _Answer, read: Reader[T]) -> T:
        """Read the body of a success, and tell of optional values in it that could not be read."""
        notes: list[str] = []
        try:
            if len(answer.body) <= LARGE:
                value = read(answer.body, notes)
            else:
                value = await read_in_slices(read, answer.body, notes, self._timeout)
        except MismatchError as error:
            problem: type[RequestError] = DecodeError
            reason = f"{answer.status}, but the answer does not fit: {error}"
        except NotYetError as error:
            problem, reason = AcceptedError, f"{answer.status}, accepted, but nothing to show yet: {error}"
        else:
            if notes:
                self._tell(hooks.UnreadableValues, call, places=tuple(notes))
            return value
        request_id = answer.headers.get("x-request-id")
        raise problem(reason, method=call.method, path=call.path, attempts=call.attempts, request_id=request_id)

    async def _observe(self, call: _Call, read: Reader[T]) -> T:
        self._tell(hooks.CallStarted, call, url=str(call.url))
        error: BaseException | None = None
        try:
            outcome = await self._attempt(call)
            answer = outcome if isinstance(outcome, _Answer) else await self._repeat(call, outcome)
            return await self._read(call, answer, read)
        except BaseException as raised:
            error = raised
            raise
        finally:
            seconds = time.monotonic() - call.began
            self._tell(hooks.CallEnded, call, attempts=call.attempts, seconds=seconds, waited=call.waited, error=error)

    def _note_start(self, call: _Call, queued: float) -> float:
        now = time.monotonic()
        call.waited += now - queued
        self._tell(hooks.AttemptStarted, call, attempt=call.attempts, waited=now - queued)
        return now

    def _note_end(
        self, call: _Call, sent_at: float, answer: _Answer | RequestError, outcome: _Answer | RequestError
    ) -> None:
        self._tell(
            hooks.AttemptEnded,
            call,
            attempt=call.attempts,
            seconds=time.monotonic() - sent_at,
            status=answer.status if isinstance(answer, _Answer) else None,
            error=outcome if isinstance(outcome, RequestError) else None,
        )

    def _tell(self, kind: Callable[..., hooks.CallEvent], call: _Call, **details: Any) -> None:
        event = kind(call=call.number, method=call.method, path=call.path, **details)
        hooks.log(_log, event)
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:  # noqa: BLE001 -- a broken progress bar must not make a write look failed
                _log.exception("the listener %r failed on %s", listener, kind)


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


_ONCE: Final = (_send_once,)
# Failures before the first byte of a request has left.
_UNSENT: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
    UnsolicitedResponseError,
)
# The deadline of an attempt is the session's own, so that closing the session can bring it forward.
_WIRE_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS)


@lru_cache(maxsize=1024)  # bulk creation sends to one address again and again
def _url(base: str, path: str) -> URL:
    return URL(base + check_path(path), encoded=True)


async def _read_body(response: aiohttp.ClientResponse) -> bytes:
    is_success = 200 <= response.status < 300
    limit = _LARGEST_ANSWER if is_success else _LARGEST_ERROR
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            response.close()
            if not is_success:
                break
            raise _TooLargeError(f"the answer is larger than {limit >> 20} MiB, so it was not read to its end")
    return b"".join(chunks)


def _judge(call: _Call, answer: _Answer | RequestError) -> _Answer | RequestError:
    if isinstance(answer, RequestError) or answer.is_success:
        return answer
    return api_error(answer.status, answer.headers, answer.body, method=call.method, path=call.path)


def _closed_error() -> SessionStateError:
    return SessionStateError("the session is closed; make the calls inside its `async with` block")


def _check_numbers(max_connections: int, timeout: float, max_wait: float | None) -> None:
    if max_connections < 1:
        raise InvalidInputError(f"max_connections must be at least 1, not {max_connections}")
    if not timeout > 0:
        raise InvalidInputError(f"timeout must be above 0 seconds, not {timeout}")
    if max_wait is not None and not max_wait >= 0:
        raise InvalidInputError(f"max_wait must not be below 0 seconds, as {max_wait} is")


def _default_token() -> Secret:
    for name in _TOKEN_VARIABLES:
        if token := os.environ.get(name):
            return Secret(token)
    raise TokenError(f"no token: pass token=..., or set {_TOKEN_VARIABLES[0]}")
