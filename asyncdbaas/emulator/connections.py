"""Connection details: hosts, ports, addresses."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from asyncdbaas.emulator.engines import ENGINES
from asyncdbaas.emulator.records import Cluster, Pool, Record

ACCOUNT: Final = "19081923"
POOL_PORT: Final = 25061
METRICS_PORT: Final = 9273

# Kafka has a port for each kind of login, and others on private hosts. The public certificate port is assumed.
_KAFKA_PORTS: Final = {False: {"sasl": 25073, "certificate": 25074}, True: {"sasl": 25080, "certificate": 25071}}


def host(cluster: Cluster, prefix: str = "") -> str:
    """Return the public host of a cluster, or with a prefix (`private-`, `replica-`) another one."""
    if cluster["engine"] == "mongodb":
        return f"{prefix}{cluster['name']}-{cluster['id'][:8]}.mongo.ondigitalocean.com"
    return f"{prefix}{cluster['name']}-do-user-{ACCOUNT}-0.{cluster['id'][0]}.db.ondigitalocean.com"


def connection(cluster: Cluster, prefix: str, password: str | None, *, kafka_port_zero: bool = False) -> Record:
    """Return a cluster's connection details; without a password (None) the address has an empty one."""
    engine = ENGINES[cluster["engine"]]
    port = _KAFKA_PORTS[prefix.startswith("private-")]["sasl"] if cluster["engine"] == "kafka" else engine.port
    details = _details(
        cluster,
        prefix,
        port=port,
        database=engine.default_database,
        user=engine.default_user,
        password=password,
    )
    if cluster["engine"] == "mongodb" and cluster["status"] == "creating":
        details |= {"uri": "", "host": ""}  # not known before the cluster is online
    if cluster["engine"] == "kafka":
        details["application_ports"] = dict(_KAFKA_PORTS[prefix.startswith("private-")])
        if kafka_port_zero:
            details |= {"uri": "", "port": 0}
    return details


def pool_connection(cluster: Cluster, prefix: str, pool: Pool, password: str | None) -> Record:
    """Return the connection details of a pool: its name stands for the database."""
    user = pool["user"] or ENGINES[cluster["engine"]].default_user
    return _details(cluster, prefix, port=POOL_PORT, database=pool["name"], user=user, password=password)


def web_connection(cluster: Cluster, port: int, password: str | None) -> Record:
    """Return the details of a web endpoint (dashboard, schema registry), which has no database."""
    user, name = ENGINES[cluster["engine"]].default_user, host(cluster)
    return _login(f"https://{user}:{password or ''}@{name}:{port}", name, port, user, password)


def _details(cluster: Cluster, prefix: str, *, port: int, database: str, user: str, password: str | None) -> Record:
    engine, name = ENGINES[cluster["engine"]], host(cluster, prefix)
    place = name if engine.scheme.endswith("+srv") else f"{name}:{port}"
    path = f"/{quote(database, safe='')}" if database else ""
    uri = f"{engine.scheme}://{quote(user, safe='')}:{quote(password or '', safe='')}@{place}{path}{engine.query}"
    return {"protocol": engine.protocol, "database": database, **_login(uri, name, port, user, password)}


def _login(uri: str, name: str, port: int, user: str, password: str | None) -> Record:
    details: Record = {"uri": uri, "host": name, "port": port, "user": user, "ssl": True}
    return details if password is None else details | {"password": password}
