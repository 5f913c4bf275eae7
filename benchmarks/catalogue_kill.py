"""An apply of topics, users and schemas that is killed again and again, with answers lost.

python -m benchmarks.catalogue_kill [--quick]
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from typing import Final

from asyncdbaas import AsyncSession, RateLimiter, RetryPolicy
from asyncdbaas.catalogue import Catalogue, CatalogueSchema, CatalogueTopic, CatalogueUser
from asyncdbaas.emulator import Emulator
from asyncdbaas.plan import apply, make_plan
from asyncdbaas.schemas import CompatibilityLevel, SchemaCreate, SchemaType, get_schema
from asyncdbaas.topics import TopicCreate
from asyncdbaas.users import KafkaACL, KafkaPermission
from benchmarks.child import ROOT
from benchmarks.report import Figure, Report, Table, print_report

__all__ = ["kill_report"]

CLUSTERS: Final = 4
# Of each kind, for each kill.
OBJECTS: Final = 16
SCALE: Final = 10.0
CREATES: Final = {"create_topic": "topics", "create_user": "users", "create_schema": "schema-registry"}
WRITES: Final = (*CREATES, "set_subject_compatibility")
FAULTS: Final = (("server_error", True), ("reset", True), ("reset", False), ("unavailable", False))
PLENTY: Final = 10**6


def kill_report(*, quick: bool) -> Report:
    """Kill an apply of all three kinds at random moments, and see that the next run finishes without a duplicate."""
    found = asyncio.run(_kill_often(3 if quick else 50))
    rows = [[name, str(value)] for name, value in found.items()]
    return Report(
        scenario="catalogue",
        tables=[Table(title="killed in the middle", columns=["what", "figure"], rows=rows)],
        figures=[
            Figure(name="kill: objects missing or other", value=found["missing or other"], unit="", target=0),
            Figure(name="kill: creates applied twice", value=found["applied twice"], unit="", target=0),
        ],
        data={"kill": found},
    )


def _catalogue(count: int) -> Catalogue:
    """Return a catalogue of topics, users and schemas, spread evenly over the clusters."""
    places = [(number, f"cluster-{number % CLUSTERS}") for number in range(count)]
    right = KafkaACL(topic="event-*", permission=KafkaPermission.CONSUME)
    return Catalogue(
        topics=tuple(CatalogueTopic(cluster=at, topic=TopicCreate(name=f"event-{number}")) for number, at in places),
        users=tuple(CatalogueUser(cluster=at, name=f"user-{number}", acl=(right,)) for number, at in places),
        schemas=tuple(
            CatalogueSchema(
                cluster=at,
                subject=f"event-{number}-value",
                schema=SchemaCreate(
                    subject_name=f"event-{number}-value", schema_type=SchemaType.AVRO, schema='"string"'
                ),
                compatibility=CompatibilityLevel.FULL if number % 3 == 0 else None,
            )
            for number, at in places
        ),
    )


async def _kill_often(kills: int) -> dict[str, int]:
    count = OBJECTS * kills
    chance = random.Random(0)
    async with Emulator(time_scale=SCALE, per_minute=PLENTY, per_hour=PLENTY, keep_requests=0) as emulator:
        ids = [emulator.add_cluster(name=f"cluster-{number}")["id"] for number in range(CLUSTERS)]
        for operation in WRITES:
            for kind, applied in FAULTS:
                emulator.faults.add(operation, kind, applied=applied, probability=0.05, times=None)
            emulator.faults.add(operation, "delay", delay=0.1 * SCALE)
        killed: Counter[str] = Counter()
        for _ in range(kills):
            at = await _kill_once(emulator, count, chance.randrange(1, 5 * OBJECTS))
            killed.update([at] if at else [])
        emulator.faults.clear()
        await (await _client(emulator, count)).wait()
        left = await _left(emulator, count, ids)
        twice = sum(_applied(emulator, ids, path) - count for path in CREATES.values())
    return {
        "objects": 3 * count,
        **{f"killed at {name}": number for name, number in sorted(killed.items())},
        **{f"requests of {name}": emulator.requests.operations[name] for name in CREATES},
        "applied twice": twice,
        "missing or other": left,
    }


async def _kill_once(emulator: Emulator, count: int, writes: int) -> str:
    """Run the client, and kill it after a number of its writes; return the last one, or nothing if it ended before."""
    before = Counter(emulator.requests.operations)
    process = await _client(emulator, count)
    while _writes(emulator, before) < writes and process.returncode is None:  # noqa: ASYNC110 -- another process is watched
        await asyncio.sleep(0.002)
    if process.returncode is None:
        process.kill()
    await process.wait()
    made = [name for name in WRITES if emulator.requests.operations[name] > before[name]]
    return made[-1] if made and process.returncode else ""


def _writes(emulator: Emulator, before: Counter[str]) -> int:
    return sum(emulator.requests.operations[name] - before[name] for name in WRITES)


def _applied(emulator: Emulator, ids: list[str], path: str) -> int:
    return sum(emulator.requests.applied["POST", f"/v2/databases/{cluster_id}/{path}"] for cluster_id in ids)


async def _left(emulator: Emulator, count: int, ids: list[str]) -> int:
    """Count what is not as declared: writes of a new plan, and schemas with more than one version."""
    async with AsyncSession(emulator.token, base_url=emulator.url, rate_limiter=RateLimiter(PLENTY, PLENTY)) as session:
        catalogue = _catalogue(count)
        plan = await make_plan(session, catalogue)
        found = [
            await get_schema(session, ids[number % CLUSTERS], entry.subject)
            for number, entry in enumerate(catalogue.schemas)
        ]
    return len(plan.writes) + sum(schema.version != "1" for schema in found)


async def _client(emulator: Emulator, count: int) -> asyncio.subprocess.Process:
    arguments = ("client", emulator.url, emulator.token, str(count))
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.catalogue_kill", *arguments, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL
    )


async def _be_client(url: str, token: str, count: int) -> None:
    """Apply the catalogue once, slowly, so that one run is killed often."""
    retry = RetryPolicy(base_delay=0.1)
    limiter = RateLimiter(PLENTY, PLENTY)
    async with AsyncSession(token, base_url=url, rate_limiter=limiter, retry=retry) as session:
        plan = await make_plan(session, _catalogue(count))
        await apply(session, plan, per_cluster=3, interval=5 / SCALE)


def main() -> int:
    """Run it; the exit status is 1 if a target is missed."""
    if sys.argv[1:2] == ["client"]:
        url, token, count = sys.argv[2:]
        asyncio.run(_be_client(url, token, int(count)))
        return 0
    report = kill_report(quick="--quick" in sys.argv)
    print_report(report)
    return int(any(figure.missed for figure in report.figures))


if __name__ == "__main__":
    sys.exit(main())
