"""Clusters: what is sent, what is read, and the ways in which real responses differ from the vendor's description."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import pytest
from canned import Canned, Sent

from asyncdbaas import UNSET, AsyncSession, DecodeError, InvalidInputError, NotFoundError, UnprocessableError, clusters
from asyncdbaas.clusters import (
    CA,
    Autoscale,
    BackupRestore,
    ClusterCreate,
    ClusterMigrate,
    ClusterResize,
    ClusterStatus,
    Engine,
    FirewallRule,
    FirewallRuleType,
    Settings,
    StorageAutoscale,
    Weekday,
)
from asyncdbaas.emulator import Clock, Delays, Emulator

ID = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
TLS = Path(__file__).parent / "tls"

CONNECTION: dict[str, Any] = {
    "protocol": "postgresql",
    "uri": "postgresql://doadmin:s3cret@backend-do-user-1-0.d.db.ondigitalocean.com:25060/defaultdb?sslmode=require",
    "database": "defaultdb",
    "host": "backend-do-user-1-0.d.db.ondigitalocean.com",
    "port": 25060,
    "user": "doadmin",
    "password": "s3cret",
    "ssl": True,
}
# The keys of a captured response; no end-of-life, no standby, no rules.
ONLINE: dict[str, Any] = {
    "id": ID,
    "name": "backend",
    "engine": "pg",
    "version": "17",
    "semantic_version": "17.2",
    "connection": CONNECTION,
    "private_connection": CONNECTION,
    "metrics_endpoints": [{"host": "backend-do-user-1-0.d.db.ondigitalocean.com", "port": 9273}],
    "users": [{"name": "doadmin", "role": "primary", "password": "s3cret"}],
    "db_names": ["defaultdb"],
    "num_nodes": 1,
    "region": "nyc3",
    "status": "online",
    "created_at": "2024-12-02T14:05:33Z",
    "maintenance_window": {"day": "friday", "hour": "10:23:13", "pending": False},
    "size": "db-s-1vcpu-1gb",
    "tags": None,
    "private_network_uuid": "d455e75d-4858-4eec-8c95-da2f0a5f93a7",
    "project_id": "3fb7c1a4-0a1c-4f0f-9d1c-2f2c9d7a9b11",
    "read_only": False,
    "storage_size_mib": 10240,
}
NEW: dict[str, Any] = ONLINE | {
    "status": "creating",
    "connection": {},
    "private_connection": {"uri": "", "database": "", "host": "", "port": 0, "user": "", "password": "", "ssl": False},
    "metrics_endpoints": None,
    "users": None,
    "db_names": None,
    "maintenance_window": None,
}
WANTED = ClusterCreate(name="backend", engine=Engine.PG, region="nyc3", size="db-s-1vcpu-1gb", num_nodes=1)


@asynccontextmanager
async def emulated(clock: Clock) -> AsyncGenerator[tuple[Emulator, AsyncSession]]:
    delays = Delays(delete=30.0)
    async with (
        Emulator(clock=clock, delays=delays) as emulator,
        AsyncSession(emulator.token, base_url=emulator.url) as session,
    ):
        yield emulator, session


async def test_a_cluster_is_read_with_every_key_of_a_captured_response(canned: Canned) -> None:
    canned(200, {"database": ONLINE})
    cluster = await clusters.get_cluster(canned.session, ID)
    assert canned.sent == Sent("GET", f"/v2/databases/{ID}")
    assert (cluster.id, cluster.name, cluster.engine, cluster.status) == (ID, "backend", "pg", "online")
    assert (cluster.version, cluster.semantic_version) == ("17", "17.2")
    assert cluster.created_at == datetime(2024, 12, 2, 14, 5, 33, tzinfo=UTC)
    assert cluster.metrics_endpoints[0].port == 9273
    assert cluster.users[0].name == "doadmin"
    assert cluster.read_only is False
    assert cluster.storage_size_mib == 10240


async def test_tags_null_reads_as_no_tags(canned: Canned) -> None:
    canned(200, {"database": ONLINE})
    assert (await clusters.get_cluster(canned.session, ID)).tags == []


async def test_absent_end_of_life_dates_read_as_none(canned: Canned) -> None:
    canned(200, {"database": ONLINE})
    cluster = await clusters.get_cluster(canned.session, ID)
    assert cluster.version_end_of_life is None
    assert cluster.version_end_of_availability is None
    canned(200, {"database": ONLINE | {"version_end_of_life": "2029-11-08T00:00:00Z"}})
    assert (await clusters.get_cluster(canned.session, ID)).version_end_of_life == datetime(2029, 11, 8, tzinfo=UTC)


async def test_nulls_and_empty_connections_right_after_the_creation(canned: Canned) -> None:
    canned(201, {"database": NEW})
    cluster = await clusters.create_cluster(canned.session, WANTED)
    assert cluster.status is ClusterStatus.CREATING
    assert (cluster.users, cluster.db_names, cluster.metrics_endpoints) == ([], [], [])
    assert cluster.maintenance_window is None
    assert cluster.connection is not None
    assert cluster.connection.host is None
    assert cluster.private_connection is not None
    assert cluster.private_connection.address is None


async def test_unknown_engines_statuses_and_keys_are_taken(canned: Canned) -> None:
    canned(200, {"database": ONLINE | {"engine": "clickhouse", "status": "paused", "moon_phase": {"full": True}}})
    cluster = await clusters.get_cluster(canned.session, ID)
    assert (cluster.engine, cluster.status) == ("clickhouse", "paused")
    assert not cluster.engine.is_known


async def test_a_window_of_the_services_own_has_minutes_and_seconds(canned: Canned) -> None:
    canned(200, {"database": ONLINE})
    window = (await clusters.get_cluster(canned.session, ID)).maintenance_window
    assert window is not None
    assert window.day is Weekday.FRIDAY
    assert window.start == time(10, 23, 13, tzinfo=UTC)
    assert window.description == []


async def test_the_empty_window_of_mongodb_has_no_start(canned: Canned) -> None:
    canned(200, {"database": ONLINE | {"maintenance_window": {"day": "", "hour": "", "description": None}}})
    window = (await clusters.get_cluster(canned.session, ID)).maintenance_window
    assert window is not None
    assert window.day == ""
    assert window.start is None
    assert window.description == []


@pytest.mark.parametrize(
    "keys",
    [
        {"autoscale": {"storage": {"enabled": True, "threshold_percent": 80}}},
        {"storage_autoscale": {"enabled": True, "threshold_percent": 80}},
    ],
    ids=["description", "go client"],
)
async def test_autoscale_is_read_from_both_cluster_keys(canned: Canned, keys: dict[str, Any]) -> None:
    canned(200, {"database": ONLINE | keys})
    cluster = await clusters.get_cluster(canned.session, ID)
    assert cluster.autoscale == Autoscale(storage=StorageAutoscale(enabled=True, threshold_percent=80))


async def test_of_both_autoscale_keys_the_described_one_counts(canned: Canned) -> None:
    keys = {"autoscale": {"storage": {"enabled": True}}, "storage_autoscale": {"enabled": False}}
    canned(200, {"database": ONLINE | keys})
    cluster = await clusters.get_cluster(canned.session, ID)
    assert cluster.autoscale == Autoscale(storage=StorageAutoscale(enabled=True))


async def test_autoscale_null_reads_as_none(canned: Canned) -> None:
    canned(200, {"database": ONLINE | {"autoscale": None}})
    assert (await clusters.get_cluster(canned.session, ID)).autoscale is None


async def test_standby_dashboard_and_registry_connections_are_read(canned: Canned) -> None:
    more = {
        "standby_connection": CONNECTION | {"host": "replica-backend"},
        "standby_private_connection": CONNECTION | {"host": "private-replica-backend"},
        "ui_connection": CONNECTION | {"protocol": "https"},
        "schema_registry_connection": CONNECTION | {"port": 20835},
    }
    canned(200, {"database": ONLINE | more})
    cluster = await clusters.get_cluster(canned.session, ID)
    assert cluster.standby_connection is not None
    assert cluster.standby_connection.address == "replica-backend:25060"
    assert cluster.standby_private_connection is not None
    assert cluster.standby_private_connection.host == "private-replica-backend"
    assert cluster.ui_connection is not None
    assert cluster.ui_connection.protocol == "https"
    assert cluster.schema_registry_connection is not None
    assert cluster.schema_registry_connection.port == 20835


async def test_without_view_credentials_the_password_is_absent_and_the_uri_lacks_it(canned: Canned) -> None:
    uri = "postgresql://doadmin:@backend:25060/defaultdb?sslmode=require"
    bare = {name: value for name, value in CONNECTION.items() if name not in ("password", "user")} | {"uri": uri}
    canned(200, {"database": ONLINE | {"connection": bare, "users": [{"name": "doadmin", "role": "primary"}]}})
    cluster = await clusters.get_cluster(canned.session, ID)
    assert cluster.connection is not None
    assert (cluster.connection.password, cluster.connection.user, cluster.connection.uri) == (None, None, uri)
    assert cluster.users[0].password is None


async def test_no_secret_shows_in_a_clusters_repr(canned: Canned) -> None:
    users = [{"name": "doadmin", "password": "s3cret", "access_cert": "s3cret", "access_key": "s3cret"}]
    canned(200, {"database": ONLINE | {"users": users}})
    cluster = await clusters.get_cluster(canned.session, ID)
    assert cluster.users[0].access_key == "s3cret"
    assert "s3cret" not in repr(cluster)


async def test_a_list_can_be_narrowed_to_a_tag(canned: Canned) -> None:
    canned(200, {"databases": [ONLINE]})
    assert [cluster.name for cluster in await clusters.list_clusters(canned.session, tag_name="a b")] == ["backend"]
    assert canned.sent == Sent("GET", "/v2/databases", query={"tag_name": "a b"})


async def test_a_list_of_none_may_be_null(canned: Canned) -> None:
    canned(200, {"databases": None})
    assert await clusters.list_clusters(canned.session) == []
    assert canned.sent == Sent("GET", "/v2/databases")


async def test_an_empty_tag_is_refused_before_it_lists_everything(canned: Canned) -> None:
    with pytest.raises(InvalidInputError, match="tag_name"):
        await clusters.list_clusters(canned.session, tag_name="")
    assert canned.requests == []


async def test_only_what_is_set_is_sent_on_creation(canned: Canned) -> None:
    canned(201, {"database": NEW})
    await clusters.create_cluster(canned.session, WANTED)
    body = {"name": "backend", "engine": "pg", "region": "nyc3", "size": "db-s-1vcpu-1gb", "num_nodes": 1}
    assert canned.sent == Sent("POST", "/v2/databases", body)


async def test_everything_that_can_be_set_is_sent_on_creation(canned: Canned) -> None:
    canned(201, {"database": NEW})
    await clusters.create_cluster(
        canned.session,
        ClusterCreate(
            name="backend",
            engine=Engine.PG,
            version="17",
            region="nyc3",
            size="db-s-2vcpu-4gb",
            num_nodes=2,
            storage_size_mib=61440,
            tags=["production"],
            project_id=ID,
            private_network_uuid="",
            rules=[FirewallRule(type=FirewallRuleType.DROPLET, value="163973392", description="the app")],
            backup_restore=BackupRestore(
                database_name="old", backup_created_at=datetime(2019, 1, 31, 19, 25, 22, tzinfo=UTC)
            ),
            autoscale=Autoscale(storage=StorageAutoscale(enabled=False)),
            do_settings=Settings(service_cnames=["db.example.com"]),
        ),
    )
    assert canned.sent.body == {
        "name": "backend",
        "engine": "pg",
        "version": "17",
        "region": "nyc3",
        "size": "db-s-2vcpu-4gb",
        "num_nodes": 2,
        "storage_size_mib": 61440,
        "tags": ["production"],
        "project_id": ID,
        "private_network_uuid": "",
        "rules": [{"type": "droplet", "value": "163973392", "description": "the app"}],
        "backup_restore": {"database_name": "old", "backup_created_at": "2019-01-31T19:25:22Z"},
        "autoscale": {"storage": {"enabled": False}},
        "do_settings": {"service_cnames": ["db.example.com"]},
    }


async def test_backup_restore_takes_the_newest_backup_if_none_is_named(canned: Canned) -> None:
    canned(201, {"database": NEW | {"status": "forking"}})
    wanted = ClusterCreate(
        name="fork",
        engine=Engine.PG,
        region="nyc3",
        size="db-s-1vcpu-1gb",
        num_nodes=1,
        backup_restore=BackupRestore(database_name="backend"),
    )
    assert (await clusters.create_cluster(canned.session, wanted)).status is ClusterStatus.FORKING
    assert canned.sent.body["backup_restore"] == {"database_name": "backend"}


async def test_dry_run_sends_the_same_body_and_does_not_look_at_the_response(canned: Canned) -> None:
    canned(200, "whatever")
    await clusters.validate_cluster(canned.session, WANTED)
    body = {"name": "backend", "engine": "pg", "region": "nyc3", "size": "db-s-1vcpu-1gb", "num_nodes": 1}
    assert canned.sent == Sent("POST", "/v2/databases", body | {"dry_run": True})


async def test_dry_run_refuses_what_a_creation_would_and_creates_nothing(session: AsyncSession) -> None:
    await clusters.validate_cluster(session, WANTED)
    with pytest.raises(UnprocessableError, match="invalid size"):
        await clusters.validate_cluster(
            session, ClusterCreate(name="backend", engine=Engine.PG, region="nyc3", size="huge", num_nodes=1)
        )
    assert await clusters.list_clusters(session) == []


async def test_dry_run_names_the_class_that_the_caller_knows(canned: Canned) -> None:
    size: Any = 5
    wrong = ClusterCreate(name="backend", engine=Engine.PG, region="nyc3", size=size, num_nodes=1)
    with pytest.raises(InvalidInputError, match=r"^ClusterCreate: .*size"):
        await clusters.validate_cluster(canned.session, wrong)
    assert canned.requests == []


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: ClusterCreate(name="", engine=Engine.PG, region="nyc3", size="s", num_nodes=1), "name"),
        (lambda: ClusterCreate(name="n", engine=Engine.PG, region="", size="s", num_nodes=1), "region"),
        (lambda: ClusterCreate(name="n", engine=Engine.PG, region="nyc3", size="", num_nodes=1), "size"),
        (lambda: ClusterResize(size="", num_nodes=1), "size"),
        (lambda: ClusterMigrate(region=""), "region"),
        (lambda: BackupRestore(database_name=""), "database_name"),
        (
            lambda: BackupRestore(database_name="b", backup_created_at=datetime(2019, 1, 31)),  # noqa: DTZ001 -- the point
            "backup_created_at",
        ),
    ],
)
def test_a_request_that_cannot_be_right_is_rejected_with_its_field(make: Callable[[], object], field: str) -> None:
    with pytest.raises(InvalidInputError, match=field):
        make()


@pytest.mark.parametrize(
    ("field", "value"), [("num_nodes", "3"), ("version", 17), ("tags", "production"), ("rules", [{"type": "tag"}])]
)
async def test_a_value_of_the_wrong_type_is_rejected_with_its_field(canned: Canned, field: str, value: Any) -> None:
    given: dict[str, Any] = {"name": "n", "engine": Engine.PG, "region": "nyc3", "size": "s", "num_nodes": 1}
    with pytest.raises(InvalidInputError, match=field):
        await clusters.create_cluster(canned.session, ClusterCreate(**given | {field: value}))
    assert canned.requests == []


@pytest.mark.parametrize("missing", ["size", "num_nodes"])
def test_a_resize_needs_size_and_number_of_nodes(missing: str) -> None:
    given: dict[str, Any] = {"size": "db-s-2vcpu-4gb", "num_nodes": 2}
    del given[missing]
    with pytest.raises(TypeError, match=missing):
        ClusterResize(**given)


async def test_resize_takes_a_202_without_body_and_sends_storage_only_if_set(canned: Canned) -> None:
    canned(202)
    await clusters.resize_cluster(canned.session, ID, ClusterResize(size="db-s-2vcpu-4gb", num_nodes=3))
    assert canned.sent == Sent("PUT", f"/v2/databases/{ID}/resize", {"size": "db-s-2vcpu-4gb", "num_nodes": 3})
    canned.requests.clear()
    resize = ClusterResize(size="db-s-2vcpu-4gb", num_nodes=3, storage_size_mib=163840)
    await clusters.resize_cluster(canned.session, ID, resize)
    assert canned.sent.body["storage_size_mib"] == 163840


async def test_migrate_takes_a_202_without_body_and_can_name_a_vpc(canned: Canned) -> None:
    canned(202)
    await clusters.migrate_cluster(canned.session, ID, ClusterMigrate(region="lon1"))
    assert canned.sent == Sent("PUT", f"/v2/databases/{ID}/migrate", {"region": "lon1"})
    canned.requests.clear()
    await clusters.migrate_cluster(canned.session, ID, ClusterMigrate(region="lon1", private_network_uuid=ID))
    assert canned.sent.body == {"region": "lon1", "private_network_uuid": ID}


async def test_upgrade_takes_a_204_and_sends_the_version(canned: Canned) -> None:
    await clusters.upgrade_cluster(canned.session, ID, "17")
    assert canned.sent == Sent("PUT", f"/v2/databases/{ID}/upgrade", {"version": "17"})


@pytest.mark.parametrize("version", ["", 17])
async def test_upgrade_refuses_what_is_no_version(canned: Canned, version: Any) -> None:
    with pytest.raises(InvalidInputError, match="version"):
        await clusters.upgrade_cluster(canned.session, ID, version)
    assert canned.requests == []


async def test_delete_takes_a_204(canned: Canned) -> None:
    await clusters.delete_cluster(canned.session, ID)
    assert canned.sent == Sent("DELETE", f"/v2/databases/{ID}")


async def test_a_cluster_lives_from_creation_to_deletion() -> None:
    clock = Clock.stepped()
    async with emulated(clock) as (_, session):
        created = await clusters.create_cluster(session, WANTED)
        assert created.status is ClusterStatus.CREATING
        clock.advance(minutes=5)
        online = await clusters.get_cluster(session, created.id)
        assert online.status is ClusterStatus.ONLINE
        assert online.connection is not None
        assert online.connection.password
        await clusters.resize_cluster(session, created.id, ClusterResize(size="db-s-2vcpu-4gb", num_nodes=2))
        # 202, and still online with the old size: a wait for `online` alone would return at once.
        assert (await clusters.get_cluster(session, created.id)).size == "db-s-1vcpu-1gb"
        clock.advance(minutes=10)
        assert (await clusters.get_cluster(session, created.id)).num_nodes == 2
        await clusters.migrate_cluster(session, created.id, ClusterMigrate(region="fra1"))
        clock.advance(minutes=15)
        assert (await clusters.get_cluster(session, created.id)).region == "fra1"
        await clusters.delete_cluster(session, created.id)
        with pytest.raises(UnprocessableError, match="not available"):
            await clusters.create_cluster(session, WANTED)
        clock.advance(minutes=1)
        with pytest.raises(NotFoundError):
            await clusters.get_cluster(session, created.id)


async def test_the_password_of_mongodb_comes_with_the_creation_only(emulator: Emulator, session: AsyncSession) -> None:
    wanted = ClusterCreate(name="docs", engine=Engine.MONGODB, region="nyc3", size="db-s-1vcpu-1gb", num_nodes=1)
    created = await clusters.create_cluster(session, wanted)
    assert created.connection is not None
    assert created.connection.password
    read = await clusters.get_cluster(session, created.id)
    assert read.connection is not None
    assert not read.connection.password
    assert emulator.requests.total == 2


async def test_a_token_without_view_credentials_sees_no_password(emulator: Emulator) -> None:
    cluster_id = emulator.add_cluster(engine="pg", name="backend")["id"]
    token = emulator.add_token(scopes=["database:read"])
    async with AsyncSession(token, base_url=emulator.url) as reader:
        cluster = await clusters.get_cluster(reader, cluster_id)
    assert cluster.connection is not None
    assert not cluster.connection.password
    assert not cluster.users[0].password


async def test_a_rule_can_be_sent_as_it_was_read(canned: Canned) -> None:
    rule = {"uuid": ID, "cluster_uuid": ID, "type": "tag", "value": "web", "created_at": "2024-12-02T14:05:33Z"}
    canned(201, {"database": NEW | {"rules": [rule]}})
    read = await clusters.create_cluster(canned.session, WANTED)
    assert read.rules[0].description is UNSET
    again = ClusterCreate(name="b", engine=Engine.PG, region="nyc3", size="s", num_nodes=1, rules=read.rules)
    await clusters.create_cluster(canned.session, again)
    assert canned.requests[1].body["rules"] == [rule]


PEM = (TLS / "ca.pem").read_text()


async def test_the_ca_is_unwrapped_from_base64_to_pem(canned: Canned) -> None:
    canned(200, {"ca": {"certificate": base64.b64encode(PEM.encode()).decode()}})
    assert (await clusters.get_ca(canned.session, ID)).certificate == PEM
    assert canned.sent == Sent("GET", f"/v2/databases/{ID}/ca")


async def test_a_ca_in_base64_with_line_breaks_is_unwrapped(canned: Canned) -> None:
    canned(200, {"ca": {"certificate": base64.encodebytes(PEM.encode()).decode()}})
    assert (await clusters.get_ca(canned.session, ID)).certificate == PEM


async def test_a_ca_that_is_pem_already_is_left_alone(canned: Canned) -> None:
    canned(200, {"ca": {"certificate": PEM}})
    assert (await clusters.get_ca(canned.session, ID)).certificate == PEM


@pytest.mark.parametrize(
    "certificate",
    [
        "",
        "not base64!",
        base64.b64encode(b"\xff\xfe").decode(),
        base64.b64encode(b"no certificate").decode(),
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\n<html>\n-----END CERTIFICATE-----",
    ],
)
async def test_a_ca_that_is_neither_is_a_decode_error(canned: Canned, certificate: str) -> None:
    canned(200, json.dumps({"ca": {"certificate": certificate}}))
    with pytest.raises(DecodeError, match=r"neither a PEM certificate nor the base64 of one @ \$\.ca"):
        await clusters.get_ca(canned.session, ID)


def test_a_ca_that_looks_like_pem_but_holds_no_certificate_is_rejected_by_name() -> None:
    ca = CA(certificate="-----BEGIN CERTIFICATE-----\nbm8gY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n")
    with pytest.raises(InvalidInputError, match="CA: certificate cannot be used"):
        ca.ssl_context()


async def greet(context: ssl.SSLContext) -> bytes:
    """Connect to a TLS server whose certificate the authority in ca.pem has signed, and read what it says."""

    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()
        await writer.wait_closed()

    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(TLS / "server.pem")
    async with await asyncio.start_server(handle, "127.0.0.1", 0, ssl=server_context) as server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        greeting = await reader.read()
        writer.close()
        await writer.wait_closed()
        return greeting


async def test_its_context_trusts_servers_of_an_authority_like_the_vendors() -> None:
    # As in the vendor's example, the basic constraints of ca.pem are not critical; Python 3.13 would refuse that.
    assert await greet(CA(certificate=PEM).ssl_context()) == b"hello"


async def test_its_context_trusts_no_other_server(emulator: Emulator, session: AsyncSession) -> None:
    other = await clusters.get_ca(session, emulator.add_cluster(engine="pg")["id"])
    with pytest.raises(ssl.SSLCertVerificationError):
        await greet(other.ssl_context())
