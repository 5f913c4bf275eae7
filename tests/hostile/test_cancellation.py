"""The rules of cancellation that an application relies on; the README states them.

tests/core holds the rules for the single parts, the simulation for any mix of them.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from raw_server import Exchange, RawServer, Step, answer, hang
from virtual_time import settle_down, virtual

from asyncdbaas import AsyncSession, RateLimiter, bulk, users

OK = answer(200, b"{}")
CLUSTER = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
USER = answer(201, b'{"user": {"name": "u"}}')


async def slow(exchange: Exchange) -> None:
    await asyncio.sleep(1)
    await exchange.write(USER)


@asynccontextmanager
async def talking(*steps: Step, **settings: Any) -> AsyncGenerator[tuple[RawServer, AsyncSession], None]:
    """Open a server, and a session with it; at the end nothing of it may be held by anybody."""
    limiter = RateLimiter(clock=asyncio.get_running_loop().time)
    async with (
        RawServer(*steps) as server,
        AsyncSession("token", base_url=server.url, rate_limiter=limiter, **settings) as session,
    ):
        yield server, session
        await settle_down()
        assert session._admission.free_slots == session._admission.slots
        assert (limiter.in_flight, limiter.waiting, len(session._lifetime._deadlines)) == (0, 0, 0)
        assert not any(lock.locked() for lock in session._locks.values())


@virtual
async def test_a_failing_task_group_cancels_its_own_calls_and_no_others() -> None:
    async def fail() -> None:
        await asyncio.sleep(0.5)
        raise LookupError

    async with talking(slow, max_connections=2) as (_, session):
        other = [asyncio.create_task(session.request("GET", f"/v2/{n}")) for n in range(3)]
        mine: list[asyncio.Task[None]] = []
        with pytest.raises(ExceptionGroup):  # noqa: PT012 -- the group is what raises
            async with asyncio.TaskGroup() as group:
                mine += [group.create_task(session.request("GET", f"/v2/{n}")) for n in range(20)]
                group.create_task(fail())
        assert all(task.cancelled() for task in mine)
        assert await asyncio.gather(*other) == [None] * 3


@virtual
async def test_a_deadline_of_the_callers_ends_all_of_its_calls_at_that_moment() -> None:
    loop = asyncio.get_running_loop()
    async with talking(hang, max_connections=2) as (_, session):
        began = loop.time()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5):
                await asyncio.gather(*(session.request("GET", f"/v2/{n}") for n in range(5)))
        assert loop.time() - began == pytest.approx(2.5)


@virtual
async def test_a_write_that_is_cancelled_in_the_queue_of_a_cluster_leaves_the_others_their_permits() -> None:
    loop = asyncio.get_running_loop()
    async with talking(slow) as (server, session):
        began = loop.time()
        calls = [
            asyncio.create_task(users.create_user(session, CLUSTER, users.UserCreate(name=f"u{n}"))) for n in range(6)
        ]
        await asyncio.sleep(0.5)
        for place in (0, 2, 3):  # on the wire, and waiting
            calls[place].cancel()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert [isinstance(outcome, asyncio.CancelledError) for outcome in outcomes] == [
            True,
            False,
            True,
            True,
            False,
            False,
        ]
        assert [request.json["name"] for request in server.requests] == ["u0", "u1", "u4", "u5"]
        assert loop.time() - began == pytest.approx(3.5, abs=0.01)


@virtual
async def test_a_generator_that_is_forgotten_half_way_ends_its_calls() -> None:
    async with talking(OK, hang) as (_, session):

        async def first() -> str:
            async for item, _ in bulk.as_completed(lambda name: session.request("GET", f"/v2/{name}"), "abcdefgh"):
                return item  # nobody closes the generator
            return ""

        assert await first() == "a"
        gc.collect()
        await settle_down()
        await settle_down()
        assert session.rate_limiter.in_flight == 0


@virtual
async def test_cancelling_the_close_still_leaves_the_session_closed() -> None:
    async with talking(hang) as (_, session):
        call = asyncio.create_task(session.request("GET", "/v2/x"))
        await settle_down()
        closing = asyncio.create_task(session.close())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait([closing, call])
        assert not call.cancelled()
        with pytest.raises(RuntimeError, match="closed"):
            await session.request("GET", "/v2/x")


_PROGRAM = """
import asyncio, sys
from asyncdbaas import AsyncSession

async def main():
    async with AsyncSession("token", base_url=sys.argv[1], max_connections=5) as session:
        try:
            await asyncio.gather(*(session.request("GET", f"/v2/{n}") for n in range(400)))
        finally:
            print("cleaning up", flush=True)
    print("never", flush=True)

asyncio.run(main())
"""


async def test_ctrl_c_ends_a_program_at_once_and_in_order() -> None:
    async with RawServer(hang) as server:
        command = (sys.executable, "-X", "dev", "-W", "error", "-c", _PROGRAM, server.url)
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(60):
            while len(server.requests) < 5:
                server.arrived.clear()
                await server.arrived.wait()
            process.send_signal(signal.SIGINT)
            out, err = await process.communicate()
        assert process.returncode == -signal.SIGINT
        assert out.decode().split("\n") == ["cleaning up", ""]
        assert err.decode().rstrip().endswith("KeyboardInterrupt")
        for complaint in ("never retrieved", "was destroyed", "ResourceWarning", "Unclosed", "Exception ignored"):
            assert complaint not in err.decode()
