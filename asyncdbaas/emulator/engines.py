"""What each engine offers: versions, sizes, layouts and ports.

Names and numbers are those of the vendor's public options example.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

REGIONS: Final = (
    *("ams3", "blr1", "fra1", "lon1", "nyc1", "nyc2", "nyc3"),
    *("sfo2", "sfo3", "sgp1", "syd1", "tor1", "ric1", "atl1"),
)

_BASIC = "db-s-1vcpu-2gb db-s-2vcpu-4gb db-s-4vcpu-8gb db-s-6vcpu-16gb"
_GENERAL = "gd-2vcpu-8gb gd-4vcpu-16gb gd-8vcpu-32gb gd-16vcpu-64gb gd-32vcpu-128gb gd-40vcpu-160gb"
_STORAGE = "so1_5-2vcpu-16gb so1_5-4vcpu-32gb so1_5-8vcpu-64gb so1_5-16vcpu-128gb so1_5-24vcpu-192gb so1_5-32vcpu-256gb"
_PREMIUM = (
    "db-intel-1vcpu-2gb db-amd-1vcpu-2gb db-amd-2vcpu-4gb db-intel-2vcpu-4gb db-amd-2vcpu-8gb db-intel-2vcpu-8gb "
    "db-intel-4vcpu-8gb db-amd-4vcpu-8gb db-amd-4vcpu-16gb db-intel-4vcpu-16gb db-intel-8vcpu-32gb db-amd-8vcpu-32gb "
    "db-intel-16vcpu-64gb db-amd-16vcpu-64gb"
)
_SQL = f"{_BASIC} {_GENERAL} {_STORAGE} {_PREMIUM}"
_SQL_SINGLE = f"db-s-1vcpu-1gb {_SQL} db-intel-1vcpu-1gb db-amd-1vcpu-1gb"
_ADVANCED = (
    "gd-2vcpu-8gb-intel so1_5-2vcpu-16gb-intel so1_5-2vcpu-16gb gd-2vcpu-8gb gd-4vcpu-16gb-intel "
    "so1_5-4vcpu-32gb-intel so1_5-4vcpu-32gb gd-4vcpu-16gb gd-8vcpu-32gb so1_5-8vcpu-64gb gd-8vcpu-32gb-intel "
    "so1_5-8vcpu-64gb-intel gd-16vcpu-64gb so1_5-16vcpu-128gb gd-16vcpu-64gb-intel so1_5-16vcpu-128gb-intel "
    "so1_5-24vcpu-192gb so1_5-24vcpu-192gb-intel so1_5-32vcpu-256gb-intel gd-32vcpu-128gb gd-32vcpu-128gb-intel "
    "so1_5-32vcpu-256gb gd-40vcpu-160gb so1_5-48vcpu-384gb-intel gd-48vcpu-192gb-intel so1_5-48vcpu-256gb c-96-intel"
)
_CACHE = (
    f"{_BASIC} db-s-8vcpu-32gb db-s-16vcpu-64gb m-2vcpu-16gb m-4vcpu-32gb m-8vcpu-64gb m-16vcpu-128gb m-24vcpu-192gb "
    "m-32vcpu-256gb"
)
_CACHE_SINGLE = f"db-s-1vcpu-1gb {_CACHE}"
_MONGO = f"db-s-1vcpu-1gb {_BASIC} db-s-8vcpu-32gb db-s-16vcpu-64gb {_GENERAL} {_STORAGE}"
_SEARCH_MULTI = "gd-2vcpu-8gb m3-2vcpu-16gb gd-4vcpu-16gb m3-4vcpu-32gb m3-8vcpu-64gb"
_SEARCH = f"db-s-2vcpu-4gb {_SEARCH_MULTI} db-s-4vcpu-8gb"
_KAFKA = "gd-2vcpu-8gb gd-4vcpu-16gb"


class Version(NamedTuple):
    """One version of an engine; the dates are RFC 3339 or None."""

    name: str
    semantic: str
    end_of_life: str | None = None
    end_of_availability: str | None = None


class Engine(NamedTuple):
    """One engine's offer."""

    versions: tuple[Version, ...]
    """The last one is the default."""
    layouts: Mapping[int, tuple[str, ...]]
    """Number of nodes to the sizes on offer."""
    default_user: str
    default_database: str
    port: int
    regions: tuple[str, ...] = REGIONS
    creatable: bool = True

    def version(self, name: str) -> Version | None:
        """Find a version by name."""
        return next((version for version in self.versions if version.name == name), None)


def _layouts(**sizes: str) -> Mapping[int, tuple[str, ...]]:
    return MappingProxyType({int(nodes[1:]): tuple(names.split()) for nodes, names in sizes.items()})


ENGINES: Final[Mapping[str, Engine]] = MappingProxyType(
    {
        "kafka": Engine(
            (Version("3.8", "3.8.1", None, "2025-06-03T00:00:00Z"),),
            _layouts(n3=f"{_KAFKA} db-s-2vcpu-4gb db-s-2vcpu-2gb", n6=_KAFKA, n9=_KAFKA, n15=_KAFKA),
            "doadmin",
            "defaultdb",
            25073,
        ),
        "mongodb": Engine(
            (
                Version("6.0", "6.0.19", "2025-07-01T07:00:00Z"),
                Version("7.0", "7.0.15", "2026-08-01T07:00:00Z"),
            ),
            _layouts(n1=_MONGO, n3=_MONGO),
            "doadmin",
            "admin",
            27017,
        ),
        "mysql": Engine(
            (Version("8", "8.0.35"),), _layouts(n1=_SQL_SINGLE, n2=_SQL, n3=_SQL), "doadmin", "defaultdb", 25060
        ),
        "advanced_mysql": Engine(
            (Version("8.4.8", "8.4.8"),), _layouts(n1=_ADVANCED, n3=_ADVANCED), "doadmin", "defaultdb", 25060
        ),
        "opensearch": Engine(
            (Version("1", "1.3.20"), Version("2", "2.19.1")),
            _layouts(n1=f"db-s-1vcpu-2gb {_SEARCH}", n3=_SEARCH, n6=_SEARCH_MULTI, n9=_SEARCH_MULTI, n15=_SEARCH_MULTI),
            "doadmin",
            "",
            25060,
        ),
        "pg": Engine(
            (
                Version("13", "13.22", "2025-11-13T00:00:00Z", "2025-05-13T00:00:00Z"),
                Version("14", "14.19", "2026-11-12T00:00:00Z", "2026-05-12T00:00:00Z"),
                Version("15", "15.14", "2027-11-11T00:00:00Z", "2027-05-12T00:00:00Z"),
                Version("16", "16.10", "2028-11-09T00:00:00Z", "2028-05-09T00:00:00Z"),
                Version("17", "17.6", "2029-11-08T00:00:00Z", "2029-05-08T00:00:00Z"),
            ),
            _layouts(n1=_SQL_SINGLE, n2=_SQL, n3=_SQL),
            "doadmin",
            "defaultdb",
            25060,
        ),
        "advanced_pg": Engine(
            (
                Version("16", "16.10", "2028-11-09T00:00:00Z", "2028-05-09T00:00:00Z"),
                Version("17", "17.6", "2029-11-08T00:00:00Z", "2029-05-08T00:00:00Z"),
                Version("18", "18.1", "2030-11-13T00:00:00Z", "2030-05-13T00:00:00Z"),
            ),
            _layouts(n1=_ADVANCED, n2=_ADVANCED, n3=_ADVANCED),
            "doadmin",
            "defaultdb",
            25060,
        ),
        "redis": Engine(
            (Version("7", "7.2.4", "2025-06-30T00:00:00Z", "2025-04-30T00:00:00Z"),),
            _layouts(n1=_CACHE_SINGLE, n2=_CACHE, n3=_CACHE),
            "default",
            "",
            25061,
            creatable=False,
        ),
        "valkey": Engine(
            (Version("8", "8.0.1"),),
            _layouts(n1=_CACHE_SINGLE, n2=_CACHE, n3=_CACHE),
            "default",
            "",
            25061,
            regions=tuple(region for region in REGIONS if region != "nyc2"),
        ),
    }
)

_MEMORY: Final = re.compile(r"(\d+)gb")
_DISK_GIB: Final = MappingProxyType({1: 10, 2: 30, 4: 60, 8: 140, 16: 290, 32: 580, 64: 1120})


def memory_gb(size: str) -> int:
    """Read a node's memory from the slug of its size; 192 for the one slug that does not tell."""
    found = _MEMORY.search(size)
    return int(found[1]) if found else 192


def base_storage_mib(engine: str, size: str) -> int:
    """Return the storage that comes with a size; none for the caching engines. The steps are assumed."""
    if engine in ("redis", "valkey"):
        return 0
    memory = memory_gb(size)
    return _DISK_GIB.get(memory, memory * 18) * 1024
