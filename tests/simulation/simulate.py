"""Run seeds: `python tests/simulation/simulate.py --seeds 10000` prints how many ran, how fast, and which broke."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import attrs

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "support")]

from invariants import check, check_leftovers, check_loop, is_expected
from scenarios import Job, Scenario, scenario
from simulated_world import EPOCH, World, new_loop, opened, virtual_clocks
from workloads import WORKLOADS, finish_plans

from asyncdbaas import RateLimiter

# A day: longer than any quota, pause or wait of a scenario can last.
_HORIZON: Final = 86400.0
# For what happens at once, but needs a few rounds of the loop, and for timers that are late.
_MOMENT: Final = 0.05


@attrs.frozen(kw_only=True)
class Run:
    """What a seed led to."""

    scenario: Scenario
    problems: list[str]
    trace: list[str]
    requests: int


def simulate(seed: int, *, uvloop: bool = False, make_limiter: Callable[..., RateLimiter] = RateLimiter) -> Run:
    """Run one seed, from start to end in virtual time, perhaps with a limiter that has a fault."""
    drawn = scenario(seed)
    rng = random.Random(seed)
    loop = new_loop(drawn, rng, uvloop=uvloop)
    complaints: list[str] = []

    def complain(_: object, context: dict[str, Any]) -> None:
        complaints.append(str(context))

    loop.set_exception_handler(complain)
    try:
        with virtual_clocks(loop, drawn.skew):
            world = loop.run_until_complete(_run(drawn, loop, rng, make_limiter))
            loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()
    problems = [*world.problems, *complaints, *loop.timers.complaints]
    return Run(scenario=drawn, problems=problems, trace=world.trace(), requests=len(world.emulator.entries))


async def _run(drawn: Scenario, loop: Any, rng: random.Random, make_limiter: Callable[..., RateLimiter]) -> World:
    async with opened(drawn, loop, rng, make_limiter) as world:
        tasks = [asyncio.create_task(_job(world, number, job)) for number, job in enumerate(drawn.jobs)]
        others = [asyncio.create_task(_other_clients(world)), asyncio.create_task(_close(world))]
        _, pending = await asyncio.wait(tasks, timeout=_HORIZON)
        world.expect(not pending, f"{len(pending)} jobs never ended")
        for task in (*others, *pending):
            task.cancel()
        await asyncio.gather(*others, *tasks, return_exceptions=True)
        if world.closed_at is None:
            await _close_now(world)
        await asyncio.sleep(_MOMENT)
        check_leftovers(world)
        await finish_plans(world)
    await asyncio.sleep(_MOMENT)
    check(world)
    check_loop(world, {asyncio.current_task()})
    return world


async def _job(world: World, number: int, job: Job) -> None:
    loop = asyncio.get_running_loop()
    await asyncio.sleep(job.starts)
    task = asyncio.create_task(WORKLOADS[job.workload](world, job))
    await asyncio.wait([task], timeout=job.patience)
    at = loop.time()
    task.cancel()
    outcome: object = (await asyncio.gather(task, return_exceptions=True))[0]
    late = loop.time() - at
    world.expect(late < world.at_once, f"job {number}, {job.workload}, ended {late:.3f} s after it was cancelled")
    world.finished.append((f"{number} {job.workload}", outcome))
    world.expect(is_expected(outcome), f"{job.workload} raised {outcome!r}")


async def _other_clients(world: World) -> None:
    loop = asyncio.get_running_loop()
    for at, count in sorted(world.scenario.other_clients):
        await asyncio.sleep(max(0.0, EPOCH + at - loop.time()))
        for _ in range(count):
            world.emulator.by_other_client()


async def _close(world: World) -> None:
    if world.scenario.closes_at is not None:
        await asyncio.sleep(world.scenario.closes_at)
        await _close_now(world)


async def _close_now(world: World) -> None:
    world.closed_at = asyncio.get_running_loop().time()
    for session in world.sessions:
        await session.close()
    late = asyncio.get_running_loop().time() - world.closed_at
    world.expect(late < world.at_once, f"closing took {late:.3f} s")


def report(run: Run) -> str:
    """Say what a seed has broken, and how to see it again."""
    again = f"pytest tests/simulation --seed {run.scenario.seed}"
    return "\n".join([f"seed {run.scenario.seed} ({again})", *run.problems, str(run.scenario)])


def main() -> None:
    """Run many seeds, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--uvloop", action="store_true", help="run on uvloop")
    options = parser.parse_args()
    began, cpu, requests, broken = time.perf_counter(), time.process_time(), 0, 0
    for seed in range(options.first, options.first + options.seeds):
        run = simulate(seed, uvloop=options.uvloop)
        requests += run.requests
        if options.trace:
            print(*run.trace, sep="\n")  # noqa: T201 -- a command
        if run.problems:
            broken += 1
            print(report(run), flush=True)  # noqa: T201 -- the same
    seconds = time.perf_counter() - began
    print(  # noqa: T201 -- the same
        f"{options.seeds} seeds, {requests} requests, {broken} seeds broke something; {seconds:.0f} s "
        f"({options.seeds / seconds:.0f} seeds/s, {time.process_time() - cpu:.0f} s of CPU)"
    )
    sys.exit(broken > 0)


if __name__ == "__main__":
    main()
