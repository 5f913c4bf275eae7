"""The drivers' arguments connect to real servers, and refuse servers that are not the cluster's."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator

import attrs
import pytest
import pytest_asyncio
import servers
from servers import Service

from asyncdbaas import AsyncSession, clusters, connect, pools
from asyncdbaas.clusters import CA, Connection
from asyncdbaas.emulator import Delays, Emulator, certificates

# From the extra `drivers`.
asyncpg = pytest.importorskip("asyncpg")
psycopg = pytest.importorskip("psycopg")
redis = pytest.importorskip("redis.asyncio")
valkey = pytest.importorskip("valkey.asyncio")

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _service(engine: clusters.Engine) -> Service:
    """Create a cluster at the emulator, and read it and its certificate authority."""
    wanted = clusters.ClusterCreate(name="main", engine=engine, region="nyc3", size="db-s-1vcpu-2gb", num_nodes=1)
    async with (
        Emulator(delays=Delays.none()) as emulator,
        AsyncSession(emulator.token, base_url=emulator.url) as session,
    ):
        cluster = await clusters.create_cluster(session, wanted)
        ca = await clusters.get_ca(session, cluster.id)
        authority = emulator.snapshot()["data"]["clusters"][cluster.id]["authority"]
        assert cluster.connection is not None
        return Service(connection=cluster.connection, ca=ca, authority=certificates.Pair(*authority))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pg() -> Service:
    return await _service(clusters.Engine.PG)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pg_port(pg: Service) -> AsyncGenerator[int]:
    async with servers.postgresql(pg) as port:
        yield port


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool(pg: Service, pg_port: int) -> AsyncGenerator[Connection]:
    async with servers.pgbouncer(pg, pg_port, "app-pool") as port:
        yield attrs.evolve(pg.at(port), database="app-pool")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def caching() -> Service:
    return await _service(clusters.Engine.VALKEY)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def redis_port(caching: Service) -> AsyncGenerator[int]:
    async with servers.redis_server(caching) as port:
        yield port


def _other_authority() -> CA:
    return CA(certificate=certificates.make_authority("somebody else").certificate)


async def test_asyncpg_connects_over_verified_tls(pg: Service, pg_port: int) -> None:
    database = await asyncpg.connect(**connect.asyncpg(pg.at(pg_port), pg.ca))
    try:
        row = await database.fetchrow(
            "SELECT current_user, current_database(), ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        )
    finally:
        await database.close()
    assert tuple(row) == ("doadmin", "defaultdb", True)


async def test_asyncpg_refuses_another_authority(pg: Service, pg_port: int) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
        await asyncpg.connect(**connect.asyncpg(pg.at(pg_port), _other_authority()))


async def test_asyncpg_refuses_another_host_name(pg: Service, pg_port: int) -> None:
    elsewhere = attrs.evolve(pg.at(pg_port), host="127.0.0.1")
    with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
        await asyncpg.connect(**connect.asyncpg(elsewhere, pg.ca))


async def test_psycopg_connects_over_verified_tls(pg: Service, pg_port: int) -> None:
    with connect.ca_file(pg.ca) as path:
        async with await psycopg.AsyncConnection.connect(**connect.psycopg(pg.at(pg_port), path)) as database:
            cursor = await database.execute(
                "SELECT current_user, current_database(), ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            )
            assert await cursor.fetchone() == ("doadmin", "defaultdb", True)


async def test_psycopg_refuses_another_authority_and_another_host_name(pg: Service, pg_port: int) -> None:
    elsewhere = attrs.evolve(pg.at(pg_port), host="127.0.0.1")
    with connect.ca_file(_other_authority()) as other, connect.ca_file(pg.ca) as own:
        with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
            await psycopg.AsyncConnection.connect(**connect.psycopg(pg.at(pg_port), other))
        with pytest.raises(psycopg.OperationalError, match="does not match host name"):
            await psycopg.AsyncConnection.connect(**connect.psycopg(elsewhere, own))


@pytest.mark.parametrize("pool_mode", [pools.PoolMode.TRANSACTION, None])
async def test_asyncpg_keeps_no_statements_in_a_pool(
    pool_mode: pools.PoolMode | None, pg: Service, pool: Connection
) -> None:
    arguments = connect.asyncpg(pool, pg.ca, pool_mode=pool_mode)
    one, other = await asyncpg.connect(**arguments), await asyncpg.connect(**arguments)
    try:
        assert await one.fetchval("SELECT $1::int", 1) == 1
        async with other.transaction():  # holds the server's connection that has the statement
            if pool_mode is None:
                with pytest.raises(asyncpg.InvalidSQLStatementNameError):
                    await one.fetchval("SELECT $1::int", 2)
            else:
                assert await one.fetchval("SELECT $1::int", 2) == 2
    finally:
        await one.close()
        await other.close()


@pytest.mark.parametrize("pool_mode", [pools.PoolMode.TRANSACTION, None])
async def test_psycopg_prepares_nothing_in_a_pool(
    pool_mode: pools.PoolMode | None, pg: Service, pool: Connection
) -> None:
    with connect.ca_file(pg.ca) as path:
        arguments = {"prepare_threshold": 0} | connect.psycopg(pool, path, pool_mode=pool_mode)
        async with (
            await psycopg.AsyncConnection.connect(**arguments, autocommit=True) as one,
            await psycopg.AsyncConnection.connect(**arguments, autocommit=True) as other,
        ):
            await one.execute("SELECT %s::int", [1])
            if pool_mode is None:
                with pytest.raises(psycopg.errors.DuplicatePreparedStatement):
                    await other.execute("SELECT %s::int", [2])
            else:
                cursor = await other.execute("SELECT %s::int", [2])
                assert await cursor.fetchone() == (2,)


async def test_redis_py_connects_over_verified_tls(caching: Service, redis_port: int) -> None:
    async with redis.Redis(**connect.redis(caching.at(redis_port), caching.ca)) as client:
        await client.set("key", "value")
        assert await client.get("key") == b"value"


async def test_redis_py_refuses_another_authority_and_another_host_name(caching: Service, redis_port: int) -> None:
    elsewhere = attrs.evolve(caching.at(redis_port), host="127.0.0.1")
    for arguments in (
        connect.redis(caching.at(redis_port), _other_authority()),
        connect.redis(elsewhere, caching.ca),
    ):
        async with redis.Redis(**arguments, retry=None) as client:
            with pytest.raises(redis.ConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
                await client.ping()


async def test_valkey_py_connects_over_verified_tls(caching: Service, redis_port: int) -> None:
    client = valkey.Valkey(**connect.valkey(caching.at(redis_port), caching.ca))
    try:
        await client.set("key", "value")
        assert await client.get("key") == b"value"
    finally:
        await client.aclose()


async def test_valkey_py_refuses_another_authority_and_another_host_name(caching: Service, redis_port: int) -> None:
    elsewhere = attrs.evolve(caching.at(redis_port), host="127.0.0.1")
    for arguments in (
        connect.valkey(caching.at(redis_port), _other_authority()),
        connect.valkey(elsewhere, caching.ca),
    ):
        client = valkey.Valkey(**arguments)
        with pytest.raises(valkey.ConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
            await client.ping()
        await client.aclose()
