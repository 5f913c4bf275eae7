"""Databases inside a cluster."""

from __future__ import annotations

import pytest
from canned import Canned, Sent

from asyncdbaas import AsyncSession, InvalidInputError, NotFoundError, databases
from asyncdbaas.databases import Database
from asyncdbaas.emulator import Emulator

CLUSTER = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
DBS = f"/v2/databases/{CLUSTER}/dbs"


async def test_a_created_database_can_be_read_listed_and_deleted(emulator: Emulator, session: AsyncSession) -> None:
    cluster_id = emulator.add_cluster(engine="pg")["id"]
    assert await databases.create_database(session, cluster_id, "alpha") == Database(name="alpha")
    assert await databases.get_database(session, cluster_id, "alpha") == Database(name="alpha")
    assert [each.name for each in await databases.list_databases(session, cluster_id)] == ["defaultdb", "alpha"]
    await databases.delete_database(session, cluster_id, "alpha")
    with pytest.raises(NotFoundError):
        await databases.get_database(session, cluster_id, "alpha")


async def test_responses_stand_below_db_and_dbs(canned: Canned) -> None:
    canned(200, '{"db":{"name":"alpha"}}')
    assert await databases.get_database(canned.session, CLUSTER, "alpha") == Database(name="alpha")
    canned(200, '{"dbs":[{"name":"alpha"},{"name":"defaultdb"}]}')
    assert await databases.list_databases(canned.session, CLUSTER) == [
        Database(name="alpha"),
        Database(name="defaultdb"),
    ]


async def test_a_new_database_is_sent_as_its_bare_name(canned: Canned) -> None:
    canned(201, '{"db":{"name":"alpha"}}')
    await databases.create_database(canned.session, CLUSTER, "alpha")
    assert canned.sent == Sent("POST", DBS, {"name": "alpha"})


async def test_names_are_percent_encoded(canned: Canned) -> None:
    await databases.delete_database(canned.session, CLUSTER, "a/b c")
    assert canned.sent == Sent("DELETE", f"{DBS}/a%2Fb%20c")


async def test_a_name_that_is_no_string_is_rejected_by_its_field(canned: Canned) -> None:
    with pytest.raises(InvalidInputError, match=r"\$\.name"):
        await databases.create_database(canned.session, CLUSTER, 7)  # type: ignore[arg-type]  # the point of the test
    assert canned.requests == []
