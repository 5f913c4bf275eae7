"""Identical reads that wait for the quota share one request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
from raw_server import Exchange, RawServer, Step, answer
from virtual_time import settle_down, virtual

from asyncdbaas import (
    AsyncSession,
    NotFoundError,
    QuotaWaitError,
    RateLimiter,
    RetryPolicy,
    SessionStateError,
    hooks,
    priority,
)

PATH = "/v2/x"


@attrs.frozen(kw_only=True)
class Thing:
    value: int


LIST = answer(200, {"things": [{"value": 1}]})


@asynccontextmanager
async def waiting(*steps: Step, **settings: Any) -> AsyncGenerator[tuple[RawServer, AsyncSession]]:
    """Open a session whose minute allows one request, which is used up."""
    limiter = RateLimiter(per_minute=1, clock=asyncio.get_running_loop().time)
    async with (
        RawServer(answer(204), *steps) as server,
        AsyncSession("token-of-tests", base_url=server.url, rate_limiter=limiter, **settings) as session,
    ):
        await session.request("POST", "/v2/first")
        yield server, session
        await settle_down()
        assert (limiter.in_flight, limiter.waiting) == (0, 0)
        assert session._admission.free_slots == session._admission.slots
        assert not session._sender._reads._queued


def things(session: AsyncSession, path: str = PATH) -> asyncio.Task[list[Thing]]:
    return asyncio.create_task(session.request("GET", path, list[Thing], key="things"))


@virtual
async def test_five_hundred_reads_beyond_the_quota_cost_one_request_and_each_gets_a_list_of_its_own() -> None:
    async with waiting(LIST) as (server, session):
        lists = await asyncio.gather(*(things(session) for _ in range(500)))
        assert len(server.requests) == 2
        assert all(each == [Thing(value=1)] for each in lists)
        assert len({id(each) for each in lists}) == 500


@virtual
async def test_a_read_never_joins_one_that_has_been_sent() -> None:
    async def slow(exchange: Exchange) -> None:
        await asyncio.sleep(5)
        await exchange.write(LIST)

    async with waiting(slow, LIST) as (server, session):
        first = things(session)
        await asyncio.sleep(61)  # it is on the wire
        assert len(server.requests) == 2
        second = things(session)
        await asyncio.gather(first, second)
        assert len(server.requests) == 3


@virtual
async def test_different_reads_and_writes_are_not_joined() -> None:
    async with waiting(LIST) as (server, session):
        calls = [things(session), things(session, "/v2/y"), things(session.with_options(headers={"x-a": "1"}))]
        calls.append(asyncio.create_task(session.request("GET", PATH, list[Thing], key="things", params={"page": 2})))
        with priority("bulk"):
            calls.append(things(session))
        for method in ("POST", "DELETE"):
            await asyncio.gather(*(session.request(method, PATH, body={}) for _ in range(2)))
        await asyncio.gather(*calls)
        assert len(server.requests) == 1 + 5 + 4


@virtual
async def test_sharing_can_be_turned_off() -> None:
    async with waiting(LIST, coalesce_reads=False) as (server, session):
        await asyncio.gather(*(things(session) for _ in range(3)))
        assert len(server.requests) == 4


@pytest.mark.parametrize("cancelled", [[0], [1], [0, 1], [0, 2], [1, 2]])
@virtual
async def test_cancelling_some_leaves_the_others_and_the_place_in_the_queue(cancelled: list[int]) -> None:
    loop = asyncio.get_running_loop()
    async with waiting(LIST) as (server, session):
        start = loop.time()
        calls = [things(session) for _ in range(3)]
        await settle_down()
        later = asyncio.create_task(session.request("POST", "/v2/later"))
        await settle_down()
        for number in cancelled:
            calls[number].cancel()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert [isinstance(each, asyncio.CancelledError) for each in outcomes] == [n in cancelled for n in range(3)]
        assert loop.time() - start == pytest.approx(60, abs=1)
        await later
        assert [request.target for request in server.requests] == ["/v2/first", PATH, "/v2/later"]


@virtual
async def test_cancelling_all_sends_nothing() -> None:
    async with waiting(LIST) as (server, session):
        calls = [things(session) for _ in range(3)]
        await settle_down()
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        assert session.rate_limiter.waiting == 0
        await asyncio.sleep(100)
        assert len(server.requests) == 1


@virtual
async def test_an_error_is_raised_to_each_as_an_object_of_its_own() -> None:
    async with waiting(answer(404, {"id": "not_found", "message": "gone"})) as (server, session):
        errors = await asyncio.gather(*(things(session) for _ in range(3)), return_exceptions=True)
        assert all(isinstance(error, NotFoundError) for error in errors)
        assert len({id(error) for error in errors}) == 3
        assert len({str(error) for error in errors}) == 1
        assert len(server.requests) == 2


@virtual
async def test_a_shared_read_is_retried_as_one() -> None:
    async with waiting(answer(503), LIST, retry=RetryPolicy(base_delay=0.0)) as (server, session):
        await asyncio.gather(*(things(session) for _ in range(3)))
        assert len(server.requests) == 3


@virtual
async def test_each_call_waits_no_longer_than_its_own_max_wait() -> None:
    loop = asyncio.get_running_loop()

    async def slow(exchange: Exchange) -> None:
        await asyncio.sleep(30)
        await exchange.write(answer(204))

    async with RawServer(slow, LIST) as server:
        limiter = RateLimiter(per_minute=1, clock=loop.time)
        settings: dict[str, Any] = {"rate_limiter": limiter, "max_wait": 20.0}
        async with AsyncSession("token-of-tests", base_url=server.url, **settings) as session:
            holder = asyncio.create_task(session.request("POST", "/v2/first"))
            await server.arrived.wait()
            start = loop.time()
            early = things(session)  # how long it will take is unknown until the response comes
            await asyncio.sleep(15)
            late = things(session)
            with pytest.raises(QuotaWaitError):
                await early
            assert loop.time() - start == pytest.approx(20, abs=0.5)
            with pytest.raises(QuotaWaitError) as caught:
                await late
            assert loop.time() - start == pytest.approx(35, abs=0.5)
            assert caught.value.attempts == 0
            await holder
            assert len(server.requests) == 1


@virtual
async def test_closing_ends_all_that_share_a_read() -> None:
    async with waiting(LIST) as (_, session):
        calls = [things(session) for _ in range(3)]
        await settle_down()
        await session.close()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(each) for each in outcomes} == {SessionStateError}


@virtual
async def test_events_report_it_and_every_call_has_its_end() -> None:
    events: list[hooks.CallEvent] = []
    async with waiting(LIST, on_event=events.append) as (_, session):
        events.clear()
        with session.responses() as seen:
            await asyncio.gather(*(things(session) for _ in range(3)))
        joined = [event for event in events if isinstance(event, hooks.CallJoined)]
        assert [(event.call, event.leader) for event in joined] == [(3, 2), (4, 2)]
        assert [event.call for event in events if isinstance(event, hooks.AttemptStarted)] == [2]
        ended = [event for event in events if isinstance(event, hooks.CallEnded)]
        assert sorted((event.call, event.attempts) for event in ended) == [(2, 1), (3, 0), (4, 0)]
        assert len({event.waited for event in ended}) == 1
        assert sorted(info.attempts for info in seen) == [0, 0, 1]


@virtual
async def test_reads_with_bodies_are_not_shared_as_these_may_differ() -> None:
    async with waiting(LIST, answer(200, {"things": [{"value": 2}]})) as (server, session):
        reads = (session.request("GET", PATH, list[Thing], key="things", body={"filter": each}) for each in "ab")
        assert await asyncio.gather(*reads) == [[Thing(value=1)], [Thing(value=2)]]
        assert [request.json["filter"] for request in server.requests[1:]] == ["a", "b"]
