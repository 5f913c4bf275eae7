"""Many processes on one token, with one quota in a Redis or Valkey server: all well, the server killed, a clock off."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from bisect import bisect_left
from collections import Counter
from pathlib import Path
from typing import Any, Final

import attrs

from asyncdbaas import AsyncSession, topics
from asyncdbaas.emulator import Delays, Emulator
from asyncdbaas.ratelimit.shared import SharedRateLimiter
from benchmarks.child import ROOT
from benchmarks.limits import PER_HOUR, PER_MINUTE, optimum
from benchmarks.many_workers import figures
from benchmarks.report import Figure, Report, Table

__all__ = ["run"]

WORKERS: Final = 8
SKEW: Final = 30.0
PLAN: Final = ("all well", "store killed", "a clock 30 s off")


@attrs.frozen(kw_only=True)
class Outage:
    """When the store was away, in the emulator's seconds."""

    began: float = float("inf")
    ended: float = float("inf")

    def covers(self, moment: float) -> bool:
        """Tell whether the store was away."""
        return self.began <= moment <= self.ended


@attrs.frozen(kw_only=True)
class Run:
    """One race of all workers."""

    name: str
    creates: int
    optimum: float
    makespan: float
    created: int
    topics: int
    refused: int
    refused_outside: int
    """Refusals while the store was there."""
    fullest: int
    """The most requests in any minute, as the emulator saw them."""
    shares: list[int]
    """How many each worker had done when half of all were done."""
    exchanges: int

    @property
    def spread(self) -> float:
        """The largest distance of a share from an even one, in percent of it."""
        even = sum(self.shares) / len(self.shares)
        return max(abs(share - even) for share in self.shares) / even * 100


def run(*, quick: bool) -> Report:
    """Race eight processes for the quota of one token."""
    server = shutil.which("valkey-server") or shutil.which("redis-server")
    if server is None:
        sys.exit("shared: neither valkey-server nor redis-server is installed (apt-get install redis-server)")
    creates, minute = (2000, 5.0) if quick else (4000, 10.0)
    runs = [asyncio.run(_race(name, server, creates, minute)) for name in PLAN]
    notes = [
        f"{WORKERS} processes, {Path(server).name}; a minute passes in {minute:g} s",
        "share: of a worker, when half of all creates were done, against an even one",
    ]
    columns = ["run", "optimum s", "makespan s", "over optimum", "refused", "fullest minute", "share off by"]
    columns += ["exchanges per call"]
    return Report(
        scenario="shared",
        tables=[Table(title=f"{creates} creates on one token", columns=columns, rows=[*map(_row, runs)], notes=notes)],
        figures=[*(figure for one in runs for figure in _figures(one)), *asyncio.run(figures(server, 2000, minute))],
        data={one.name: attrs.asdict(one) for one in runs},
    )


@attrs.frozen(kw_only=True)
class Stage:
    """What a race is run on."""

    name: str
    creates: int
    minute: float
    server: str
    store: str
    """The path of the store's Unix socket."""
    emulator: Emulator
    cluster: str

    @property
    def optimum(self) -> float:
        """The least seconds that the limits allow."""
        return optimum(self.creates, self.minute)


async def _race(name: str, server: str, creates: int, minute: float) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        async with Emulator(time_scale=60 / minute, delays=Delays.none(), keep_requests=10**6) as emulator:
            cluster: str = emulator.add_cluster(engine="kafka", num_nodes=3)["id"]
            stage = Stage(
                name=name,
                creates=creates,
                minute=minute,
                server=server,
                store=f"{folder}/store",
                emulator=emulator,
                cluster=cluster,
            )
            return await _run(stage)


async def _run(stage: Stage) -> Run:
    store = await _start(stage)
    workers = [await _spawn(stage, index) for index in range(WORKERS)]
    await asyncio.gather(*(_line(worker) for worker in workers))
    began = time.monotonic()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write(b"go\n")
    results = asyncio.gather(*(_line(worker) for worker in workers))
    outage = Outage()
    if stage.name == "store killed":
        await asyncio.sleep(stage.optimum / 2)
        outage, store = await _interrupt(stage, store)
    found: list[dict[str, Any]] = await results
    await asyncio.gather(*(worker.wait() for worker in workers))
    store.terminate()
    await store.wait()
    return _judge(stage, began, found, outage)


async def _interrupt(stage: Stage, store: asyncio.subprocess.Process) -> tuple[Outage, asyncio.subprocess.Process]:
    """Kill the store with all it knows, and start another one in its place."""
    store.kill()
    await store.wait()
    began = stage.emulator.clock.now()
    await asyncio.sleep(stage.minute / 2)
    store = await _start(stage)
    return Outage(began=began, ended=stage.emulator.clock.now()), store


def _judge(stage: Stage, began: float, found: list[dict[str, Any]], outage: Outage) -> Run:
    asked = [seen for seen in stage.emulator.requests if seen.operation == "create_topic"]
    arrivals = [seen.at for seen in asked]
    refused = [seen.at for seen in asked if seen.status == 429]
    answers = sorted((at, index) for index, one in enumerate(found) for at in one["answers"])
    first_half = Counter(index for _, index in answers[: stage.creates // 2])
    return Run(
        name=stage.name,
        creates=stage.creates,
        optimum=stage.optimum,
        makespan=answers[-1][0] - began,
        created=sum(seen.status == 201 for seen in asked),
        topics=sum(one["created"] for one in found),
        refused=len(refused),
        refused_outside=sum(not outage.covers(at) for at in refused),
        fullest=max(bisect_left(arrivals, at + 60) - place for place, at in enumerate(arrivals)),
        shares=[first_half[index] for index in range(WORKERS)],
        exchanges=sum(one["exchanges"] for one in found),
    )


async def _start(stage: Stage) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        *(stage.server, "--port", "0", "--unixsocket", stage.store, "--save", ""), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    while b"eady to accept connections" not in await process.stdout.readline():
        pass
    return process


async def _spawn(stage: Stage, index: int) -> asyncio.subprocess.Process:
    skew = SKEW if stage.name == "a clock 30 s off" and index == 0 else 0.0
    emulator = stage.emulator
    words = [emulator.url, emulator.token, stage.cluster, stage.store]
    numbers = [stage.minute, stage.creates // WORKERS, index, skew]
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.shared", *words, *map(str, numbers)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        limit=2**22,  # of the one line that a worker writes at the end
    )


async def _line(worker: asyncio.subprocess.Process) -> Any:
    assert worker.stdout is not None
    return json.loads(await worker.stdout.readline())


async def _work(options: argparse.Namespace) -> None:
    """Be one of the workers: get ready, wait for the start, create, and report what happened."""
    clock, wall = time.monotonic, time.time
    time.time = lambda: wall() + options.skew
    limiter = SharedRateLimiter(
        f"unix://{options.store}",
        PER_MINUTE,
        PER_HOUR,
        minute=options.minute,
        hour=60 * options.minute,
        clock=lambda: clock() + options.skew,
    )
    answers: list[float] = []
    async with AsyncSession(options.token, base_url=options.url, rate_limiter=limiter) as session:

        async def create(number: int) -> None:
            wanted = topics.TopicCreate(name=f"topic-{options.index}-{number}")
            await topics.create_topic(session, options.cluster, wanted)
            answers.append(clock())

        print("0", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await asyncio.gather(*map(create, range(options.creates)))
        mine = [one for one in await topics.list_topics(session, options.cluster) if _is_of(one.name, options.index)]
    print(json.dumps({"answers": answers, "created": len(mine), "exchanges": limiter._worker.sequence}), flush=True)


def _is_of(name: str, index: int) -> bool:
    return name.startswith(f"topic-{index}-")


def _row(run: Run) -> list[str]:
    return [
        run.name,
        f"{run.optimum:.2f}",
        f"{run.makespan:.2f}",
        f"{run.makespan / run.optimum:.4f}",
        str(run.refused),
        str(run.fullest),
        f"{run.spread:.1f} %",
        f"{run.exchanges / run.creates:.3f}",
    ]


def _figures(run: Run) -> list[Figure]:
    figures = [
        Figure(name=f"{run.name}: lost", value=run.creates - run.topics, unit="", target=0),
        Figure(name=f"{run.name}: created twice", value=run.created - run.topics, unit="", target=0),
        Figure(name=f"{run.name}: refused while the store was there", value=run.refused_outside, unit="", target=0),
        Figure(name=f"{run.name}: exchanges per call", value=run.exchanges / run.creates, unit="", target=1),
        Figure(name=f"{run.name}: share off by", value=run.spread, unit="%", target=20),
    ]
    if run.name == "store killed":
        return figures
    over = run.makespan / run.optimum
    return [
        *figures,
        Figure(name=f"{run.name}: fullest minute", value=run.fullest, unit="requests", target=PER_MINUTE),
        Figure(name=f"{run.name}: makespan over optimum", value=over, unit="x", target=1.05),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for word in ("url", "token", "cluster", "store"):
        parser.add_argument(word)
    for word in ("minute", "creates", "index", "skew"):
        parser.add_argument(word, type=float if word in ("minute", "skew") else int)
    asyncio.run(_work(parser.parse_args()))
