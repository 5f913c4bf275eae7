"""What the session writes to the log: one line for each attempt, one for each retry and pause, and no secret."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from asyncdbaas import AsyncSession, NotFoundError, RateLimiter, RetryPolicy, TransportError, clusters, hooks, users
from asyncdbaas.emulator import Delays, Emulator

UNKNOWN = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
AT_ONCE = RetryPolicy(base_delay=0.0)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, "asyncdbaas")
    return caplog


def lines(log: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [record.getMessage() for record in log.records if record.levelno == level and record.name == "asyncdbaas"]


async def test_an_attempt_is_one_line_at_debug(log: pytest.LogCaptureFixture) -> None:
    async with Emulator() as emulator, AsyncSession(emulator.token, base_url=emulator.url) as session:
        await clusters.list_clusters(session)
    (line,) = lines(log, logging.DEBUG)
    assert line.startswith("GET /v2/databases (call 1): attempt 1, ")
    assert line.endswith(": 200")
    assert lines(log, logging.INFO) == []


async def test_a_retry_is_one_line_at_info_with_the_reason(log: pytest.LogCaptureFixture) -> None:
    async with Emulator() as emulator, AsyncSession(emulator.token, base_url=emulator.url, retry=AT_ONCE) as session:
        emulator.faults.add("list_clusters", "unavailable")
        await clusters.list_clusters(session)
    (line,) = lines(log, logging.INFO)
    assert line.startswith("GET /v2/databases (call 1): attempt 1 failed, again in 0.000 s: ")
    assert "503 service_unavailable: Failed to forward" in line
    assert len(lines(log, logging.DEBUG)) == 2


async def test_a_pause_is_one_line_at_info_however_many_calls_wait(log: pytest.LogCaptureFixture) -> None:
    limiter = RateLimiter(per_minute=5, minute=0.2)
    async with (
        Emulator() as emulator,
        AsyncSession(emulator.token, base_url=emulator.url, rate_limiter=limiter, coalesce_reads=False) as session,
    ):
        await asyncio.gather(*(clusters.list_clusters(session) for _ in range(12)))
    (line,) = lines(log, logging.INFO)
    assert line.startswith("GET /v2/databases (call 6): the quota is used up, again in ")
    assert len(lines(log, logging.DEBUG)) == 12


async def test_an_attempt_cut_off_by_a_cancellation_has_its_line(log: pytest.LogCaptureFixture) -> None:
    async with Emulator() as emulator, AsyncSession(emulator.token, base_url=emulator.url) as session:
        emulator.faults.add("list_clusters", "silence")
        started = asyncio.Event()

        def on_event(event: hooks.CallEvent) -> None:
            if isinstance(event, hooks.AttemptStarted):
                started.set()

        with session.listening(on_event):
            call = asyncio.create_task(clusters.list_clusters(session))
            await started.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
    (line,) = lines(log, logging.DEBUG)
    assert line.endswith("by CancelledError")


async def test_a_failure_is_raised_and_not_logged_besides_its_attempt(log: pytest.LogCaptureFixture) -> None:
    async with Emulator() as emulator, AsyncSession(emulator.token, base_url=emulator.url) as session:
        with pytest.raises(NotFoundError):
            await clusters.get_cluster(session, UNKNOWN)
    assert len(lines(log, logging.DEBUG)) == 1
    assert lines(log, logging.INFO) == []


def test_what_the_service_says_cannot_break_a_line_in_two(log: pytest.LogCaptureFixture) -> None:
    error = TransportError("broken\n2026-11-23 INFO all is well", method="GET", path="/v2/databases")
    context: dict[str, Any] = {"call": 1, "method": "GET", "path": "/v2/databases", "attempt": 1, "error": error}
    for event in (hooks.RetryScheduled(delay=0.0, **context), hooks.AttemptEnded(seconds=0.0, status=None, **context)):
        hooks.log(logging.getLogger("asyncdbaas"), event)
    written = lines(log, logging.INFO) + lines(log, logging.DEBUG)
    assert len(written) == 2
    assert all(line.endswith("broken 2026-11-23 INFO all is well") for line in written)


async def test_no_level_shows_a_token_a_password_or_a_body(log: pytest.LogCaptureFixture) -> None:
    events: list[hooks.CallEvent] = []
    log.set_level(logging.DEBUG)
    async with Emulator(delays=Delays.none()) as emulator:
        cluster = emulator.add_cluster(engine="pg", name="main")
        async with AsyncSession(
            emulator.token, base_url=emulator.url, retry=AT_ONCE, on_event=events.append
        ) as session:
            emulator.faults.add("create_user", "unavailable")
            user = await users.create_user(session, cluster["id"], users.UserCreate(name="app"))
            emulator.faults.add("get_user", "half_body", times=2)
            assert (await users.get_user(session, cluster["id"], "app")).password == user.password
            with pytest.raises(NotFoundError):
                await users.get_user(session, cluster["id"], "nobody")
        shown = log.text + repr(events) + "".join(str(event) for event in events)
        assert len(events) > 10
        assert user.password
        for secret in (emulator.token, user.password, cluster["connection"]["password"]):
            assert secret not in shown


async def test_no_level_shows_the_password_of_a_proxy(
    log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.set_level(logging.DEBUG)
    monkeypatch.setenv("HTTPS_PROXY", "http://somebody:sesame@127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    twice = RetryPolicy(max_attempts=2, base_delay=0.0)
    async with AsyncSession("token", base_url="https://api.invalid", retry=twice) as session:
        with pytest.raises(TransportError, match=r"127\.0\.0\.1:9") as caught:
            await clusters.list_clusters(session)
    assert lines(log, logging.INFO)
    assert "sesame" not in log.text + str(caught.value)


async def test_a_listener_that_fails_is_logged_and_the_call_goes_on(log: pytest.LogCaptureFixture) -> None:
    def fail(_: hooks.CallEvent) -> None:
        raise ValueError("the progress bar broke")

    async with (
        Emulator() as emulator,
        AsyncSession(emulator.token, base_url=emulator.url, on_event=fail) as session,
    ):
        assert await clusters.list_clusters(session) == []
    assert len(lines(log, logging.ERROR)) == 4
    assert "the progress bar broke" in log.text
