"""Connection pools of a PostgreSQL cluster."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest
from canned import Canned, Sent

from asyncdbaas import AsyncSession, InvalidInputError, NotFoundError, UnprocessableError, pools
from asyncdbaas.emulator import Emulator
from asyncdbaas.pools import Connection, Pool, PoolCreate, PoolMode, PoolUpdate

CLUSTER = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
POOLS = f"/v2/databases/{CLUSTER}/pools"
BACKEND = PoolCreate(name="backend-pool", mode=PoolMode.TRANSACTION, size=10, db="defaultdb", user="doadmin")
ANSWER = (
    '{"user":"doadmin","name":"backend-pool","size":10,"db":"defaultdb","mode":"transaction","connection":{'
    '"uri":"postgres://doadmin:s3cret@host:25061/backend-pool?sslmode=require","database":"backend-pool","host":"host",'
    '"port":25061,"user":"doadmin","password":"s3cret","ssl":true}}'
)
POOL = Pool(
    name="backend-pool",
    mode=PoolMode.TRANSACTION,
    size=10,
    db="defaultdb",
    user="doadmin",
    connection=Connection(
        uri="postgres://doadmin:s3cret@host:25061/backend-pool?sslmode=require",
        database="backend-pool",
        host="host",
        port=25061,
        user="doadmin",
        password="s3cret",
        ssl=True,
    ),
)


async def test_a_created_pool_can_be_read_listed_changed_and_deleted(emulator: Emulator, session: AsyncSession) -> None:
    cluster_id = emulator.add_cluster(engine="pg")["id"]
    created = await pools.create_pool(session, cluster_id, BACKEND)
    assert await pools.get_pool(session, cluster_id, "backend-pool") == created
    assert await pools.list_pools(session, cluster_id) == [created]
    update = PoolUpdate(mode=PoolMode.SESSION, size=12, db="defaultdb", user="doadmin")
    await pools.update_pool(session, cluster_id, "backend-pool", update)
    changed = await pools.get_pool(session, cluster_id, "backend-pool")
    assert (changed.mode, changed.size) == (PoolMode.SESSION, 12)
    await pools.delete_pool(session, cluster_id, "backend-pool")
    with pytest.raises(NotFoundError):
        await pools.get_pool(session, cluster_id, "backend-pool")


async def test_the_database_to_connect_to_is_the_name_of_the_pool(emulator: Emulator, session: AsyncSession) -> None:
    cluster_id = emulator.add_cluster(engine="pg", num_nodes=2)["id"]
    pool = await pools.create_pool(session, cluster_id, BACKEND)
    for connection in (
        pool.connection,
        pool.private_connection,
        pool.standby_connection,
        pool.standby_private_connection,
    ):
        assert connection is not None
        assert (connection.database, connection.port) == ("backend-pool", 25061)


async def test_other_engines_have_no_pools(emulator: Emulator, session: AsyncSession) -> None:
    cluster_id = emulator.add_cluster(engine="mysql")["id"]
    with pytest.raises(UnprocessableError, match="not supported for this cluster type"):
        await pools.list_pools(session, cluster_id)


async def test_responses_stand_below_pool_and_pools(canned: Canned) -> None:
    canned(200, f'{{"pool":{ANSWER}}}')
    assert await pools.get_pool(canned.session, CLUSTER, "backend-pool") == POOL
    canned(200, f'{{"pools":[{ANSWER}]}}')
    assert await pools.list_pools(canned.session, CLUSTER) == [POOL]


async def test_a_pool_without_a_user_is_sent_without_the_key(canned: Canned) -> None:
    canned(201, '{"pool":{"name":"backend-pool","mode":"session","size":5,"db":"defaultdb"}}')
    pool = PoolCreate(name="backend-pool", mode=PoolMode.SESSION, size=5, db="defaultdb")
    assert (await pools.create_pool(canned.session, CLUSTER, pool)).user is None
    assert canned.sent == Sent("POST", POOLS, {"name": "backend-pool", "mode": "session", "size": 5, "db": "defaultdb"})


@pytest.mark.parametrize(("user", "sent"), [("app", {"user": "app"}), (None, {}), ("", {})])
async def test_an_update_of_everything_is_one_request_that_needs_no_body_back(
    canned: Canned, user: str | None, sent: dict[str, str]
) -> None:
    update = PoolUpdate(mode=PoolMode.STATEMENT, size=5, db="defaultdb", user=user)
    await pools.update_pool(canned.session, CLUSTER, "backend-pool", update)
    body = {"mode": "statement", "size": 5, "db": "defaultdb", **sent}
    assert canned.sent == Sent("PUT", f"{POOLS}/backend-pool", body)


@pytest.mark.parametrize(
    ("update", "changed"),
    [
        (PoolUpdate(size=6), {"size": 6}),
        (PoolUpdate(mode=PoolMode.SESSION), {"mode": "session"}),
        (PoolUpdate(db="other"), {"db": "other"}),
        (PoolUpdate(user="second"), {"user": "second"}),
    ],
)
async def test_what_an_update_leaves_out_stays_as_it_is(
    canned: Canned, update: PoolUpdate, changed: dict[str, Any]
) -> None:
    body: dict[str, Any] = {"mode": "transaction", "size": 5, "db": "defaultdb", "user": "app"}
    canned(200, {"pool": {"name": "backend-pool", **body}})
    await pools.update_pool(canned.session, CLUSTER, "backend-pool", update)
    path = f"{POOLS}/backend-pool"
    assert canned.requests == [Sent("GET", path), Sent("PUT", path, {**body, **changed})]


@pytest.mark.parametrize("user", ["", None])
async def test_a_pool_that_has_no_user_still_has_none(canned: Canned, user: str | None) -> None:
    canned(200, {"pool": {"name": "backend-pool", "mode": "session", "size": 5, "db": "defaultdb", "user": user}})
    await pools.update_pool(canned.session, CLUSTER, "backend-pool", PoolUpdate(size=6))
    assert canned.requests[1].body == {"mode": "session", "size": 6, "db": "defaultdb"}


@pytest.mark.parametrize("missing", ["mode", "size", "db"])
async def test_what_the_service_does_not_show_must_be_given(canned: Canned, missing: str) -> None:
    shown: dict[str, Any] = {"name": "backend-pool", "mode": "session", "size": 5, "db": "defaultdb"}
    del shown[missing]
    canned(200, {"pool": shown})
    with pytest.raises(InvalidInputError, match="PoolUpdate: set mode, size and db"):
        await pools.update_pool(canned.session, CLUSTER, "backend-pool", PoolUpdate(user="app"))
    assert [request.method for request in canned.requests] == ["GET"]


async def test_an_update_of_nothing_is_refused(canned: Canned) -> None:
    with pytest.raises(InvalidInputError, match="nothing is set"):
        await pools.update_pool(canned.session, CLUSTER, "backend-pool", PoolUpdate())
    assert canned.requests == []


async def test_two_updates_of_one_pool_wait_for_each_other(emulator: Emulator, session: AsyncSession) -> None:
    cluster_id = emulator.add_cluster(engine="pg")["id"]
    await pools.create_pool(session, cluster_id, PoolCreate(name="web", mode=PoolMode.SESSION, size=5, db="defaultdb"))
    await asyncio.gather(
        pools.update_pool(session, cluster_id, "web", PoolUpdate(size=6)),
        pools.update_pool(session, cluster_id, "web", PoolUpdate(mode=PoolMode.TRANSACTION)),
    )
    pool = await pools.get_pool(session, cluster_id, "web")
    assert (pool.size, pool.mode) == (6, PoolMode.TRANSACTION)


@pytest.mark.parametrize("name", ["ab", "a" * 61, "", 7])
def test_a_name_that_the_service_would_answer_with_a_500_is_refused(name: Any) -> None:
    with pytest.raises(InvalidInputError, match="pool name must be a string of 3 to 60 characters"):
        PoolCreate(name=name, mode=PoolMode.SESSION, size=5, db="defaultdb")


@pytest.mark.parametrize("name", ["abc", "a" * 60])
def test_names_of_3_to_60_characters_are_taken(name: str) -> None:
    assert PoolCreate(name=name, mode=PoolMode.SESSION, size=5, db="defaultdb").name == name


def test_an_empty_database_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="PoolCreate: db must not be empty"):
        attrs.evolve(BACKEND, db="")
    with pytest.raises(InvalidInputError, match="PoolUpdate: db must not be empty"):
        PoolUpdate(mode=PoolMode.SESSION, size=5, db="")


async def test_a_size_that_is_no_number_is_rejected_by_its_field(canned: Canned) -> None:
    size: Any = "5"
    with pytest.raises(InvalidInputError, match=r"\$\.size"):
        await pools.create_pool(
            canned.session, CLUSTER, PoolCreate(name="backend-pool", mode=PoolMode.SESSION, size=size, db="defaultdb")
        )
    assert canned.requests == []


async def test_the_password_of_a_connection_does_not_show() -> None:
    assert "s3cret" not in repr(POOL)


async def test_names_are_percent_encoded(canned: Canned) -> None:
    await pools.delete_pool(canned.session, CLUSTER, "a/b c")
    assert canned.sent == Sent("DELETE", f"{POOLS}/a%2Fb%20c")
