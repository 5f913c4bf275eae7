"""A service with old lists, odd reads and lost responses: do callers get the true outcome?

`python tests/simulation/lying.py --seeds 10000` prints how many seeds ran and which broke. Whatever `ensure_*`, `apply`
and the waiters return or raise must agree with the state of the service, or say that the outcome is unknown.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final
from unittest import mock

import attrs

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "support")]

from memory_network import MemoryLoop, Network
from simulated_world import EPOCH, WatchedEmulator

from asyncdbaas import (
    UNSET,
    APIError,
    AsyncSession,
    DBaaSError,
    EnsureError,
    RateLimiter,
    RetryPolicy,
    WaitFailedError,
    WaitTimeoutError,
    clusters,
    databases,
    ensure,
    pools,
    replicas,
    topics,
    users,
)
from asyncdbaas.catalogue import Catalogue, CatalogueTopic
from asyncdbaas.emulator import Delays, Quirks
from asyncdbaas.emulator.responses import Response
from asyncdbaas.plan import OnConflict, Outcome, Result, apply, make_plan
from asyncdbaas.waiters import Waiters

_PLENTY: Final = 10**6
_LISTS: Final = ("databases", "topics", "users", "dbs", "pools", "replicas")
_ODD_LISTS: Final = ("null_list", "no_route", "not_found", "server_error", "wrong_shape", "not_json")
_ODD_READS: Final = ("not_found", "no_route", "server_error", "gateway_timeout")
_ODD_WRITES: Final = ("gateway_timeout", "server_error", "reset", "request_timeout", "precondition", "empty_body")
_CLUSTER_SLASHES: Final = 3


@attrs.frozen(kw_only=True)
class Lies:
    """How a seed's service deceives."""

    lag: float
    """Seconds by which a list may be out of date."""
    odd: float
    """Share of reads that get an odd response; the next one of the same path does not."""
    lost: float
    """Share of writes that get an error, applied or not."""
    replaces: bool
    """Whether an update of a topic resets the settings that it does not name."""
    vague: bool
    """Whether rejections hide that a name is taken."""


def draw(seed: int) -> Lies:
    """Draw the lies of a seed."""
    rng = random.Random(f"lies {seed}")
    return Lies(
        lag=rng.choice((0.0, 5.0, 20.0, 60.0, 60.0, 400.0)),
        odd=rng.choice((0.0, 0.1, 0.3)),
        lost=rng.choice((0.0, 0.2, 0.5)),
        replaces=rng.random() < 0.5,
        vague=rng.random() < 0.3,
    )


class LyingEmulator(WatchedEmulator):
    """An emulator that shows old lists, and sometimes an odd response."""

    def __init__(self, lies: Lies, rng: random.Random, **settings: Any) -> None:
        super().__init__(quirks=Quirks(topic_put_replaces=lies.replaces), **settings)
        self.lies, self._rng = lies, rng
        self._history: dict[str, list[tuple[float, bytes]]] = {}
        self._was_odd: set[str] = set()
        self._owner = {"authorization": f"Bearer {self.add_token()}"}

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Response:
        if self.client_token not in headers.get("authorization", ""):
            return super().handle(method, target, headers, body)
        path = target.partition("?")[0]
        if method != "GET":
            return self._write(method, path, headers, body)
        is_list = path.rsplit("/", 1)[1] in _LISTS
        if self._is_odd(path):
            kind = self._rng.choice(_ODD_LISTS if is_list else _ODD_READS)
            self.faults.add("*", kind, body=[])
            return super().handle(method, target, headers, body)
        response = super().handle(method, target, headers, body)
        return self._aged(path, response) if is_list and response.status == 200 else response

    def truth(self, path: str) -> Any:
        """Return an object as it is; None if there is none."""
        response = super().handle("GET", path, self._owner)
        if response.status != 200:
            return None
        return next(iter(json.loads(response.body).values()))

    def _is_odd(self, path: str) -> bool:
        if path in self._was_odd or self._rng.random() >= self.lies.odd:
            self._was_odd.discard(path)
            return False
        self._was_odd.add(path)
        return True

    def _write(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        self._remember(path)
        if self._rng.random() < self.lies.lost:
            self.faults.add("*", self._rng.choice(_ODD_WRITES), applied=self._rng.random() < 0.7)
        response = super().handle(method, path, headers, body)
        self._remember(path)
        if self.lies.vague and response.status == 422:
            return response._replace(body=b'{"id": "unprocessable_entity", "message": "invalid request"}')
        return response

    def watch(self, path: str) -> None:
        """Keep a history of a list from now on."""
        self._history[path] = []
        self._remember(path)

    def _remember(self, written: str) -> None:
        """Note what the lists show that a write changes."""
        for path, history in self._history.items():
            if not written.startswith(path):
                continue
            response = super().handle("GET", path, self._owner)
            if response.status == 200:
                history.append((self.clock.now(), response.body))

    def _aged(self, path: str, response: Response) -> Response:
        history = self._history.get(path, [])
        history.append((self.clock.now(), response.body))
        at = self.clock.now() - self._rng.uniform(0, self.lies.lag)
        old = [body for since, body in history if since <= at]
        return response._replace(body=old[-1]) if old else response


@attrs.define(eq=False, kw_only=True)
class Stage:
    """One run, and what was wrong in it."""

    rng: random.Random
    emulator: LyingEmulator
    session: AsyncSession
    kafka: str
    pg: str
    problems: list[str] = attrs.field(factory=list[str])
    log: list[str] = attrs.field(factory=list[str])

    def waiters(self) -> Waiters:
        return Waiters(self.session, interval=5.0, timeout=900.0)

    def expect(self, condition: object, problem: str) -> None:
        if not condition:
            self.problems.append(f"{self.emulator.clock.now() - EPOCH:.1f}: {problem}")

    async def hear(self, what: str, call: Awaitable[Any]) -> object:
        """Return what a call returns or raises."""
        try:
            outcome: object = await call
        except DBaaSError as error:
            outcome = error
        self.log.append(f"{self.emulator.clock.now() - EPOCH:.1f} {what}: {outcome}"[:400])
        return outcome

    def applied(self, method: str, name: str) -> int:
        """Return how many writes to an object were applied."""
        entries = self.emulator.entries
        return sum(entry.applied for entry in entries if (entry.method, entry.name) == (method, name))

    def is_alive(self, path: str) -> bool:
        """Tell whether an object exists and is not being deleted."""
        if path.count("/") == _CLUSTER_SLASHES:  # a new one may not be readable yet
            record = self.emulator._state.clusters.get(path.rsplit("/", 1)[1])
            return record is not None and not record["deleting"]
        there = self.emulator.truth(path)
        return there is not None and there.get("state") != "deleting"


def judge_ensured(stage: Stage, what: str, path: str, outcome: object, before: int | None) -> bool:
    """Check the outcome of an `ensure_*`; return whether it succeeded.

    `before` is the number of creates applied before; None if somebody else ensures the same.
    """
    if not isinstance(outcome, DBaaSError):
        stage.expect(stage.is_alive(path), f"{what} is said to exist, and does not: {outcome}")
        return True
    if not getattr(outcome, "outcome_unknown", False):
        created = before is not None and stage.applied("POST", what) > before
        stage.expect(not created, f"{what} was created, and denied: {outcome!r}")
        denied = isinstance(outcome, EnsureError) or (isinstance(outcome, APIError) and outcome.status in (409, 422))
        stage.expect(not (denied and stage.is_alive(path)), f"{what} exists, and is denied: {outcome!r}")
    return False


async def ensure_child(stage: Stage) -> None:
    """Ensure a database, user, pool or topic; delete it; ensure it again."""
    kind = stage.rng.choice(("dbs", "users", "pools", "topics"))
    name = f"{kind}-{stage.rng.randrange(10**6)}"
    session, cluster = stage.session, stage.kafka if kind == "topics" else stage.pg
    pool = pools.PoolCreate(name=name, mode=pools.PoolMode.TRANSACTION, size=2, db="defaultdb", user="doadmin")
    make: dict[str, Callable[[], Awaitable[Any]]] = {
        "dbs": lambda: ensure.ensure_database(session, cluster, name),
        "users": lambda: ensure.ensure_user(session, cluster, users.UserCreate(name=name)),
        "pools": lambda: ensure.ensure_pool(session, cluster, pool, on_conflict=OnConflict.UPDATE),
        "topics": lambda: ensure.ensure_topics(session, cluster, [topics.TopicCreate(name=name)]),
    }
    drop: dict[str, Callable[[], Awaitable[None]]] = {
        "dbs": lambda: databases.delete_database(session, cluster, name),
        "users": lambda: users.delete_user(session, cluster, name),
        "pools": lambda: pools.delete_pool(session, cluster, name),
        "topics": lambda: topics.delete_topic(session, cluster, name),
    }
    path = f"/v2/databases/{cluster}/{kind}/{name}"
    for _ in range(2):
        before = stage.applied("POST", name)
        # Where a rejection hides that somebody else took the name, only one's own unknown create does.
        twins = 1 if stage.emulator.lies.vague else stage.rng.choice((1, 1, 2))
        outcomes = await asyncio.gather(*(stage.hear(f"ensure {name}", make[kind]()) for _ in range(twins)))
        done = [judge_ensured(stage, name, path, outcome, before if twins == 1 else None) for outcome in outcomes]
        stage.expect(stage.applied("POST", name) - before <= 1, f"{name} was created twice")
        if not all(done) or isinstance(await stage.hear(f"delete {name}", drop[kind]()), DBaaSError):
            return


async def ensure_cluster(stage: Stage) -> None:
    """Ensure a cluster, wait for it, delete it, wait again or ensure it again at once."""
    name = f"cluster-{stage.rng.randrange(10**6)}"
    order = clusters.ClusterCreate(
        name=name, engine=clusters.Engine.KAFKA, size="db-s-2vcpu-2gb", region="nyc1", num_nodes=3
    )
    for _ in range(2):
        before = stage.applied("POST", name)
        outcome = await stage.hear(f"ensure {name}", ensure.ensure_cluster(stage.session, order))
        path = f"/v2/databases/{getattr(outcome, 'id', _id_of(stage, name))}"
        if not judge_ensured(stage, name, path, outcome, before):
            return
        cluster_id = path.rsplit("/", 1)[1]
        if stage.rng.random() < 0.5:
            waited = await stage.hear(f"online {name}", stage.waiters().cluster_online(cluster_id))
            record = stage.emulator._state.clusters.get(cluster_id)
            if isinstance(waited, clusters.Cluster):
                stage.expect(record and record["status"] == "online", f"{name} is said to be online: {record}")
            stage.expect(not isinstance(waited, WaitFailedError) or record is None, f"{name} is denied: {waited!r}")
        if isinstance(
            await stage.hear(f"delete {name}", clusters.delete_cluster(stage.session, cluster_id)), DBaaSError
        ):
            return
        outcome = await stage.hear(f"online {name}", stage.waiters().cluster_online(cluster_id))
        stage.expect(isinstance(outcome, (WaitFailedError, WaitTimeoutError)), f"{name} is dying, not {outcome}")
        if stage.rng.random() < 0.5:
            outcome = await stage.hear(f"deleted {name}", stage.waiters().cluster_deleted(cluster_id))
            gone = cluster_id not in stage.emulator._state.clusters
            stage.expect(isinstance(outcome, DBaaSError) or gone, f"{name} is said to be gone, and is not")


def _id_of(stage: Stage, name: str) -> str:
    found = [key for key, record in stage.emulator._state.clusters.items() if record["name"] == name]
    return found[-1] if found else "none"


async def wait_replica(stage: Stage) -> None:
    """Create a replica, wait for it, delete it: then it is not ready."""
    name = f"replica-{stage.rng.randrange(10**6)}"
    order = replicas.ReplicaCreate(name=name, size="db-s-1vcpu-1gb")
    if isinstance(
        await stage.hear(f"create {name}", replicas.create_replica(stage.session, stage.pg, order)), DBaaSError
    ):
        return
    path = f"/v2/databases/{stage.pg}/replicas/{name}"
    outcome = await stage.hear(f"ready {name}", stage.waiters().replica_ready(stage.pg, name))
    if isinstance(outcome, replicas.Replica):
        there = stage.emulator.truth(path)
        stage.expect(there and there["status"] in ("online", "active"), f"{name} is said to be ready: {there}")
    stage.expect(not isinstance(outcome, WaitFailedError), f"{name} is denied: {outcome!r}")
    if isinstance(
        await stage.hear(f"delete {name}", replicas.delete_replica(stage.session, stage.pg, name)), DBaaSError
    ):
        return
    outcome = await stage.hear(f"ready {name}", stage.waiters().replica_ready(stage.pg, name))
    stage.expect(isinstance(outcome, DBaaSError), f"{name} is said to be ready, and was deleted")


async def apply_plan(stage: Stage) -> None:
    """Plan and apply topics of which some exist, and some are to be changed."""
    prefix = f"plan-{stage.rng.randrange(10**6)}"
    config = topics.TopicConfig(retention_ms=stage.rng.choice((5, 7)))
    wanted = {
        f"{prefix}-{number}": topics.TopicCreate(
            name=f"{prefix}-{number}",
            partition_count=stage.rng.choice((3, 6)),
            config=stage.rng.choice((config, UNSET)),
        )
        for number in range(stage.rng.choice((1, 3, 6)))
    }
    for name in wanted:
        if stage.rng.random() < 0.4:
            body = {"name": name, "config": {"segment_ms": 99}}
            stage.emulator.by_owner("POST", f"/v2/databases/{stage.kafka}/topics", body)
    entries = tuple(CatalogueTopic(topic=topic, cluster="kafka") for topic in wanted.values())
    had = {name: stage.emulator.truth(f"/v2/databases/{stage.kafka}/topics/{name}") for name in wanted}
    try:
        plan = await make_plan(stage.session, Catalogue(topics=entries))
        report = await apply(stage.session, plan, wait=stage.rng.random() < 0.3)
    except DBaaSError as error:
        stage.log.append(f"{prefix}: {error!r}"[:300])
        return
    stage.emulator.clock.advance(seconds=10)  # new partitions take effect after a while
    for outcome in report.outcomes:
        name = outcome.change.name
        stage.log.append(f"{name}: {outcome.result} {outcome.outcome_unknown} {outcome.reason}"[:300])
        check_outcome(stage, name, outcome, wanted[name], had[name])


def check_outcome(stage: Stage, name: str, outcome: Outcome, wanted: topics.TopicCreate, had: Any) -> None:
    """Check the outcome of one topic against its state, and that no setting was lost."""
    there = stage.emulator.truth(f"/v2/databases/{stage.kafka}/topics/{name}")
    if not outcome.is_failure:
        right = there and len(there["partitions"]) >= (wanted.partition_count or 0)
        if wanted.config is not UNSET:
            right = right and there["config"]["retention_ms"] == wanted.config.retention_ms
        stage.expect(right, f"{name} is not as reported: {outcome.result}, {there}")
        if had is not None and there is not None:
            stage.expect(there["config"]["segment_ms"] == 99, f"{name} lost a setting")
    elif not outcome.outcome_unknown:
        # "created, but" says that it exists.
        reported = outcome.result is Result.FAILED and outcome.reason.startswith(("created", "updated", "topic "))
        sent = stage.applied("POST", name) + stage.applied("PUT", name)
        stage.expect(reported or not sent, f"{name} was changed, and denied: {outcome.reason}")


WORKLOADS: Final = (ensure_child, ensure_child, ensure_cluster, wait_replica, apply_plan)


@attrs.frozen(kw_only=True)
class LyingRun:
    """What a seed led to."""

    seed: int
    lies: Lies
    problems: list[str]
    log: list[str]
    requests: int


def simulate_lies(seed: int) -> LyingRun:
    """Run one seed in virtual time."""
    lies, rng = draw(seed), random.Random(seed)
    latency = rng.choice((0.0, 0.05))
    loop = MemoryLoop(Network(rng, latency=lambda: latency), start=EPOCH)
    state = random.getstate()
    random.seed(seed)
    try:
        with mock.patch("time.time", loop.time), mock.patch("time.monotonic", loop.time):
            return loop.run_until_complete(_run(seed, lies, rng, loop))
    finally:
        random.setstate(state)
        loop.close()


async def _run(seed: int, lies: Lies, rng: random.Random, loop: asyncio.AbstractEventLoop) -> LyingRun:
    delays = Delays(create=60.0, visible=rng.choice((0.0, 5.0)))
    limits = {"per_minute": _PLENTY, "per_hour": _PLENTY}
    async with LyingEmulator(lies, rng, clock=loop.time, seed=seed, delays=delays, **limits) as emulator:
        kafka, pg = (emulator.add_cluster(engine=engine, name=engine)["id"] for engine in ("kafka", "pg"))
        emulator.clock.advance(seconds=1800)  # the first backup, without which there are no replicas
        for path in ("", f"/{kafka}/topics", *(f"/{pg}/{kind}" for kind in ("users", "dbs", "pools", "replicas"))):
            emulator.watch(f"/v2/databases{path}")
        async with AsyncSession(
            emulator.client_token,
            base_url=emulator.url,
            rate_limiter=RateLimiter(_PLENTY, _PLENTY, clock=loop.time),
            retry=RetryPolicy(max_attempts=rng.choice((1, 2, 5))),
        ) as session:
            stage = Stage(rng=rng, emulator=emulator, session=session, kafka=kafka, pg=pg)
            await asyncio.gather(*(rng.choice(WORKLOADS)(stage) for _ in range(rng.choice((1, 2, 4)))))
        return LyingRun(seed=seed, lies=lies, problems=stage.problems, log=stage.log, requests=len(emulator.entries))


def report(run: LyingRun) -> str:
    """Say what a seed has broken, and how to see it again."""
    again = f"python tests/simulation/lying.py --first {run.seed} --seeds 1 --trace"
    return "\n".join([f"seed {run.seed} ({again}): {run.lies}", *run.problems])


def main() -> None:
    """Run many seeds, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--trace", action="store_true")
    options = parser.parse_args()
    began, requests, broken = time.perf_counter(), 0, 0
    for seed in range(options.first, options.first + options.seeds):
        run = simulate_lies(seed)
        requests += run.requests
        if options.trace:
            print(*run.log, sep="\n")  # noqa: T201 -- a command
        if run.problems:
            broken += 1
            print(report(run), flush=True)  # noqa: T201 -- the same
    seconds = time.perf_counter() - began
    print(f"{options.seeds} seeds, {requests} requests, {broken} seeds broke something; {seconds:.0f} s")  # noqa: T201 -- the same
    sys.exit(broken > 0)


if __name__ == "__main__":
    main()
