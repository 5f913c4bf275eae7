"""Replicas: optional fields, the zero date, and a life that begins hidden."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from canned import Canned, Sent

from asyncdbaas import AsyncSession, InvalidInputError, NotFoundError, PreconditionError, clusters, replicas
from asyncdbaas.emulator import Clock, Delays, Emulator
from asyncdbaas.replicas import ClusterStatus, ReplicaCreate, Settings

ID = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
PATH = f"/v2/databases/{ID}/replicas"
# As an old response has it: no id, no size, no tags, and no creation date but the zero date.
OLD: dict[str, Any] = {
    "name": "read-nyc3-01",
    "connection": {"uri": "", "database": "", "host": "read", "port": 25060, "user": "doadmin", "password": "s3cret"},
    "region": "nyc3",
    "status": "active",
    "created_at": "0001-01-01T00:00:00Z",
}
WANTED = ReplicaCreate(name="read-nyc3-01", size="db-s-1vcpu-1gb")


async def test_id_and_size_are_optional_and_tags_may_be_null(canned: Canned) -> None:
    canned(200, {"replica": OLD | {"tags": None}})
    replica = await replicas.get_replica(canned.session, ID, "read-nyc3-01")
    assert canned.sent == Sent("GET", f"{PATH}/read-nyc3-01")
    assert (replica.id, replica.size, replica.tags) == (None, None, [])


async def test_active_is_a_status_of_replicas(canned: Canned) -> None:
    canned(200, {"replica": OLD})
    assert (await replicas.get_replica(canned.session, ID, "r")).status is ClusterStatus.ACTIVE


async def test_the_zero_date_reads_as_no_date(canned: Canned) -> None:
    canned(200, {"replica": OLD})
    assert (await replicas.get_replica(canned.session, ID, "r")).created_at is None


async def test_an_empty_date_reads_as_no_date(canned: Canned) -> None:
    canned(200, {"replica": OLD | {"created_at": ""}})
    assert (await replicas.get_replica(canned.session, ID, "r")).created_at is None


async def test_connections_with_empty_uri_and_database_are_read_and_show_no_secret(canned: Canned) -> None:
    canned(200, {"replicas": [OLD]})
    (replica,) = await replicas.list_replicas(canned.session, ID)
    assert canned.sent == Sent("GET", PATH)
    assert replica.connection is not None
    assert (replica.connection.uri, replica.connection.database) == ("", "")
    assert replica.connection.address == "read:25060"
    assert "s3cret" not in repr(replica)


async def test_a_list_of_none_may_be_null(canned: Canned) -> None:
    canned(200, {"replicas": None})
    assert await replicas.list_replicas(canned.session, ID) == []


async def test_only_what_is_set_is_sent_on_creation(canned: Canned) -> None:
    canned(201, {"replica": OLD | {"status": "forking"}})
    assert (await replicas.create_replica(canned.session, ID, WANTED)).status is ClusterStatus.FORKING
    assert canned.sent == Sent("POST", PATH, {"name": "read-nyc3-01", "size": "db-s-1vcpu-1gb"})


async def test_everything_that_can_be_set_is_sent_on_creation(canned: Canned) -> None:
    canned(201, {"replica": OLD})
    wanted = ReplicaCreate(
        name="r",
        size="s",
        region="fra1",
        storage_size_mib=61440,
        tags=["read"],
        private_network_uuid=ID,
        do_settings=Settings(service_cnames=["read.example.com"]),
    )
    await replicas.create_replica(canned.session, ID, wanted)
    assert canned.sent.body == {
        "name": "r",
        "size": "s",
        "region": "fra1",
        "storage_size_mib": 61440,
        "tags": ["read"],
        "private_network_uuid": ID,
        "do_settings": {"service_cnames": ["read.example.com"]},
    }


@pytest.mark.parametrize(
    ("make", "field"),
    [(lambda: ReplicaCreate(name="", size="s"), "name"), (lambda: ReplicaCreate(name="n", size=""), "size")],
)
def test_a_request_that_cannot_be_right_is_rejected_with_its_field(make: Callable[[], object], field: str) -> None:
    with pytest.raises(InvalidInputError, match=field):
        make()


async def test_delete_and_promote_take_a_204_and_quote_the_name(canned: Canned) -> None:
    await replicas.delete_replica(canned.session, ID, "a/b")
    await replicas.promote_replica(canned.session, ID, "a/b")
    assert canned.requests == [Sent("DELETE", f"{PATH}/a%2Fb"), Sent("PUT", f"{PATH}/a%2Fb/promote")]


async def test_a_replica_is_refused_before_the_first_backup_then_hidden_then_forking_then_a_cluster() -> None:
    clock = Clock.stepped()
    delays = Delays(backup=120, replica=300, replica_visible=60)
    async with (
        Emulator(clock=clock, delays=delays) as emulator,
        AsyncSession(emulator.token, base_url=emulator.url) as session,
    ):
        created = await clusters.create_cluster(
            session,
            clusters.ClusterCreate(
                name="backend", engine=clusters.Engine.PG, region="nyc3", size="db-s-1vcpu-1gb", num_nodes=1
            ),
        )
        clock.advance(seconds=delays.create)
        with pytest.raises(PreconditionError):
            await replicas.create_replica(session, created.id, WANTED)
        clock.advance(seconds=delays.backup)
        replica = await replicas.create_replica(session, created.id, WANTED)
        assert replica.status is ClusterStatus.FORKING
        assert replica.id is not None
        with pytest.raises(NotFoundError):
            await replicas.get_replica(session, created.id, WANTED.name)
        assert await replicas.list_replicas(session, created.id) == []
        clock.advance(seconds=delays.replica)
        read = await replicas.get_replica(session, created.id, WANTED.name)
        assert read.status in (ClusterStatus.ONLINE, ClusterStatus.ACTIVE)
        assert (await clusters.get_cluster(session, replica.id)).name == WANTED.name
        await replicas.promote_replica(session, created.id, WANTED.name)
        assert await replicas.list_replicas(session, created.id) == []


async def test_a_deleted_replica_is_gone(emulator: Emulator, session: AsyncSession) -> None:
    cluster_id = emulator.add_cluster(engine="pg")["id"]
    await replicas.create_replica(session, cluster_id, WANTED)
    await replicas.delete_replica(session, cluster_id, WANTED.name)
    with pytest.raises(NotFoundError):
        await replicas.get_replica(session, cluster_id, WANTED.name)
