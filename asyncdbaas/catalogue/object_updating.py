"""Bring the users, schemas and registries of a YAML catalogue up to date."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, TypeAlias

import attrs

from asyncdbaas.catalogue.model import (
    Catalogue,
    CatalogueError,
    CatalogueRegistry,
    CatalogueSchema,
    CatalogueUser,
    UneditableError,
)
from asyncdbaas.catalogue.nodes import Pairs
from asyncdbaas.catalogue.object_editing import ObjectEditor
from asyncdbaas.catalogue.reading import CatalogueReader, Section, parse_catalogue
from asyncdbaas.catalogue.schema_entries import same_schema
from asyncdbaas.catalogue.writing import schema_values, user_values

__all__ = ["SCHEMAS", "USERS", "ObjectUpdater", "Updatable"]

_Key: TypeAlias = "tuple[str | None, str]"
"""Cluster and name of an object."""


@attrs.frozen(kw_only=True)
class Updatable:
    """A kind of object that `ObjectUpdater` brings up to date."""

    field: str
    """Key of its list in a catalogue."""
    name_of: Callable[[Any], str]
    is_same: Callable[[Any, Any], bool]
    """Whether the live object has all that is declared."""
    values: Callable[[Any], dict[str, Any]]
    """Returns the values of a new entry."""
    change: Callable[[ObjectEditor, Pairs, Any, Any], None]


def _is_same_user(declared: CatalogueUser, live: CatalogueUser) -> bool:
    return declared.acl is None or set(declared.acl) == set(live.acl or ())


def _is_same_schema(declared: CatalogueSchema, live: CatalogueSchema) -> bool:
    one, other = declared.schema, live.schema
    if declared.compatibility not in (None, live.compatibility):
        return False
    if one is None or other is None:
        return one is None
    return one.schema_type == other.schema_type and same_schema(one.schema, other.schema, one.schema_type)


USERS: Final = Updatable(
    field="users",
    name_of=lambda entry: entry.name,
    is_same=_is_same_user,
    values=user_values,
    change=ObjectEditor.change_user,
)
SCHEMAS: Final = Updatable(
    field="schemas",
    name_of=lambda entry: entry.subject,
    is_same=_is_same_schema,
    values=schema_values,
    change=ObjectEditor.change_schema,
)


class ObjectUpdater:
    """Update the entries of one kind in a text.

    `clusters` maps each cluster, as named in the text, to its name in `live`.
    """

    def __init__(
        self,
        text: str,
        file: str,
        variables: Mapping[str, str] | None,
        clusters: Mapping[str | None, str],
        kind: Updatable,
    ) -> None:
        self.counts = Counter[str]()
        self.missing: list[str] = []
        self._file = file
        self._variables = variables
        self._clusters = clusters
        self._kind = kind
        self._editor = ObjectEditor(text)
        reader = CatalogueReader(text, file=file, variables=variables)
        self._sections = reader.sections
        self._catalogue = reader.catalogue()
        lists = [items for section in self._sections for items in section.lists.values()]
        self._uses = Counter(map(id, lists)) + Counter(id(item) for items in lists for item in items.items)
        self._expected: dict[_Key, Any] = {}

    def update(self, live: Catalogue, *, remove_missing: bool) -> str:
        """Return the text with all changes, after a check that it declares the live objects."""
        there = _effective(live, self._kind)
        if self._kind is SCHEMAS:
            self._set_levels({registry.cluster: registry for registry in live.registries})
        entries = iter(getattr(self._catalogue, self._kind.field))
        last: dict[str, Section] = {}
        emptied: set[int] = set()
        for section in self._sections:
            last |= dict.fromkeys(self._names(section), section)
            if self._update_section(section, entries, there, remove_missing=remove_missing):
                emptied.add(id(section))
        for section in self._sections:  # prefer a section that has a list of this kind
            if self._kind.field in section.lists:
                last |= dict.fromkeys(self._names(section), section)
        known = {(self._clusters.get(cluster), name) for cluster, name in self._expected}
        for cluster, section in last.items():
            new = [entry for key, entry in there.items() if key[0] == cluster and key not in known]
            if new:
                self._add(section, cluster, new, live, is_empty=id(section) in emptied)
        return self._checked(there)

    def _names(self, section: Section) -> list[str]:
        return [self._clusters[cluster] for cluster in section.clusters if cluster in self._clusters]

    def _update_section(
        self, section: Section, entries: Iterator[Any], there: Mapping[_Key, Any], *, remove_missing: bool
    ) -> bool:
        """Change and remove entries; return whether none is left."""
        items = section.lists.get(self._kind.field)
        gone: list[Pairs] = []
        for node in (item for item in (items.items if items else ()) if isinstance(item, Pairs)):
            declared, *_ = islice(entries, len(section.clusters))  # one for each cluster
            name = self._kind.name_of(declared)
            found = [there.get((cluster, name)) for cluster in self._names(section)]
            if found and not any(found):
                if remove_missing:
                    self._check_own(section, node, name)
                    gone.append(node)
                    continue
                self.missing.append(name)
            self._change(section, node, declared, [live for live in found if live is not None])
        if items is not None:
            self._editor.lists.remove(items, gone)
        self.counts["removed"] += len(gone)
        return items is not None and len(gone) == len(items.items)

    def _change(self, section: Section, node: Pairs, declared: Any, lives: list[Any]) -> None:
        name = self._kind.name_of(declared)
        for cluster in section.clusters:
            self._expected[cluster, name] = declared
        if all(self._kind.is_same(declared, live) for live in lives):
            return
        if not all(self._kind.is_same(lives[0], live) for live in lives):
            raise UneditableError(f"{name} is declared for several clusters and differs between them")
        self._check_own(section, node, name)
        self._kind.change(self._editor, node, declared, lives[0])
        self.counts["changed"] += 1

    def _set_levels(self, live: Mapping[str | None, CatalogueRegistry]) -> None:
        """Set the declared levels of registries."""
        declared = iter(self._catalogue.registries)
        for section in self._sections:
            registry = section.values.get("schema_registry")
            if not isinstance(registry, Pairs):
                continue
            entry, *_ = islice(declared, len(section.clusters))  # one for each cluster
            levels = {live[name].compatibility for name in self._names(section) if name in live}
            if levels <= {entry.compatibility}:
                continue
            if len(levels) > 1:
                raise UneditableError("schema_registry is declared for several clusters and differs between them")
            self._editor.set(registry, "schema_registry", "compatibility", str(levels.pop()))
            self.counts["changed"] += 1

    def _add(self, section: Section, cluster: str, new: list[Any], live: Catalogue, *, is_empty: bool) -> None:
        names = [self._kind.name_of(entry) for entry in new]
        if len(section.clusters) > 1:
            raise UneditableError(f"{names[0]} is new on one of several clusters that share their {self._kind.field}")
        plain = [entry for entry in getattr(live, self._kind.field) if entry.cluster == cluster]
        values = [self._kind.values(entry) for entry in plain if self._kind.name_of(entry) in names]
        items = section.lists.get(self._kind.field)
        if items is not None and self._uses[id(items)] > 1:
            raise UneditableError(
                f"{names[0]} is new, but the {self._kind.field} of its cluster are shared through an anchor"
            )
        if items is not None:
            self._editor.lists.add(items, values, is_empty=is_empty)
        elif section.node.flow or self._kind.field in section.values:
            raise UneditableError(f"{names[0]} is new, and its cluster has no list of {self._kind.field}")
        else:
            self._editor.lists.add_list(section.node, self._kind.field, values)
        self._expected |= {(own, self._kind.name_of(entry)): entry for own in section.clusters for entry in new}
        self.counts["added"] += len(new)

    def _check_own(self, section: Section, node: Pairs, name: str) -> None:
        items = section.lists[self._kind.field]
        if not items.start <= node.start < items.end or self._uses[id(node)] > 1 or self._uses[id(items)] > 1:
            raise UneditableError(f"{name} has changed, but its entry is shared through an anchor")

    def _checked(self, there: Mapping[_Key, Any]) -> str:
        """Return the new text, after checking that no anchor has spread a change."""
        text = self._editor.text()
        try:
            catalogue = parse_catalogue(text, file=self._file, variables=self._variables)
        except CatalogueError as error:
            raise UneditableError(f"the updated text would not be valid: {error.problems[0]}") from None
        found = {(entry.cluster, self._kind.name_of(entry)): entry for entry in getattr(catalogue, self._kind.field)}
        for key in found.keys() | self._expected.keys():
            live = there.get((self._clusters.get(key[0]) or "", key[1]), self._expected.get(key))
            if key not in found or key not in self._expected or not self._kind.is_same(found[key], live):
                raise UneditableError(f"{key[1]} would not match the live object, because of an anchor")
        return text


def _effective(live: Catalogue, kind: Updatable) -> dict[_Key, Any]:
    """Return the live objects; a subject without a level inherits the registry's."""
    levels = {registry.cluster: registry.compatibility for registry in live.registries}
    entries: Iterable[Any] = getattr(live, kind.field)
    if kind is SCHEMAS:
        entries = [attrs.evolve(each, compatibility=each.compatibility or levels.get(each.cluster)) for each in entries]
    return {(entry.cluster, kind.name_of(entry)): entry for entry in entries}
