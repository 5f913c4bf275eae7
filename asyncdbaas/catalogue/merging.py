"""Put several catalogues together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TypeAlias

from asyncdbaas.catalogue.kafka import metric_name
from asyncdbaas.catalogue.model import (
    Catalogue,
    CatalogueRegistry,
    CatalogueSchema,
    CatalogueTopic,
    CatalogueUser,
    Problem,
)

__all__ = ["find_conflicts", "merge_catalogues"]

_Entry: TypeAlias = CatalogueTopic | CatalogueUser | CatalogueSchema | CatalogueRegistry


def merge_catalogues(catalogues: Iterable[Catalogue]) -> Catalogue:
    """Return several catalogues as one."""
    catalogues = list(catalogues)
    return Catalogue(
        topics=tuple(chain.from_iterable(catalogue.topics for catalogue in catalogues)),
        users=tuple(chain.from_iterable(catalogue.users for catalogue in catalogues)),
        schemas=tuple(chain.from_iterable(catalogue.schemas for catalogue in catalogues)),
        registries=tuple(chain.from_iterable(catalogue.registries for catalogue in catalogues)),
        cluster_lines={key: line for each in catalogues for key, line in each.cluster_lines.items()},
    )


def find_conflicts(catalogues: Iterable[Catalogue]) -> Iterator[Problem]:
    """Yield a problem for each object that is declared in two files. Each file has been checked by itself."""
    first: dict[tuple[str, str | None, str], tuple[str, str, int]] = {}
    for catalogue in catalogues:
        for kind, key, name, entry in _named(catalogue):
            file, other, line = first.setdefault((kind, entry.cluster, key), (entry.file, name, entry.line))
            if file != entry.file:
                message = (
                    f"the same {kind} is declared in {file}:{line}"
                    if other == name
                    else f"collides with {other} in {file}:{line}: Kafka treats . and _ in topic names as the same"
                )
                yield Problem(file=entry.file, line=entry.line, name=name, message=message)


def _named(catalogue: Catalogue) -> Iterator[tuple[str, str, str, _Entry]]:
    """Yield the kind, the unique key and the name of each entry."""
    for topic in catalogue.topics:
        yield "topic", metric_name(topic.topic.name), topic.topic.name, topic
    for user in catalogue.users:
        yield "user", user.name, user.name, user
    for schema in catalogue.schemas:
        yield "subject", schema.subject, schema.subject, schema
    for registry in catalogue.registries:
        yield "schema_registry", "", "", registry
