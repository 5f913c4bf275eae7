"""Four workers on one token read the same topic while the quota is used up: requests sent, and how long it takes."""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import attrs

from asyncdbaas import AsyncSession, topics
from asyncdbaas.emulator import Delays, Emulator
from asyncdbaas.ratelimit.shared import SharedRateLimiter
from asyncdbaas.ratelimit.windows import PER_MINUTE
from benchmarks.many_workers import running
from benchmarks.report import Figure, Report, Table

__all__ = ["run"]

WORKERS: Final = 4


@attrs.frozen(kw_only=True)
class Run:
    """One burst of reads."""

    coalesce: bool
    reads: int
    sent: int
    """Requests for the reads."""
    refused: int
    seconds: float


def run(*, quick: bool) -> Report:
    """Let four workers read one topic many times at once, with and without sharing requests."""
    server = shutil.which("valkey-server") or shutil.which("redis-server")
    if server is None:
        sys.exit("reads: neither valkey-server nor redis-server is installed (apt-get install redis-server)")
    each, minute = (100, 2.0) if quick else (500, 5.0)
    runs = [asyncio.run(_burst(server, each, minute, coalesce=coalesce)) for coalesce in (True, False)]
    columns = ["coalesce_reads", "reads", "requests sent", "refused", "seconds"]
    notes = [f"{WORKERS} workers; the minute was used up before; a minute passes in {minute:g} s"]
    shared, alone = runs
    return Report(
        scenario="reads",
        tables=[Table(title="identical reads beyond the quota", columns=columns, rows=[*map(_row, runs)], notes=notes)],
        figures=[
            Figure(name="identical reads: requests sent", value=shared.sent, unit="", target=WORKERS),
            Figure(name="the same with coalesce_reads=False", value=alone.sent, unit=""),
            Figure(name="identical reads: refused", value=shared.refused + alone.refused, unit="", target=0),
            Figure(
                name="identical reads: minutes to the last result", value=shared.seconds / minute, unit="", target=1.05
            ),
            Figure(name="the same with coalesce_reads=False: minutes", value=alone.seconds / minute, unit=""),
        ],
        data={f"coalesce_reads={one.coalesce}": attrs.asdict(one) for one in runs},
    )


async def _burst(server: str, each: int, minute: float, *, coalesce: bool) -> Run:
    async with (
        running(server) as socket,
        Emulator(time_scale=60 / minute, delays=Delays.none(), keep_requests=10**6) as emulator,
        _sessions(socket, emulator, minute, coalesce=coalesce) as sessions,
    ):
        cluster: str = emulator.add_cluster(engine="kafka", num_nodes=3)["id"]
        wanted = [topics.TopicCreate(name=f"topic-{number}") for number in range(PER_MINUTE)]
        await asyncio.gather(
            *(topics.create_topic(sessions[n % WORKERS], cluster, topic) for n, topic in enumerate(wanted))
        )
        began = time.perf_counter()
        await asyncio.gather(
            *(topics.get_topic(session, cluster, "topic-0") for session in sessions for _ in range(each))
        )
        seconds = time.perf_counter() - began
        statuses = emulator.requests.statuses
    return Run(
        coalesce=coalesce, reads=WORKERS * each, sent=statuses[200], refused=statuses.get(429, 0), seconds=seconds
    )


@asynccontextmanager
async def _sessions(
    socket: Path, emulator: Emulator, minute: float, *, coalesce: bool
) -> AsyncGenerator[list[AsyncSession]]:
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                AsyncSession(
                    emulator.token,
                    base_url=emulator.url,
                    rate_limiter=SharedRateLimiter(f"unix://{socket}", minute=minute, hour=60 * minute),
                    coalesce_reads=coalesce,
                )
            )
            for _ in range(WORKERS)
        ]


def _row(run: Run) -> list[str]:
    return [str(run.coalesce), str(run.reads), str(run.sent), str(run.refused), f"{run.seconds:.2f}"]
