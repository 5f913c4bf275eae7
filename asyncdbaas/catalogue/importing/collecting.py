"""Collect what an importer finds, and what has no place in a catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import attrs

from asyncdbaas._topic_settings import PARTITIONS, REPLICAS, TOPIC_SETTINGS
from asyncdbaas.catalogue.documents import Document
from asyncdbaas.catalogue.kafka import (
    SAME_IN_METRICS,
    SettingError,
    canonical_name,
    factor_below_insync,
    metric_name,
    read_value,
)
from asyncdbaas.catalogue.model import (
    NO_METADATA,
    Catalogue,
    CatalogueSchema,
    CatalogueTopic,
    CatalogueUser,
    Metadata,
    Problem,
)
from asyncdbaas.catalogue.names import KAFKA_ONLY
from asyncdbaas.catalogue.nodes import Items, Node, Pairs, Text, is_null
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.topics import TopicConfig, TopicCreate
from asyncdbaas.types import UNSET, Unset
from asyncdbaas.users import KafkaACL, KafkaPermission

__all__ = ["Collector", "Found", "Rights", "child", "items_of", "pairs_of", "prefix_pattern", "text_of"]

Rights: TypeAlias = dict[str, set[str]]
"""Operations of Kafka, such as `Read`, by the pattern of the topics."""

_OTHER_PLACES: Final = "has no place in a catalogue, and is left out"
_ADMIN: Final = frozenset({"all", "alter", "alterconfigs", "delete"})
# Kafka's rights that come with the others.
_IMPLIED: Final = frozenset({"create", "describe", "describeconfigs", "idempotentwrite"})


@attrs.frozen(kw_only=True)
class Found:
    """A topic as another tool declares it."""

    name: str
    line: int
    partitions: str | None = None
    replicas: str | None = None
    settings: tuple[tuple[str, str, int], ...] = ()
    """Key, value and line of each, in Kafka's spelling or the service's."""
    cluster: str | None = None
    metadata: Metadata = NO_METADATA


class Collector:
    """The entries and the notes of one file."""

    def __init__(self, file: str, document: Document) -> None:
        self.file = file
        self.notes: list[Problem] = []
        self._document = document
        self._topics: dict[tuple[str | None, str], CatalogueTopic] = {}
        self._users: dict[tuple[str | None, str], tuple[int, Rights, Metadata]] = {}
        self._schemas: list[CatalogueSchema] = []

    def catalogue(self) -> Catalogue:
        """Return all entries."""
        users = (self._user(cluster, name, *found) for (cluster, name), found in self._users.items())
        return Catalogue(topics=tuple(self._topics.values()), users=tuple(users), schemas=tuple(self._schemas))

    def line(self, node: Node) -> int:
        """Return the line of a node."""
        return self._document.line(node.start)

    def note(self, line: int, message: str, *, name: str = "", key: str = "") -> None:
        """Add a note for people."""
        self.notes.append(Problem(file=self.file, line=line, name=name, key=key, message=message))

    def note_others(self, node: Node | None, known: Iterable[str], name: str = "", path: str = "") -> None:
        """Add a note for each key of a mapping that is not one of the known ones."""
        for key, _ in pairs_of(node):
            if key.value not in known:
                self.note(self.line(key), _OTHER_PLACES, name=name, key=f"{path}{key.value}")

    def settings(self, node: Node | None) -> tuple[tuple[str, str, int], ...]:
        """Return the settings of a mapping; a list of words is one value."""
        found: list[tuple[str, str, int]] = []
        for key, value in pairs_of(node):
            words = [text_of(item) or "" for item in value.items] if isinstance(value, Items) else None
            text = ",".join(words) if words is not None else text_of(value)
            if text is not None:
                found.append((key.value, text, self.line(key)))
        return tuple(found)

    def add_topic(self, found: Found) -> None:
        """Add a topic, or a note why it is left out."""
        key = found.cluster, metric_name(found.name)
        try:
            TopicCreate(name=found.name)
        except InvalidInputError as error:
            self.note(found.line, f"{error}; it is left out")
            return
        if found.name.startswith("_"):
            self.note(found.line, "names that begin with _ are reserved for Kafka; it is left out", name=found.name)
        elif key in self._topics:
            first = self._topics[key]
            self.note(
                found.line, f"collides with {first.topic.name} in line {first.line}: {SAME_IN_METRICS}", name=found.name
            )
        else:
            self._topics[key] = CatalogueTopic(
                topic=self._topic(found),
                cluster=found.cluster,
                metadata=found.metadata,
                file=self.file,
                line=found.line,
            )

    def add_rights(
        self, name: str, line: int, rights: Mapping[str, Iterable[str]], *, cluster: str | None = None
    ) -> None:
        """Add a user, or more rights of one. A rule without a topic gives no right: all topics are written `.*`."""
        if not name:
            self.note(line, "names no user, and is left out")
            return
        _, known, _ = self._users.setdefault((cluster, name), (line, {}, NO_METADATA))
        for topic, operations in rights.items():
            if topic:
                known.setdefault(topic, set()).update(word.replace("_", "").lower() for word in operations)
            else:
                self.note(line, "a rule names no topic, and is left out", name=name)

    def is_possible(self, line: int, name: str, kind: str | None, permission: str | None) -> bool:
        """Return whether the service has such rules: those that allow something on topics. Add a note if not."""
        what = (kind or "").lower()
        if what != "topic":
            other = f" on a {what}" if what else ""
            self.note(line, f"the service has rights on topics only, so this one{other} is left out", name=name)
        elif permission is not None and permission.lower() != "allow":
            self.note(line, "the service has no rules that deny, so this one is left out", name=name)
        else:
            return True
        return False

    def add_schema(self, schema: CatalogueSchema) -> None:
        """Add a schema."""
        self._schemas.append(schema)

    def _topic(self, found: Found) -> TopicCreate:
        replicas = self._number(found, "replication_factor", found.replicas, REPLICAS)
        config = dict(self._config(found))
        if (factor := factor_below_insync(config, replicas)) is not None:
            del config["min_insync_replicas"]
            message = f"is above the replication factor, {factor}, and is left out"
            self.note(found.line, message, name=found.name, key="min.insync.replicas")
        return TopicCreate(
            name=found.name,
            partition_count=self._number(found, "partition_count", found.partitions, PARTITIONS),
            replication_factor=replicas,
            config=TopicConfig(**config) if config else UNSET,
        )

    def _number(self, found: Found, key: str, text: str | None, limits: tuple[int, int]) -> int | Unset:
        if text is None or not text.isdecimal():
            if text is not None and text != "-1":  # Kafka's "the broker's default"
                self.note(found.line, "is not a number, and is left out", name=found.name, key=key)
            return UNSET
        number = min(max(int(text[:9]), limits[0]), limits[1])
        if number != int(text[:9]):
            message = f"the service takes {limits[0]} to {limits[1]}: {number} is written in place of {text[:9]}"
            self.note(found.line, message, name=found.name, key=key)
        return number

    def _config(self, found: Found) -> Iterator[tuple[str, Any]]:
        for key, text, line in found.settings:
            name = canonical_name(key)
            if name in KAFKA_ONLY:
                if text.lower() not in KAFKA_ONLY[name]:
                    message = "DigitalOcean's service does not offer this setting, so it is left out"
                    self.note(line, message, name=found.name, key=key)
            elif name not in TOPIC_SETTINGS:
                self.note(line, "is not a setting of the service's topics, and is left out", name=found.name, key=key)
            else:
                try:
                    yield name, read_value(TOPIC_SETTINGS[name], text)
                except SettingError as error:
                    self.note(line, f"{error}, so it is left out", name=found.name, key=key)

    def _user(self, cluster: str | None, name: str, line: int, rights: Rights, metadata: Metadata) -> CatalogueUser:
        acl: list[KafkaACL] = []
        for topic, operations in rights.items():
            permission = _permission(operations)
            if permission is None:
                words = ", ".join(sorted(operations))
                self.note(line, f"no permission of the service corresponds to {words} on {topic}", name=name)
                continue
            if permission is KafkaPermission.ADMIN and "all" not in operations:
                words = ", ".join(sorted(operations))
                self.note(line, f"admin on {topic} gives more than {words}: the service has nothing closer", name=name)
            acl.append(KafkaACL(topic=topic, permission=permission))
        return CatalogueUser(name=name, acl=tuple(acl), cluster=cluster, metadata=metadata, file=self.file, line=line)


def child(node: Node | None, *path: str) -> Node | None:
    """Return the value below these keys; None if there is none, or it is null."""
    for name in path:
        node = next((value for key, value in pairs_of(node) if key.value == name), None)
    return None if node is None or is_null(node) else node


def pairs_of(node: Node | None) -> list[tuple[Text, Node]]:
    """Return the keys and values of a mapping; empty for anything else."""
    pairs = node.pairs if isinstance(node, Pairs) else []
    return [(key, value) for key, value in pairs if isinstance(key, Text)]


def items_of(node: Node | None) -> Sequence[Node]:
    """Return the items of a list; empty for anything else."""
    return node.items if isinstance(node, Items) else []


def text_of(node: Node | None, *path: str) -> str | None:
    """Return the text of the scalar below these keys, or of the node itself; None for null and for anything else."""
    found = child(node, *path)
    return found.value if isinstance(found, Text) else None


def prefix_pattern(name: str, *, is_prefix: bool) -> str:
    """Return the service's pattern, a regular expression, for a topic's name in Kafka's ACLs; empty without a name."""
    if name == "*":
        return ".*"
    return f"{name}.*" if is_prefix and name else name


def _permission(operations: set[str]) -> KafkaPermission | None:
    if operations & _ADMIN:
        return KafkaPermission.ADMIN
    reads, writes = "read" in operations, "write" in operations
    if not (reads or writes) or not operations <= {"read", "write", *_IMPLIED}:
        return None
    if reads and writes:
        return KafkaPermission.PRODUCECONSUME
    return KafkaPermission.CONSUME if reads else KafkaPermission.PRODUCE
