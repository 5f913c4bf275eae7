"""Read the topics of a catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final, TypeAlias

from asyncdbaas._topic_settings import PARTITIONING, TOPIC_SETTINGS
from asyncdbaas.catalogue.kafka import (
    SettingError,
    default_value,
    factor_below_insync,
    metric_name,
    read_value,
    read_whole,
)
from asyncdbaas.catalogue.model import NO_METADATA, CatalogueTopic
from asyncdbaas.catalogue.nodes import NULLS, Node, Pairs, RawNode, Text, Word, Words, is_null
from asyncdbaas.catalogue.source import METADATA_KEYS, Fields, ResultCache, Source, UniqueNames, shown, value_of
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.topics import TopicConfig, TopicCreate
from asyncdbaas.types import UNSET

__all__ = ["ROW_KEYS", "TopicEntries", "Values"]

Values = dict[str, Any]
"""What a topic declares, partitions, replicas and settings on one level, by the service's names."""
_Entries: TypeAlias = Iterable[tuple[Node, RawNode]]

_VALUE_KEYS: Final = frozenset({*PARTITIONING, *TOPIC_SETTINGS})
_CONFIG_KEYS: Final = frozenset(TOPIC_SETTINGS)
_DEFAULTS_KEYS: Final = frozenset({*PARTITIONING, "config"})
_TOPIC_KEYS: Final = _DEFAULTS_KEYS | METADATA_KEYS | {"name"}
# What entries without notes have.
_BARE_KEYS: Final = frozenset({*_VALUE_KEYS, "name", "cluster", "config"})
_NAME: Final[Word] = "name"
_QUOTED_NAME: Final[Word] = ("name",)
ROW_KEYS: Final = _VALUE_KEYS | METADATA_KEYS | {"cluster", "name"}


class TopicEntries:
    """Collect the topics of a file, and check them against each other."""

    def __init__(self, source: Source) -> None:
        self.topics: list[CatalogueTopic] = []
        self._source = source
        self._names = UniqueNames(source, "topic", "name", metric_name)
        self._configs = ResultCache[Values](source)

    def defaults(self, node: Node) -> Values:
        """Return what `defaults` declares."""
        return self._values(self._source.fields(node, _DEFAULTS_KEYS), "")

    def read(self, entries: _Entries, defaults: Values, clusters: tuple[str | None, ...]) -> None:
        """Read the topics of a section, for each of the clusters."""
        self._read_all(entries, lambda node, place: self._read(node, place, defaults, clusters))

    def read_rows(self, rows: _Entries) -> None:
        """Read the rows of a CSV, which have cluster and settings beside the name."""
        self._read_all(rows, self._read_row)

    def _read_all(self, entries: _Entries, read: Callable[[Node, RawNode], None]) -> None:
        """Read topics; if one differs from an earlier one only in its name, the rest is not read again."""
        earlier: dict[Words, list[CatalogueTopic]] = {}
        for node, place in entries:
            name, rest = _name_and_rest(node)
            if rest is not None and rest in earlier and self._repeat(node, place, name, earlier[rest]):
                continue
            count, problems = len(self.topics), self._source.problem_count
            read(node, place)
            if self._source.problem_count > problems:
                del self.topics[count:]
            elif rest is not None:
                earlier[rest] = self.topics[count:]

    def _repeat(self, node: Node, place: RawNode, name: str, models: list[CatalogueTopic]) -> bool:
        """Add a topic that is like an earlier one, on the same clusters; False if its name needs to be judged."""
        if "$" in name or name.startswith("_"):
            return False
        like = models[0].topic
        shape = like.partition_count, like.replication_factor
        try:
            topic = TopicCreate(name=name, partition_count=shape[0], replication_factor=shape[1], config=like.config)
        except InvalidInputError:
            return False
        if not self._names.add(name, [model.cluster for model in models], place):
            return False
        file, line = self._source.file, self._source.line(node)
        for model in models:
            self.topics.append(
                CatalogueTopic(topic=topic, cluster=model.cluster, metadata=model.metadata, file=file, line=line)
            )
        return True

    def _read(self, node: Node, place: RawNode, defaults: Values, clusters: tuple[str | None, ...]) -> None:
        label = _label(node)
        fields = self._source.fields(node, _TOPIC_KEYS, label, extensible=True)
        self._add(node, place, fields, defaults | self._values(fields, label), clusters)

    def _read_row(self, node: Node, place: RawNode) -> None:
        fields = self._source.fields(node, ROW_KEYS, extensible=True)
        own = self._source.word(fields, "cluster")
        named = tuple(name for part in (own or "").split(",") if (name := part.strip())) or (None,)
        self._add(node, place, fields, self._scalars(fields, _label(node)), named)

    def _add(
        self, node: Node, place: RawNode, fields: Fields, values: Values, clusters: tuple[str | None, ...]
    ) -> None:
        source = self._source
        name = source.word(fields, "name")
        metadata = NO_METADATA if fields.keys() <= _BARE_KEYS else source.metadata(fields, name or "")
        if name is None:
            if isinstance(node, Pairs) and "name" not in fields:
                source.problem(node, "is missing", key="name")
            return
        topic = self._topic_create(name, values, fields["name"][1])
        self._check_replicas(values, node, name)
        self._names.check(name, clusters, place)
        if topic is None:
            return
        line = source.line(node)
        for cluster in clusters:
            entry = CatalogueTopic(topic=topic, cluster=cluster, metadata=metadata, file=source.file, line=line)
            self.topics.append(entry)

    def _topic_create(self, name: str, values: Values, place: Node) -> TopicCreate | None:
        if name.startswith("_"):
            message = "names that begin with _ are reserved for Kafka and are never changed"
            self._source.problem(place, message, key="name", name=name)
        settings = tuple((key, value) for key, value in values.items() if key not in PARTITIONING)
        try:
            return TopicCreate(
                name=name,
                partition_count=values.get("partition_count", UNSET),
                replication_factor=values.get("replication_factor", UNSET),
                config=_config(settings) if settings else UNSET,
            )
        except InvalidInputError as error:
            self._source.problem(place, str(error), key="name")
            return None

    def _check_replicas(self, values: Values, node: Node, name: str) -> None:
        factor = factor_below_insync(values, values.get("replication_factor", UNSET))
        if factor is not None:
            message = f"must not be above the replication factor, {factor}"
            self._source.problem(node, message, key="min.insync.replicas", name=name)

    def _values(self, fields: Fields, name: str) -> Values:
        """Read what a topic and `defaults` have in common."""
        values = self._scalars(fields, name)
        if config := value_of(fields, "config"):
            values |= self._configs.read(
                config, lambda: self._scalars(self._source.fields(config, _CONFIG_KEYS, name), name)
            )
        return values

    def _scalars(self, fields: Fields, name: str) -> Values:
        values: Values = {}
        for field, (key, node) in fields.items():
            if field not in _VALUE_KEYS:
                continue
            if field in TOPIC_SETTINGS and is_null(node):
                values[field] = default_value(field)
                continue
            text = self._source.text(node, key=key.value, name=name) if isinstance(node, Text) else ""
            if text is None:
                continue
            try:
                values[field] = _value(field, text)
            except SettingError as error:
                self._source.problem(node, f"{error}, not {shown(node)}", key=key.value, name=name)
        return values


@lru_cache(maxsize=4096)  # the same few values stand in most entries
def _value(field: str, text: str) -> Any:
    return (
        read_value(TOPIC_SETTINGS[field], text) if field in TOPIC_SETTINGS else read_whole(text, *PARTITIONING[field])
    )


@lru_cache(maxsize=4096)  # topics that declare the same share one object
def _config(settings: tuple[tuple[str, Any], ...]) -> TopicConfig:
    return TopicConfig(**dict(settings))


def _name_and_rest(node: Node) -> tuple[str, Words | None]:
    """Return the name that an entry of words has, and its other words; None for those of any other entry."""
    words = node.words if isinstance(node, Pairs) else None
    key = _NAME if words and _NAME in words else _QUOTED_NAME
    if not words or key not in words or (at := words.index(key)) % 2:  # odd places have values
        return "", None
    name = words[at + 1]
    text = name if isinstance(name, str) else name[0] if len(name) == 1 else None
    if not isinstance(text, str) or name in NULLS:
        return "", None
    return text, words[:at] + words[at + 2 :]


def _label(node: Node) -> str:
    """Return a topic's name for messages, as far as the entry has one."""
    for key, value in node.pairs if isinstance(node, Pairs) else ():
        if isinstance(key, Text) and key.value == "name":
            return value.value if isinstance(value, Text) else ""
    return ""
