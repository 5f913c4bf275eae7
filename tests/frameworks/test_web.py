"""Errors as HTTP answers, jobs that outlive their request, and lifespans."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from asyncdbaas import (
    AcceptedError,
    APIError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    DBaaSError,
    DecodeError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionError,
    QuotaStoreError,
    QuotaWaitError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
    SessionStateError,
    TLSError,
    TokenError,
    TransportError,
    UnprocessableError,
    WaitTimeoutError,
)
from asyncdbaas.ensure import EnsureError
from asyncdbaas.waiters import WaitFailedError
from asyncdbaas.web import Jobs, problem, with_lifespan

REQUEST: dict[str, Any] = {"method": "POST", "path": "/v2/databases"}


def _api(kind: type[APIError], status: int, **more: Any) -> APIError:
    return kind("words of the service", status=status, **REQUEST, **more)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidInputError("name must not be empty"), 400),
        (TokenError("the token is empty"), 502),
        (_api(BadRequestError, 400), 400),
        (_api(AuthenticationError, 401), 502),
        (_api(PermissionDeniedError, 403), 502),
        (_api(NotFoundError, 404), 404),
        (_api(APIError, 405), 502),
        (_api(ConflictError, 409), 409),
        (_api(PreconditionError, 412), 409),
        (_api(UnprocessableError, 422), 422),
        (_api(RateLimitError, 429), 503),
        (_api(QuotaWaitError, 429), 503),
        (_api(ServerError, 500), 502),
        (_api(ServerError, 502), 502),
        (_api(ServerError, 503), 503),
        (_api(ServerError, 504), 504),
        (TransportError("broken", **REQUEST), 502),
        (TLSError("not trusted", **REQUEST), 502),
        (RequestTimeoutError("too late", **REQUEST), 504),
        (DecodeError("no such field", **REQUEST), 502),
        (AcceptedError("not yet", **REQUEST), 202),
        (WaitTimeoutError("not ready"), 504),
        (SessionStateError("closed"), 503),
        (QuotaStoreError("no rights"), 503),
        (EnsureError("cluster main differs"), 409),
        (WaitFailedError("cluster main has vanished"), 409),
    ],
    ids=lambda value: f"{type(value).__name__} {getattr(value, 'status', '')}" if isinstance(value, DBaaSError) else "",
)
def test_each_error_has_its_status(error: DBaaSError, status: int) -> None:
    answered, headers, body = problem(error)
    assert (answered, json.loads(body)["status"]) == (status, status)
    assert headers["content-type"] == "application/problem+json"
    assert ("retry-after" in headers) is (status == 503)
    assert ("words of the service" in json.loads(body)["detail"]) is (isinstance(error, APIError) and status < 500)


@pytest.mark.parametrize(
    ("retry_after", "header"), [(None, "60"), (0.0, "1"), (0.2, "1"), (29.0, "29"), (29.01, "30"), (3600.0, "3600")]
)
def test_retry_after_is_in_whole_seconds_rounded_up(retry_after: float | None, header: str) -> None:
    _, headers, _ = problem(_api(RateLimitError, 429, retry_after=retry_after))
    assert headers["retry-after"] == header


@pytest.mark.parametrize("unknown", [False, True])
def test_an_unknown_outcome_is_told(unknown: bool) -> None:
    _, _, body = problem(TransportError("broken", **REQUEST, outcome_unknown=unknown))
    assert json.loads(body).get("outcome_unknown", False) is unknown


def test_our_own_failures_show_no_details() -> None:
    _, _, body = problem(_api(AuthenticationError, 401, request_id="abc"))
    assert json.loads(body) == {
        "title": "Bad Gateway",
        "status": 502,
        "detail": "The database service failed, or could not be reached.",
    }


async def test_what_is_to_be_finished_goes_on_when_the_caller_is_cancelled() -> None:
    begun, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await go_on.wait()
        done.set()

    async with Jobs() as jobs:
        request = asyncio.create_task(jobs.finish(work()))
        await begun.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        go_on.set()
    assert done.is_set()


async def test_finish_returns_the_result_and_raises_the_error(caplog: pytest.LogCaptureFixture) -> None:
    async def give() -> int:
        return 7

    async def fail() -> None:
        raise InvalidInputError("no")

    async with Jobs() as jobs:
        assert await jobs.finish(give()) == 7
        with pytest.raises(InvalidInputError):
            await jobs.finish(fail())
    assert not caplog.records, "the caller has seen it"


async def test_a_failure_that_nobody_is_left_to_see_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def fail() -> None:
        begun.set()
        await go_on.wait()
        raise InvalidInputError("the name is taken")

    async with Jobs() as jobs:
        request = asyncio.create_task(jobs.finish(fail()))
        await begun.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        go_on.set()
    assert [(record.levelno, "the name is taken" in record.getMessage()) for record in caplog.records] == [
        (logging.ERROR, True)
    ]


async def test_what_was_started_is_cancelled_at_the_end_and_what_is_late_after_its_grace(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ended: list[str] = []

    async def hang(name: str) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append(name)

    async with Jobs(grace=0.05) as jobs:
        jobs.start(hang("started"))
        request = asyncio.create_task(jobs.finish(hang("to finish")))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert ended == ["started", "to finish"]
    assert "1 jobs did not end within 0.05 s" in caplog.text
    with pytest.raises(asyncio.CancelledError):
        await request


async def test_what_was_started_and_does_not_let_go_counts_as_late_too(caplog: pytest.LogCaptureFixture) -> None:
    async def hang() -> None:
        await asyncio.get_running_loop().create_future()

    async def cling() -> None:
        try:
            await hang()
        except asyncio.CancelledError:
            await hang()

    async with Jobs(grace=0.05) as jobs:
        jobs.start(cling())
        request = asyncio.create_task(jobs.finish(hang()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert "2 jobs did not end within 0.05 s" in caplog.text
    with pytest.raises(asyncio.CancelledError):
        await request


async def test_leaving_can_itself_be_cancelled_and_leaves_nothing_behind() -> None:
    tasks: list[asyncio.Task[Any]] = []

    async def stop() -> None:
        async with Jobs(grace=60) as jobs:
            task = asyncio.create_task(jobs.finish(asyncio.sleep(60)))
            tasks.append(task)
            await asyncio.sleep(0)

    stopping = asyncio.create_task(stop())
    for _ in range(5):
        await asyncio.sleep(0)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    with pytest.raises(asyncio.CancelledError):
        await tasks[0]
    assert asyncio.all_tasks() == {asyncio.current_task()}


class Server:
    """The server's half of the lifespan protocol."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.stop = asyncio.Event()
        self._messages = [{"type": "lifespan.shutdown"}, {"type": "lifespan.startup"}]

    async def receive(self) -> dict[str, str]:
        if len(self._messages) == 1:
            await self.stop.wait()
        return self._messages.pop()

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)
        self.stop.set()  # as soon as it has started, it stops


async def application(scope: Any, _: Any, send: Any) -> None:
    await send({"type": "answer", "state": scope["state"]})


async def test_a_lifespan_opens_at_the_start_and_closes_at_the_end() -> None:
    seen: list[str] = []

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[Mapping[str, Any]]:
        seen.append("opened")
        yield {"session": "a session"}
        seen.append("closed")

    server, state = Server(), dict[str, Any]()
    app = with_lifespan(application, lifespan)
    await app({"type": "lifespan", "state": state}, server.receive, server.send)
    assert [message["type"] for message in server.sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert seen == ["opened", "closed"]
    await app({"type": "http", "state": dict(state)}, server.receive, server.send)
    assert server.sent[-1]["state"] == {"session": "a session"}


@pytest.mark.parametrize("phase", ["startup", "shutdown"])
async def test_a_lifespan_that_fails_tells_the_server(phase: str) -> None:
    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[Mapping[str, Any]]:
        if phase == "startup":
            raise InvalidInputError("no token")
        yield {}
        raise InvalidInputError("no token")

    server = Server()
    with pytest.raises(InvalidInputError):
        await with_lifespan(application, lifespan)({"type": "lifespan", "state": {}}, server.receive, server.send)
    assert server.sent[-1] == {"type": f"lifespan.{phase}.failed", "message": "InvalidInputError: no token"}
