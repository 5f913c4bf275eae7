"""`with_options`, `open` and `close`, `responses`, and waits that tests switch off."""

from __future__ import annotations

import asyncio
import copy
import gc
import inspect
import pickle
import time
import warnings
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from raw_server import RawServer, Step, answer, hang
from virtual_time import settle_down, virtual

import asyncdbaas
from asyncdbaas import (
    AsyncSession,
    InvalidInputError,
    QuotaWaitError,
    RateLimiter,
    RequestTimeoutError,
    RetryPolicy,
    ServerError,
    SessionStateError,
    hooks,
)
from asyncdbaas.retry import without_waits
from asyncdbaas.topics import Topic

OK = answer(200, {"value": 1}, {"x-request-id": "7f"})
PATH = "/v2/x"


@asynccontextmanager
async def talking(*steps: Step, **settings: Any) -> AsyncGenerator[tuple[RawServer, AsyncSession]]:
    settings = {"rate_limiter": RateLimiter(clock=asyncio.get_running_loop().time), **settings}
    async with RawServer(*steps) as server, AsyncSession("token-of-tests", base_url=server.url, **settings) as session:
        yield server, session


# Options.


@virtual
async def test_a_background_job_waits_while_interactive_calls_may_not() -> None:
    loop = asyncio.get_running_loop()
    async with talking(OK, rate_limiter=RateLimiter(per_minute=1, clock=loop.time), max_wait=5.0) as (server, session):
        job = session.with_options(max_wait=None)
        start = loop.time()
        await session.request("POST", PATH)
        with pytest.raises(QuotaWaitError):
            await session.request("POST", PATH)
        await job.request("POST", PATH)
        assert loop.time() - start == pytest.approx(60)
        assert len(server.requests) == 2


@virtual
async def test_options_nest_and_leave_the_session_as_it_was() -> None:
    async with talking(answer(500), answer(500), answer(500), hang) as (server, session):
        patient = session.with_options(timeout=2.0, headers={"x-trace": "7"})
        hasty = patient.with_options(retry=RetryPolicy(max_attempts=1), headers={"x-job": "8"})
        with pytest.raises(ServerError):
            await hasty.request("GET", PATH)
        assert len(server.requests) == 1
        assert (server.requests[0].headers["x-trace"], server.requests[0].headers["x-job"]) == ("7", "8")
        start = asyncio.get_running_loop().time()
        with pytest.raises(RequestTimeoutError, match="within 2 s"):
            await patient.with_options(retry=RetryPolicy(base_delay=0.0, max_attempts=3)).request("GET", "/v2/y")
        assert server.requests[-1].headers.get("x-job") is None
        assert asyncio.get_running_loop().time() - start < 3
        assert (session._options.timeout, session._options.headers) == (60.0, ())


@virtual
async def test_a_shorter_and_a_longer_timeout_each_end_their_own_call() -> None:
    loop = asyncio.get_running_loop()
    async with talking(hang, retry=RetryPolicy(max_attempts=1), timeout=10.0) as (_, session):

        async def lasts(seconds: float) -> float:
            start = loop.time()
            with pytest.raises(RequestTimeoutError):
                await session.with_options(timeout=seconds).request("GET", f"/v2/{seconds:g}")
            return loop.time() - start

        assert await asyncio.gather(*map(lasts, (10.0, 3.0, 20.0))) == pytest.approx([10.0, 3.0, 20.0])
        endless = asyncio.create_task(session.with_options(timeout=float("inf")).request("GET", PATH))
        await asyncio.sleep(1000)
        await session.close()
        await asyncio.wait([endless])
        assert "the session was closed" in str(endless.exception())


@virtual
async def test_a_priority_among_the_options_lets_other_calls_go_first() -> None:
    loop = asyncio.get_running_loop()
    async with talking(OK, rate_limiter=RateLimiter(per_minute=1, clock=loop.time)) as (server, session):
        await session.request("POST", "/v2/first")
        bulk = asyncio.create_task(session.with_options(priority="bulk").request("POST", "/v2/bulk"))
        await settle_down()
        interactive = asyncio.create_task(session.request("POST", "/v2/interactive"))
        await asyncio.gather(bulk, interactive)
        assert [request.target for request in server.requests] == ["/v2/first", "/v2/interactive", "/v2/bulk"]


@virtual
async def test_sessions_with_options_are_open_and_closed_together() -> None:
    async with RawServer(OK) as server:
        session = AsyncSession("token-of-tests", base_url=server.url)
        other = session.with_options(timeout=5.0)
        async with session:
            await other.request("GET", PATH)
            with pytest.raises(SessionStateError, match="opened before"):
                await other.open()
            assert other.lock("a") is session.lock("a")
            await other.close()
        with pytest.raises(SessionStateError, match="closed"):
            await session.request("GET", PATH)


@virtual
async def test_the_values_of_headers_are_hidden_in_what_comes_back() -> None:
    page = answer(403, {"message": "x-key canary-key-55 is wrong"})
    async with talking(page) as (_, session):
        with pytest.raises(Exception, match="403") as caught:
            await session.with_options(headers={"x-key": "canary-key-55"}).request("GET", PATH)
        assert "canary-key-55" not in str(caught.value)
        assert "canary-key-55" not in repr(session.with_options(headers={"x-key": "canary-key-55"})._options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timeout": "60"}, "timeout must be a number of seconds, not str"),
        ({"max_wait": "5"}, "max_wait must be a number of seconds, not str"),
        ({"max_wait": -1}, "max_wait must be at least 0 seconds"),
        ({"retry": 3}, "retry must be of the class RetryPolicy, such as RetryPolicy"),
        ({"priority": "urgent"}, 'priority must be "interactive", "bulk" or None'),
        ({"headers": [("a", "b")]}, "headers must be a mapping of names to values, not list"),
        ({"headers": {"Authorization": "Bearer canary"}}, "headers must not set Authorization"),
        ({"headers": {"x": "a\r\nb"}}, "headers: the value of x must be printable"),
        ({"headers": {5: "a"}}, "headers: a name must be a string, not int"),
        ({"headers": {"Bearer canary": "x"}}, "headers: a name must consist of letters, digits"),
    ],
)
def test_wrong_options_are_rejected_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        AsyncSession("token-of-tests").with_options(**options)
    assert str(caught.value).startswith(message)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"timeout": "60"}, "timeout must be a number of seconds, not str"),
        ({"timeout": True}, "timeout must be a number of seconds, not bool"),
        ({"max_wait": "5"}, "max_wait must be a number of seconds, not str"),
        ({"max_connections": "9"}, "max_connections must be an integer, not str"),
        ({"max_connections": 2.5}, "max_connections must be an integer, not float"),
        ({"retry": 3}, "retry must be of the class RetryPolicy, such as RetryPolicy(max_attempts=3), not int"),
        (
            {"rate_limiter": 250},
            "rate_limiter must be of the class RateLimiter, such as RateLimiter(per_minute=250), not int",
        ),
        ({"http": object()}, "http must be of the class ClientSession, such as aiohttp.ClientSession(), not object"),
        (
            {"ssl_context": "ca.pem"},
            "ssl_context must be of the class SSLContext, such as ssl.create_default_context()",
        ),
        ({"trust_env": "no"}, "trust_env must be of the class bool, such as False, not str"),
        ({"coalesce_reads": 0}, "coalesce_reads must be of the class bool"),
        (
            {"rate_limiter": RateLimiter},
            "rate_limiter must be of the class RateLimiter, such as RateLimiter(per_minute=250), not type",
        ),
        ({"on_event": "print"}, "on_event must be a function, not str"),
        ({"on_event": asyncio.sleep}, "on_event must be a plain function, not a coroutine function"),
        ({"base_url": {"password": "canary"}}, "base_url must be an http(s) address"),
        ({"base_url": "https://me:canary@host"}, "base_url must be an http(s) address without user, password"),
        ({"token": {"password": "canary"}}, "the token must be a string, not dict"),
    ],
)
def test_wrong_arguments_are_rejected_by_name_when_the_session_is_made(settings: dict[str, Any], message: str) -> None:
    whole: dict[str, Any] = {"token": "token-of-tests", **settings}
    with pytest.raises(InvalidInputError) as caught:
        AsyncSession(**whole)
    assert str(caught.value).startswith(message)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_attempts": 0}, "max_attempts must be at least 1, not 0"),
        ({"max_attempts": "3"}, "max_attempts must be an integer, not str"),
        ({"max_refusals": -1}, "max_refusals must be at least 0, not -1"),
        ({"base_delay": -1}, "base_delay must be at least 0 seconds, not -1"),
        ({"max_delay": float("nan")}, "max_delay must be at least 0 seconds, not nan"),
        ({"max_retry_after": None}, "max_retry_after must be a number of seconds, not None"),
        ({"also": 412}, "also must be several statuses, such as {412}, not int"),
        ({"also": None}, "also must be several statuses, such as {412}, not None"),
        ({"also": ["412"]}, "also: a status must be an integer, not str"),
    ],
)
def test_a_policy_that_makes_no_sense_is_rejected_by_name(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        RetryPolicy(**settings)
    assert str(caught.value) == message


@pytest.mark.parametrize("given", [{"password": "canary"}, ["canary"], b"canary"])
@pytest.mark.parametrize("what", ["method", "path", "params", "value"])
@virtual
async def test_objects_given_as_strings_are_rejected_and_not_quoted(given: Any, what: str) -> None:
    async with talking(OK) as (server, session):
        arguments: dict[str, Any] = {"method": "GET", "path": PATH}
        if what == "params":
            arguments["params"] = given if isinstance(given, list) else [given]
        elif what == "value":
            arguments["params"] = {"page": given}
        else:
            arguments[what] = given
        with pytest.raises(InvalidInputError) as caught:
            await session.request(**arguments)
        assert "canary" not in str(caught.value)
        assert server.requests == []


# Opening and closing.


@virtual
async def test_a_session_can_be_opened_and_closed_without_a_block() -> None:
    async with RawServer(OK) as server:
        session = await AsyncSession("token-of-tests", base_url=server.url).open()
        await session.request("GET", PATH)
        await session.close()
        assert repr(session).endswith(" closed>")


@pytest.mark.unobserved
async def test_a_forgotten_close_is_a_warning_that_names_the_line_of_opening() -> None:
    session = await AsyncSession("token-of-tests", base_url="http://127.0.0.1:9").open()
    line = inspect.currentframe().f_lineno - 1  # type: ignore[union-attr]
    await session._transport.close()  # aiohttp has a warning of its own
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        del session
        gc.collect()
    (ours,) = [str(each.message) for each in seen if "AsyncSession" in str(each.message)]
    assert f"opened at {__file__}:{line} was never closed" in ours


@pytest.mark.unobserved
async def test_the_line_of_opening_may_be_in_a_folder_whose_name_begins_like_the_packages() -> None:
    module = str(Path(asyncdbaas.__file__).parent) + "_tools.py"
    names: dict[str, Any] = {"session": AsyncSession("token-of-tests", base_url="http://127.0.0.1:9")}
    exec(compile("async def start(): return await session.open()", module, "exec"), names)
    session = await names["start"]()
    await session.close()
    assert session._lifetime._opened_at == f"{module}:1"


async def test_a_closed_session_is_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        async with AsyncSession("token-of-tests", base_url="http://127.0.0.1:9"):
            pass
        gc.collect()


def test_a_secret_in_the_path_of_the_address_is_not_shown() -> None:
    session = AsyncSession("token-of-tests", base_url="https://gateway.example/canary-path/api")
    assert repr(session) == "<AsyncSession https://gateway.example not open>"


@virtual
async def test_a_secret_in_the_path_of_the_address_shows_in_no_event_and_no_error() -> None:
    events: list[hooks.CallEvent] = []
    async with RawServer(answer(502, "<html>no route for /canary-path/api/v2/x</html>"), OK) as server:
        async with AsyncSession(
            "token-of-tests", base_url=f"{server.url}/canary-path/api", on_event=events.append
        ) as session:
            with pytest.raises(ServerError) as caught:
                await session.request("POST", PATH, params={"page": 2})
        assert server.requests[0].target == "/canary-path/api/v2/x?page=2"
        assert "canary" not in f"{caught.value} {events!r}"
        assert isinstance(events[0], hooks.CallStarted)
        assert events[0].url == f"{server.url}/v2/x?page=2"


# Metadata of a success.


@virtual
async def test_what_a_success_says_beside_its_body_is_collected_for_the_calls_of_a_block() -> None:
    limited = answer(200, {"value": 1}, {"x-request-id": "7f", "RateLimit-Remaining": "12"})
    async with talking(answer(503), limited, retry=RetryPolicy(base_delay=0.0)) as (_, session):
        await session.request("GET", "/v2/before")
        with session.responses() as seen:
            await asyncio.gather(*(session.request("POST", f"/v2/{n}") for n in range(3)))
            began = time.monotonic()
            with session.responses() as inner:
                await session.with_options(timeout=5.0).request("GET", "/v2/inner")
        await session.request("GET", "/v2/after")
        assert sorted(info.path for info in seen) == ["/v2/0", "/v2/1", "/v2/2", "/v2/inner"]
        (info,) = inner
        assert (info.method, info.status, info.request_id, info.attempts) == ("GET", 200, "7f", 1)
        assert info.headers["ratelimit-remaining"] == "12"
        assert time.monotonic() - began >= info.seconds >= info.waited >= 0
        assert "headers" not in repr(info)


@virtual
async def test_responses_of_other_sessions_and_of_other_tasks_are_not_collected() -> None:
    async with talking(OK) as (_, session), talking(OK) as (_, other):

        async def collect(path: str) -> list[str]:
            with session.responses() as seen:
                await session.request("POST", path)
                await other.request("POST", path)
                return [info.path for info in seen]

        assert list(await asyncio.gather(collect("/v2/a"), collect("/v2/b"))) == [["/v2/a"], ["/v2/b"]]


@virtual
async def test_the_request_id_is_in_the_events() -> None:
    events: list[hooks.CallEvent] = []
    async with talking(OK, on_event=events.append) as (_, session):
        await session.request("GET", PATH)
    assert [event.request_id for event in events if isinstance(event, hooks.AttemptEnded)] == ["7f"]


# Waits that tests switch off.


@virtual
async def test_without_waits_calls_are_retried_at_once_and_as_often_as_before() -> None:
    loop = asyncio.get_running_loop()
    steps = [answer(503, headers={"Retry-After": "200"}), answer(429, headers={"Retry-After": "30"}), answer(503), OK]
    async with talking(*steps) as (server, session):
        start = loop.time()
        with without_waits():
            await session.request("GET", PATH)
        assert loop.time() == start
        assert len(server.requests) == 4
    async with talking(answer(503)) as (server, session):
        with without_waits(), pytest.raises(ServerError):
            await session.request("GET", PATH)
        assert len(server.requests) == 5


@virtual
async def test_after_the_block_retries_wait_again() -> None:
    loop = asyncio.get_running_loop()
    with without_waits(), without_waits():
        pass
    async with talking(answer(503, headers={"Retry-After": "20"}), OK) as (_, session):
        start = loop.time()
        await session.request("GET", PATH)
        assert loop.time() - start >= 20


@pytest.mark.parametrize("into", ["Topic", Topic(name="orders"), object()])
async def test_a_result_class_that_is_none_is_rejected_before_anything_is_sent(into: Any) -> None:
    async with talking() as (_, session):
        with pytest.raises(InvalidInputError, match="into must be the class of the result") as caught:
            await session.request("GET", PATH, into)
    assert caught.value.__cause__ is None


async def test_a_listener_that_would_have_to_be_awaited_is_rejected() -> None:
    async def listen(_event: hooks.CallEvent) -> None:
        raise AssertionError

    async with talking() as (_, session):
        with pytest.raises(InvalidInputError, match="on_event must be a plain function"), session.listening(listen):
            raise AssertionError


async def test_a_block_that_ends_takes_away_its_own_listener_only() -> None:
    seen: list[str] = []

    def listen(event: hooks.CallEvent) -> None:
        if isinstance(event, hooks.CallEnded):
            seen.append(event.path)

    async with talking(OK, OK, on_event=listen) as (_, session):
        with session.listening(listen), session.listening(listen):
            with session.listening(listen):
                pass
            await session.request("GET", PATH)
        assert len(seen) == 3
        await session.request("GET", PATH)
    assert len(seen) == 4


async def test_what_is_known_of_a_response_can_be_pickled_and_copied() -> None:
    async with talking(answer(200, {}, {"X-Request-Id": "1"})) as (_, session):
        with session.responses() as seen:
            await session.request("GET", PATH)
    for info in (pickle.loads(pickle.dumps(seen[0])), copy.deepcopy(seen[0])):
        assert info == seen[0]
        assert info.headers["x-request-id"] == "1"
