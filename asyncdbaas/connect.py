"""Turn a cluster's connection into the arguments of a database driver.

    cluster = await clusters.get_cluster(session, cluster_id)
    ca = await clusters.get_ca(session, cluster_id)
    db = await asyncpg.connect(**connect.asyncpg(cluster.connection, ca))

Each function has the name of a driver and returns keyword arguments for it. No driver is imported. TLS is always on,
and the server's certificate and name are verified against the cluster's own authority.

`user` is a user that `users` returned; the default is the connection's own user. On MongoDB only the responses to
create calls have passwords: later, pass `user=User(name=..., password=...)`.
"""

from __future__ import annotations

import ssl
from collections.abc import Generator
from contextlib import contextmanager
from os import PathLike, fspath
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from asyncdbaas._checks import check_instance
from asyncdbaas.clusters import CA, Connection, User
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.pools import PoolMode

__all__ = [
    "Arguments",
    "aiokafka",
    "aiomysql",
    "asyncmy",
    "asyncpg",
    "ca_file",
    "httpx",
    "opensearchpy",
    "psycopg",
    "pymongo",
    "redis",
    "valkey",
]

_SECRETS: Final = frozenset({"auth", "http_auth", "password", "sasl_plain_password"})


class Arguments(dict[str, Any]):
    """Keyword arguments of a driver; `repr` does not show those that hold a password."""

    def __repr__(self) -> str:
        return repr({name: "***" if name in _SECRETS else value for name, value in self.items()})

    def copy(self) -> Arguments:
        """Return a copy that hides the same."""
        return Arguments(self)

    def __or__(self, others: Any) -> Any:
        return Arguments({**self, **others})

    def __ror__(self, others: Any) -> Any:
        return Arguments({**others, **self})


def asyncpg(
    connection: Connection | None, ca: CA, *, user: User | None = None, pool_mode: PoolMode | str | None = None
) -> Arguments:
    """Return arguments for `asyncpg.connect` and `asyncpg.create_pool`.

    For a connection pool of the service, pass its mode: prepared statements, which asyncpg keeps by default, end with
    the transaction there unless the mode is `session`.

    Args:
        connection: Of a cluster or of a connection pool.
        ca: The authority from `clusters.get_ca`.
        user: Who logs in. The default is the user of the connection.
        pool_mode: Mode of the connection pool that `connection` belongs to, if it is one.
    """
    arguments = _login_arguments(connection, user, "database") | {"ssl": _authority(ca).ssl_context()}
    return Arguments(arguments, **{"statement_cache_size": 0} if _forgets_statements(pool_mode) else {})


def psycopg(
    connection: Connection | None,
    ca_file: str | PathLike[str],
    *,
    user: User | None = None,
    pool_mode: PoolMode | str | None = None,
) -> Arguments:
    """Return arguments for `psycopg.AsyncConnection.connect`, or the `kwargs` of a psycopg_pool.

    Psycopg reads the authority from a file at each connection: see `ca_file`. For `pool_mode` see `asyncpg`.

    Args:
        connection: Of a cluster or of a connection pool.
        ca_file: Path of the file with the authority.
        user: Who logs in. The default is the user of the connection.
        pool_mode: Mode of the connection pool that `connection` belongs to, if it is one.
    """
    arguments = _login_arguments(connection, user, "dbname")
    arguments |= {"sslmode": "verify-full", "sslrootcert": fspath(ca_file)}
    return Arguments(arguments, **{"prepare_threshold": None} if _forgets_statements(pool_mode) else {})


def aiomysql(connection: Connection | None, ca: CA, *, user: User | None = None) -> Arguments:
    """Return arguments for `aiomysql.connect` and `aiomysql.create_pool`.

    The driver does not insist on TLS: to a server that claims to have none, such as an attacker's, it logs in without.
    """
    return Arguments(_login_arguments(connection, user, "db"), ssl=_authority(ca).ssl_context())


def asyncmy(connection: Connection | None, ca: CA, *, user: User | None = None) -> Arguments:
    """Return arguments for `asyncmy.connect` and `asyncmy.create_pool`.

    The driver does not insist on TLS: to a server that claims to have none, such as an attacker's, it logs in without.
    """
    return Arguments(_login_arguments(connection, user, "database"), ssl=_authority(ca).ssl_context())


def redis(connection: Connection | None, ca: CA) -> Arguments:
    """Return arguments for `redis.asyncio.Redis`, for Redis and Valkey clusters.

    It trusts the public authorities, too. On Python 3.13 and newer it needs redis-py 7: since then `ssl` is strict,
    and the authority in the vendor's own example would not pass.
    """
    is_strict = ssl.create_default_context().verify_flags & ssl.VERIFY_X509_STRICT
    lenient = {"ssl_exclude_verify_flags": [ssl.VERIFY_X509_STRICT]} if is_strict else {}
    return Arguments(valkey(connection, ca), **lenient)


def valkey(connection: Connection | None, ca: CA) -> Arguments:
    """Return arguments for `valkey.asyncio.Valkey`.

    It trusts the public authorities, too. If it rejects the cluster's own on Python 3.13 or newer, use redis-py, which
    works with Valkey as well.
    """
    host, port = _place(connection)
    name, password = _login(connection, None)
    return Arguments(
        host=host,
        port=port,
        username=name,
        password=password,
        ssl=True,
        ssl_cert_reqs="required",
        ssl_check_hostname=True,
        ssl_ca_data=_authority(ca).certificate,
    )


def aiokafka(
    connection: Connection | None,
    ca: CA,
    *,
    user: User | None = None,
    client_certificate: bool = False,
    port: int | None = None,
) -> Arguments:
    """Return arguments for `aiokafka.AIOKafkaProducer`, `AIOKafkaConsumer` and `AIOKafkaAdminClient`.

    Each kind of login has its own port. `cluster.connection` and `cluster.private_connection` have different ports.

    Args:
        connection: `cluster.connection` or `cluster.private_connection`.
        ca: The authority from `clusters.get_ca`.
        user: Who logs in. The default is the user of the connection.
        client_certificate: Log in with the `access_cert` and `access_key` of `user`, instead of the password
            (SCRAM-SHA-256).
        port: Port to use in place of the connection's. It is required for client certificates if
            `connection.application_ports` does not name one.
    """
    context = _authority(ca).ssl_context()
    if client_certificate:
        server = _certificate_address(connection, port)
        _load_client_certificate(context, user)
        return Arguments(bootstrap_servers=server, ssl_context=context, security_protocol="SSL")
    host, own_port = _place(connection, port)
    name, password = _login(connection, user)
    return Arguments(
        bootstrap_servers=f"{host}:{own_port}",
        ssl_context=context,
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-256",
        sasl_plain_username=name,
        sasl_plain_password=password,
    )


def pymongo(connection: Connection | None, ca_file: str | PathLike[str], *, user: User | None = None) -> Arguments:
    """Return arguments for `pymongo.AsyncMongoClient`.

    The host is found by its SRV record; `port` of the connection is not used. PyMongo reads the authority from a file:
    see `ca_file`.
    """
    host, _ = _place(connection)
    name, password = _login(connection, user)
    return Arguments(
        host=f"mongodb+srv://{host}",
        username=name,
        password=password,
        authSource="admin",
        tls=True,
        tlsCAFile=fspath(ca_file),
    )


def opensearchpy(connection: Connection | None, ca: CA, *, user: User | None = None) -> Arguments:
    """Return arguments for `opensearchpy.AsyncOpenSearch`."""
    host, port = _place(connection)
    return Arguments(
        hosts=[{"host": host, "port": port}],
        http_auth=_login(connection, user),
        use_ssl=True,
        ssl_context=_authority(ca).ssl_context(),
    )


def httpx(connection: Connection | None, ca: CA, *, user: User | None = None) -> Arguments:
    """Return arguments for `httpx.AsyncClient`: for a Kafka cluster's schema registry, or for metrics.

    For the schema registry, pass `cluster.schema_registry_connection`. For metrics, make a Connection from one of
    `cluster.metrics_endpoints` and the credentials that `metrics.get_metrics_credentials` returns.
    """
    host, port = _place(connection)
    return Arguments(
        base_url=f"https://{host}:{port}", auth=_login(connection, user), verify=_authority(ca).ssl_context()
    )


@contextmanager
def ca_file(ca: CA) -> Generator[Path, None, None]:
    """Keep an authority's certificate in a temporary file while the block runs, for drivers that only take a path.

    Some drivers read it at each connection: leave the block only when the driver's pool is closed.
    """
    with TemporaryDirectory(prefix="asyncdbaas-") as directory:
        path = Path(directory, "ca.pem")
        path.write_text(_authority(ca).certificate, encoding="ascii")
        yield path


def _login_arguments(connection: Connection | None, user: User | None, database: str) -> dict[str, Any]:
    """Return the arguments that the drivers of SQL databases share; `database` is their name for the database."""
    (host, port), (name, password) = _place(connection), _login(connection, user)
    named = {database: connection.database} if connection and connection.database else {}
    return {"host": host, "port": port, "user": name, "password": password, **named}


def _authority(ca: CA) -> CA:
    return check_instance(ca, CA, "ca", "await get_ca(session, cluster_id)")


def _checked(connection: Connection | None) -> Connection | None:
    """Reject anything but a connection, such as the cluster itself, or None, which a cluster may have."""
    return None if connection is None else check_instance(connection, Connection, "connection", "cluster.connection")


def _place(connection: Connection | None, port: int | None = None) -> tuple[str, int]:
    """Return the host and the port for a login by password."""
    connection = _checked(connection)
    found = port or (connection and connection.login_port)
    if connection is None or not connection.host or not found:
        raise InvalidInputError("connection: no host and port yet; wait until the cluster is online")
    return connection.host, found


def _certificate_address(connection: Connection | None, port: int | None) -> str:
    """Return the bootstrap server for client certificates, whose port is never `connection.port`."""
    connection = _checked(connection)
    if connection is None or not connection.host:
        raise InvalidInputError("connection: no host yet; wait until the cluster is online")
    if not (found := port or connection.certificate_port):
        raise InvalidInputError(
            "connection: application_ports names no port for client certificates; pass it as port=, from the control "
            "panel's connection details"
        )
    return f"{connection.host}:{found}"


def _login(connection: Connection | None, user: User | None) -> tuple[str, str]:
    _check_user(user)
    name = user.name if user else connection and connection.user
    password = user.password if user else connection and connection.password
    if not name:
        raise InvalidInputError("connection: it names no user; pass one with user=")
    if not password:
        raise InvalidInputError(
            f"{'user' if user else 'connection'}: no password; the token may lack the scope database:view_credentials, "
            "and MongoDB shows it only in the response to the create call"
        )
    return name, password


def _forgets_statements(pool_mode: PoolMode | str | None) -> bool:
    return pool_mode is not None and pool_mode != PoolMode.SESSION


def _check_user(user: User | None) -> None:
    if user is not None:
        check_instance(user, User, "user", "await get_user(session, cluster_id, name)")


def _load_client_certificate(context: ssl.SSLContext, user: User | None) -> None:
    _check_user(user)
    if user is None or not user.access_cert or not user.access_key:
        raise InvalidInputError("user: no access_cert and access_key; only users of Kafka clusters have them")
    with TemporaryDirectory(prefix="asyncdbaas-") as directory:  # the ssl module reads keys only from files
        path = Path(directory, "user.pem")
        path.touch(mode=0o600)
        path.write_text(f"{user.access_cert}\n{user.access_key}\n", encoding="ascii")
        context.load_cert_chain(path)
