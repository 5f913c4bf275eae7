"""The cost of a plan of topics that all declare settings, with a memory, and for what has changed.

python -m benchmarks.catalogue_memory [--quick]
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from asyncdbaas import AsyncSession, RateLimiter, hooks
from asyncdbaas.catalogue import Catalogue, CatalogueTopic
from asyncdbaas.emulator import Delays, Emulator
from asyncdbaas.plan import Reading, apply, load_memory, make_plan
from asyncdbaas.topics import TopicConfig, TopicCreate
from benchmarks.child import ROOT
from benchmarks.report import Figure, Report, Table, print_report

__all__ = ["memory_report"]

CHANGED: Final = 5
PLENTY: Final = 10**6
RUNS: Final = ("all settings", "fresh memory", "since, memory of clusters", "since, no memory")


def memory_report(*, quick: bool) -> Report:
    """Plan 2,000 topics on 10 clusters, and count requests and CPU."""
    topics, clusters = (200 if quick else 2_000), 10
    found = asyncio.run(_plan_in_four_ways(topics, clusters))
    rows = [[name, str(each["requests"]), f"{each['cpu']:.2f}"] for name, each in found.items()]
    note = f"{topics} topics on {clusters} clusters; since: {CHANGED} topics differ"
    targets = {"fresh memory": clusters, "since, memory of clusters": clusters + CHANGED}
    return Report(
        scenario="catalogue",
        tables=[
            Table(title="plans and their cost", columns=["reading", "requests", "CPU, s"], rows=rows, notes=[note]),
        ],
        figures=[
            Figure(name=f"plan, {name}: requests", value=found[name]["requests"], unit="", target=target)
            for name, target in targets.items()
        ]
        + [Figure(name="plan, fresh memory: CPU", value=found["fresh memory"]["cpu"], unit="s", target=2)],
        data={"memory": found},
    )


def _catalogue(topics: int, clusters: int, *, changed: int = 0) -> Catalogue:
    return Catalogue(
        topics=tuple(
            CatalogueTopic(
                cluster=f"cluster-{number % clusters}",
                topic=TopicCreate(
                    name=f"topic-{number}",
                    config=TopicConfig(retention_ms=86_400_000 + (number < changed)),
                ),
            )
            for number in range(topics)
        )
    )


async def _plan_in_four_ways(topics: int, clusters: int) -> dict[str, dict[str, float]]:
    async with Emulator(delays=Delays.none(), per_minute=PLENTY, per_hour=PLENTY, keep_requests=0) as emulator:
        for number in range(clusters):
            emulator.add_cluster(name=f"cluster-{number}")
        async with AsyncSession(
            emulator.token, base_url=emulator.url, rate_limiter=RateLimiter(PLENTY, PLENTY)
        ) as session:
            await apply(session, await make_plan(session, _catalogue(topics, clusters)))
        with TemporaryDirectory() as folder:
            file = str(Path(folder, "memory.json"))
            arguments = (emulator.url, emulator.token, file, str(topics), str(clusters))
            return {name: await _client(*arguments, name) for name in RUNS}


async def _client(*arguments: str) -> dict[str, float]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.catalogue_memory",
        "client",
        *arguments,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    found: dict[str, float] = json.loads(out)
    return found


async def _be_client(url: str, token: str, file: str, sizes: tuple[int, int], name: str) -> None:
    """Plan once, and print what it took."""
    sent: list[hooks.AttemptStarted] = []
    limiter = RateLimiter(PLENTY, PLENTY)
    async with AsyncSession(token, base_url=url, rate_limiter=limiter) as session:
        with session.listening(_collector(sent)):
            began = time.process_time()
            is_since = name.startswith("since")
            if name == "since, memory of clusters":
                _forget_settings(Path(file))
            reading = Reading(
                memory=None if name == "since, no memory" else load_memory(Path(file))[0],
                since=_catalogue(*sizes) if is_since else None,
            )
            await make_plan(session, _catalogue(*sizes, changed=CHANGED * is_since), reading=reading)
            print(json.dumps({"requests": len(sent), "cpu": time.process_time() - began}))


def _forget_settings(file: Path) -> None:
    remembered: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(remembered | {"clusters": {}}), encoding="utf-8")


def _collector(sent: list[hooks.AttemptStarted]) -> Callable[[hooks.CallEvent], None]:
    def collect(event: hooks.CallEvent) -> None:
        if isinstance(event, hooks.AttemptStarted):
            sent.append(event)

    return collect


def main() -> int:
    """Run it; the exit status is 1 if a target is missed."""
    if sys.argv[1:2] == ["client"]:
        url, token, file, topics, clusters, name = sys.argv[2:]
        asyncio.run(_be_client(url, token, file, (int(topics), int(clusters)), name))
        return 0
    report = memory_report(quick="--quick" in sys.argv)
    print_report(report)
    return int(any(figure.missed for figure in report.figures))


if __name__ == "__main__":
    sys.exit(main())
