"""Topic catalogues: the quota that an apply spends, the speed of a plan, and being killed in the middle.

python -m benchmarks.catalogue apply     # 2,000 topics on 10 clusters, then again
python -m benchmarks.catalogue wait      # the same, until all are active
python -m benchmarks.catalogue plan      # 100,000 topics against 100,000
python -m benchmarks.catalogue kill      # kill -9 at 50 random moments, with faults
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import multiprocessing
import random
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

from asyncdbaas import AsyncSession, RateLimiter, RetryPolicy
from asyncdbaas.catalogue import Catalogue, CatalogueTopic
from asyncdbaas.emulator import Emulator
from asyncdbaas.plan import ClusterRef, Forecast, LiveState, Plan, Target, apply, compare, forecast, make_plan
from asyncdbaas.topics import CleanupPolicy, Topic, TopicConfig, TopicCreate, TopicState
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
    reports = [apply_report(quick=quick), wait_report(quick=quick), plan_report(quick=quick), kill_report(quick=quick)]
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
                target=5,
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


def plan_report(*, quick: bool) -> Report:
    """Plan 100,000 topics against 100,000 live ones, without the network."""
    count = 5_000 if quick else 100_000
    # In a process of its own: the peak of this one may come from another scenario.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
        counts, seconds, busy, peak = fresh.submit(_plan, count).result()
    rows = [[action, str(number)] for action, number in counts.items()]
    return Report(
        scenario="catalogue",
        tables=[Table(title=f"a plan of {count} topics", columns=["action", "topics"], rows=rows, notes=[])],
        figures=[
            Figure(name=f"plan of {count}: CPU", value=busy, unit="s", target=3),
            Figure(name=f"plan of {count}: wall, with whatever else runs", value=seconds, unit="s"),
            Figure(name=f"plan of {count}: peak of the process", value=peak, unit="MiB", target=500),
        ],
        data={"plan": {"cpu": busy, "wall": seconds}},
    )


def _plan(count: int) -> tuple[dict[str, int], float, float, float]:
    """Return what a plan of so many topics holds, the wall and CPU seconds it took, and the peak of memory in MiB."""
    target, live = _big_world(count)
    began, busy = time.perf_counter(), time.process_time()
    plan = compare([target], LiveState.of_topics({target.cluster.id: live}))
    seconds, busy = time.perf_counter() - began, time.process_time() - busy
    return {str(action): number for action, number in plan.counts.items()}, seconds, busy, _peak()


def _peak() -> float:
    # Not ru_maxrss: it begins with what the parent had.
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def kill_report(*, quick: bool) -> Report:
    """Kill an apply at random moments, with answers lost, and see that the next runs finish without a duplicate."""
    found = asyncio.run(_kill_often(3 if quick else 50))
    rows = [[name, str(value)] for name, value in found.items()]
    return Report(
        scenario="catalogue",
        tables=[Table(title="killed in the middle", columns=["what", "figure"], rows=rows, notes=[])],
        figures=[
            Figure(name="kill: topics missing or other", value=found["missing or other"], unit="", target=0),
            Figure(
                name="kill: creates carried out twice",
                value=found["creates applied"] - found["topics"],
                unit="",
                target=0,
            ),
        ],
        data={"kill": found},
    )


def catalogue_of(topics: int, clusters: int) -> Catalogue:
    """Return a catalogue of so many topics, spread evenly over so many clusters."""
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


def _big_world(count: int) -> tuple[Target, dict[str, Topic]]:
    config = [
        TopicConfig(retention_ms=86_400_000, cleanup_policy=CleanupPolicy.COMPACT, segment_ms=number)
        for number in (1, 2)
    ]
    wanted = tuple(
        CatalogueTopic(topic=TopicCreate(name=f"topic-{number}", partition_count=6, config=config[0]))
        for number in range(count)
    )
    live = {
        f"topic-{number}": Topic(
            name=f"topic-{number}",
            state=TopicState.ACTIVE,
            partition_count=6,
            replication_factor=2,
            config=config[number % 10 == 0],
        )
        for number in range(count // 10, count + count // 10)
    }
    return Target(cluster=ClusterRef(id="c", name="c", num_nodes=3), topics=wanted), live


async def _kill_often(kills: int) -> dict[str, int]:
    topics, clusters = 60 * kills, 4
    chance = random.Random(0)
    async with Emulator(time_scale=SCALE, per_minute=10**6, per_hour=10**6, keep_requests=0) as emulator:
        ids = [emulator.add_cluster(name=f"cluster-{number}")["id"] for number in range(clusters)]
        for kind, applied in (("server_error", True), ("reset", True), ("reset", False), ("accepted", False)):
            emulator.faults.add("create_topic", kind, applied=applied, probability=0.05, times=None)
        emulator.faults.add("create_topic", "delay", delay=0.3 * SCALE)
        killed = 0
        for _ in range(kills):
            process = await _client(emulator, topics, clusters, per_cluster=5)  # slow, so that one run is killed often
            before = emulator.requests.operations["create_topic"]
            goal = before + chance.randrange(60)
            while emulator.requests.operations["create_topic"] < goal and process.returncode is None:  # noqa: ASYNC110 -- another process is watched
                await asyncio.sleep(0.002)
            if process.returncode is None:
                process.kill()
                killed += 1
            await process.wait()
        emulator.faults.clear()
        process = await _client(emulator, topics, clusters)
        await process.communicate()
        async with AsyncSession(
            emulator.token, base_url=emulator.url, rate_limiter=RateLimiter(10**6, 10**6)
        ) as session:
            left: Plan = await make_plan(session, catalogue_of(topics, clusters))
        paths = [f"/v2/databases/{cluster_id}/topics" for cluster_id in ids]
        return {
            "topics": topics,
            "killed": killed,
            "requests to create": emulator.requests.operations["create_topic"],
            "creates applied": sum(emulator.requests.applied["POST", path] for path in paths),
            "missing or other": len(left.writes),
        }


PARTS: Final = {"apply": apply_report, "plan": plan_report, "kill": kill_report, "wait": wait_report}


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
