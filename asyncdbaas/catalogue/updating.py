"""Bring a YAML catalogue up to date: only what differs is changed in its text.

The text is edited where the parser found each value, and not rewritten: YAML writers that keep comments move some
of them to the entry before, where they are removed with it, and change the indentation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import attrs

from asyncdbaas._checks import check_instance, check_mapping
from asyncdbaas.catalogue.editing import TextEditor
from asyncdbaas.catalogue.list_editing import add_items, add_list, remove_items
from asyncdbaas.catalogue.model import Catalogue, CatalogueError, Entry, UneditableError
from asyncdbaas.catalogue.nodes import Node, Pairs
from asyncdbaas.catalogue.reading import CatalogueReader, Section, parse_catalogue
from asyncdbaas.catalogue.schema_updating import SCHEMAS
from asyncdbaas.catalogue.topic_entries import Values
from asyncdbaas.catalogue.topic_updating import TOPICS
from asyncdbaas.catalogue.updatable import Key, Updatable, replace_value
from asyncdbaas.catalogue.user_updating import USERS
from asyncdbaas.errors import InvalidInputError

__all__ = ["CatalogueUpdate", "update_catalogue"]


@attrs.frozen(kw_only=True)
class CatalogueUpdate:
    """An updated text, and what has changed in it."""

    text: str
    added: int = 0
    changed: int = 0
    removed: int = 0
    missing: tuple[str, ...] = ()
    """Declared objects that do not exist, and have been kept."""

    def __str__(self) -> str:
        return f"+{self.added} ~{self.changed} -{self.removed}"


def update_catalogue(
    text: str,
    live: Catalogue,
    clusters: Mapping[str | None, str],
    *,
    file: str,
    users: bool = False,
    schemas: bool = False,
    remove_missing: bool = False,
    variables: Mapping[str, str] | None = None,
) -> CatalogueUpdate:
    """Return the text of a YAML catalogue, brought up to date with the live objects.

    Values that differ are replaced, and new objects are added after the last one of their cluster, in the same form.
    Raise InvalidInputError if the text cannot be changed without changing more, as where topics share an anchor.

    Args:
        text: The whole text.
        live: The live topics, users and schemas.
        clusters: For each cluster that the text names its name in `live`; None stands for entries without a cluster.
            Entries of other clusters stay as they are.
        file: Name of the file, for messages.
        users: Also update the users and their rights.
        schemas: Also update the schemas and the compatibility levels.
        remove_missing: Remove objects that do not exist. By default they stay: they may not have been applied yet.
        variables: Values of `${NAME}` in the text.
    """
    check_instance(live, Catalogue, "live", "await export(session, clusters)")
    check_mapping(clusters, "clusters")
    counts, missing = Counter[str](), list[str]()
    kinds: list[Updatable[Any]] = [TOPICS, *[USERS] * users, *[SCHEMAS] * schemas]
    try:
        for kind in kinds:
            updater = _Updater(text, file, variables, clusters, kind)
            text = updater.update(live, remove_missing=remove_missing)
            counts += updater.counts
            missing += updater.missing
    except UneditableError as error:
        raise InvalidInputError(f"{file} cannot be updated in place: {error}; export to a new file instead") from None
    return CatalogueUpdate(text=text, missing=tuple(missing), **counts)


class _Updater:
    """Bring the entries of one kind up to date. `clusters` maps each cluster, as the text names it, to its name."""

    def __init__(
        self,
        text: str,
        file: str,
        variables: Mapping[str, str] | None,
        clusters: Mapping[str | None, str],
        kind: Updatable[Any],
    ) -> None:
        self.counts = Counter[str]()
        self.missing: list[str] = []
        self._file = file
        self._variables = variables
        self._clusters = clusters
        self._kind = kind
        self._editor = TextEditor(text)
        reader = CatalogueReader(text, file=file, variables=variables)
        self._sections = reader.sections
        self._declared = reader.catalogue()
        lists = [items for section in self._sections if (items := section.items(kind.field)) is not None]
        self._uses = Counter(map(id, lists)) + Counter(id(item) for items in lists for item in items.items)
        self._emptied: set[int] = set()
        self._expected: dict[Key, Values] = {}

    def update(self, live: Catalogue, *, remove_missing: bool) -> str:
        """Return the text with all changes, after a check that it declares what it should."""
        if self._kind is SCHEMAS:
            self._set_levels({registry.cluster: str(registry.compatibility) for registry in live.registries})
        there, declared = self._kind.live(live), self._kind.entries(self._declared)
        entries = iter(declared)
        for section in self._sections:
            self._update_section(section, entries, there, remove_missing=remove_missing)
        known = {(self._clusters.get(entry.cluster), entry.name) for entry in declared}
        for cluster, section in self._places().items():
            added = [entry for entry in self._kind.entries(live) if entry.cluster == cluster]
            self._add(section, [entry for entry in added if (cluster, entry.name) not in known])
        if declared and not self._expected and not self._kind.is_optional:
            raise UneditableError(f"none of its {self._kind.field} is left")
        return self._checked()

    def _names(self, section: Section) -> list[str]:
        return [self._clusters[cluster] for cluster in section.clusters if cluster in self._clusters]

    def _places(self) -> dict[str, Section]:
        """Return for each cluster the section that takes new entries: the last one, if possible with some already."""
        filled = [section for section in self._sections if self._nodes(section)]
        sections = [*self._sections, *filled] if self._kind.is_optional else filled
        return {name: section for section in sections for name in self._names(section)}

    def _nodes(self, section: Section) -> list[Pairs]:
        items = section.items(self._kind.field)
        return [item for item in (items.items if items else ()) if isinstance(item, Pairs)]

    def _update_section(
        self, section: Section, declared: Iterator[Entry], there: Mapping[Key, Entry], *, remove_missing: bool
    ) -> None:
        """Change and remove the entries of a section; the catalogue has each of them once for each cluster."""
        gone: list[Pairs] = []
        nodes = self._nodes(section)
        for node in nodes:
            entry, *_ = islice(declared, len(section.clusters))
            lives = [there.get((cluster, entry.name)) for cluster in self._names(section)]
            if lives and not any(lives):
                if remove_missing:
                    self._check_own(section, node, entry.name)
                    gone.append(node)
                    continue
                self.missing.append(entry.name)
            self._change(section, node, entry, [live for live in lives if live is not None])
        items = section.items(self._kind.field)
        if items is not None:
            remove_items(self._editor, items, gone)
            self.counts["removed"] += len(gone)
            if len(gone) == len(nodes):
                self._emptied.add(id(section))

    def _change(self, section: Section, node: Pairs, declared: Entry, lives: Sequence[Entry]) -> None:
        values = self._kind.values(declared)
        changes = [self._changed(declared.name, values, self._kind.values(live)) for live in lives] or [{}]
        if not all(self._agree(changes[0], other) for other in changes):
            raise UneditableError(f"{declared.name} is declared for several clusters and differs between them")
        self._expected |= {(cluster, declared.name): values | changes[0] for cluster in section.clusters}
        if changes[0]:
            self._check_own(section, node, declared.name)
            self._kind.change(self._editor, node, declared, changes[0])
            self.counts["changed"] += 1

    def _changed(self, name: str, declared: Values, live: Values) -> Values:
        """Return the live values of declared keys that differ."""
        if unknown := self._kind.unknown(declared, live):
            raise UneditableError(f"{name} has no {unknown[0]} that a catalogue can hold")
        both = declared.keys() & live.keys()
        return {
            key: live[key] for key in declared if key in both and not self._kind.is_same(key, live[key], declared[key])
        }

    def _agree(self, one: Values, other: Values) -> bool:
        return one.keys() == other.keys() and all(self._kind.is_same(key, one[key], other[key]) for key in one)

    def _set_levels(self, live: Mapping[str | None, str]) -> None:
        """Set the declared levels of registries."""
        declared = iter(self._declared.registries)
        for section in self._sections:
            registry = section.values.get("schema_registry")
            if not isinstance(registry, Pairs):
                continue
            entry, *_ = islice(declared, len(section.clusters))  # one for each cluster
            levels = {live[name] for name in self._names(section) if name in live}
            if levels <= {str(entry.compatibility)}:
                continue
            if len(levels) > 1:
                raise UneditableError("schema_registry is declared for several clusters and differs between them")
            replace_value(self._editor, registry, "schema_registry", "compatibility", levels.pop())
            self.counts["changed"] += 1

    def _add(self, section: Section, new: Sequence[Entry]) -> None:
        if not new:
            return
        field, name, items = self._kind.field, new[0].name, section.items(self._kind.field)
        if len(section.clusters) > 1:
            raise UneditableError(f"{name} is new on one of several clusters that share their {field}")
        made = self._kind.new(new, section)
        entries = [entry for _, entry in made]
        if items is not None and self._uses[id(items)] > 1:
            raise UneditableError(f"{name} is new, but the {field} of its cluster are shared through an anchor")
        if items is not None:
            add_items(self._editor, items, entries, is_empty=id(section) in self._emptied)
        elif section.node.flow or field in section.values:
            raise UneditableError(f"{name} is new, and its cluster has no list of {field}")
        else:
            add_list(self._editor, section.node, field, entries)
        for entry, (values, _) in zip(new, made, strict=True):
            self._expected |= {(cluster, entry.name): values for cluster in section.clusters}
        self.counts["added"] += len(new)

    def _check_own(self, section: Section, node: Node, name: str) -> None:
        items = section.items(self._kind.field)
        is_inside = items is not None and items.start <= node.start < items.end
        if not is_inside or self._uses[id(node)] > 1 or self._uses[id(items)] > 1:
            raise UneditableError(f"{name} has changed, but its entry is shared through an anchor")

    def _checked(self) -> str:
        """Return the new text, after a check that no anchor or default has spread a change."""
        text = self._editor.text()
        try:
            catalogue = parse_catalogue(text, file=self._file, variables=self._variables)
        except CatalogueError as error:
            raise UneditableError(f"the updated text would not be valid: {error.problems[0]}") from None
        found = {(entry.cluster, entry.name): self._kind.values(entry) for entry in self._kind.entries(catalogue)}
        for key in found.keys() | self._expected.keys():
            if key not in found or key not in self._expected or not self._agree(found[key], self._expected[key]):
                raise UneditableError(f"{key[1]} would not match the live object, because of an anchor or a default")
        return text
