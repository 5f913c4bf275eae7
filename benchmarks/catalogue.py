"""Catalogues: the quota that an apply spends, the speed of a plan, and being killed in the middle.

python -m benchmarks.catalogue apply     # 2,000 topics on 10 clusters, then again
python -m benchmarks.catalogue wait      # the same, until all are active
python -m benchmarks.catalogue plan      # 100,000 topics, 5,000 users and 2,000 schemas
python -m benchmarks.catalogue read      # catalogues of 50 MB
python -m benchmarks.catalogue memory    # plans of 2,000 topics on 10 clusters, with a memory
python -m benchmarks.catalogue kill      # kill -9 at 50 random moments, with faults
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from asyncdbaas import AsyncSession, RateLimiter, RetryPolicy
from asyncdbaas.catalogue import Catalogue, CatalogueTopic
from asyncdbaas.emulator import Emulator
from asyncdbaas.plan import Forecast, apply, forecast, make_plan
from asyncdbaas.topics import TopicCreate
from benchmarks.catalogue_kill import kill_report
from benchmarks.catalogue_memory import memory_report
from benchmarks.catalogue_plan import plan_report, read_report
from benchmarks.child import ROOT
from benchmarks.report import Figure, Report, Table, print_report

__all__ = ["run"]

PER_MINUTE: Final = 250
# A minute passes in six seconds: long enough for a burst of 250 to be a small part of it.
SCALE: Final = 10.0
MINUTE: Final = 60.0 / SCALE
DOMAINS: Final = (
    "orders",
    "payments",
    "stock",
    "parcels",
    "returns",
    "prices",
    "customers",
    "logins",
    "fraud",
    "search",
)


def run(*, quick: bool) -> Report:
    """Run all parts."""
    reports = [make(quick=quick) for make in PARTS.values()]
    return Report(
        scenario="catalogue",
        tables=[table for report in reports for table in report.tables],
        figures=[figure for report in reports for figure in report.figures],
        data={name: value for report in reports for name, value in report.data.items()},
    )


def apply_report(*, quick: bool) -> Report:
    """Create 2,000 topics on 10 clusters from another process, wait until they are active, and apply again."""
    topics, clusters = (200, 2) if quick else (2_000, 10)
    first, again, seen = asyncio.run(_apply_twice(topics, clusters))
    sent = first["lists"] + topics
    optimum = MINUTE * (math.ceil(sent / PER_MINUTE) - 1) or MINUTE
    rows = [
        ["requests of the first apply", str(first["operations"])],
        ["requests of the second apply", str(again["operations"])],
        ["forecast, s", f"{first['forecast']:.2f}"],
        ["took, s", f"{first['seconds']:.2f}"],
        ["the windows allow, s", f"{optimum:.2f}"],
    ]
    note = f"{topics} topics on {clusters} clusters; a minute takes {MINUTE:g} s; client and emulator are two processes"
    return Report(
        scenario="catalogue",
        tables=[Table(title="apply, and apply again", columns=["what", "figure"], rows=rows, notes=[note])],
        figures=[
            Figure(name="apply: refused requests (429)", value=seen[429], unit="", target=0),
            Figure(name="apply: creates beyond one a topic", value=first["creates"] - topics, unit="", target=0),
            Figure(name="apply: over the optimum", value=100 * (first["total"] / optimum - 1), unit="%", target=3),
            Figure(
                name="apply: forecast off by",
                value=100 * abs(first["forecast"] / first["seconds"] - 1),
                unit="%",
                target=2,
            ),
            Figure(name="apply again: writes", value=again["creates"], unit="", target=0),
            Figure(name="apply again: lists of topics", value=again["lists"], unit="", target=clusters),
        ],
        data={"apply": first, "again": again},
    )


def wait_report(*, quick: bool) -> Report:
    """Create topics on 10 clusters, wait until they are active, and count what it cost."""
    topics, clusters = (200 if quick else 2_000), 10
    sent, rounds, seconds = asyncio.run(_apply_and_wait(topics, clusters))
    most = topics + clusters + clusters * rounds
    lists = sent["list_topics"] - clusters
    requests = sent.total() - sent["list_clusters"]
    rows = [
        ["requests = creates + lists + rounds", f"{requests} = {sent['create_topic']} + {clusters} + {lists}"],
        ["most", f"{most} = {topics} + {clusters} + {clusters} x {rounds} rounds"],
        ["took, s", f"{seconds:.2f}"],
    ]
    note = "one list of the clusters comes on top; a round costs each cluster one list of its topics"
    return Report(
        scenario="catalogue",
        tables=[Table(title=f"apply {topics} topics, and wait", columns=["what", "figure"], rows=rows, notes=[note])],
        figures=[Figure(name="apply and wait: requests", value=requests, unit="", target=most)],
        data={"wait": {"sent": sent, "rounds": rounds, "seconds": seconds}},
    )


def catalogue_of(topics: int, clusters: int) -> Catalogue:
    """Return a catalogue of topics, spread evenly over clusters."""
    return Catalogue(
        topics=tuple(
            CatalogueTopic(cluster=f"cluster-{number % clusters}", topic=_topic(number)) for number in range(topics)
        )
    )


def _topic(number: int) -> TopicCreate:
    name = f"{DOMAINS[number % len(DOMAINS)]}.event-{number}"
    return TopicCreate(name=name, partition_count=3 + number % 10, replication_factor=2 + number % 2)


async def _apply_twice(topics: int, clusters: int) -> tuple[dict[str, Any], dict[str, Any], Counter[int]]:
    async with Emulator(time_scale=SCALE, keep_requests=topics) as emulator:
        for number in range(clusters):
            emulator.add_cluster(name=f"cluster-{number}")
        runs: list[dict[str, Any]] = []
        for _ in range(2):
            emulator.requests.operations.clear()
            process = await _client(emulator, topics, clusters)
            out, _ = await process.communicate()
            operations = dict(emulator.requests.operations)
            lists = operations.get("list_clusters", 0) + operations.get("list_topics", 0)
            counted = {"operations": operations, "creates": operations.get("create_topic", 0), "lists": lists}
            runs.append(json.loads(out) | counted)
            await asyncio.sleep(MINUTE)  # a new process knows nothing of what the old one used up
        runs[1]["lists"] -= 1  # of the clusters
        return runs[0], runs[1], Counter(emulator.requests.statuses)


async def _apply_and_wait(topics: int, clusters: int) -> tuple[Counter[str], int, float]:
    """Return the requests by operation, the most rounds of any cluster, and the seconds."""
    async with Emulator(time_scale=SCALE, keep_requests=10 * topics) as emulator:
        for number in range(clusters):
            emulator.add_cluster(name=f"cluster-{number}")
        limiter = RateLimiter(minute=MINUTE, hour=3600 / SCALE)
        async with AsyncSession(emulator.token, base_url=emulator.url, rate_limiter=limiter) as session:
            plan = await make_plan(session, catalogue_of(topics, clusters))
            report = await apply(session, plan, wait=True, interval=5 / SCALE)
        assert not report.failures
        lists = Counter(request.path for request in emulator.requests if request.operation == "list_topics")
        return Counter(emulator.requests.operations), max(lists.values()) - 1, report.times.total


async def _client(emulator: Emulator, topics: int, clusters: int, per_cluster: int = 100) -> asyncio.subprocess.Process:
    arguments = ("client", emulator.url, emulator.token, str(topics), str(clusters), str(per_cluster))
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.catalogue", *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )


async def _be_client(url: str, token: str, topics: int, clusters: int, per_cluster: int) -> None:
    """Apply the catalogue once, and print what it took."""
    limiter = RateLimiter(minute=MINUTE, hour=3600 / SCALE)
    began = time.monotonic()
    async with AsyncSession(token, base_url=url, rate_limiter=limiter, retry=RetryPolicy(base_delay=0.1)) as session:
        plan = await make_plan(session, catalogue_of(topics, clusters))
        ahead: Forecast = forecast(session, plan)
        report = await apply(session, plan, per_cluster=per_cluster, interval=5 / SCALE)
    seconds = report.times.total
    failures = [outcome.reason for outcome in report.failures]
    total = time.monotonic() - began
    print(json.dumps({"forecast": ahead.seconds, "seconds": seconds, "total": total, "failures": failures}))


PARTS: Final[Mapping[str, Callable[..., Report]]] = {
    "apply": apply_report,
    "wait": wait_report,
    "plan": plan_report,
    "read": read_report,
    "memory": memory_report,
    "kill": kill_report,
}


def main() -> int:
    """Run one part; the exit status is 1 if a target is missed."""
    if sys.argv[1:2] == ["client"]:
        url, token, *numbers = sys.argv[2:]
        asyncio.run(_be_client(url, token, *map(int, numbers)))
        return 0
    parser = argparse.ArgumentParser(prog="python -m benchmarks.catalogue", description=__doc__)
    parser.add_argument("part", choices=sorted(PARTS))
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs; figures mean little")
    arguments = parser.parse_args()
    report = PARTS[arguments.part](quick=arguments.quick)
    print_report(report)
    return int(any(figure.missed for figure in report.figures))


if __name__ == "__main__":
    sys.exit(main())
