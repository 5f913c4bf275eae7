"""Priorities within one process: interactive calls before bulk ones, in the rate limiter and for connection slots."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncGenerator
from typing import Any, cast

import pytest
from raw_server import RawServer, answer
from virtual_time import settle_down, virtual

from asyncdbaas import AsyncSession, InvalidInputError, RateLimiter, priority
from asyncdbaas.ratelimit import Priority, current_priority
from asyncdbaas.ratelimit.queue import WaitQueue

OK = answer(200, {"value": 1})


def limiter(*limits: int) -> RateLimiter:
    return RateLimiter(*limits, clock=asyncio.get_running_loop().time)


def connect(server: RawServer, pace: RateLimiter, **settings: Any) -> AsyncSession:
    return AsyncSession("token", base_url=server.url, rate_limiter=pace, **settings)


def paths(server: RawServer) -> list[str]:
    return [request.target.removeprefix("/v2/") for request in server.requests]


async def fetch(session: AsyncSession, name: str, level: Priority = "interactive") -> None:
    with priority(level):
        await session.request("GET", f"/v2/{name}")


def test_calls_are_interactive_unless_told_otherwise() -> None:
    assert current_priority() == "interactive"
    with priority("bulk"):
        assert current_priority() == "bulk"
        with priority("interactive"):
            assert current_priority() == "interactive"
        assert current_priority() == "bulk"
    assert current_priority() == "interactive"


async def test_tasks_that_a_block_starts_keep_its_priority() -> None:
    async def ask() -> Priority:
        await asyncio.sleep(0)
        return current_priority()

    with priority("bulk"):
        task = asyncio.create_task(ask())
    assert (await task, await ask()) == ("bulk", "interactive")


@pytest.mark.parametrize("level", ["", "BULK", "high", None, 1])
def test_another_priority_is_refused(level: object) -> None:
    with pytest.raises(InvalidInputError, match='must be "interactive" or "bulk"'), priority(cast("Priority", level)):
        pass


def test_a_queue_that_may_not_wake_bulk_callers_leaves_them() -> None:
    queue = WaitQueue[None]()

    async def use() -> None:
        with priority("bulk"):
            waiter = queue.join("me")
        assert (queue.count("bulk"), queue.count("interactive")) == (1, 0)
        assert not queue.wake(None, bulk=False)
        assert queue.wake(None)
        await waiter

    asyncio.run(use())


@virtual
async def test_interactive_calls_are_sent_first_each_priority_in_order_of_arrival() -> None:
    pace = limiter(1)
    order: list[str] = []

    async def call(name: str, level: Priority) -> None:
        with priority(level):
            await pace.acquire()
        order.append(name)
        pace.release()

    await call("first", "bulk")
    await asyncio.gather(call("b1", "bulk"), call("i1", "interactive"), call("b2", "bulk"), call("i2", "interactive"))
    assert order == ["first", "i1", "i2", "b1", "b2"]


@virtual
async def test_an_interactive_call_passes_a_bulk_job_that_has_taken_what_slots_it_may() -> None:
    async with RawServer(OK) as server, connect(server, limiter(2), max_connections=4) as session:
        await asyncio.gather(fetch(session, "first"), fetch(session, "first"))
        bulk = [asyncio.create_task(fetch(session, f"bulk{number}", "bulk")) for number in range(8)]
        await settle_down()
        assert session.rate_limiter.waiting == 3  # one slot of four is spare
        await fetch(session, "interactive")
        await asyncio.gather(*bulk)
        assert "interactive" in paths(server)[2:4]
        assert session._admission.free_slots == 4


@pytest.mark.parametrize("max_connections", [1, 2, 3, 25])
@virtual
async def test_mixed_calls_all_end_and_leave_every_slot_free(max_connections: int) -> None:
    async with RawServer(OK) as server, connect(server, limiter(5), max_connections=max_connections) as session:
        levels: list[Priority] = ["bulk", "bulk", "interactive"]
        calls = [asyncio.create_task(fetch(session, str(number), levels[number % 3])) for number in range(40)]
        await settle_down()
        for call in calls[::5]:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        kept = [call for number, call in enumerate(calls) if number % 5]
        assert [call.exception() for call in kept] == [None] * 32
        assert session._admission.free_slots == max_connections
        assert (session.rate_limiter.in_flight, session.rate_limiter.waiting) == (0, 0)


@virtual
async def test_interactive_calls_may_use_all_slots_and_bulk_calls_go_on_when_they_are_free() -> None:
    async with RawServer(OK) as server, connect(server, limiter(1), max_connections=2) as session:
        await fetch(session, "first")
        calls = [fetch(session, f"i{number}") for number in range(3)]
        calls += [fetch(session, f"b{number}", "bulk") for number in range(2)]
        await asyncio.gather(*calls)
        assert paths(server) == ["first", "i0", "i1", "i2", "b0", "b1"]


@virtual
async def test_a_slot_that_an_interactive_call_leaves_stays_spare() -> None:
    async with RawServer(OK) as server, connect(server, limiter(1), max_connections=2) as session:
        await fetch(session, "first")
        bulk = [asyncio.create_task(fetch(session, f"b{number}", "bulk")) for number in range(2)]
        await settle_down()
        await fetch(session, "i0")
        await fetch(session, "i1")
        await asyncio.gather(*bulk)
        assert paths(server) == ["first", "i0", "i1", "b0", "b1"]


def test_a_block_may_end_in_another_context(caplog: pytest.LogCaptureFixture) -> None:
    block = priority("bulk")
    contextvars.copy_context().run(block.__enter__)
    contextvars.copy_context().run(block.__exit__, None, None, None)
    assert current_priority() == "interactive"
    assert "use `async def`" in caplog.text


async def test_a_generator_that_another_task_closes_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def dependency() -> AsyncGenerator[Priority]:
        with priority("bulk"):
            yield current_priority()

    generator = dependency()
    assert await asyncio.create_task(anext(generator)) == "bulk"
    await generator.aclose()
    assert current_priority() == "interactive"
    assert not caplog.records
