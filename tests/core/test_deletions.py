"""What a session remembers of its own writes because the service does not show it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from asyncdbaas import APIError, AsyncSession, RetryPolicy
from asyncdbaas._core.deletions import Deletions
from asyncdbaas._core.passwords import Passwords
from asyncdbaas.clusters import delete_cluster
from asyncdbaas.databases import create_database, delete_database
from asyncdbaas.emulator import Emulator
from asyncdbaas.pools import PoolCreate, PoolMode, create_pool, delete_pool
from asyncdbaas.replicas import ReplicaCreate, create_replica, delete_replica
from asyncdbaas.topics import TopicCreate, create_topic, delete_topic
from asyncdbaas.users import UserCreate, create_user, delete_user, reset_user_auth

CLUSTER = "/v2/databases/9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"


class Time:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_deleted_path_is_held_until_it_is_forgotten() -> None:
    deletions = Deletions()
    deletions.add(f"{CLUSTER}/topics/a")
    assert f"{CLUSTER}/topics/a" in deletions
    assert f"{CLUSTER}/topics/A" not in deletions
    assert CLUSTER not in deletions
    deletions.discard(f"{CLUSTER}/topics/a")
    assert f"{CLUSTER}/topics/a" not in deletions


def test_what_a_deleted_cluster_contains_is_deleted_too_however_its_id_is_spelled() -> None:
    deletions = Deletions()
    deletions.add(CLUSTER.upper().replace("/V2/DATABASES", "/v2/databases"))
    assert CLUSTER in deletions
    assert f"{CLUSTER}/topics/a" in deletions
    assert "/v2/databases" not in deletions


def test_of_too_many_entries_the_oldest_go_and_one_that_is_renewed_is_new() -> None:
    deletions = Deletions()
    paths = [f"{CLUSTER}/topics/{number}" for number in range(10_001)]
    for path in [*paths[:-1], paths[0], paths[-1]]:
        deletions.add(path)
        deletions.note_name(path.rpartition("/")[2], path)
    assert [path in deletions for path in (paths[0], paths[1], paths[2])] == [True, False, True]
    assert [deletions.has_name(name) for name in ("0", "1", "2")] == [True, False, True]


def test_a_name_is_forgotten_in_time_and_an_id_is_not() -> None:
    clock = Time()
    deletions = Deletions(clock)
    other = CLUSTER.replace("9", "8")
    deletions.add(CLUSTER)
    deletions.add(f"{other}/topics/a")
    clock.now = 1799.0
    assert f"{other}/topics/a" in deletions
    clock.now = 1800.0
    assert f"{other}/topics/a" not in deletions
    assert CLUSTER in deletions


def test_memory_is_bounded_and_the_newest_entries_stay() -> None:
    deletions, passwords = Deletions(), Passwords()
    for number in range(10_002):
        deletions.add(f"{CLUSTER}/topics/t{number}")
        passwords.add(CLUSTER, f"u{number}", "secret")
    assert len(deletions) == 10_000
    assert f"{CLUSTER}/topics/t1" not in deletions
    assert f"{CLUSTER}/topics/t2" in deletions
    assert (passwords.get(CLUSTER, "u1"), passwords.get(CLUSTER, "u2")) == (None, "secret")


def test_a_password_is_replaced_by_a_newer_one_only_and_never_shown() -> None:
    passwords = Passwords()
    passwords.add("ID", "ann", "first")
    passwords.add("id", "ann", "")
    passwords.add("id", "ann", None)
    assert passwords.get("Id", "ann") == "first"
    assert "first" not in repr(vars(passwords))
    passwords.add("id", "ann", "second")
    assert passwords.get("id", "ann") == "second"
    passwords.discard("id", "ann")
    assert passwords.get("id", "ann") is None
    assert passwords.get("id", None) is None


@pytest.mark.parametrize("kind", ["topics", "dbs", "users", "pools", "replicas"])
async def test_each_kind_of_object_is_remembered_when_deleted_and_forgotten_when_created_again(kind: str) -> None:
    async with Emulator() as emulator, AsyncSession(emulator.token, base_url=emulator.url) as session:
        engine = "kafka" if kind == "topics" else "pg"
        cluster = emulator.add_cluster(engine=engine, name="c")["id"]
        emulator.clock.advance(minutes=30)
        pool = PoolCreate(name="abc", mode=PoolMode.SESSION, size=1, db="defaultdb", user="doadmin")
        replica = ReplicaCreate(name="abc", size="db-s-1vcpu-1gb")
        calls: dict[str, tuple[Callable[[], Awaitable[object]], Callable[..., Awaitable[None]]]] = {
            "topics": (lambda: create_topic(session, cluster, TopicCreate(name="abc")), delete_topic),
            "dbs": (lambda: create_database(session, cluster, "abc"), delete_database),
            "users": (lambda: create_user(session, cluster, UserCreate(name="abc")), delete_user),
            "pools": (lambda: create_pool(session, cluster, pool), delete_pool),
            "replicas": (lambda: create_replica(session, cluster, replica), delete_replica),
        }
        make, drop = calls[kind]
        path = f"/v2/databases/{cluster}/{kind}/abc"
        for _ in range(2):
            await make()
            assert path not in session.deletions
            emulator.clock.advance(minutes=30)
            await drop(session, cluster, "abc")
            assert path in session.deletions
            emulator.clock.advance(minutes=30)
        await delete_cluster(session, cluster)
        assert f"/v2/databases/{cluster}/anything" in session.deletions


async def test_a_users_password_is_kept_until_it_is_reset_or_the_user_deleted() -> None:
    async with Emulator() as emulator, AsyncSession(emulator.token, base_url=emulator.url) as session:
        cluster = emulator.add_cluster(engine="mongodb", name="docs")["id"]
        made = await create_user(session, cluster, UserCreate(name="ann"))
        assert session.passwords.get(cluster, "ann") == made.password
        reset = await reset_user_auth(session, cluster, "ann")
        assert session.passwords.get(cluster, "ann") == reset.password != made.password
        await delete_user(session, cluster, "ann")
        assert session.passwords.get(cluster, "ann") is None


@pytest.mark.parametrize(("kind", "is_kept"), [("gateway_timeout", False), ("not_found", True), ("unavailable", True)])
async def test_a_password_that_a_reset_may_have_changed_is_forgotten(*, kind: str, is_kept: bool) -> None:
    async with (
        Emulator() as emulator,
        AsyncSession(emulator.token, base_url=emulator.url, retry=RetryPolicy(max_attempts=1)) as session,
    ):
        cluster = emulator.add_cluster(engine="mongodb", name="docs")["id"]
        made = await create_user(session, cluster, UserCreate(name="ann"))
        emulator.faults.add("reset_user_auth", kind)
        with pytest.raises(APIError):
            await reset_user_auth(session, cluster, "ann")
        assert session.passwords.get(cluster, "ann") == (made.password if is_kept else None)
