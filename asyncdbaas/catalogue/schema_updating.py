"""Bring the schemas of a YAML catalogue up to date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from asyncdbaas.catalogue.editing import TextEditor
from asyncdbaas.catalogue.model import Catalogue, CatalogueSchema
from asyncdbaas.catalogue.nodes import Pairs
from asyncdbaas.catalogue.reading import Section
from asyncdbaas.catalogue.schema_entries import same_schema
from asyncdbaas.catalogue.topic_entries import Values
from asyncdbaas.catalogue.updatable import Key, Updatable, replace_value
from asyncdbaas.catalogue.writing import schema_values

__all__ = ["SCHEMAS"]


class _Schemas(Updatable[CatalogueSchema]):
    field = "schemas"

    def live(self, catalogue: Catalogue) -> Mapping[Key, CatalogueSchema]:
        """Return the live subjects; one without a level inherits the registry's."""
        levels = {registry.cluster: registry.compatibility for registry in catalogue.registries}
        return {
            key: attrs.evolve(entry, compatibility=entry.compatibility or levels.get(entry.cluster))
            for key, entry in super().live(catalogue).items()
        }

    def values(self, entry: CatalogueSchema) -> Values:
        values = schema_values(entry)
        return {key: values[key] for key in ("type", "schema", "compatibility") if key in values}

    def is_same(self, key: str, one: Any, other: Any) -> bool:
        return one == other or (key == "schema" and same_schema(one, other))

    def new(self, entries: Sequence[CatalogueSchema], section: Section) -> list[tuple[Values, Mapping[str, Any]]]:
        del section
        return [(self.values(entry), schema_values(entry)) for entry in entries]

    def change(self, editor: TextEditor, node: Pairs, declared: CatalogueSchema, changed: Values) -> None:
        for key, value in changed.items():
            replace_value(editor, node, declared.name, key, value)


SCHEMAS: Final = _Schemas()
