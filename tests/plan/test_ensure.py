"""Create once, whatever happens on the way, over real HTTP."""

from __future__ import annotations

from typing import Any, cast

import pytest
from worlds import opened

from asyncdbaas import InvalidInputError, UnprocessableError
from asyncdbaas.clusters import ClusterCreate, Engine
from asyncdbaas.ensure import (
    EnsureError,
    ensure_cluster,
    ensure_database,
    ensure_pool,
    ensure_topics,
    ensure_user,
)
from asyncdbaas.plan import OnConflict, PlanError, Result
from asyncdbaas.pools import PoolCreate, PoolMode, list_pools
from asyncdbaas.topics import TopicConfig, TopicCreate
from asyncdbaas.users import UserCreate

KAFKA = ClusterCreate(name="events", engine=Engine.KAFKA, num_nodes=3, size="db-s-2vcpu-2gb", region="nyc1")
POOL = PoolCreate(name="pool", mode=PoolMode.SESSION, size=5, db="defaultdb", user="doadmin")


async def test_topics_are_created_once_and_then_there() -> None:
    async with opened("events") as (emulator, session, ids):
        topics = [TopicCreate(name="a"), TopicCreate(name="b", config=TopicConfig(retention_ms=5))]
        for result in (Result.CREATED, Result.KEPT):
            outcomes = await ensure_topics(session, ids["events"], topics)
            assert [outcome.result for outcome in outcomes] == [result, result]
            emulator.clock.advance(minutes=1)
        assert emulator.requests.operations["create_topic"] == 2


async def test_a_topic_that_is_there_otherwise_is_a_conflict_or_is_changed() -> None:
    async with opened("events") as (emulator, session, ids):
        await ensure_topics(session, ids["events"], [TopicCreate(name="a")])
        emulator.clock.advance(minutes=1)
        more = [TopicCreate(name="a", partition_count=9), TopicCreate(name="b")]
        with pytest.raises(EnsureError, match="topic a differs: partition_count is 3, not 9"):
            await ensure_topics(session, ids["events"], more)
        assert emulator.requests.operations["create_topic"] == 1
        outcomes = await ensure_topics(session, ids["events"], more, on_conflict=OnConflict.UPDATE)
        assert [outcome.result for outcome in outcomes] == [Result.UPDATED, Result.CREATED]
        emulator.clock.advance(minutes=1)
        with pytest.raises(PlanError, match="their number can only grow"):
            await ensure_topics(session, ids["events"], [TopicCreate(name="a", partition_count=3)])


async def test_topics_that_fail_are_named() -> None:
    async with opened("events") as (_, session, ids):
        wrong = TopicCreate(name="a", config=TopicConfig(message_format_version="x"))
        with pytest.raises(EnsureError, match=r"topic a: POST .* 422"):
            await ensure_topics(session, ids["events"], [wrong], interval=0.001)


@pytest.mark.parametrize("topics", [[TopicCreate(name="a")] * 2, [TopicCreate(name="_a")]])
async def test_topics_given_twice_or_of_kafkas_own_are_refused(topics: list[TopicCreate]) -> None:
    async with opened("events") as (emulator, session, ids):
        with pytest.raises(InvalidInputError, match=r"topic _?a"):
            await ensure_topics(session, ids["events"], topics)
        assert len(emulator.requests) == 0


@pytest.mark.parametrize("is_applied", [True, False])
@pytest.mark.parametrize("kind", ["server_error", "reset"])
async def test_each_kind_is_created_once_although_the_first_response_is_lost(kind: str, is_applied: bool) -> None:
    async with opened() as (emulator, session, _):
        db = emulator.add_cluster(engine="pg", name="db")["id"]
        for operation in ("create_cluster", "create_database", "create_user", "create_pool"):
            emulator.faults.add(operation, kind, applied=is_applied)
        cluster = await ensure_cluster(session, KAFKA, interval=0.001)
        assert (await ensure_cluster(session, KAFKA)).id == cluster.id
        for _ in range(2):
            assert (await ensure_database(session, db, "shop", interval=0.001)).name == "shop"
            assert (await ensure_user(session, db, UserCreate(name="ann"), interval=0.001)).name == "ann"
            assert (await ensure_pool(session, db, POOL, interval=0.001)).size == 5
        assert set(emulator.requests.applied.values()) == {1}


async def test_a_create_that_never_arrives_is_given_up() -> None:
    async with opened() as (emulator, session, _):
        db = emulator.add_cluster(engine="pg", name="db")["id"]
        emulator.faults.add("create_database", "server_error", times=None)
        with pytest.raises(EnsureError, match="database shop may have been created, but is not visible") as caught:
            await ensure_database(session, db, "shop", interval=0.001)
        assert caught.value.outcome_unknown
        assert emulator.requests.operations["create_database"] == 5


async def test_a_refusal_is_raised_as_it_is() -> None:
    async with opened("events") as (emulator, session, ids):
        with pytest.raises(UnprocessableError):
            await ensure_pool(session, ids["events"], POOL, interval=0.001)
        wrong = ClusterCreate(name="x", engine=Engine.KAFKA, num_nodes=4, size="db-s-2vcpu-2gb", region="nyc1")
        with pytest.raises(UnprocessableError):
            await ensure_cluster(session, wrong, interval=0.001)
        assert emulator.requests.operations["create_cluster"] == 1


async def test_a_cluster_or_pool_that_is_there_otherwise_is_a_conflict() -> None:
    async with opened() as (emulator, session, _):
        emulator.add_cluster(name="events", num_nodes=6)
        with pytest.raises(EnsureError, match=r"cluster events differs: .*num_nodes is 6, not 3"):
            await ensure_cluster(session, KAFKA)
        db = emulator.add_cluster(engine="pg", name="db")["id"]
        await ensure_pool(session, db, POOL)
        other = PoolCreate(name="pool", mode=PoolMode.TRANSACTION, size=7, db="defaultdb")
        with pytest.raises(EnsureError, match="pool pool differs: mode is session, not transaction, size is 5, not 7"):
            await ensure_pool(session, db, other)
        changed = await ensure_pool(session, db, other, on_conflict=OnConflict.UPDATE)
        (shown,) = await list_pools(session, db)
        assert (changed.mode, changed.size) == (shown.mode, shown.size) == (PoolMode.TRANSACTION, 7)


async def test_arguments_of_another_class_are_rejected_before_anything_is_sent() -> None:
    wrong: Any = {"name": "a", "password": "canary"}
    async with opened("events") as (emulator, session, ids):
        for made, message in (
            (ensure_cluster(session, wrong), "cluster must be ClusterCreate"),
            (ensure_topics(session, ids["events"], [wrong]), "topic must be TopicCreate"),
            (ensure_topics(session, ids["events"], cast("Any", "orders")), "topic must be TopicCreate"),
            (ensure_user(session, ids["events"], wrong), "user must be UserCreate"),
            (ensure_pool(session, ids["events"], wrong), "pool must be PoolCreate"),
            (
                ensure_pool(session, ids["events"], POOL, on_conflict=cast("Any", "replace")),
                "on_conflict must be one of fail, update",
            ),
        ):
            with pytest.raises(InvalidInputError, match=message) as caught:
                await made
            assert "canary" not in str(caught.value)
        assert emulator.requests.total == 0
