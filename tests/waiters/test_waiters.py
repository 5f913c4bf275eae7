"""Waiting, over real HTTP, with a clock that the tests move."""

from __future__ import annotations

import asyncio
import math
from typing import Any
from uuid import UUID

import pytest
from virtual_time import virtual
from waiting import Watch, opened, waiters

from asyncdbaas import AsyncSession, InvalidInputError, PermissionDeniedError, WaitTimeoutError
from asyncdbaas.clusters import (
    Cluster,
    ClusterCreate,
    ClusterResize,
    ClusterStatus,
    Engine,
    create_cluster,
    delete_cluster,
    resize_cluster,
)
from asyncdbaas.emulator import Delays
from asyncdbaas.migrations import MigrationSource, MigrationStart, MigrationStatus, start_migration, stop_migration
from asyncdbaas.replicas import ReplicaCreate, create_replica
from asyncdbaas.topics import TopicCreate, TopicUpdate, create_topic, delete_topic, update_topic
from asyncdbaas.waiters import Round, StateSeen, Waiters, WaitEvent, WaitFailedError

SIZE = "db-s-2vcpu-2gb"


async def test_many_waits_share_one_request_a_round() -> None:
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(name="events")["id"]
        names = [f"t{number}" for number in range(300)]
        await asyncio.gather(*(create_topic(session, cluster_id, TopicCreate(name=name)) for name in names))
        watch = Watch(emulator, seconds=2)
        waits = waiters(session, watch)
        topics = await asyncio.gather(*(waits.topic_active(cluster_id, name) for name in names))
        assert [topic.name for topic in topics] == names
        assert emulator.requests.operations["list_topics"] == 4  # after 0, 2, 4 and 6 of 5 seconds
        rounds = [event for event in watch.events if isinstance(event, Round)]
        assert [(event.number, event.waiting) for event in rounds] == [(number, 300) for number in (1, 2, 3, 4)]


async def test_a_cluster_is_online_only_with_what_was_asked_for() -> None:
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(name="events", num_nodes=3, size=SIZE)["id"]
        await resize_cluster(session, cluster_id, ClusterResize(size="gd-2vcpu-8gb", num_nodes=6))
        watch = Watch(emulator, seconds=60)
        cluster = await waiters(session, watch).cluster_online(cluster_id, size="gd-2vcpu-8gb", num_nodes=6)
        assert (cluster.size, cluster.num_nodes) == ("gd-2vcpu-8gb", 6)
        assert watch.states == ["online", "resizing", "online"]


async def test_a_new_cluster_that_does_not_show_at_first_is_waited_for() -> None:
    async with opened(delays=Delays(visible=30)) as (emulator, session):
        made = await create_cluster(
            session, ClusterCreate(name="new", engine=Engine.KAFKA, num_nodes=3, size=SIZE, region="nyc1")
        )
        watch = Watch(emulator, seconds=20)
        assert (await waiters(session, watch).cluster_online(made.id)).name == "new"
        assert watch.states == ["absent", "creating", "online"]


async def test_deletion_is_over_when_the_cluster_no_longer_shows() -> None:
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(name="events")["id"]
        await delete_cluster(session, cluster_id)
        watch = Watch(emulator, seconds=20)
        await waiters(session, watch).cluster_deleted(cluster_id)
        assert watch.states == ["online", "absent"]


async def test_a_replica_that_takes_minutes_to_show_is_waited_for() -> None:
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(engine="pg", name="db")["id"]
        emulator.clock.advance(minutes=30)
        await create_replica(session, cluster_id, ReplicaCreate(name="read", size="db-s-1vcpu-1gb"))
        watch = Watch(emulator, seconds=50)
        assert (await waiters(session, watch).replica_ready(cluster_id, "read")).name == "read"
        assert watch.states == ["absent", "forking", "online"]


async def test_new_partitions_are_waited_for() -> None:
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(name="events")["id"]
        await create_topic(session, cluster_id, TopicCreate(name="a"))
        emulator.clock.advance(minutes=1)
        await update_topic(session, cluster_id, "a", TopicUpdate(partition_count=9))
        watch = Watch(emulator, seconds=2)
        topic = await waiters(session, watch).topic_active(cluster_id, "a", partition_count=9)
        assert topic.partition_count == 9


@pytest.mark.parametrize("until", [MigrationStatus.DONE, MigrationStatus.SYNCING])
async def test_a_migration_is_done_or_only_in_step(until: MigrationStatus) -> None:
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(engine="pg", name="db")["id"]
        source = MigrationSource(host="old.example.com", port=5432)
        await start_migration(session, cluster_id, MigrationStart(source=source))
        watch = Watch(emulator, seconds=40)
        assert (await waiters(session, watch).migration_done(cluster_id, until=until)).status is until
        assert watch.states[-1] == until


async def test_a_migration_that_is_stopped_ends_the_wait() -> None:
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(engine="pg", name="db")["id"]
        source = MigrationSource(host="old.example.com", port=5432)
        migration = await start_migration(session, cluster_id, MigrationStart(source=source))
        assert migration.id is not None
        await stop_migration(session, cluster_id, migration.id)
        with pytest.raises(WaitFailedError, match="is canceled"):
            await waiters(session, Watch(emulator, seconds=1)).migration_done(cluster_id)


async def test_what_vanishes_or_is_deleted_ends_the_wait() -> None:
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(name="events")["id"]
        await delete_cluster(session, cluster_id)
        async with AsyncSession(emulator.token, base_url=emulator.url) as other_session:  # it deleted nothing
            with pytest.raises(WaitFailedError, match="has vanished"):
                await waiters(other_session, Watch(emulator, seconds=20)).cluster_online(cluster_id, num_nodes=6)
        other = emulator.add_cluster(name="other")["id"]
        await create_topic(session, other, TopicCreate(name="a"))
        await delete_topic(session, other, "a")
        with pytest.raises(WaitFailedError, match="topic a is deleting"):
            await waiters(session, Watch(emulator, seconds=0)).topic_active(other, "a")


@virtual
async def test_a_wait_times_out_and_reports_the_last_value_and_its_cost() -> None:
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(name="events")["id"]
        with pytest.raises(
            WaitTimeoutError, match="not ready after 30 s and 4 requests; last state seen: online"
        ) as caught:
            await Waiters(session, interval=9.0, timeout=30.0).cluster_online(cluster_id, num_nodes=6)
        assert getattr(caught.value.last, "name", None) == "events"
        assert isinstance(caught.value, TimeoutError)


async def test_transient_failures_are_tolerated_and_reported() -> None:
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(name="events")["id"]
        for kind in ("server_error", "reset", "bad_gateway", "not_json"):
            emulator.faults.add("list_clusters", kind)
        watch = Watch(emulator, seconds=1)
        await waiters(session, watch).cluster_online(cluster_id)
        errors = [event.error for event in watch.events if isinstance(event, Round)]
        assert [error is not None for error in errors] == [True] * 4 + [False]


async def test_a_response_that_will_not_change_ends_all_waits() -> None:
    async with opened() as (emulator, _):
        cluster_id = emulator.add_cluster(name="events")["id"]
        token = emulator.add_token(scopes=["database:create"])
        async with AsyncSession(token, base_url=emulator.url) as session:
            waits = waiters(session, Watch(emulator, seconds=1))
            outcomes = await asyncio.gather(
                *(waits.cluster_online(cluster_id) for _ in range(3)), return_exceptions=True
            )
        assert [type(outcome) for outcome in outcomes] == [PermissionDeniedError] * 3


async def test_an_unknown_state_is_reported_and_the_wait_goes_on() -> None:
    async with opened() as (emulator, session):
        made = emulator.add_cluster(name="events")
        body = {"databases": [{**made, "status": "defragmenting"}]}
        emulator.faults.add("list_clusters", "wrong_shape", body=body)
        watch = Watch(emulator, seconds=1)
        await waiters(session, watch).cluster_online(made["id"])
        seen = [(event.state, event.is_known) for event in watch.events if isinstance(event, StateSeen)]
        assert seen == [("defragmenting", False), ("online", True)]


async def test_a_cancelled_wait_leaves_the_others_and_the_last_one_ends_the_rounds() -> None:
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(name="events")["id"]
        asked = asyncio.Event()
        watch = Watch(emulator, seconds=0)

        def note(event: WaitEvent) -> None:
            watch(event)
            asked.set()

        waits = Waiters(session, interval=0.001, on_event=note)
        one, two = (asyncio.create_task(waits.cluster_online(cluster_id, num_nodes=nodes)) for nodes in (6, 9))
        await asked.wait()
        one.cancel()
        with pytest.raises(asyncio.CancelledError):
            await one
        asked.clear()
        await asked.wait()
        assert not two.done()
        two.cancel()
        with pytest.raises(asyncio.CancelledError):
            await two
        assert [task for task in asyncio.all_tasks() if "_run" in repr(task.get_coro())] == []


async def test_waiters_can_be_used_again_after_a_wait() -> None:
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(name="events")["id"]
        waits = waiters(session, Watch(emulator, seconds=0))
        for _ in range(2):
            assert (await waits.cluster_online(cluster_id)).name == "events"
        assert emulator.requests.operations["list_clusters"] == 2


@pytest.mark.parametrize("settings", [{"interval": 0}, {"timeout": -1}, {"timeout": math.nan}])
async def test_an_interval_or_timeout_that_makes_no_sense_is_rejected(settings: dict[str, Any]) -> None:
    async with opened() as (_, session):
        with pytest.raises(InvalidInputError, match=rf"{next(iter(settings))} must be above 0 seconds"):
            Waiters(session, **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"interval": "5"}, "interval must be a number of seconds, not str"),
        ({"timeout": True}, "timeout must be a number of seconds, not bool"),
        ({"on_event": "print"}, "on_event must be a function, not str"),
    ],
)
async def test_arguments_of_the_wrong_type_are_rejected_when_the_waiters_are_made(
    settings: dict[str, Any], message: str
) -> None:
    async with opened() as (_, session):
        with pytest.raises(InvalidInputError, match=message):
            Waiters(session, **settings)
        with pytest.raises(InvalidInputError, match="session must be of the class AsyncSession"):
            Waiters("session")  # type: ignore[arg-type]  # that is what is tested


async def test_what_can_never_be_reached_is_rejected_before_anything_is_sent() -> None:
    async with opened() as (emulator, session):
        waits: Any = waiters(session, Watch(emulator, seconds=0))
        some_id = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
        for wait, message in (
            (waits.cluster_online("events"), "cluster_id must be a UUID"),
            (waits.cluster_deleted({"id": some_id}), "cluster_id must be a UUID"),
            (waits.cluster_online(some_id, num_nodes="3"), "num_nodes must be of type int, not str"),
            (waits.cluster_online(some_id, version=17), "version must be of type str, not int"),
            (waits.topic_active(some_id, ""), "topic name must not be"),
            (waits.topic_active(some_id, "a", partition_count="6"), "partition_count must be of type int, not str"),
            (waits.replica_ready(some_id, None), "replica name must be a string"),
            (waits.migration_done("events"), "cluster_id must be a UUID"),
            (waits.migration_done(some_id, until="synced"), "until must be one of"),
        ):
            with pytest.raises(InvalidInputError, match=message):
                await wait
        assert len(emulator.requests) == 0


async def test_a_clusters_id_is_taken_in_any_spelling() -> None:
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(name="events")["id"]
        waits = waiters(session, Watch(emulator, seconds=0))
        for spelling in (cluster_id.upper(), UUID(cluster_id)):
            assert (await waits.cluster_online(spelling)).id == cluster_id


async def test_a_wait_can_be_for_anything_that_a_function_tells_of_the_object() -> None:
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(name="events", num_nodes=3, size=SIZE)["id"]
        await resize_cluster(session, cluster_id, ClusterResize(size="gd-2vcpu-8gb", num_nodes=6))
        await create_topic(session, cluster_id, TopicCreate(name="orders"))
        waits = waiters(session, Watch(emulator, seconds=1))
        states: list[str] = []

        def is_resizing(cluster: Cluster) -> bool:
            states.append(str(cluster.status))
            return cluster.status == "resizing"

        cluster, topic = await asyncio.gather(
            waits.cluster_until(cluster_id, is_resizing),
            waits.topic_until(cluster_id, "orders", lambda topic: topic.state == "active"),
        )
        assert (cluster.status, topic.name) == ("resizing", "orders")
        assert states[0] == "online"


async def test_what_such_a_function_raises_ends_its_own_wait_only() -> None:
    async with opened(delays=Delays(create=30)) as (emulator, session):
        made = await create_cluster(
            session, ClusterCreate(name="new", engine=Engine.KAFKA, num_nodes=3, size=SIZE, region="nyc1")
        )
        waits = waiters(session, Watch(emulator, seconds=20))

        def fail(cluster: Cluster) -> bool:
            raise KeyError(cluster.name)

        failed, cluster = await asyncio.gather(
            waits.cluster_until(made.id, fail), waits.cluster_online(made.id), return_exceptions=True
        )
        assert isinstance(failed, KeyError)
        assert isinstance(cluster, Cluster)


async def later(_: object) -> bool:
    raise AssertionError


@pytest.mark.parametrize("wrong", [None, "online", ClusterStatus.ONLINE, later])
async def test_what_is_no_function_is_rejected_before_anything_is_sent(wrong: Any) -> None:
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(name="events")["id"]
        waits = waiters(session, Watch(emulator, seconds=1))
        for wait in (waits.cluster_until(cluster_id, wrong), waits.topic_until(cluster_id, "orders", wrong)):
            with pytest.raises(InvalidInputError, match="is_done must be a"):
                await wait
        assert emulator.requests.total == 0


async def test_a_coroutine_function_does_not_decide_a_wait() -> None:
    async def is_done(_: Cluster) -> bool:
        return False

    not_plain: Any = is_done

    def indirect(cluster: Cluster) -> Any:
        return not_plain(cluster)

    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(name="events")["id"]
        for function in (not_plain, indirect):
            with pytest.raises(InvalidInputError, match="is_done must"):
                await waiters(session, Watch(emulator, seconds=0)).cluster_until(cluster_id, function)
