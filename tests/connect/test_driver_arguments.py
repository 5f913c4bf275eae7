"""The drivers take what the functions return; what is missing is named before a driver is asked."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from aiohttp import web
from server_process import free_port

from asyncdbaas import AsyncSession, InvalidInputError, clusters, connect, users
from asyncdbaas.clusters import CA, Cluster, ClusterStatus, Connection, Engine, User
from asyncdbaas.emulator import Delays, Emulator, certificates

AUTHORITY = certificates.make_authority("Project CA")
OWN = CA(certificate=AUTHORITY.certificate)
ISSUED = certificates.issue(AUTHORITY, "app")
CONNECTION = Connection(host="localhost", port=25060, user="doadmin", password="sesame", database="defaultdb")
CLUSTER = Cluster(id="1", name="c", engine=Engine.PG, status=ClusterStatus.ONLINE, connection=CONNECTION)
USER = User(name="app", password="open", access_cert=ISSUED.certificate, access_key=ISSUED.key)

WITH_CA: list[Callable[..., dict[str, Any]]] = [
    connect.asyncpg,
    connect.aiomysql,
    connect.asyncmy,
    connect.aiokafka,
    connect.opensearchpy,
    connect.httpx,
]
WITH_FILE: list[Callable[..., dict[str, Any]]] = [connect.psycopg, connect.pymongo]
WITHOUT_USER: list[Callable[..., dict[str, Any]]] = [connect.redis, connect.valkey]
ALL = [*WITH_CA, *WITH_FILE, *WITHOUT_USER]


def _name(function: object) -> str:
    return getattr(function, "__name__", "")


def _arguments(function: Callable[..., dict[str, Any]], connection: Connection | None, **more: Any) -> dict[str, Any]:
    return function(connection, "/ca.pem" if function in WITH_FILE else OWN, **more)


@pytest.mark.parametrize("function", ALL, ids=_name)
@pytest.mark.parametrize(
    ("connection", "problem"),
    [
        (None, "no host and port yet"),
        (Connection(), "no host and port yet"),
        (attrs.evolve(CONNECTION, host=""), "no host and port yet"),
        (attrs.evolve(CONNECTION, user=None), "names no user"),
        (attrs.evolve(CONNECTION, user=""), "names no user"),
        (attrs.evolve(CONNECTION, password=None), "connection: no password; .* database:view_credentials"),
        (attrs.evolve(CONNECTION, password=""), "connection: no password"),
    ],
)
def test_what_is_missing_is_named(
    function: Callable[..., dict[str, Any]], connection: Connection | None, problem: str
) -> None:
    with pytest.raises(InvalidInputError, match=problem):
        _arguments(function, connection)


@pytest.mark.parametrize("function", ALL, ids=_name)
@pytest.mark.parametrize(
    "wrong", [CLUSTER, {"password": "canary"}, "canary", {}, 0], ids=lambda wrong: type(wrong).__name__
)
def test_a_cluster_or_plain_data_in_the_place_of_a_connection_is_refused(
    function: Callable[..., dict[str, Any]], wrong: Any
) -> None:
    with pytest.raises(InvalidInputError, match=r"connection must be .*, such as cluster\.connection, not") as caught:
        _arguments(function, wrong)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("function", WITH_CA, ids=_name)
@pytest.mark.parametrize(("name", "wrong"), [("ca", "canary"), ("user", {"password": "canary"})])
def test_an_authority_or_a_user_of_another_class_is_refused(
    function: Callable[..., dict[str, Any]], name: str, wrong: Any
) -> None:
    arguments: dict[str, Any] = {"connection": CONNECTION, "ca": OWN, "user": USER, name: wrong}
    with pytest.raises(InvalidInputError, match=f"(?i){name} must be of the class {name}") as caught:
        function(**arguments)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("function", ALL, ids=_name)
def test_the_repr_shows_no_password(function: Callable[..., dict[str, Any]]) -> None:
    arguments = _arguments(function, CONNECTION)
    assert "sesame" in str([*arguments.values()])
    assert "sesame" not in repr(arguments) + str(arguments)
    assert "localhost" in repr(arguments)
    for derived in (arguments.copy(), arguments | {"timeout": 5}, {"timeout": 5} | arguments):
        assert "sesame" not in repr(derived)
        assert derived["timeout"] == 5 if "timeout" in derived else derived == arguments


@pytest.mark.parametrize("function", WITH_CA + WITH_FILE, ids=_name)
def test_a_user_takes_the_place_of_the_connections_own(function: Callable[..., dict[str, Any]]) -> None:
    values = str([*_arguments(function, attrs.evolve(CONNECTION, user=None, password=None), user=USER).values()])
    assert "app" in values
    assert "open" in values
    with pytest.raises(InvalidInputError, match="user: no password"):
        _arguments(function, CONNECTION, user=User(name="app"))


@pytest.mark.parametrize("function", [connect.asyncpg, connect.aiomysql, connect.asyncmy, connect.psycopg], ids=_name)
def test_without_a_database_none_is_named(function: Callable[..., dict[str, Any]]) -> None:
    assert "defaultdb" in _arguments(function, CONNECTION).values()
    assert not _arguments(function, attrs.evolve(CONNECTION, database="")).keys() & {"database", "dbname", "db"}


@pytest.mark.parametrize(
    ("mode", "is_set"), [(None, False), ("session", False), ("transaction", True), ("statement", True)]
)
def test_statements_are_kept_unless_the_pool_forgets_them(mode: str | None, is_set: bool) -> None:
    assert ("statement_cache_size" in connect.asyncpg(CONNECTION, OWN, pool_mode=mode)) is is_set
    assert ("prepare_threshold" in connect.psycopg(CONNECTION, "/ca.pem", pool_mode=mode)) is is_set


def test_the_file_of_an_authority_lasts_as_long_as_its_block() -> None:
    with connect.ca_file(OWN) as path:
        assert path.read_text() == OWN.certificate
    assert not path.parent.exists()


def test_where_ssl_is_strict_redis_py_is_set_to_be_less_strict(monkeypatch: pytest.MonkeyPatch) -> None:
    strict, lenient = ssl.create_default_context(), ssl.create_default_context()
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    lenient.verify_flags &= ~ssl.VERIFY_X509_STRICT
    monkeypatch.setattr(ssl, "create_default_context", lambda: strict)
    assert connect.redis(CONNECTION, OWN)["ssl_exclude_verify_flags"] == [ssl.VERIFY_X509_STRICT]
    monkeypatch.setattr(ssl, "create_default_context", lambda: lenient)
    assert "ssl_exclude_verify_flags" not in connect.redis(CONNECTION, OWN)


@pytest.mark.parametrize(
    "user",
    [None, attrs.evolve(USER, access_cert=None), attrs.evolve(USER, access_key="")],
    ids=["none", "no cert", "no key"],
)
def test_a_client_certificate_has_to_be_there(user: User | None) -> None:
    with pytest.raises(InvalidInputError, match="user: no access_cert and access_key"):
        connect.aiokafka(CONNECTION, OWN, user=user, client_certificate=True, port=25071)


KAFKA = Connection(host="events", port=25073, user="doadmin", password="x", application_ports={"sasl": 25080})


@pytest.mark.parametrize(
    ("connection", "port", "expected"),
    [
        (KAFKA, None, "events:25073"),
        (attrs.evolve(KAFKA, port=0, uri=""), None, "events:25080"),
        (attrs.evolve(KAFKA, port=None), None, "events:25080"),
        (attrs.evolve(KAFKA, application_ports=None), None, "events:25073"),
        (attrs.evolve(KAFKA, port=0, application_ports=None), 9, "events:9"),
    ],
)
def test_a_password_goes_to_the_port_of_the_connection_else_to_the_sasl_port(
    connection: Connection, port: int | None, expected: str
) -> None:
    assert connect.aiokafka(connection, OWN, port=port)["bootstrap_servers"] == expected


@pytest.mark.parametrize("port", [0, None])
def test_a_kafka_connection_without_any_port_is_not_ready(port: int | None) -> None:
    with pytest.raises(InvalidInputError, match="no host and port yet"):
        connect.aiokafka(attrs.evolve(KAFKA, port=port, application_ports={"certificate": 25071}), OWN)


def test_a_client_certificate_goes_to_the_certificate_port() -> None:
    connection = attrs.evolve(KAFKA, application_ports={"certificate": 25071, "sasl": 25080})
    arguments = connect.aiokafka(connection, OWN, user=USER, client_certificate=True)
    assert arguments["bootstrap_servers"] == "events:25071"
    arguments = connect.aiokafka(connection, OWN, user=USER, client_certificate=True, port=7)
    assert arguments["bootstrap_servers"] == "events:7"


def test_a_client_certificate_never_goes_to_the_port_for_passwords() -> None:
    with pytest.raises(InvalidInputError, match="names no port for client certificates; pass it as port="):
        connect.aiokafka(KAFKA, OWN, user=USER, client_certificate=True)
    with pytest.raises(InvalidInputError, match="no host yet"):
        connect.aiokafka(None, OWN, user=USER, client_certificate=True)


async def test_aiomysql_takes_them() -> None:
    driver = pytest.importorskip("aiomysql")
    client = driver.Connection(**connect.aiomysql(CONNECTION, OWN))
    assert (client.host, client.port, client.user, client.db) == ("localhost", 25060, "doadmin", "defaultdb")


async def test_asyncmy_takes_them() -> None:
    driver = pytest.importorskip("asyncmy.connection")
    client = driver.Connection(**connect.asyncmy(CONNECTION, OWN))
    assert not client.connected  # what else it holds cannot be seen from Python


async def test_pymongo_takes_them(tmp_path: Path) -> None:
    driver = pytest.importorskip("pymongo")
    mongo = Connection(host="main-1.mongo.ondigitalocean.com", port=27017, user="doadmin", password="se/s@me:%")
    (tmp_path / "ca.pem").write_text(OWN.certificate)
    async with driver.AsyncMongoClient(**connect.pymongo(mongo, tmp_path / "ca.pem"), connect=False) as client:
        options = client.options
    assert options.pool_options._credentials.username == "doadmin"
    assert options.pool_options._credentials.password == "se/s@me:%"
    assert options.pool_options._credentials.source == "admin"
    assert options.pool_options._ssl_context.verify_mode is ssl.CERT_REQUIRED
    assert options.pool_options._ssl_context.check_hostname


@asynccontextmanager
async def _https_server() -> AsyncGenerator[tuple[Connection, list[web.Request]]]:
    requests: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        requests.append(request)
        return web.json_response({"version": {"number": "2.19.1", "distribution": "opensearch"}})

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    port = free_port()
    await web.TCPSite(
        runner, "127.0.0.1", port, ssl_context=certificates.server_context(AUTHORITY, "localhost")
    ).start()
    try:
        yield attrs.evolve(CONNECTION, port=port), requests
    finally:
        await runner.cleanup()


async def test_opensearch_logs_in_over_verified_tls() -> None:
    driver = pytest.importorskip("opensearchpy")
    async with _https_server() as (connection, requests):
        async with driver.AsyncOpenSearch(**connect.opensearchpy(connection, OWN)) as client:
            assert (await client.info())["version"]["distribution"] == "opensearch"
        other = CA(certificate=certificates.make_authority("somebody else").certificate)
        async with driver.AsyncOpenSearch(**connect.opensearchpy(connection, other), max_retries=0) as client:
            with pytest.raises(driver.exceptions.ConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
                await client.info()
    assert [request.headers["authorization"] for request in requests] == ["Basic ZG9hZG1pbjpzZXNhbWU="]


async def test_httpx_logs_in_over_verified_tls() -> None:
    driver = pytest.importorskip("httpx")
    async with _https_server() as (connection, requests):
        async with driver.AsyncClient(**connect.httpx(connection, OWN)) as client:
            assert (await client.get("/subjects")).status_code == 200
        other = CA(certificate=certificates.make_authority("somebody else").certificate)
        async with driver.AsyncClient(**connect.httpx(connection, other)) as client:
            with pytest.raises(driver.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await client.get("/subjects")
    assert [(request.path, request.headers["authorization"]) for request in requests] == [
        ("/subjects", "Basic ZG9hZG1pbjpzZXNhbWU=")
    ]


@pytest.mark.parametrize("client_certificate", [False, True])
async def test_aiokafka_gets_through_verified_tls_with_a_certificate_if_asked(client_certificate: bool) -> None:
    driver = pytest.importorskip("aiokafka")
    async with (
        Emulator(delays=Delays.none()) as emulator,
        AsyncSession(emulator.token, base_url=emulator.url) as session,
    ):
        cluster_id = emulator.add_cluster(engine="kafka")["id"]
        cluster, ca = await clusters.get_cluster(session, cluster_id), await clusters.get_ca(session, cluster_id)
        user = await users.create_user(session, cluster_id, users.UserCreate(name="app"))
        authority = certificates.Pair(*emulator.snapshot()["data"]["clusters"][cluster_id]["authority"])
    context = certificates.server_context(authority, "localhost")
    context.load_verify_locations(cadata=ca.certificate)
    context.verify_mode = ssl.CERT_REQUIRED if client_certificate else ssl.CERT_NONE
    peers: list[Any] = []

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.append(writer.get_extra_info("peercert"))
        writer.close()

    assert cluster.connection is not None
    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        ports = {"certificate": port, "sasl": 1} if client_certificate else {"certificate": 1, "sasl": 1}
        here = attrs.evolve(
            cluster.connection, host="localhost", port=1 if client_certificate else port, application_ports=ports
        )
        arguments = connect.aiokafka(here, ca, user=user, client_certificate=client_certificate)
        producer = driver.AIOKafkaProducer(**arguments, request_timeout_ms=5000)
        try:
            with pytest.raises(driver.errors.KafkaConnectionError):
                await producer.start()
        finally:
            await producer.stop()
    names = [dict(pair[0] for pair in peer["subject"])["commonName"] for peer in peers if peer]
    assert peers
    assert names == (["app"] * len(peers) if client_certificate else [])
