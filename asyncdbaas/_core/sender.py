"""Make a call: prepare it, attempt it, send it again as the retry policy says, and decode the response."""

from __future__ import annotations

import time
from functools import lru_cache, partial
from typing import Any, TypeVar

from yarl import URL

from asyncdbaas import hooks
from asyncdbaas._checks import kind_of
from asyncdbaas._core.admission import Admission
from asyncdbaas._core.call import Call, Options, Params, Response, collect_response
from asyncdbaas._core.coalescing import Reads
from asyncdbaas._core.codec import encode
from asyncdbaas._core.credentials import Credentials
from asyncdbaas._core.decoding import LARGE, NOTHING, MismatchError, NotYetError, Reader
from asyncdbaas._core.http import METHODS, api_error, check_params, check_path, read_request_id
from asyncdbaas._core.lifetime import Lifetime
from asyncdbaas._core.observers import Observers
from asyncdbaas._core.slices import read_in_slices
from asyncdbaas._core.transport import NotAdmittedError, Transport
from asyncdbaas.errors import AcceptedError, DecodeError, InvalidInputError, NotFoundError, RateLimitError, RequestError
from asyncdbaas.ratelimit import priority
from asyncdbaas.types import Hidden, SecretBytes

T = TypeVar("T")


class Sender:
    """Make calls. No connection slot and no permit is held between two attempts of a call."""

    def __init__(
        self,
        lifetime: Lifetime,
        admission: Admission,
        credentials: Credentials,
        transport: Transport,
        observers: Observers,
    ) -> None:
        self._lifetime = lifetime
        self._admission = admission
        self._credentials = credentials
        self._transport = transport
        self._observers = observers
        self._reads = Reads(admission, observers)

    async def call(
        self, options: Options, method: str, path: str, read: Reader[T] | None, *, body: Hidden, params: Params
    ) -> T | None:
        """Make a call; return what `read` makes of the body of the response."""
        call = self._prepare(options, method, path, body, params)
        del body  # it has been encoded, and thousands of calls may wait below
        if call.observed:
            self._observers.started(call)
        try:
            send = partial(self._reads.send, self._send) if method == "GET" and options.coalesce_reads else self._send
            if options.priority is None:
                response = await send(call)
            else:
                with priority(options.priority):
                    response = await send(call)
            result = await self._read(call, response, read)
        except BaseException as error:
            if call.observed:
                self._observers.ended(call, error)
            raise
        if call.observed:
            self._observers.ended(call, None)
        collect_response(self._lifetime, call, response)
        return result

    def _prepare(self, options: Options, method: str, path: str, body: Hidden, params: Params) -> Call:
        self._lifetime.check()
        try:
            url = _url(self._transport.base, method, path)
        except TypeError:  # something that cannot be hashed
            raise InvalidInputError(
                f"method and path must be strings, not {kind_of(method)} and {kind_of(path)}"
            ) from None
        return Call(
            method,
            path,
            url.with_query(check_params(params)) if params else url,
            None if body.value is None else SecretBytes(encode(body.value)),
            options,
            self._observers.active,
            next(self._observers.numbers),
            time.monotonic(),
        )

    async def _send(self, call: Call) -> Response:
        """Send a call until it succeeds, or raise the error that ends it."""
        # Inlined, not a helper coroutine: thousands of calls may wait here for their admission.
        outcome = await self._admission.enter(call) or await self._attempt(call)
        return outcome if isinstance(outcome, Response) else await self._repeat(call, outcome)

    async def _read(self, call: Call, response: Response, wanted: Reader[T] | None) -> T | None:
        """Decode the body of a successful response, and report optional values in it that could not be read."""
        if wanted is None and not response.body:
            return None
        read: Reader[Any] = NOTHING if wanted is None else wanted
        notes: list[str] = []
        try:
            if len(response.body) <= LARGE:
                value: T | None = read(response.body, notes)
            else:
                value = await read_in_slices(read, response.body, notes, call.options.timeout)
        except MismatchError as error:
            kind: type[RequestError] = DecodeError
            reason = f"{response.status}, but the response does not fit: {error}"
        except NotYetError as error:
            kind, reason = AcceptedError, f"{response.status}, accepted, but there is no result yet: {error}"
        else:
            if notes and call.observed:
                self._observers.emit(hooks.UnreadableValues, call, places=tuple(notes))
            return value
        request_id = read_request_id(response.headers)
        failure = kind(reason, method=call.method, path=call.path, attempts=call.attempts, request_id=request_id)
        self._credentials.hide_in(failure, call)
        raise failure

    async def _repeat(self, call: Call, error: RequestError) -> Response:
        """Retry a failed call."""
        policy = call.options.retry
        unknown, refusals = error.outcome_unknown, 0
        waits = policy.waits()
        while True:
            refused = isinstance(error, (RateLimitError, NotAdmittedError))
            refusals += refused
            failures = call.attempts - refusals
            if not self._lifetime.is_open or not policy.retries(error, failures=failures, refusals=refusals):
                error.attempts, error.outcome_unknown = call.attempts, unknown
                raise error
            # The rate limiter itself delays calls that were refused.
            delay = 0.0 if refused else policy.wait(next(waits), error)
            if call.observed:
                self._observers.emit(hooks.RetryScheduled, call, attempt=call.attempts, delay=delay, error=error)
            await self._lifetime.sleep(delay)
            try:
                outcome = await self._admission.enter(call) or await self._attempt(call)
            except Exception as failure:  # whatever stopped this attempt, the earlier error knows the outcome
                error.attempts, error.outcome_unknown = call.attempts, unknown
                raise error from failure
            if isinstance(outcome, Response):
                return outcome
            if unknown and call.method == "DELETE" and isinstance(outcome, NotFoundError):
                return Response(204, {}, b"")  # an earlier attempt deleted it
            error, unknown = outcome, unknown or outcome.outcome_unknown

    async def _attempt(self, call: Call) -> Response | RequestError:
        """Send an admitted call once, and return its response or error."""
        if call.on_admission is not None:
            call.on_admission()
            call.on_admission = None
        call.attempts += 1
        counted = False
        try:
            token = self._credentials.token or await self._credentials.ask(call)
            if isinstance(token, RequestError):
                return token
            counted = True
            sent_at = time.monotonic()
            if call.observed:
                waited = sent_at - call.queued
                self._observers.emit(hooks.AttemptStarted, call, attempt=call.attempts, waited=waited)
            call.headers = self._credentials.headers(token, call)
            response = await self._transport.send(call)
            counted = self._admission.learn(call, response)
        finally:
            self._admission.leave(counted=counted)
        succeeded = isinstance(response, Response) and response.is_success
        outcome = response if succeeded else self._error(call, response)
        if call.observed:
            self._observers.attempt_ended(call, sent_at, response, outcome, self._request_id(call, outcome))
        return outcome

    def _request_id(self, call: Call, outcome: Response | RequestError) -> str | None:
        if isinstance(outcome, RequestError):
            return outcome.request_id
        return self._credentials.hide(read_request_id(outcome.headers) or "", call) or None

    def _error(self, call: Call, response: Response | RequestError) -> RequestError:
        """Return the error of a response other than a success."""
        if isinstance(response, RequestError):
            return response
        body = self._credentials.hide(response.body.decode("utf-8", "replace"), call).encode()
        headers = self._credentials.hide_in_headers(response.headers, call)
        error = api_error(response.status, headers, body, method=call.method, path=call.path)
        self._credentials.hide_in(error, call)
        return error


@lru_cache(maxsize=1024)  # bulk creation sends to one address again and again
def _url(base: str, method: str, path: str) -> URL:
    if method not in METHODS:
        raise InvalidInputError(f"method must be one of {', '.join(METHODS)}")
    return URL(base + check_path(path), encoded=True)
