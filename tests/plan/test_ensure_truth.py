"""`ensure_*` and `apply` with objects that the service hides, denies or still shows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import pytest
from worlds import World, applied, catalogue, opened

from asyncdbaas import (
    AsyncSession,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    RetryPolicy,
    UnprocessableError,
)
from asyncdbaas.clusters import ClusterCreate, Engine, delete_cluster
from asyncdbaas.databases import create_database, delete_database
from asyncdbaas.emulator import Clock, Delays, Emulator, Quirks
from asyncdbaas.emulator.responses import Response
from asyncdbaas.ensure import (
    EnsureError,
    ensure_cluster,
    ensure_database,
    ensure_pool,
    ensure_topics,
    ensure_user,
)
from asyncdbaas.plan import OnConflict, PlanError, Prune, Result, make_plan
from asyncdbaas.pools import PoolCreate, PoolMode, create_pool, get_pool
from asyncdbaas.topics import TopicConfig, TopicCreate, TopicUpdate, delete_topic, get_topic, update_topic
from asyncdbaas.users import UserCreate, create_user, delete_user

KAFKA: Final = ClusterCreate(name="new", engine=Engine.KAFKA, num_nodes=3, size="db-s-2vcpu-2gb", region="nyc1")
POOL: Final = PoolCreate(name="pool", mode=PoolMode.SESSION, size=5, db="defaultdb", user="doadmin")
KINDS: Final = ("cluster", "database", "user", "pool", "topic", "apply")
ENSURE: Final[dict[str, Callable[[World, str], Awaitable[Any]]]] = {
    "cluster": lambda world, _: ensure_cluster(world.session, KAFKA, interval=0.001),
    "database": lambda world, pg: ensure_database(world.session, pg, "shop", interval=0.001),
    "user": lambda world, pg: ensure_user(world.session, pg, UserCreate(name="ann"), interval=0.001),
    "pool": lambda world, pg: ensure_pool(world.session, pg, POOL, interval=0.001),
    "topic": lambda world, _: ensure_topics(world.session, world.ids["k"], [TopicCreate(name="t")], interval=0.001),
    "apply": lambda world, _: _apply(world),
}


async def _apply(world: World) -> object:
    report = await applied(world.session, await make_plan(world.session, catalogue("t", cluster="k")))
    (outcome,) = report.outcomes
    if outcome.is_failure:
        raise EnsureError(outcome.reason, outcome_unknown=outcome.outcome_unknown)
    return outcome


def _create_of(kind: str) -> str:
    return "create_topic" if kind in ("topic", "apply") else f"create_{kind}"


def _list_of(kind: str) -> str:
    return "list_topics" if kind in ("topic", "apply") else f"list_{kind}s"


def count(world: World, operation: str) -> int:
    """Return how many requests of an operation were applied."""
    return sum(seen.applied for seen in world.emulator.requests if seen.operation == operation)


def move(world: World, kind: str, seconds: float) -> None:
    """Let time pass with each list request after a create."""

    def pass_time(_: Any) -> bool:
        if world.emulator.requests.operations[_create_of(kind)]:
            world.emulator.clock.advance(seconds=seconds)
        return True

    world.emulator.faults.add(_list_of(kind), "delay", when=pass_time)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lost", ["gateway_timeout", "reset", "empty_body"])
async def test_a_create_whose_response_is_lost_is_found_when_lists_show_it_late(kind: str, lost: str) -> None:
    async with opened("k", delays=Delays(listed=7.5, topic=0.0)) as world:
        pg = world.emulator.add_cluster(engine="pg", name="db")["id"]
        world.emulator.clock.advance(minutes=1)
        world.emulator.faults.add(_create_of(kind), lost, applied=True)
        move(world, kind, 1.0)
        assert await ENSURE[kind](world, pg)
        assert count(world, _create_of(kind)) == 1
        assert world.emulator.requests.operations[_create_of(kind)] > 1  # and the service said that its name is taken


@pytest.mark.parametrize("kind", KINDS)
async def test_what_may_exist_and_never_shows_is_said_to_be_unknown(kind: str) -> None:
    async with opened("k", delays=Delays(listed=10**6)) as world:
        pg = world.emulator.add_cluster(engine="pg", name="db")["id"]
        world.emulator.clock.advance(seconds=2 * 10**6)
        world.emulator.faults.add(_create_of(kind), "gateway_timeout", applied=True)
        with pytest.raises(EnsureError) as caught:
            await ENSURE[kind](world, pg)
        assert caught.value.outcome_unknown
        assert count(world, _create_of(kind)) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("then", ["not_found", "server_error", "precondition"])
async def test_no_later_error_turns_an_unknown_create_into_a_denial(kind: str, then: str) -> None:
    async with opened("k", delays=Delays(listed=10**6)) as world:
        pg = world.emulator.add_cluster(engine="pg", name="db")["id"]
        world.emulator.clock.advance(seconds=2 * 10**6)
        world.emulator.faults.add(_create_of(kind), "gateway_timeout", applied=True)
        world.emulator.faults.add(_create_of(kind), then, times=None)
        world.emulator.faults.add(_list_of(kind), then, skip=2, times=20)
        with pytest.raises(EnsureError) as caught:
            await ENSURE[kind](world, pg)
        assert caught.value.outcome_unknown


@pytest.mark.parametrize("kind", KINDS)
async def test_an_object_of_somebody_else_that_shows_late_is_found(kind: str) -> None:
    async with opened("k", delays=Delays(listed=7.5, topic=0.0)) as world:
        pg = world.emulator.add_cluster(engine="pg", name="db")["id"]
        world.emulator.clock.advance(minutes=1)
        await ENSURE[kind](world, pg)
        move(world, kind, 1.0)
        assert await ENSURE[kind](world, pg)


async def test_nothing_is_created_again_before_the_list_can_be_read() -> None:
    async with opened() as (emulator, session, _):
        emulator.faults.add("create_cluster", "gateway_timeout", applied=False)
        emulator.faults.add("list_clusters", "not_found", skip=1, times=3)
        await ensure_cluster(session, KAFKA, interval=0.001)
        read, unreadable = ["list_clusters"], ["list_clusters"] * 3
        create = ["create_cluster"]
        assert [seen.operation for seen in emulator.requests] == [*read, *create, *unreadable, *read, *create]


class VagueEmulator(Emulator):
    """An emulator whose rejections do not say that a name is taken."""

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Response:
        response = super().handle(method, target, headers, body)
        if response.status != 422:
            return response
        return response._replace(body=b'{"id": "unprocessable_entity", "message": "invalid request"}')


async def test_after_a_lost_response_any_rejection_is_evidence_for_the_object() -> None:
    async with VagueEmulator(clock=Clock.stepped(), delays=Delays(listed=7.5)) as emulator:
        pg = emulator.add_cluster(engine="pg", name="db")["id"]
        emulator.faults.add("create_database", "gateway_timeout", applied=True)

        def pass_time(_: Any) -> bool:
            emulator.clock.advance(seconds=1)
            return True

        emulator.faults.add("list_databases", "delay", when=pass_time)
        async with AsyncSession(emulator.token, base_url=emulator.url) as session:
            assert (await ensure_database(session, pg, "shop", interval=0.001)).name == "shop"
        assert emulator.requests.operations["create_database"] > 1


async def test_a_rejection_that_is_no_taken_name_is_raised_after_one_read() -> None:
    async with opened("k") as world:
        wrong = ClusterCreate(name="x", engine=Engine.KAFKA, num_nodes=4, size="db-s-2vcpu-2gb", region="nyc1")
        with pytest.raises(UnprocessableError, match="invalid node count"):
            await ensure_cluster(world.session, wrong, interval=0.001)
        assert world.emulator.requests.operations == {"list_clusters": 2, "create_cluster": 1}


async def test_a_token_that_may_not_read_any_more_does_not_deny_what_it_created() -> None:
    async with opened() as world:
        emulator = world.emulator
        pg = emulator.add_cluster(engine="pg", name="db")["id"]
        blind = emulator.add_token(scopes=["database:create"])
        emulator.faults.add("create_database", "gateway_timeout", applied=True)

        def token() -> str:
            return blind if emulator.requests.operations["create_database"] else emulator.token

        async with AsyncSession(token, base_url=emulator.url) as session:
            with pytest.raises(EnsureError) as caught:
                await ensure_database(session, pg, "shop", interval=0.001)
        assert caught.value.outcome_unknown
        assert isinstance(caught.value.__cause__, PermissionDeniedError)


async def test_a_deleted_cluster_is_not_returned_and_its_name_is_waited_for() -> None:
    async with opened() as world:
        first = await ensure_cluster(world.session, KAFKA)
        await delete_cluster(world.session, first.id)

        def pass_time(_: Any) -> bool:
            world.emulator.clock.advance(seconds=10)
            return True

        world.emulator.faults.add("list_clusters", "delay", when=pass_time)
        second = await ensure_cluster(world.session, KAFKA, interval=0.001)
        assert second.id != first.id
        with pytest.raises(EnsureError, match="is being deleted: this session deleted it"):
            await ensure_database(world.session, first.id, "shop")
        with pytest.raises(EnsureError, match="is being deleted: this session deleted it"):
            await ensure_topics(world.session, first.id, [TopicCreate(name="t")])


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("emulated", [Emulator, VagueEmulator])
async def test_a_cluster_is_not_denied_whose_deletion_was_not_applied(
    emulated: type[Emulator], *, listed: bool
) -> None:
    async with (
        emulated(delays=Delays.none()) as emulator,
        AsyncSession(emulator.token, base_url=emulator.url, retry=RetryPolicy(base_delay=0)) as session,
    ):
        first = await ensure_cluster(session, KAFKA)
        # The service answers so if it fails, and then does not find the cluster yet.
        emulator.faults.add("delete_cluster", "gateway_timeout", applied=False, times=1)
        emulator.faults.add("delete_cluster", "not_found", times=1)
        await delete_cluster(session, first.id)
        if not listed:
            emulator.faults.add("list_clusters", "null_list")
        with pytest.raises(EnsureError, match="check whether it exists") as caught:
            await ensure_cluster(session, KAFKA, interval=0.001)
        assert caught.value.outcome_unknown


async def test_what_an_old_list_still_shows_of_a_deleted_object_is_not_returned() -> None:
    async with opened("k") as world:
        pg = world.emulator.add_cluster(engine="pg", name="db")["id"]
        session = world.session
        await create_database(session, pg, "shop")
        await create_user(session, pg, UserCreate(name="ann"))
        await delete_database(session, pg, "shop")
        await delete_user(session, pg, "ann")
        world.emulator.faults.add("list_databases", "wrong_shape", body={"dbs": [{"name": "shop"}]})
        world.emulator.faults.add("list_users", "wrong_shape", body={"users": [{"name": "ann", "role": "normal"}]})
        await ensure_database(session, pg, "shop", interval=0.001)
        await ensure_user(session, pg, UserCreate(name="ann"), interval=0.001)
        await ensure_topics(session, world.ids["k"], [TopicCreate(name="t")])
        world.emulator.clock.advance(minutes=1)
        await delete_topic(session, world.ids["k"], "t")
        world.emulator.clock.advance(minutes=1)
        world.emulator.faults.add("list_topics", "wrong_shape", body={"topics": [{"name": "t", "state": "active"}]})
        (outcome,) = await ensure_topics(session, world.ids["k"], [TopicCreate(name="t")], interval=0.001)
        assert outcome.result is Result.CREATED
        assert count(world, "create_database") == count(world, "create_user") == 2


async def test_an_object_of_a_deleted_name_that_somebody_else_has_created_again_is_found() -> None:
    async with opened() as (emulator, session, _):
        pg = emulator.add_cluster(engine="pg", name="db")["id"]
        await create_database(session, pg, "shop")
        await delete_database(session, pg, "shop")
        async with AsyncSession(emulator.token, base_url=emulator.url) as other:
            await create_database(other, pg, "shop")
        for operations in (["list_databases", "get_database"], ["list_databases"]):
            seen = len(emulator.requests)
            assert (await ensure_database(session, pg, "shop", interval=0.001)).name == "shop"
            assert [request.operation for request in emulator.requests][seen:] == operations


async def test_a_pool_keeps_the_user_that_an_update_does_not_name_and_is_returned_as_it_is() -> None:
    async with opened() as world:
        pg = world.emulator.add_cluster(engine="pg", name="db")["id"]
        for name in ("app", "other"):
            await create_user(world.session, pg, UserCreate(name=name))
        order = PoolCreate(name="web", mode=PoolMode.TRANSACTION, size=5, db="defaultdb", user="app")
        await create_pool(world.session, pg, order)
        larger = PoolCreate(name="web", mode=PoolMode.TRANSACTION, size=6, db="defaultdb")
        returned = await ensure_pool(world.session, pg, larger, on_conflict=OnConflict.UPDATE)
        assert returned == await get_pool(world.session, pg, "web")
        assert (returned.size, returned.user) == (6, "app")
        other = PoolCreate(name="web", mode=PoolMode.TRANSACTION, size=6, db="defaultdb", user="other")
        returned = await ensure_pool(world.session, pg, other, on_conflict=OnConflict.UPDATE)
        assert returned == await get_pool(world.session, pg, "web")
        assert returned.connection is not None
        assert returned.connection.user == "other"


async def test_a_pool_that_does_not_take_the_change_is_an_error() -> None:
    async with opened() as world:
        pg = world.emulator.add_cluster(engine="pg", name="db")["id"]
        await create_pool(world.session, pg, POOL)
        other = PoolCreate(name="pool", mode=PoolMode.SESSION, size=7, db="defaultdb", user="doadmin")
        old = {"pool": {"name": "pool", "mode": "session", "size": 5, "db": "defaultdb", "user": "doadmin"}}
        world.emulator.faults.add("get_pool", "wrong_shape", times=None, body=old)
        with pytest.raises(EnsureError, match="the change is not visible: size is 5, not 7") as caught:
            await ensure_pool(world.session, pg, other, on_conflict=OnConflict.UPDATE, interval=0.001)
        assert caught.value.outcome_unknown


@pytest.mark.parametrize("replaces", [False, True])
async def test_apply_keeps_undeclared_settings_whichever_way_the_service_takes_an_update(*, replaces: bool) -> None:
    async with opened("k", quirks=Quirks(topic_put_replaces=replaces)) as world:
        config = TopicConfig(retention_ms=5, segment_ms=9)
        await ensure_topics(world.session, world.ids["k"], [TopicCreate(name="t", config=config)])
        world.emulator.clock.advance(minutes=1)
        wanted = catalogue("t, partitions: 6, config: {retention.ms: 7}", cluster="k")
        report = await applied(world.session, await make_plan(world.session, wanted))
        assert not report.failures
        world.emulator.clock.advance(minutes=1)
        after = await get_topic(world.session, world.ids["k"], "t")
        assert after.config is not None
        assert (after.config.retention_ms, after.config.segment_ms, after.partition_count) == (7, 9, 6)


async def test_a_setting_that_an_update_lost_is_a_failure_that_names_it() -> None:
    async with opened("k") as world:
        config = TopicConfig(retention_ms=5, segment_ms=9)
        await ensure_topics(world.session, world.ids["k"], [TopicCreate(name="t", config=config)])
        world.emulator.clock.advance(minutes=1)
        plan = await make_plan(world.session, catalogue("t, config: {retention.ms: 7}", cluster="k"))
        body = {"topic": {"name": "t", "state": "active", "config": {"retention_ms": 7, "segment_ms": 604800000}}}
        world.emulator.faults.add("update_topic", "wrong_shape", body=body)
        (outcome,) = (await applied(world.session, plan)).outcomes
        assert outcome.result is Result.FAILED
        assert "segment_ms is 604800000, was 9" in outcome.reason
        assert not outcome.outcome_unknown


async def test_an_update_does_not_shrink_what_somebody_has_grown_since_the_plan() -> None:
    async with opened("k") as world:
        await ensure_topics(world.session, world.ids["k"], [TopicCreate(name="t"), TopicCreate(name="u")])
        world.emulator.clock.advance(minutes=1)
        wanted = catalogue("t, partitions: 6", "u, partitions: 6", cluster="k")
        plan = await make_plan(world.session, wanted)
        for name, count in (("t", 9), ("u", 6)):
            await update_topic(world.session, world.ids["k"], name, TopicUpdate(partition_count=count))
        world.emulator.clock.advance(minutes=1)
        world.emulator.requests.clear()
        grown, same = (await applied(world.session, plan)).outcomes
        assert grown.result is Result.FAILED
        assert "it has 9 partitions" in grown.reason
        assert same.result is Result.KEPT
        assert world.emulator.requests.operations["update_topic"] == 0


async def test_a_name_that_collides_with_a_newer_one_is_a_failure_that_says_so() -> None:
    async with opened("k") as world:
        plan = await make_plan(world.session, catalogue("a.b", "c", cluster="k"))
        await ensure_topics(world.session, world.ids["k"], [TopicCreate(name="a_b")])
        report = await applied(world.session, plan)
        assert [outcome.result for outcome in report.outcomes] == [Result.FAILED, Result.CREATED]
        assert "the name collides with a_b, which exists" in report.outcomes[0].reason
        with pytest.raises(PlanError, match="collides with a_b"):
            await ensure_topics(world.session, world.ids["k"], [TopicCreate(name="a.b")])
        with pytest.raises(InvalidInputError, match=r"topic x_y collides with topic x\.y"):
            await ensure_topics(world.session, world.ids["k"], [TopicCreate(name="x_y"), TopicCreate(name="x.y")])


async def test_a_missing_list_seen_once_does_not_make_a_cluster_gone() -> None:
    async with opened("k") as world:
        plan = await make_plan(world.session, catalogue("t", cluster="k"))
        world.emulator.faults.add("create_topic", "gateway_timeout", applied=True)
        world.emulator.faults.add("list_topics", "no_route")
        (outcome,) = (await applied(world.session, plan)).outcomes
        assert outcome.result is Result.CREATED


async def test_a_null_list_does_not_make_a_topic_deleted() -> None:
    async with opened("k") as world:
        await ensure_topics(world.session, world.ids["k"], [TopicCreate(name="old")])
        world.emulator.clock.advance(minutes=1)
        plan = await make_plan(world.session, catalogue("t", cluster="k"), prune=Prune(prefix="old"))
        world.emulator.faults.add("delete_topic", "precondition")
        world.emulator.faults.add("list_topics", "null_list")
        outcomes = (await applied(world.session, plan)).outcomes
        assert [outcome.result for outcome in outcomes] == [Result.CREATED, Result.DELETED]
        assert count(world, "delete_topic") == 1


@pytest.mark.parametrize("on_conflict", ["overwrite", 3])
async def test_an_unknown_way_with_conflicts_is_rejected(on_conflict: Any) -> None:
    async with opened("k") as world:
        with pytest.raises(InvalidInputError, match="on_conflict must be one of fail, update"):
            await ensure_topics(world.session, world.ids["k"], [TopicCreate(name="t")], on_conflict=on_conflict)
        with pytest.raises(InvalidInputError, match="interval must be a number of seconds, not str"):
            await ensure_database(world.session, world.ids["k"], "shop", interval="5")  # type: ignore[arg-type]  # tested
        with pytest.raises(NotFoundError):
            await ensure_database(world.session, "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30", "shop")


async def test_what_the_response_to_a_create_does_not_show_does_not_differ() -> None:
    async with opened() as (emulator, session, _):
        sparse = {"id": "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30", "name": "new", "engine": "kafka", "status": "creating"}
        emulator.faults.add("create_cluster", "wrong_shape", body={"database": {**sparse, "size": None}})
        assert (await ensure_cluster(session, KAFKA, interval=0.001)).id == sparse["id"]
