"""What waits make of responses that are odd, late or out of date, over real HTTP."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from waiting import Watch, opened, waiters

from asyncdbaas import AsyncSession, PermissionDeniedError, SessionStateError, WaitFailedError
from asyncdbaas.clusters import ClusterCreate, Engine, create_cluster, delete_cluster
from asyncdbaas.emulator import Delays, Emulator
from asyncdbaas.ensure import ensure_cluster
from asyncdbaas.replicas import ReplicaCreate, create_replica, delete_replica
from asyncdbaas.topics import TopicCreate, create_topic, delete_topic
from asyncdbaas.waiters import Round, StateSeen, Waiters, WaitEvent

ODD: list[tuple[str, object]] = [
    ("not_found", None),
    ("no_route", None),
    ("null_list", None),
    ("wrong_shape", {"databases": []}),
    ("wrong_shape", []),
]


def after_round(watch: Watch, number: int, act: Callable[[], object]) -> Callable[[WaitEvent], object]:
    """Return a listener that does something when that many rounds are over."""

    def listen(event: WaitEvent) -> None:
        watch(event)
        if isinstance(event, Round) and event.number == number:
            act()

    return listen


@pytest.mark.parametrize(("kind", "body"), ODD)
async def test_one_odd_response_does_not_end_the_wait_for_a_deletion(kind: str, body: object) -> None:
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(name="events")["id"]
        watch = Watch(emulator, seconds=0)
        still_there: list[bool] = []

        def drop() -> None:
            still_there.append(not wait.done())
            emulator.handle(
                "DELETE", f"/v2/databases/{cluster_id}", {"authorization": f"Bearer {emulator.add_token()}"}
            )
            emulator.clock.advance(minutes=5)

        for skip in (1, 3):  # before and after each, a round shows the cluster
            emulator.faults.add("list_clusters", kind, skip=skip, body=body)
        waits = Waiters(session, interval=0.001, on_event=after_round(watch, 6, drop))
        wait = asyncio.create_task(waits.cluster_deleted(cluster_id))
        await wait
        assert still_there == [True]
        assert watch.states == ["online", "absent"]


async def test_a_missing_list_of_clusters_is_never_an_absence() -> None:
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(name="events")["id"]
        emulator.faults.add("list_clusters", "not_found", times=5)
        emulator.faults.add("get_cluster", "not_found", times=None)
        watch = Watch(emulator, seconds=0)
        await waiters(session, watch).cluster_online(cluster_id)
        assert [event.error is None for event in watch.rounds] == [False] * 5 + [True]
        assert watch.states == ["online"]


async def test_lists_that_lack_a_cluster_are_overruled_by_the_cluster_itself() -> None:
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(name="events")["id"]
        emulator.faults.add("list_clusters", "null_list", times=6)
        watch = Watch(emulator, seconds=0)
        enough = asyncio.Event()
        waits = Waiters(session, interval=0.001, on_event=after_round(watch, 8, enough.set))
        wait = asyncio.create_task(waits.cluster_deleted(cluster_id))
        await enough.wait()
        assert not wait.done()
        assert "absent" not in watch.states[1:]
        wait.cancel()


async def test_a_cluster_is_not_reported_absent_before_a_second_read_confirms_it() -> None:
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(name="events")["id"]
        emulator.faults.add("list_clusters", "null_list", skip=1, times=2)
        emulator.faults.add("get_cluster", "not_found")
        watch = Watch(emulator, seconds=0)
        enough = asyncio.Event()
        waits = Waiters(session, interval=0.001, on_event=after_round(watch, 5, enough.set))
        wait = asyncio.create_task(waits.cluster_online(cluster_id, num_nodes=6))
        await enough.wait()
        assert emulator.requests.operations["get_cluster"] == 1
        assert watch.states == ["online"]
        wait.cancel()


@pytest.mark.parametrize(
    ("kind", "body"), [("not_found", None), ("wrong_shape", {"topics": None}), ("wrong_shape", [])]
)
async def test_one_odd_list_of_topics_ends_no_wait(kind: str, body: object) -> None:
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(name="events")["id"]
        names = ["a", "b"]
        for name in names:
            await create_topic(session, cluster_id, TopicCreate(name=name))
        emulator.faults.add("list_topics", kind, skip=1, body=body)
        waits = waiters(session, Watch(emulator, seconds=2))
        topics = await asyncio.gather(*(waits.topic_active(cluster_id, name) for name in names))
        assert [topic.name for topic in topics] == names


async def test_the_topics_of_a_cluster_that_is_gone_have_vanished() -> None:
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(name="events")["id"]
        await create_topic(session, cluster_id, TopicCreate(name="a"))

        def drop() -> None:
            emulator.handle(
                "DELETE", f"/v2/databases/{cluster_id}", {"authorization": f"Bearer {emulator.add_token()}"}
            )
            emulator.clock.advance(minutes=5)

        waits = Waiters(session, interval=0.001, on_event=after_round(Watch(emulator, seconds=0), 1, drop))
        with pytest.raises(WaitFailedError, match="topic a has vanished"):
            await waits.topic_active(cluster_id, "a", partition_count=9)


async def test_what_cannot_be_confirmed_is_waited_for() -> None:
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(name="events")["id"]
        await delete_cluster(session, cluster_id)
        emulator.clock.advance(minutes=5)
        emulator.faults.add("get_cluster", "server_error", times=3)
        watch = Watch(emulator, seconds=0)
        await waiters(session, watch).cluster_deleted(cluster_id)
        assert emulator.requests.operations["get_cluster"] == 5
        assert len(watch.rounds) == 6


async def test_one_refusal_does_not_end_a_wait() -> None:
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(name="events")["id"]
        watch = Watch(emulator, seconds=0)
        waits = waiters(session, watch)
        token = emulator.add_token(scopes=["database:create"])
        shown = [token, emulator.token]
        async with AsyncSession(lambda: shown.pop(0), base_url=emulator.url) as odd:
            waits = waiters(odd, watch)
            assert (await waits.cluster_online(cluster_id)).id == cluster_id
        assert [event.error is None for event in watch.rounds] == [False, True]


async def test_an_error_that_ends_many_waits_is_raised_to_each_as_an_object_of_its_own() -> None:
    async with opened() as (emulator, _):
        token = emulator.add_token(scopes=["database:create"])
        async with AsyncSession(token, base_url=emulator.url) as denied:
            waits = waiters(denied, Watch(emulator, seconds=0))
            ids = [emulator.add_cluster(name=name)["id"] for name in ("one", "two")]
            errors = await asyncio.gather(*map(waits.cluster_online, ids), return_exceptions=True)
        assert all(isinstance(error, PermissionDeniedError) for error in errors)
        assert errors[0] is not errors[1]
        assert str(errors[0]) == str(errors[1])


async def test_a_cluster_that_the_session_deleted_is_never_online() -> None:
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(name="events")["id"]
        await create_topic(session, cluster_id, TopicCreate(name="a"))
        emulator.clock.advance(minutes=1)
        await delete_cluster(session, cluster_id)
        waits = waiters(session, Watch(emulator, seconds=0))
        with pytest.raises(WaitFailedError, match=f"cluster {cluster_id} is being deleted: this session deleted it"):
            await waits.cluster_online(cluster_id)
        with pytest.raises(WaitFailedError, match="topic a is being deleted"):
            await waits.topic_active(cluster_id, "a")


async def test_a_replica_that_the_session_deleted_is_ready_only_after_it_was_created_again() -> None:
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(engine="pg", name="db")["id"]
        emulator.clock.advance(minutes=30)
        replica = ReplicaCreate(name="read", size="db-s-1vcpu-1gb")
        await create_replica(session, cluster_id, replica)
        emulator.clock.advance(minutes=30)
        await delete_replica(session, cluster_id, "read")
        with pytest.raises(WaitFailedError, match="replica read is being deleted"):
            await waiters(session, Watch(emulator, seconds=0)).replica_ready(cluster_id, "read")
        emulator.clock.advance(minutes=5)
        await create_replica(session, cluster_id, replica)
        assert (await waiters(session, Watch(emulator, seconds=60)).replica_ready(cluster_id, "read")).name == "read"


async def test_a_topic_that_an_old_list_still_shows_is_not_active_once_deleted() -> None:
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(name="events")["id"]
        await create_topic(session, cluster_id, TopicCreate(name="a"))
        emulator.clock.advance(minutes=1)
        await delete_topic(session, cluster_id, "a")
        old = {"topics": [{"name": "a", "state": "active", "partition_count": 3}]}
        emulator.faults.add("list_topics", "wrong_shape", body=old, times=2)
        with pytest.raises(WaitFailedError, match="topic a is being deleted"):
            await waiters(session, Watch(emulator, seconds=0)).topic_active(cluster_id, "a")


@pytest.mark.parametrize("make", [create_cluster, ensure_cluster])
async def test_a_mongodb_cluster_keeps_its_only_password_when_it_is_waited_for(make: Any) -> None:
    async with opened(delays=Delays(visible=30)) as (emulator, session):
        order = ClusterCreate(name="docs", engine=Engine.MONGODB, num_nodes=1, size="db-s-1vcpu-1gb", region="nyc1")
        made = await make(session, order)
        password = made.connection.password
        assert password
        cluster = await waiters(session, Watch(emulator, seconds=60)).cluster_online(made.id)
        assert cluster.connection is not None
        assert cluster.private_connection is not None
        assert cluster.connection.password == cluster.private_connection.password == password
        assert cluster.connection.uri is not None
        assert f":{password}@{cluster.connection.host}" in cluster.connection.uri
        assert [user.password for user in cluster.users if user.name == cluster.connection.user] == [password]
        again = await ensure_cluster(session, order)
        assert again.connection is not None
        assert again.connection.password == password
        assert password not in repr((cluster, session, vars(session)))


async def test_a_wait_that_is_cancelled_as_it_fails_leaves_no_error_behind() -> None:
    unhandled: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(name="events")["id"]
        await create_topic(session, cluster_id, TopicCreate(name="a"))
        await delete_topic(session, cluster_id, "a")
        waits = Waiters(session, interval=0.001, on_event=lambda event: isinstance(event, StateSeen) and wait.cancel())
        wait = asyncio.create_task(waits.topic_active(cluster_id, "a"))
        with pytest.raises(asyncio.CancelledError):
            await wait
        gc.collect()
    assert unhandled == []


async def test_waiters_belong_to_one_event_loop() -> None:
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(name="events")["id"]
        waits = waiters(session, Watch(emulator, seconds=0))
        await waits.cluster_online(cluster_id)
        outcomes: list[BaseException | None] = []

        def elsewhere() -> None:
            try:
                asyncio.run(waits.cluster_online(cluster_id))
            except SessionStateError as error:
                outcomes.append(error)

        thread = threading.Thread(target=elsewhere)
        thread.start()
        await asyncio.to_thread(thread.join)
        assert "make Waiters in each" in str(outcomes[0])


# The coroutines of the closed loop cannot end well, which Python reports when it drops them.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_waiters_forget_a_loop_that_was_closed_with_waits_under_way() -> None:
    with Emulator(delays=Delays.none()) as emulator:
        cluster_id = emulator.add_cluster(name="events")["id"]
        loop, polled = asyncio.new_event_loop(), asyncio.Event()
        session = loop.run_until_complete(AsyncSession(emulator.token, base_url=emulator.url).open())
        waits = Waiters(session, interval=3600.0, timeout=5.0, on_event=lambda _: polled.set())
        under_way = loop.create_task(waits.cluster_online(cluster_id, num_nodes=99))
        loop.run_until_complete(polled.wait())
        loop.run_until_complete(session._transport.close())
        assert not under_way.done()
        loop.close()
        # The list is polled anew. Else this would wait for the task of the closed loop until it times out.
        with pytest.raises(SessionStateError, match="another event loop, which has ended"):
            asyncio.run(waits.cluster_online(cluster_id))
        session._lifetime.is_open = False  # else it warns that it was never closed
        del under_way, waits
        gc.collect()


def test_waiters_without_an_event_loop_raise_an_error_of_this_library() -> None:
    wait = Waiters(AsyncSession("token")).cluster_online("9cc10173-e9ea-4176-9dbc-a4cee4c4ff30")
    with pytest.raises(SessionStateError, match="asyncio event loop"):
        wait.send(None)


async def test_a_listener_may_start_another_wait_on_the_same_list() -> None:
    if sys.version_info >= (3, 12):
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    async with opened() as (emulator, session):
        ids = [emulator.add_cluster(name=name)["id"] for name in ("one", "two", "three")]
        watch = Watch(emulator, seconds=0)
        more: list[asyncio.Task[Any]] = []

        def listen(event: WaitEvent) -> None:
            watch(event)
            if isinstance(event, (Round, StateSeen)) and len(more) < 2:
                more.append(asyncio.create_task(waits.cluster_online(ids[len(more) + 1])))

        waits = Waiters(session, interval=0.001, on_event=listen)
        first = await waits.cluster_online(ids[0])
        others = await asyncio.gather(*more)
        assert [cluster.name for cluster in (first, *others)] == ["one", "two", "three"]


async def test_one_list_with_an_earlier_topic_of_the_name_ends_no_wait() -> None:
    async with opened() as (emulator, session):
        cluster_id = emulator.add_cluster(name="events")["id"]
        await create_topic(session, cluster_id, TopicCreate(name="a"))
        emulator.faults.add("list_topics", "wrong_shape", body={"topics": [{"name": "a", "state": "deleting"}]})
        watch = Watch(emulator, seconds=2)
        assert (await waiters(session, watch).topic_active(cluster_id, "a")).name == "a"
        assert watch.states[0] == "deleting"


async def test_a_cluster_is_found_however_its_id_is_spelled() -> None:
    async with opened() as (emulator, session):
        cluster = emulator.add_cluster(name="events")
        shouted = {**cluster, "id": cluster["id"].upper()}
        emulator.faults.add("list_clusters", "wrong_shape", body={"databases": [shouted]}, times=None)
        watch = Watch(emulator, seconds=0)
        assert (await waiters(session, watch).cluster_online(cluster["id"])).name == "events"
        assert watch.states == ["online"]
