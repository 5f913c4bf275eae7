"""An hour of traffic with every kind of fault, over real sockets, in virtual time: nothing may grow."""

from __future__ import annotations

import asyncio
import gc
import random
import tracemalloc
from pathlib import Path

import pytest
from virtual_time import run, settle_down

from asyncdbaas import AsyncSession, DBaaSError, RateLimiter, RetryPolicy, topics
from asyncdbaas.emulator import KINDS, Delays, Emulator

pytestmark = pytest.mark.long

MINUTES = 60
CALLS_A_MINUTE = 16
CONNECTIONS = 10
# Of the event loop and the listening socket.
OTHER_FILES = 4
# Minutes until caches, pools and the limiter's windows are full.
WARM_UP = 20
# What a garbage collector leaves lying about, and the limiter's book of the hour; 300 bytes a call more would show.
TOLERANCE = 100_000


async def minute(session: AsyncSession, emulator: Emulator, cluster: str, rng: random.Random) -> int:
    """Make a minute's calls at once, some of them cancelled, some with an injected fault; return how many succeeded."""
    for kind in sorted(KINDS, key=lambda kind: kind != "delay"):  # a request gets the first one; many are to succeed
        if kind != "endless_body" or rng.random() < 0.1:  # each costs hundreds of packets
            emulator.faults.add("*", kind, probability=0.2, applied=rng.random() < 0.5, retry_after=1.0, delay=0.0)
    calls = [asyncio.create_task(_call(session, cluster, f"topic-{n}", rng)) for n in range(CALLS_A_MINUTE)]
    await asyncio.sleep(rng.uniform(0, 0.01))
    for call in rng.sample(calls, 3):
        call.cancel()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    emulator.faults.clear()
    emulator.requests.clear()
    assert all(isinstance(each, (DBaaSError, asyncio.CancelledError, type(None))) for each in outcomes), outcomes
    return outcomes.count(None)


async def _call(session: AsyncSession, cluster: str, name: str, rng: random.Random) -> None:
    match rng.randrange(4):
        case 0:
            await topics.create_topic(session, cluster, topics.TopicCreate(name=name))
        case 1:
            await topics.delete_topic(session, cluster, name)
        case 2:
            await topics.list_topics(session, cluster)
        case _:
            await topics.get_topic(session, cluster, name)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def soak() -> tuple[list[int], list[int], int]:
    """Return memory and file descriptors at the end of each minute, and how many calls succeeded."""
    loop, rng = asyncio.get_running_loop(), random.Random(6)
    memory, files, succeeded = list[int](), list[int](), 0
    async with Emulator(clock=loop.time, delays=Delays.none(), keep_requests=100) as emulator:
        cluster = str(emulator.add_cluster()["id"])
        retry, limiter = RetryPolicy(max_attempts=2), RateLimiter(clock=loop.time)
        async with AsyncSession(
            emulator.token,
            base_url=emulator.url,
            max_connections=CONNECTIONS,
            timeout=5.0,
            retry=retry,
            rate_limiter=limiter,
        ) as session:
            for _ in range(MINUTES):
                due = loop.time() + 60
                succeeded += await minute(session, emulator, cluster, rng)
                await asyncio.sleep(max(0.0, due - loop.time()))
                gc.collect()
                memory.append(tracemalloc.get_traced_memory()[0])
                files.append(open_files())
            assert session._admission.free_slots == CONNECTIONS
    await settle_down()
    return memory, files, succeeded


@pytest.mark.unobserved  # pytest keeps all records until the end of the test
def test_an_hour_of_traffic_with_faults_leaves_memory_and_file_descriptors_flat() -> None:
    before = open_files()
    tracemalloc.start()
    try:
        memory, files, succeeded = run(soak())
    finally:
        tracemalloc.stop()
    assert succeeded > MINUTES * CALLS_A_MINUTE / 5
    assert max(memory[WARM_UP + 20 :]) - max(memory[WARM_UP : WARM_UP + 20]) < TOLERANCE, memory
    assert max(files) <= before + OTHER_FILES + 2 * CONNECTIONS, (before, files)  # each has two ends here
    assert open_files() <= before
