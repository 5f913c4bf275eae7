"""What waiting calls cost: the others, when they are cancelled, and in memory."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from typing import Any, Final

from asyncdbaas import AsyncSession, RateLimiter, topics
from benchmarks.canned_server import serving
from benchmarks.payloads import CLUSTER_ID, TOKEN
from benchmarks.peers import unlimited
from benchmarks.report import Figure, Report, Table

__all__ = ["run"]

FEW: Final = 10
CALLS: Final = 2000
IN_FLIGHT: Final = 64


def run(*, quick: bool) -> Report:
    """Measure with 10 to 100,000 calls that wait, for a connection slot and for the rate limit."""
    counts = (FEW, 50) if quick else (FEW, 1000, 100_000)
    rounds = 2 if quick else 5
    with serving() as url:
        costs = {
            what: asyncio.run(_scale(url, limited, counts, rounds))
            for what, limited in (("a slot", False), ("the rate limit", True))
        }
        cancelled = {count: asyncio.run(_cancel(url, count)) for count in counts[1:]}
        memory = {count: asyncio.run(_memory(url, count)) for count in ((50,) if quick else (1000, 10_000))}
    return Report(
        scenario="waiting",
        tables=[
            *(_cost_table(what, cost) for what, cost in costs.items()),
            _cancel_table(cancelled),
            _memory_table(memory),
        ],
        figures=[
            *(_flat(what, cost, counts[-1]) for what, cost in costs.items()),
            Figure(name=f"CPU to cancel one of {counts[-1]} waiting calls", value=cancelled[counts[-1]], unit="us"),
            Figure(
                name=f"memory per pending call, over its coroutine and task ({max(memory)} calls)",
                value=memory[max(memory)][0] / 1024,
                unit="KiB",
                target=3,
            ),
        ],
        data={
            "cost": {what: {str(count): times for count, times in cost.items()} for what, cost in costs.items()},
            "cancelled": {str(count): cost for count, cost in cancelled.items()},
        },
    )


async def _scale(url: str, limited: bool, counts: tuple[int, ...], rounds: int) -> dict[int, list[float]]:
    """Return the CPU time of one call in microseconds, while others wait; one figure for each round."""
    found: dict[int, list[float]] = {count: [] for count in counts}
    for number in range(rounds + 1):
        for count in counts if number % 2 else reversed(counts):
            cost = await _cost(url, limited, count)
            if number:
                found[count].append(cost)
    return found


async def _cost(url: str, limited: bool, waiting: int) -> float:
    # For the rate limit, windows so short that their opening, not the server, sets the pace.
    limiter = RateLimiter(IN_FLIGHT, 10**9, minute=0.004) if limited else unlimited()
    slots = waiting + CALLS if limited else IN_FLIGHT
    async with AsyncSession(TOKEN, base_url=url, max_connections=slots, rate_limiter=limiter) as session:
        tasks = [asyncio.create_task(_create(session, number)) for number in range(waiting + CALLS)]
        await asyncio.sleep(0)  # now all have started, and all but a few wait
        await tasks[IN_FLIGHT]  # the connections stand
        gc.collect()
        start = time.process_time()
        await tasks[CALLS - 1]
        used = time.process_time() - start
        await _end(tasks)
    return used / (CALLS - IN_FLIGHT) * 1e6


async def _create(session: AsyncSession, number: int) -> topics.Topic:
    topic = topics.TopicCreate(name=f"topic-{number}", partition_count=3, replication_factor=2)
    return await topics.create_topic(session, CLUSTER_ID, topic)


async def _end(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _cancel(url: str, count: int) -> float:
    """Return the CPU time to cancel one of many calls that all wait for the rate limit, in microseconds."""
    async with AsyncSession(TOKEN, base_url=url, rate_limiter=_shut()) as session:
        tasks = [asyncio.create_task(_create(session, number)) for number in range(count)]
        await asyncio.sleep(0)
        gc.collect()
        start = time.process_time()
        await _end(tasks)
        return (time.process_time() - start) / count * 1e6


async def _memory(url: str, count: int) -> tuple[float, float]:
    """Return the bytes of one waiting call beyond those of a coroutine that just waits, and those of the latter."""
    async with AsyncSession(TOKEN, base_url=url, rate_limiter=_shut(), max_connections=IN_FLIGHT) as session:
        await _bytes_per_task(lambda number: _create(session, number), 100)  # the caches are full
        ours = await _bytes_per_task(lambda number: _create(session, number), count)
        plain = await _bytes_per_task(lambda _: _wait(), count)
        return ours - plain, plain


def _shut() -> RateLimiter:
    """Make a limiter whose quota is used up."""
    limiter = RateLimiter(1, 1)
    limiter._quota.in_flight = 1
    return limiter


async def _wait() -> None:
    await asyncio.get_running_loop().create_future()


async def _bytes_per_task(start: Callable[[int], Awaitable[Any]], count: int) -> float:
    gc.collect()
    tracemalloc.start()
    gathered = asyncio.gather(*(start(number) for number in range(count)))
    await asyncio.sleep(0)
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    gathered.cancel()
    await asyncio.gather(gathered, return_exceptions=True)
    return used / count


def _flat(what: str, cost: dict[int, list[float]], most: int) -> Figure:
    ratio = statistics.median(many / few for many, few in zip(cost[most], cost[FEW], strict=True))
    return Figure(name=f"cost per call with {most} waiting for {what} over {FEW}", value=ratio, unit="x", target=1.2)


def _cost_table(what: str, cost: dict[int, list[float]]) -> Table:
    rows = [
        [f"{count}", f"{statistics.median(times):.0f}", f"{min(times):.0f} - {max(times):.0f}"]
        for count, times in cost.items()
    ]
    notes = [f"{CALLS - IN_FLIGHT} creates over HTTP a sample, {len(cost[FEW])} samples, taken in turn"]
    return Table(
        title=f"client CPU per create while others wait for {what}",
        columns=["waiting", "CPU us, median", "range"],
        rows=rows,
        notes=notes,
    )


def _cancel_table(cancelled: dict[int, float]) -> Table:
    rows = [[str(count), f"{cost:.1f}", f"{cost * count / 1e6:.3f}"] for count, cost in cancelled.items()]
    return Table(title="cancelling calls that wait", columns=["waiting", "CPU us each", "CPU s in all"], rows=rows)


def _memory_table(memory: dict[int, tuple[float, float]]) -> Table:
    rows = [[str(count), f"{plain / 1024:.2f}", f"{more / 1024:.2f}"] for count, (more, plain) in memory.items()]
    columns = ["pending", "coroutine and task KiB", "beyond them KiB"]
    notes = ["by tracemalloc, all calls waiting for the rate limit or a slot"]
    return Table(title="memory of one pending call", columns=columns, rows=rows, notes=notes)
