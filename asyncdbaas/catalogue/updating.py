"""Bring a YAML catalogue up to date: only what differs is changed in its text.

The text is edited where the parser found each value, and not rewritten: YAML writers that keep comments move some
of them to the entry before, where they are removed with it, and change the indentation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import attrs

from asyncdbaas._checks import check_instance, check_mapping
from asyncdbaas._topic_settings import TOPIC_SETTINGS
from asyncdbaas.catalogue.entry_editing import EntryEditor
from asyncdbaas.catalogue.kafka import default_value, same_value, settings_of
from asyncdbaas.catalogue.model import Catalogue, CatalogueError, CatalogueTopic, UneditableError
from asyncdbaas.catalogue.nodes import Pairs
from asyncdbaas.catalogue.object_updating import SCHEMAS, USERS, ObjectUpdater
from asyncdbaas.catalogue.reading import CatalogueReader, Section, parse_catalogue
from asyncdbaas.catalogue.topic_entries import PARTITIONING, Values
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.topics import TopicCreate
from asyncdbaas.types import UNSET

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

    Declared values that differ are replaced, and new objects are added after the last one of their cluster, in the same
    form. InvalidInputError if the text cannot be changed without changing more, for example because several topics
    share an anchor.

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
    there = {(entry.cluster, entry.topic.name): _values(entry.topic) for entry in live.topics}
    try:
        update = _Updater(text, file, variables, clusters, there).update(remove_missing=remove_missing)
        for kind in [USERS] * users + [SCHEMAS] * schemas:
            updater = ObjectUpdater(update.text, file, variables, clusters, kind)
            update = _joined(update, updater.update(live, remove_missing=remove_missing), updater)
    except UneditableError as error:
        raise InvalidInputError(f"{file} cannot be updated in place: {error}; export to a new file instead") from None
    return update


def _joined(update: CatalogueUpdate, text: str, more: ObjectUpdater) -> CatalogueUpdate:
    return CatalogueUpdate(
        text=text,
        added=update.added + more.counts["added"],
        changed=update.changed + more.counts["changed"],
        removed=update.removed + more.counts["removed"],
        missing=(*update.missing, *more.missing),
    )


@attrs.frozen(kw_only=True, eq=False)
class _Entry:
    """A topic's entry in the text."""

    node: Pairs
    name: str
    values: Values
    lives: list[Values | None]
    """What the topic is like on each of the clusters that are compared; None where it does not exist."""


class _Updater:
    def __init__(
        self,
        text: str,
        file: str,
        variables: Mapping[str, str] | None,
        clusters: Mapping[str | None, str],
        live: Mapping[tuple[str | None, str], Values],
    ) -> None:
        self._file = file
        self._variables = variables
        self._clusters = clusters
        self._live = live
        reader = CatalogueReader(text, file=file, variables=variables)
        self._sections = reader.sections
        self._declared = reader.catalogue().topics
        self._editor = EntryEditor(text)
        lists = [section.topics for section in self._sections if section.topics is not None]
        self._uses = Counter(map(id, lists)) + Counter(id(item) for topics in lists for item in topics.items)
        self._expected: dict[tuple[str | None, str], Values] = {}
        self._counts = Counter[str]()
        self._missing: list[str] = []

    def update(self, *, remove_missing: bool) -> CatalogueUpdate:
        """Make all changes, and check that the new text declares what it should."""
        topics = iter(self._declared)
        last: dict[str, tuple[Section, bool]] = {}
        for section in self._sections:
            entries = list(self._entries(section, topics))
            is_empty = self._change(section, entries, remove_missing=remove_missing)
            for cluster in section.clusters:
                if entries and cluster in self._clusters:
                    last[self._clusters[cluster]] = section, is_empty
        known = {(self._clusters.get(topic.cluster), topic.topic.name) for topic in self._declared}
        for name, (section, is_empty) in last.items():
            new = {key[1]: values for key, values in self._live.items() if key[0] == name and key not in known}
            if new:
                self._append(section, new, is_empty=is_empty)
        return CatalogueUpdate(text=self._checked(), missing=tuple(self._missing), **self._counts)

    def _entries(self, section: Section, topics: Iterator[CatalogueTopic]) -> Iterator[_Entry]:
        """Yield the entries of a section; the catalogue has each of them once for each cluster."""
        names = [self._clusters[cluster] for cluster in section.clusters if cluster in self._clusters]
        items = section.topics.items if section.topics is not None else []
        for node in (item for item in items if isinstance(item, Pairs)):
            topic = list(islice(topics, len(section.clusters)))[0].topic  # noqa: RUF015 -- takes all of them
            lives = [self._live.get((name, topic.name)) for name in names]
            yield _Entry(node=node, name=topic.name, values=_values(topic), lives=lives)

    def _change(self, section: Section, entries: list[_Entry], *, remove_missing: bool) -> bool:
        """Change and remove the topics of a section; return whether none is left."""
        gone: list[_Entry] = []
        for entry in entries:
            is_missing = bool(entry.lives) and all(live is None for live in entry.lives)
            if is_missing and remove_missing:
                self._check_own(section, entry)
                gone.append(entry)
                continue
            self._missing += [entry.name] * is_missing
            changed = _changed(entry)
            if changed:
                self._check_own(section, entry)
                self._editor.change(entry.node, entry.name, changed)
                self._counts["changed"] += 1
            for cluster in section.clusters:
                self._expected[cluster, entry.name] = entry.values | changed
        if gone and section.topics is not None:
            self._editor.remove(section.topics, [entry.node for entry in gone])
            self._counts["removed"] += len(gone)
        return len(gone) == len(entries)

    def _append(self, section: Section, new: Mapping[str, Values], *, is_empty: bool) -> None:
        first = next(iter(new))
        if len(section.clusters) > 1:
            raise UneditableError(f"{first} is new on one of several clusters that share their topics")
        if section.topics is None or self._uses[id(section.topics)] > 1:
            raise UneditableError(f"{first} is new, and an anchor shares the topics of its cluster")
        own = {name: _trimmed(values, section.defaults) for name, values in new.items()}
        self._expected |= {(cluster, name): values for cluster in section.clusters for name, values in own.items()}
        without = {name: _without(values, section.defaults) for name, values in own.items()}
        self._editor.append(section.topics, without, is_empty=is_empty)
        self._counts["added"] += len(new)

    def _check_own(self, section: Section, entry: _Entry) -> None:
        topics = section.topics
        is_inside = topics is not None and topics.start <= entry.node.start < topics.end
        if not is_inside or self._uses[id(entry.node)] > 1 or self._uses[id(topics)] > 1:
            raise UneditableError(f"{entry.name} has changed, but its entry is shared through an anchor")

    def _checked(self) -> str:
        """Return the new text if it declares what it should: an anchor may have carried a change further."""
        if self._declared and not self._expected:
            raise UneditableError("none of its topics is left")
        text = self._editor.text()
        try:
            topics = parse_catalogue(text, file=self._file, variables=self._variables).topics
        except CatalogueError as error:
            raise UneditableError(f"the updated text would not be valid: {error.problems[0]}") from None
        found = {(topic.cluster, topic.topic.name): _values(topic.topic) for topic in topics}
        for key in found.keys() | self._expected.keys():
            if not _agree(found.get(key), self._expected.get(key)):
                raise UneditableError(f"{key[1]} would not match the live object, because of an anchor or a default")
        return text


def _changed(entry: _Entry) -> Values:
    """Return the live values of declared keys that differ; a new topic may not show its settings yet."""
    found: list[Values] = []
    for live in (live for live in entry.lives if live is not None):
        shows_settings = any(key in TOPIC_SETTINGS for key in live)
        unknown = [key for key in entry.values if key not in live and (shows_settings or key in PARTITIONING)]
        if unknown:
            raise UneditableError(f"{entry.name} has no {unknown[0]} that a catalogue can hold")
        declared = ((key, value) for key, value in entry.values.items() if key in live)
        found.append({key: live[key] for key, value in declared if not _same(key, live[key], value)})
    if any(changed != found[0] for changed in found):
        raise UneditableError(f"{entry.name} is declared for several clusters and differs between them")
    return found[0] if found else {}


def _values(topic: TopicCreate) -> Values:
    """Return what a topic declares, by the service's names."""
    partitioning = {key: getattr(topic, key) for key in PARTITIONING if getattr(topic, key) is not UNSET}
    return partitioning | settings_of(topic.config)


def _trimmed(values: Values, defaults: Values) -> Values:
    """Return what a person would declare: without settings that have the service's default anyway."""
    return {
        key: value
        for key, value in values.items()
        if key in PARTITIONING or key in defaults or not same_value(key, value, default_value(key))
    }


def _without(values: Values, defaults: Values) -> Values:
    return {key: value for key, value in values.items() if key not in defaults or not _same(key, value, defaults[key])}


def _same(key: str, one: Any, other: Any) -> bool:
    return one == other or (key in TOPIC_SETTINGS and same_value(key, one, other))


def _agree(found: Values | None, expected: Values | None) -> bool:
    if found is None or expected is None or found.keys() != expected.keys():
        return False
    return all(_same(key, value, expected[key]) for key, value in found.items())
