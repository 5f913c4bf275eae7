"""Connection details: hosts, ports, addresses."""

from __future__ import annotations

from typing import Any, TypeAlias
from urllib.parse import quote

from asyncdbaas.emulator.engines import ENGINES

Record: TypeAlias = dict[str, Any]

ACCOUNT = "19081923"

_URI = {
    "pg": ("postgresql", "postgresql", "?sslmode=require"),
    "advanced_pg": ("postgresql", "postgresql", "?sslmode=require"),
    "mysql": ("mysql", "mysql", "?ssl-mode=REQUIRED"),
    "advanced_mysql": ("mysql", "mysql", "?ssl-mode=REQUIRED"),
    "redis": ("rediss", "rediss", ""),
    "valkey": ("rediss", "rediss", ""),
    "mongodb": ("mongodb+srv", "mongodb+srv", "?tls=true&authSource=admin"),
    "opensearch": ("https", "https", ""),
    "kafka": ("https", "kafka", ""),
}


def host(cluster: Record, prefix: str = "") -> str:
    """Return the public host of a cluster, or with a prefix (``private-``, ``replica-``) another one."""
    if cluster["engine"] == "mongodb":
        return f"{prefix}{cluster['name']}-{cluster['id'][:8]}.mongo.ondigitalocean.com"
    return f"{prefix}{cluster['name']}-do-user-{ACCOUNT}-0.{cluster['id'][0]}.db.ondigitalocean.com"


def connection(
    cluster: Record,
    prefix: str = "",
    *,
    user: str | None = None,
    password: str | None = None,
    database: str | None = None,
    port: int | None = None,
) -> Record:
    """Return connection details; without a password (None) the address carries none, as for a redacted view."""
    engine = ENGINES[cluster["engine"]]
    user = engine.default_user if user is None else user
    database = engine.default_database if database is None else database
    port = engine.port if port is None else port
    scheme, protocol, query = _URI[cluster["engine"]]
    name = host(cluster, prefix)
    place = name if scheme.endswith("+srv") else f"{name}:{port}"
    path = f"/{quote(database, safe='')}" if database else ""
    details: Record = {
        "protocol": protocol,
        "uri": f"{scheme}://{quote(user, safe='')}:{quote(password or '', safe='')}@{place}{path}{query}",
        "database": database,
        "host": name,
        "port": port,
        "user": user,
        "ssl": True,
    }
    if password is not None:
        details["password"] = password
    return details


def web_connection(cluster: Record, port: int, password: str | None) -> Record:
    """Return the details of a web endpoint (dashboard, schema registry), which has no database."""
    user, name = ENGINES[cluster["engine"]].default_user, host(cluster)
    details: Record = {
        "uri": f"https://{user}:{password or ''}@{name}:{port}",
        "host": name,
        "port": port,
        "user": user,
        "ssl": True,
    }
    if password is not None:
        details["password"] = password
    return details
