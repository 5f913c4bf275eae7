"""Put several catalogues together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final

from asyncdbaas.catalogue.kafka import metric_name
from asyncdbaas.catalogue.model import Catalogue, Entry, Problem
from asyncdbaas.catalogue.source import repeat_message

__all__ = ["find_conflicts", "merge_catalogues"]

# By the fields of a catalogue.
_KINDS: Final = {"topics": "topic", "users": "user", "schemas": "subject", "registries": "schema_registry"}


def merge_catalogues(catalogues: Iterable[Catalogue]) -> Catalogue:
    """Return several catalogues as one."""
    catalogues = list(catalogues)
    entries: dict[str, Any] = {
        field: tuple(chain.from_iterable(getattr(each, field) for each in catalogues)) for field in _KINDS
    }
    lines = {key: line for each in catalogues for key, line in each.cluster_lines.items()}
    return Catalogue(**entries, cluster_lines=lines)


def find_conflicts(catalogues: Iterable[Catalogue]) -> Iterator[Problem]:
    """Yield a problem for each object that is declared in two files. Each file has been checked by itself."""
    seen: dict[tuple[str, str | None, str], Entry] = {}
    for catalogue in catalogues:
        for field, kind in _KINDS.items():
            entries: tuple[Entry, ...] = getattr(catalogue, field)
            for entry in entries:
                key = metric_name(entry.name) if kind == "topic" else entry.name
                first = seen.setdefault((kind, entry.cluster, key), entry)
                if first.file != entry.file:
                    message = repeat_message(kind, entry.name, first.name, f"{first.file}:{first.line}")
                    name = "" if field == "registries" else entry.name
                    yield Problem(file=entry.file, line=entry.line, name=name, message=message)
