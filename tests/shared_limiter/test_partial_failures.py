"""Part of what shares a quota fails, at a moment that a seed draws: nothing is refused, lost or late.

The script runs on a real server; time, connections and the service are simulated, see `simulated.py`.
"""

from __future__ import annotations

import asyncio
import logging
import random
import subprocess
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from pathlib import Path
from typing import Literal

import pytest
from simulated import LIMIT, MINUTE, Connection, Simulation, simulated
from store import stopped
from virtual_time import run

from asyncdbaas.ratelimit.states import CutOff

WORKERS = 4
EACH = 72
"""Four workers fill four minutes and most of a fifth."""
SHORT, LONG = (0.2, 2.0, 20.0), (1.0, 10.0, 30.0, 100.0)
SETTLING = 1.0

Failure = Callable[[Simulation, random.Random], Awaitable[None]]


@pytest.fixture(scope="module")
def socket() -> Generator[Path]:
    """Run a server for all tests of this module."""
    with stopped() as store:
        command = [*store.command, "--unixsocket", str(store.socket)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        while "eady to accept connections" not in process.stdout.readline():
            pass
        try:
            yield store.socket
        finally:
            process.terminate()
            process.communicate()


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the other tests switch off, and let a batch be small beside the limit."""
    monkeypatch.setattr("asyncdbaas.ratelimit.lease._SETTLING", SETTLING)
    monkeypatch.setattr("asyncdbaas.ratelimit.lease._SMALL_BATCH", 6)


async def nothing(_: Simulation, __: random.Random) -> None:
    """Let all go well."""


async def lose_keys(*keys: str, simulation: Simulation) -> None:
    simulation.server.client.delete(*keys)


def losing(*keys: str) -> Failure:
    return lambda simulation, _: lose_keys(*keys, simulation=simulation)


async def lose_field(simulation: Simulation, rng: random.Random) -> None:
    client = simulation.server.client
    client.hdel("ledger", rng.choice([name for name in sorted(client.hkeys("ledger")) if name != b"state"]))


async def flush(simulation: Simulation, _: random.Random, *, new_worker: bool) -> None:
    simulation.server.client.flushall()
    if new_worker:
        simulation.start(EACH)


async def restart(simulation: Simulation, rng: random.Random, *, new_worker: bool) -> None:
    simulation.server.is_down = True
    await asyncio.sleep(rng.choice(SHORT))
    simulation.server.restart()
    if new_worker:
        simulation.start(EACH)


async def fail_over(simulation: Simulation, rng: random.Random, *, outage: bool) -> None:
    """Go on with a replica that lagged."""
    data = simulation.server.save()
    await asyncio.sleep(rng.choice((0.05, 0.5, 3.0, 8.0)))
    if outage:
        simulation.server.is_down = True
        await asyncio.sleep(rng.choice(SHORT))
    simulation.server.restart(data)


async def cut(simulation: Simulation, rng: random.Random, *, count: int, only_replies: bool = False) -> None:
    connections = simulation.connections[:count]
    for connection in connections:
        connection.lost = "replies" if only_replies else "reports"
    await asyncio.sleep(rng.choice(LONG))
    for connection in connections:
        connection.lost = ""


async def freeze(simulation: Simulation, rng: random.Random) -> None:
    simulation.workers[0].freeze(rng.choice((1.0, 9.0, 11.0, 30.0, 70.0, 100.0)))


async def set_clock(simulation: Simulation, rng: random.Random, *, way: int) -> None:
    simulation.server.skew += way * rng.choice((20.0, 100.0, 4000.0))


async def refuse_writes(simulation: Simulation, rng: random.Random, *, words: str) -> None:
    simulation.server.refuses = words
    await asyncio.sleep(rng.choice(LONG))
    simulation.server.refuses = ""


async def slow_down(simulation: Simulation, rng: random.Random, *, count: int) -> None:
    connections: list[Connection] = simulation.connections[:count]
    for connection in connections:
        connection.delay = rng.choice((0.3, 1.0, 2.5))
    await asyncio.sleep(rng.choice(LONG))
    for connection in connections:
        connection.delay = 0.0


FAILURES: dict[str, Failure] = {
    "nothing": nothing,
    "both keys": losing("ledger", "responses"),
    **{key: losing(key) for key in ("ledger", "responses", "deadlines", "waiting", "interactive")},
    "field": lose_field,
    "flush": partial(flush, new_worker=False),
    "flush, new worker": partial(flush, new_worker=True),
    "restart": partial(restart, new_worker=False),
    "restart, new worker": partial(restart, new_worker=True),
    "fail-over": partial(fail_over, outage=False),
    "fail-over, outage": partial(fail_over, outage=True),
    "one cut off": partial(cut, count=1),
    "two cut off": partial(cut, count=2),
    "three cut off": partial(cut, count=3),
    "replies lost": partial(cut, count=1, only_replies=True),
    "frozen": freeze,
    "clock back": partial(set_clock, way=-1),
    "clock forward": partial(set_clock, way=1),
    "read-only": partial(refuse_writes, words="READONLY You can't write against a read only replica."),
    "out of memory": partial(refuse_writes, words="OOM command not allowed when used memory > 'maxmemory'."),
    "loading": partial(refuse_writes, words="LOADING Redis is loading the dataset in memory"),
    "one slow": partial(slow_down, count=1),
    "all slow": partial(slow_down, count=WORKERS),
}
# A worker that goes on alone, or stands still, may need another minute for the last of its own requests.
WAITS = {
    *(
        "one cut off",
        "two cut off",
        "three cut off",
        "replies lost",
        "frozen",
        "one slow",
        "all slow",
        "fail-over, outage",
    ),
    *("restart", "restart, new worker", "read-only", "out of memory", "loading"),
}


async def _race(socket: Path, failure: Failure, seed: int) -> Simulation:
    rng = random.Random(seed)
    with simulated(socket, seed) as simulation:
        for _ in range(WORKERS):
            simulation.start(EACH)
        await asyncio.sleep(rng.uniform(1.0, 130.0))
        await failure(simulation, rng)
        await simulation.done()
        return simulation


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", FAILURES)
def test_a_partial_failure_refuses_and_loses_nothing(
    socket: Path, name: str, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "asyncdbaas")
    simulation = run(_race(socket, FAILURES[name], seed))
    service = simulation.service
    assert service.refused == []
    assert len(service.accepted) == EACH * len(simulation.workers)
    assert simulation.makespan <= simulation.optimum * 1.15 + (MINUTE if name in WAITS else 0.0)
    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) <= len(simulation.workers), warnings
    assert warnings or name in ("nothing", "waiting", "interactive", "frozen", "one slow", "all slow")


@pytest.mark.parametrize("moment", [0.05, 0.2, 59.9, 60.0, 60.1, 60.3, 61.0])
def test_a_worker_that_is_cut_off_as_a_minute_begins_refuses_nothing(socket: Path, moment: float) -> None:
    async def race() -> Simulation:
        with simulated(socket, 0) as simulation:
            for _ in range(WORKERS):
                simulation.start(EACH)
            await asyncio.sleep(moment)
            simulation.connections[0].lost = "reports"
            await simulation.done()
            return simulation

    assert run(race()).service.refused == []


@pytest.mark.parametrize("lost", ["reports", "replies"])
@pytest.mark.parametrize("moment", [0.011, 0.016, 0.021, 0.026, 0.031])
@pytest.mark.parametrize("workers", [2, 4])
def test_a_worker_that_is_cut_off_as_the_fleet_starts_refuses_nothing(
    socket: Path, workers: int, moment: float, lost: Literal["reports", "replies"]
) -> None:
    async def race() -> Simulation:
        with simulated(socket, 0) as simulation:
            for _ in range(workers):
                simulation.start(EACH)
            await asyncio.sleep(moment)
            simulation.connections[0].lost = lost
            await simulation.done()
            return simulation

    assert run(race()).service.refused == []


@pytest.mark.parametrize("gap", [0.02, 1.0, 4.0])
def test_a_worker_that_is_cut_off_as_others_join_refuses_nothing(socket: Path, gap: float) -> None:
    async def race() -> Simulation:
        with simulated(socket, 0) as simulation:
            for _ in range(WORKERS):
                simulation.start(EACH)
                await asyncio.sleep(gap)
            simulation.connections[0].lost = "reports"
            await simulation.done()
            return simulation

    assert run(race()).service.refused == []


@pytest.mark.parametrize("lost", ["reports", "replies"])
@pytest.mark.parametrize("work_after", [0.0, 15.0, 50.0])
@pytest.mark.parametrize("burst_after", [0.1, 3.0, 11.0])
def test_an_idle_worker_that_is_cut_off_has_what_it_was_promised(
    socket: Path, burst_after: float, work_after: float, lost: Literal["reports", "replies"]
) -> None:
    promised = LIMIT // 4 // WORKERS

    async def race() -> tuple[Simulation, float]:
        with simulated(socket, 0) as simulation:
            for _ in range(WORKERS):
                simulation.start(1)
            await asyncio.sleep(200.0)
            idle, *others = simulation.workers
            idle.connection.lost = lost
            await asyncio.sleep(burst_after)
            busy = [asyncio.create_task(worker.create(100)) for worker in others]
            await asyncio.sleep(work_after)
            began = asyncio.get_running_loop().time()
            await idle.create(promised)
            took = asyncio.get_running_loop().time() - began
            await asyncio.gather(*busy)
            await simulation.done()
            return simulation, took

    simulation, took = run(race())
    assert simulation.service.refused == []
    assert took < MINUTE / 4


@pytest.mark.parametrize("seed", range(3))
def test_a_worker_that_stands_still_as_a_minute_begins_takes_little_with_it(
    socket: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asyncdbaas.ratelimit.lease._SMALL_BATCH", 3)

    async def race() -> Simulation:
        with simulated(socket, seed) as simulation:
            frozen, _ = simulation.start(2 * EACH), simulation.start(2 * EACH)
            await asyncio.sleep(50.0)
            frozen.freeze_with_permits(97.0 + seed)
            await simulation.done()
            return simulation

    simulation = run(race())
    assert simulation.service.refused == []
    assert simulation.makespan <= simulation.optimum * 1.15


def test_the_simulation_notices_a_worker_that_goes_on_as_if_it_were_alone(
    socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cut_off(simulation: Simulation, _: random.Random) -> None:
        simulation.connections[0].lost = "reports"

    def no_limit(state: CutOff, now: float) -> float:
        state.worker.set_limits(LIMIT)
        return now

    assert run(_race(socket, cut_off, 0)).service.refused == []
    monkeypatch.setattr(CutOff, "_limit", no_limit)
    assert run(_race(socket, cut_off, 0)).service.refused
