"""Memory and storage of a node, read from the name of its size."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from asyncdbaas.emulator.engines import can

_MEMORY: Final = re.compile(r"(\d+)gb")
_DISK_GIB: Final = MappingProxyType({1: 10, 2: 30, 4: 60, 8: 140, 16: 290, 32: 580, 64: 1120})


def memory_gb(size: str) -> int:
    """Read a node's memory from the slug of its size; 192 for slugs without one, such as `c-96-intel`."""
    found = _MEMORY.search(size)
    return int(found[1]) if found else 192


def base_storage_mib(engine: str, size: str) -> int:
    """Return the storage that comes with a size; none for the caching engines. The steps are assumed."""
    if not can(engine, "storage"):
        return 0
    memory = memory_gb(size)
    return _DISK_GIB.get(memory, memory * 18) * 1024
