"""What a client may be asked to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from memory_network import Fate
from scenarios import Job
from simulated_world import OtherError, World

from asyncdbaas import AsyncSession, DBaaSError, bulk, clusters, ensure, topics, users
from asyncdbaas.catalogue import Catalogue, CatalogueTopic
from asyncdbaas.plan import Action, apply, make_plan
from asyncdbaas.waiters import Waiters

Call = Callable[[World], Coroutine[Any, Any, object]]


async def create_topic(world: World) -> object:
    name, session = world.name("created"), _session(world)
    call = topics.create_topic(session, world.kafka, topics.TopicCreate(name=name, partition_count=3))
    return await world.call("POST", name, session, call)


async def update_topic(world: World) -> object:
    name, session = _topic(world, "updated"), _session(world)
    call = topics.update_topic(session, world.kafka, name, topics.TopicUpdate(partition_count=9))
    return await world.call("PUT", name, session, call)


async def delete_topic(world: World) -> object:
    name, session = _topic(world, "deleted"), _session(world)
    return await world.call("DELETE", name, session, topics.delete_topic(session, world.kafka, name))


async def get_topic(world: World) -> object:
    name, session = _topic(world, "read"), _session(world)
    topic = await world.call("GET", name, session, topics.get_topic(session, world.kafka, name))
    world.expect(topic.name == name, f"asked for {name}, got {topic}")
    return topic


async def list_topics(world: World) -> object:
    name, session = _topic(world, "listed"), _session(world)
    listed = await world.call("GET", name, session, topics.list_topics(session, world.kafka))
    world.expect(name in {topic.name for topic in listed}, f"{name} is missing in a list")
    return listed


async def create_user(world: World) -> object:
    name, session = world.name("user"), _session(world)
    call = users.create_user(session, world.kafka, users.UserCreate(name=name))
    return await world.call("POST", name, session, call)


async def reset_user_auth(world: World) -> object:
    name, session = world.name("reset"), _session(world)
    world.emulator.by_owner("POST", f"/v2/databases/{world.kafka}/users", {"name": name})
    return await world.call("POST", name, session, users.reset_user_auth(session, world.kafka, name))


CALLS: Final[tuple[Call, ...]] = (
    create_topic,
    create_topic,
    update_topic,
    delete_topic,
    get_topic,
    list_topics,
    create_user,
    reset_user_auth,
)


def _session(world: World) -> AsyncSession:
    return world.rng.choice(world.sessions)


def _topic(world: World, kind: str) -> str:
    name = world.name(kind)
    world.emulator.by_owner("POST", f"/v2/databases/{world.kafka}/topics", {"name": name})
    return name


def _calls(world: World, size: int) -> list[Call]:
    return world.rng.choices(CALLS, k=size)


def _perform(world: World) -> Callable[[Call], Coroutine[Any, Any, object]]:
    async def perform(call: Call) -> object:
        return await call(world)

    return perform


async def lone(world: World, job: Job) -> None:
    """Make calls one after another."""
    for call in _calls(world, job.size):
        await call(world)


async def gather(world: World, job: Job) -> None:
    """Make calls at once; after a failure the others go on."""
    keep = world.rng.random() < 0.5
    await asyncio.gather(*(call(world) for call in _calls(world, job.size)), return_exceptions=keep)


async def group(world: World, job: Job) -> None:
    """Make calls in a task group: a failure, of a call or of something else, cancels the others."""

    async def fail(after: float) -> None:
        await asyncio.sleep(after)
        raise OtherError

    async with asyncio.TaskGroup() as tasks:
        for call in _calls(world, job.size):
            tasks.create_task(call(world))
        if world.rng.random() < 0.5:
            tasks.create_task(fail(world.rng.uniform(0, 5)))


async def map_all(world: World, job: Job) -> None:
    """Make many calls through `bulk`, which stops at the first failure."""
    await bulk.map_all(_perform(world), _calls(world, 3 * job.size), limit=job.size)


async def settle(world: World, job: Job) -> None:
    """Make many calls through `bulk`, and keep each outcome."""
    calls = _calls(world, 3 * job.size)
    outcomes = await bulk.settle(_perform(world), calls, limit=job.size)
    world.expect(len(outcomes) == len(calls), "settle lost an outcome")


async def as_completed(world: World, job: Job) -> None:
    """Take outcomes as they come, and perhaps leave early."""
    enough = world.rng.choice((1, job.size, 3 * job.size))
    outcomes = bulk.as_completed(_perform(world), _calls(world, 3 * job.size), limit=job.size)
    count = 0
    async for _ in outcomes:
        count += 1
        if count == enough:
            break
    await outcomes.aclose()


async def timeout(world: World, job: Job) -> None:
    """Give calls less time than they may need."""
    loop = asyncio.get_running_loop()
    due = loop.time() + world.rng.choice((0.0, 0.3, 3.0, 61.0))
    try:
        async with asyncio.timeout_at(due):
            await gather(world, job)
    finally:
        late = loop.time() - due
        world.expect(late < world.late or world.scenario.closes_at, f"asyncio.timeout ended {late:.3f} s late")


async def many_users(world: World, job: Job) -> None:
    """Make writes that the service wants one at a time for each cluster."""
    calls = world.rng.choices((create_user, reset_user_auth), k=job.size)
    await asyncio.gather(*(call(world) for call in calls), return_exceptions=True)


async def wait_clusters(world: World, job: Job) -> None:
    """Wait for clusters that are on their way; all of them share the requests."""
    session = _session(world)
    size = {"engine": "kafka", "size": "db-s-2vcpu-2gb", "region": "nyc1", "num_nodes": 3}
    ids = [
        world.emulator.by_owner("POST", "/v2/databases", {"name": world.name("cluster"), **size})["database"]["id"]
        for _ in range(job.size)
    ]
    waiters = Waiters(session, interval=20.0, timeout=600.0)
    online = await asyncio.gather(*(waiters.cluster_online(each) for each in ids))
    world.expect([cluster.id for cluster in online] == ids, "a waiter returned another cluster")
    world.expect({cluster.status for cluster in online} == {clusters.ClusterStatus.ONLINE}, "a waiter was too early")


async def wait_topics(world: World, job: Job) -> None:
    """Wait for topics to become active."""
    session = _session(world)
    names = [_topic(world, "awaited") for _ in range(job.size)]
    waiters = Waiters(session, interval=5.0, timeout=300.0)
    active = await asyncio.gather(*(waiters.topic_active(world.kafka, name) for name in names))
    world.expect([topic.name for topic in active] == names, "a waiter returned another topic")


async def apply_plan(world: World, job: Job) -> None:
    """Plan and apply a catalogue, of which some is there already and some is to be changed."""
    session = _session(world)
    names = [world.name("planned") for _ in range(2 * job.size)]
    there = {name for name in names if world.rng.random() < 0.3}
    for name in there:
        world.emulator.by_owner("POST", f"/v2/databases/{world.kafka}/topics", {"name": name})
    wanted = {name: world.rng.choice((3, 6)) for name in names}
    world.wanted |= wanted
    report = await apply(session, await make_plan(session, _catalogue(wanted)), wait=world.rng.random() < 0.5)
    for outcome in report.outcomes:
        world.plan_outcomes[outcome.change.name] = outcome


async def ensure_users(world: World, job: Job) -> None:
    """Make sure that users exist, each asked for twice at the same time."""
    names = [world.name("ensured") for _ in range(job.size)]
    world.ensured.update(names)
    calls = [ensure.ensure_user(_session(world), world.kafka, users.UserCreate(name=name)) for name in (*names, *names)]
    for outcome in await asyncio.gather(*calls, return_exceptions=True):
        expected = isinstance(outcome, (users.User, DBaaSError, asyncio.CancelledError))
        world.expect(expected, f"ensure_user gave {outcome!r}")
        if isinstance(outcome, users.User):
            listed = world.emulator.by_owner("GET", f"/v2/databases/{world.kafka}/users")["users"]
            world.expect(outcome.name in {user["name"] for user in listed}, f"{outcome.name} is not there")


async def finish_plans(world: World) -> None:
    """Plan again what any plan wanted, with nothing in the way: it holds what is left, and no more."""
    if not world.wanted:
        return
    world.emulator.faults.clear()
    world.network.fate, world.network.latency = Fate, lambda: 0.0
    async with AsyncSession(
        world.emulator.client_token, base_url=world.emulator.url, rate_limiter=world.limiter
    ) as session:
        plan = await make_plan(session, _catalogue(world.wanted))
        done = {name for name, outcome in world.plan_outcomes.items() if not outcome.is_failure}
        again = done & {change.name for change in plan.writes if change.action is Action.CREATE}
        world.expect(not again, f"planned again though done: {again}")
        report = await apply(session, plan, wait=True, timeout=86400.0)  # the quota may be used up for an hour
        world.expect(not report.failures, f"the rest failed: {report.failures[:1]}")
        rest = await make_plan(session, _catalogue(world.wanted))
        world.expect(not rest.writes, f"never comes to rest: {rest.writes[:1]}")


def _catalogue(wanted: Mapping[str, int]) -> Catalogue:
    return Catalogue(
        topics=tuple(
            CatalogueTopic(topic=topics.TopicCreate(name=name, partition_count=count), cluster="kafka")
            for name, count in wanted.items()
        )
    )


WORKLOADS: Final[dict[str, Callable[[World, Job], Coroutine[Any, Any, None]]]] = {
    "lone": lone,
    "gather": gather,
    "group": group,
    "map_all": map_all,
    "settle": settle,
    "as_completed": as_completed,
    "timeout": timeout,
    "users": many_users,
    "wait_clusters": wait_clusters,
    "wait_topics": wait_topics,
    "apply": apply_plan,
    "ensure": ensure_users,
}
