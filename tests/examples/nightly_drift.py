"""Report what differs between a topic catalogue and a cluster: `python nightly_drift.py topics.yaml events`.

Run it every night. It prints Markdown, and its exit status is 2 if anything differs. Reading the settings of a topic
costs one request, so each night reads those of 90 topics and takes the others from `drift-memory.json`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

from asyncdbaas import AsyncSession, DBaaSError
from asyncdbaas.catalogue import read_catalogue
from asyncdbaas.plan import Change, Plan, Reading, load_memory, make_plan

DAY = 86_400


async def find_drift(catalogue: Path, cluster: str, memory_file: Path) -> Plan:
    """Plan what would bring the cluster in sync, without changing anything."""
    memory, warning = load_memory(memory_file, max_age=7 * DAY, max_reads=90)
    if warning:
        print(warning, file=sys.stderr)
    async with AsyncSession() as session:
        background = session.with_options(priority="bulk")  # programs that share the session's limiter go first
        reading = Reading(memory=memory)
        return await make_plan(background, read_catalogue(catalogue), clusters=[cluster], reading=reading)


def report(plan: Plan) -> Iterator[str]:
    """Yield the lines of the report."""
    if not (plan.writes or plan.problems):
        yield "No drift."
        return
    yield f"**{len(plan.writes) + len(plan.problems)} objects differ from the catalogue.**\n"
    for change in plan.writes:
        yield f"- {change.kind} `{change.name}`: {describe(change)}"
    for problem in plan.problems:
        yield f"- {problem}"


def describe(change: Change) -> str:
    """Say how an object differs."""
    if change.changed:
        return "; ".join(f"`{key}` is {live}, not {wanted}" for key, (live, wanted) in change.changed.items())
    return "is missing"


def main() -> int:
    catalogue, cluster = sys.argv[1:]
    try:
        plan = asyncio.run(find_drift(Path(catalogue), cluster, Path("drift-memory.json")))
    except DBaaSError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(report(plan)))
    return 2 if plan.writes or plan.problems else 0


if __name__ == "__main__":
    sys.exit(main())
