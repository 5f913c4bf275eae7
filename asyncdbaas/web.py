"""What a web application needs beside a session: errors as HTTP answers, and work that outlives its request.

    async with AsyncSession(max_wait=5.0) as session, Jobs() as jobs:  # in the framework's lifespan
        cluster = await jobs.finish(clusters.create_cluster(session, wanted))  # in a request

No framework is imported: any of them sends the status, headers and body that `problem` returns.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self, TypeAlias, TypeVar

from asyncdbaas.errors import (
    AcceptedError,
    APIError,
    BadRequestError,
    ConflictError,
    DBaaSError,
    DecodeError,
    InvalidInputError,
    NotFoundError,
    PreconditionError,
    QuotaStoreError,
    RateLimitError,
    RequestError,
    RequestTimeoutError,
    SessionStateError,
    TokenError,
    TransportError,
    UnprocessableError,
    WaitTimeoutError,
)

__all__ = ["Jobs", "problem", "with_lifespan"]

T = TypeVar("T")

Receive: TypeAlias = Callable[[], Awaitable[Any]]
Send: TypeAlias = Callable[[Any], Awaitable[None]]
ASGIApplication: TypeAlias = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

# The first class that fits counts. What is wrong with our own token is not the visitor's fault, so 401 and 403 are 502.
_STATUSES: Final[tuple[tuple[type[DBaaSError], int], ...]] = (
    (TokenError, 502),
    (InvalidInputError, 400),
    (SessionStateError, 503),
    (QuotaStoreError, 503),
    (WaitTimeoutError, 504),
    (AcceptedError, 202),
    (DecodeError, 502),
    (RequestTimeoutError, 504),
    (TransportError, 502),
    (BadRequestError, 400),
    (NotFoundError, 404),
    (ConflictError, 409),
    (PreconditionError, 409),
    (UnprocessableError, 422),
    (RateLimitError, 503),
    (APIError, 502),
)
# Of our own failures a visitor learns no more than this.
_DETAILS: Final = {
    502: "The database service failed, or could not be reached.",
    503: "The database service takes no more requests at the moment; try again later.",
    504: "The database service did not finish in time.",
}
# Where the service does not say: the shorter of its two limits reaches over a minute.
_RETRY_SECONDS: Final = 60.0

_log: Final = logging.getLogger("asyncdbaas")


def problem(error: DBaaSError) -> tuple[int, dict[str, str], bytes]:
    """Turn an error into a web application's answer: status, headers and a body of problem details (RFC 9457).

    What the visitor asked wrongly stays 400, 404, 409 or 422, in the words of the service. A used-up quota is 503 with
    Retry-After, and what lies between the application and the service is 502, 503 or 504, without details: log the
    error yourself. The body has `outcome_unknown` if a write may have been carried out.
    """
    status = _status(error)
    body: dict[str, Any] = {"title": HTTPStatus(status).phrase, "status": status}
    body["detail"] = _DETAILS.get(status) or getattr(error, "message", str(error))
    if isinstance(error, RequestError) and error.outcome_unknown:
        body["outcome_unknown"] = True
    headers = {"content-type": "application/problem+json"}
    if status == 503:
        seconds = getattr(error, "retry_after", None)
        headers["retry-after"] = str(max(1, math.ceil(_RETRY_SECONDS if seconds is None else seconds)))
    return status, headers, json.dumps(body).encode()


def _status(error: DBaaSError) -> int:
    if isinstance(error, APIError) and error.status in (503, 504):
        return error.status
    # Those of other modules tell that something is not as it was asked for.
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 409)


class Jobs:
    """Own the work that goes on when the request that began it is gone.

    Some servers cancel a request whose client has gone away. A create that is on the wire then would be one whose
    outcome nobody knows; run by `finish`, it goes on, and only the waiting for it is cancelled.

    Use it as `async with AsyncSession() as session, Jobs() as jobs:`. Leaving the block cancels what was started, and
    gives what is to be finished `grace` seconds.
    """

    def __init__(self, *, grace: float = 10.0) -> None:
        self._grace = grace
        self._started: set[asyncio.Task[Any]] = set()
        self._to_finish: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            for task in self._started:
                task.cancel()
            async with asyncio.timeout(self._grace):
                while self._started or self._to_finish:
                    await asyncio.wait(self._started | self._to_finish)
        except TimeoutError:
            late = len(self._started) + len(self._to_finish)
            _log.warning("%d jobs did not end within %g s and are cancelled", late, self._grace)
        finally:
            left = self._started | self._to_finish
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin to do something in the background, such as to wait until a cluster is online."""
        return self._own(work, self._started)

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something to its end, even if the caller is cancelled, and return its result."""
        task = self._own(work, self._to_finish)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_log_failure)  # nobody else will see it
            raise

    def _own(self, work: Coroutine[Any, Any, T], owned: set[asyncio.Task[Any]]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        owned.add(task)
        task.add_done_callback(owned.discard)
        return task


def _log_failure(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("a job failed whose request is gone: %s", error)


def with_lifespan(
    application: ASGIApplication, lifespan: Callable[[], AbstractAsyncContextManager[Mapping[str, Any]]]
) -> ASGIApplication:
    """Give a lifespan to an ASGI application that has none, such as Django's.

    What `lifespan` yields is `scope["state"]` in each request. The server must know lifespans and their state: Uvicorn,
    Hypercorn and Granian do, Daphne does not.
    """

    async def serve(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await application(scope, receive, send)
            return
        phase = "startup"
        try:
            await receive()
            async with lifespan() as state:
                scope["state"].update(state)
                await send({"type": "lifespan.startup.complete"})
                phase = "shutdown"
                await receive()
        except Exception as error:  # whatever it is, the server has to be told; then it goes on as it was
            await send({"type": f"lifespan.{phase}.failed", "message": f"{type(error).__name__}: {error}"})
            raise
        await send({"type": "lifespan.shutdown.complete"})

    return serve
