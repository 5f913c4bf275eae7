"""Connection facts of each engine, and the table of what each engine supports."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, TypeAlias

Capability: TypeAlias = Literal[
    "autoscale",
    "backups",
    "databases",
    "eviction policy",
    "indexes",
    "kafka users",
    "metrics",
    "migrations",
    "mongodb users",
    "mysql users",
    "creation",
    "opensearch users",
    "parameters",
    "pg users",
    "pools",
    "replicas",
    "smaller sizes",
    "sql mode",
    "standby",
    "storage",
    "topics",
    "users",
]


class Engine(NamedTuple):
    """Connection facts of an engine."""

    default_user: str
    default_database: str
    port: int
    scheme: str
    protocol: str
    query: str = ""
    read_only_user: str = ""


_PG: Final = Engine("doadmin", "defaultdb", 25060, "postgresql", "postgresql", "?sslmode=require")
_MYSQL: Final = Engine("doadmin", "defaultdb", 25060, "mysql", "mysql", "?ssl-mode=REQUIRED")
_CACHE: Final = Engine("default", "", 25061, "rediss", "rediss")

ENGINES: Final[Mapping[str, Engine]] = MappingProxyType(
    {
        "pg": _PG,
        "advanced_pg": _PG,
        "mysql": _MYSQL,
        "advanced_mysql": _MYSQL,
        "mongodb": Engine(
            "doadmin", "admin", 27017, "mongodb+srv", "mongodb+srv", "?tls=true&authSource=admin", "do-readonly"
        ),
        "opensearch": Engine("doadmin", "", 25060, "https", "https"),
        "kafka": Engine("doadmin", "defaultdb", 25073, "https", "kafka"),
        "redis": _CACHE,
        "valkey": _CACHE,
    }
)

_SQL: Final = "pg advanced_pg mysql advanced_mysql"
_CAPABILITIES: Final[Mapping[Capability, frozenset[str]]] = MappingProxyType(
    {
        "autoscale": frozenset(f"{_SQL} mongodb kafka opensearch".split()),
        "backups": frozenset(f"{_SQL} mongodb".split()),
        "databases": frozenset(f"{_SQL} mongodb".split()),
        "eviction policy": frozenset({"redis", "valkey"}),
        "indexes": frozenset({"opensearch"}),
        "kafka users": frozenset({"kafka"}),
        "metrics": frozenset(ENGINES) - {"mongodb"},
        "migrations": frozenset({"pg", "mysql", "redis", "valkey"}),
        "mongodb users": frozenset({"mongodb"}),
        "mysql users": frozenset({"mysql", "advanced_mysql"}),
        "creation": frozenset(ENGINES) - {"redis"},
        "opensearch users": frozenset({"opensearch"}),
        "parameters": frozenset({"advanced_pg", "advanced_mysql"}),
        "pg users": frozenset({"pg", "advanced_pg"}),
        "pools": frozenset({"pg", "advanced_pg"}),
        "replicas": frozenset(_SQL.split()),
        "smaller sizes": frozenset({"kafka"}),
        "sql mode": frozenset({"mysql"}),
        "standby": frozenset(f"{_SQL} redis valkey mongodb".split()),
        "storage": frozenset(ENGINES) - {"redis", "valkey"},
        "topics": frozenset({"kafka"}),
        "users": frozenset(f"{_SQL} mongodb kafka opensearch".split()),
    }
)


def can(engine: str, capability: Capability) -> bool:
    """Return whether an engine has a capability."""
    return engine in _CAPABILITIES[capability]
