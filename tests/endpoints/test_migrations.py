"""Online migrations, whose responses have no envelope."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from canned import Canned, Sent

from asyncdbaas import AcceptedError, AsyncSession, DecodeError, InvalidInputError, NotFoundError, migrations
from asyncdbaas.emulator import Clock, Delays, Emulator
from asyncdbaas.migrations import Migration, MigrationSource, MigrationStart, MigrationStatus

ID = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
PATH = f"/v2/databases/{ID}/online-migration"
ANSWER = '{"id": "77b28fc8-19ff-11eb-8c9c-c68e24557488", "status": "running", "created_at": "2020-10-29T15:57:38Z"}'
SOURCE = MigrationSource(host="db.example.com", port=5432, dbname="app", username="app", password="s3cret")


async def test_the_response_is_read_without_an_envelope(canned: Canned) -> None:
    canned(200, ANSWER)
    migration = await migrations.get_migration(canned.session, ID)
    assert canned.sent == Sent("GET", PATH)
    assert migration == Migration(
        id="77b28fc8-19ff-11eb-8c9c-c68e24557488",
        status=MigrationStatus.RUNNING,
        created_at=datetime(2020, 10, 29, 15, 57, 38, tzinfo=UTC),
    )


@pytest.mark.parametrize("body", ["{}", '{"id": null, "status": null, "created_at": ""}'])
async def test_nothing_yet_reads_as_an_empty_migration(canned: Canned, body: str) -> None:
    canned(200, body)
    assert await migrations.get_migration(canned.session, ID) == Migration()


async def test_only_what_is_set_is_sent(canned: Canned) -> None:
    canned(200, ANSWER)
    started = await migrations.start_migration(
        canned.session, ID, MigrationStart(source=MigrationSource(host="cache", port=6379))
    )
    assert started.status is MigrationStatus.RUNNING
    assert canned.sent == Sent("PUT", PATH, {"source": {"host": "cache", "port": 6379}})


async def test_everything_that_can_be_set_is_sent_false_included(canned: Canned) -> None:
    canned(200, ANSWER)
    start = MigrationStart(source=SOURCE, disable_ssl=False, ignore_dbs=["postgres"])
    await migrations.start_migration(canned.session, ID, start)
    source = {"host": "db.example.com", "port": 5432, "dbname": "app", "username": "app", "password": "s3cret"}
    assert canned.sent.body == {"source": source, "disable_ssl": False, "ignore_dbs": ["postgres"]}


def test_the_password_of_the_source_does_not_show() -> None:
    assert "s3cret" not in repr(MigrationStart(source=SOURCE))


@pytest.mark.parametrize(("field", "value"), [("port", "5432"), ("dbname", 1), ("host", None)])
async def test_a_value_of_the_wrong_type_is_rejected_with_its_field(canned: Canned, field: str, value: Any) -> None:
    given: dict[str, Any] = {"host": "db.example.com", "port": 5432} | {field: value}
    start = MigrationStart(source=MigrationSource(**given))
    with pytest.raises(InvalidInputError, match=field):
        await migrations.start_migration(canned.session, ID, start)
    assert canned.requests == []


def test_an_empty_host_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="host"):
        MigrationSource(host="", port=5432)


async def test_stop_takes_a_204_and_quotes_the_id(canned: Canned) -> None:
    await migrations.stop_migration(canned.session, ID, "77b2/8fc8")
    assert canned.sent == Sent("DELETE", f"{PATH}/77b2%2F8fc8")


async def test_a_migration_runs_syncs_and_is_stopped() -> None:
    clock = Clock.stepped()
    async with (
        Emulator(clock=clock, delays=Delays(migration=60)) as emulator,
        AsyncSession(emulator.token, base_url=emulator.url) as session,
    ):
        cluster_id = emulator.add_cluster(engine="pg")["id"]
        with pytest.raises(NotFoundError):
            await migrations.get_migration(session, cluster_id)
        started = await migrations.start_migration(session, cluster_id, MigrationStart(source=SOURCE))
        assert started.id is not None
        clock.advance(seconds=60)
        assert (await migrations.get_migration(session, cluster_id)).status is MigrationStatus.SYNCING
        await migrations.stop_migration(session, cluster_id, started.id)
        assert (await migrations.get_migration(session, cluster_id)).status is MigrationStatus.CANCELED


async def test_a_source_that_cannot_be_reached_is_accepted_and_fails_afterwards(
    emulator: Emulator, session: AsyncSession
) -> None:
    cluster_id = emulator.add_cluster(engine="mysql")["id"]
    source = MigrationSource(host="nowhere.invalid", port=3306)
    await migrations.start_migration(session, cluster_id, MigrationStart(source=source))
    assert (await migrations.get_migration(session, cluster_id)).status is MigrationStatus.ERROR


async def test_the_body_of_an_error_is_no_migration(canned: Canned) -> None:
    canned(200, '{"id": "server_error", "message": "boom", "request_id": "7"}')
    with pytest.raises(DecodeError, match="the body is an error: server_error: boom"):
        await migrations.get_migration(canned.session, ID)


async def test_an_accepted_start_is_no_migration_yet(canned: Canned) -> None:
    canned(202, '{"id": "accepted", "message": "still provisioning"}')
    with pytest.raises(AcceptedError, match="still provisioning"):
        await migrations.start_migration(canned.session, ID, MigrationStart(source=SOURCE))
