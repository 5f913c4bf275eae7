"""Read catalogues: everything wrong with one is told at once, with its line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from asyncdbaas.catalogue.documents import DocumentError, Items, Node, Pairs, Text, read_document
from asyncdbaas.catalogue.kafka import (
    PARTITIONS,
    REPLICAS,
    SETTINGS,
    Kind,
    SettingError,
    canonical_name,
    read_value,
    unknown_name,
)
from asyncdbaas.catalogue.model import Catalogue, CatalogueError, CatalogueTopic, Problem
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.topics import TopicConfig, TopicCreate
from asyncdbaas.types import UNSET

__all__ = [
    "SUFFIXES",
    "catalogue_schema",
    "decode_catalogue",
    "field_name",
    "parse_catalogue",
    "parse_defaults",
    "read_catalogue",
]

SUFFIXES: Final = (".yaml", ".yml", ".json", ".csv")
# 100,000 topics with some settings each take 20 MB.
_LARGEST_FILE: Final = 40 * 2**20
_ALIASES: Final = {"partitions": "partition_count"}
_KINDS: Final[Mapping[str, Kind]] = {"partition_count": PARTITIONS, "replication_factor": REPLICAS, **SETTINGS}
_DEFAULT_FACTOR: Final = 2

_CONFIG_KEYS: Final = frozenset(SETTINGS)
_SHARED_KEYS: Final = frozenset({"partition_count", "replication_factor", "config"})
_TOPIC_KEYS: Final = _SHARED_KEYS | {"name"}
_ROW_KEYS: Final = frozenset({"cluster", "name", *_KINDS})
_SECTION_KEYS: Final = frozenset({"cluster", "defaults", "topics"})
_OUTERMOST_KEYS: Final = _SECTION_KEYS | {"clusters", "$schema"}

_Values = dict[str, Any]
_Fields = dict[str, tuple[Text, Node]]


def read_catalogue(path: str | os.PathLike[str]) -> Catalogue:
    """Read a catalogue from a file; its suffix tells the format: .yaml, .yml, .json or .csv.

    CatalogueError names every problem at once, with file, line and key. YAML and JSON need PyYAML (extra `cli`).
    """
    file = os.fspath(path)
    try:
        size = Path(file).stat().st_size
        content = b"" if size > _LARGEST_FILE else Path(file).read_bytes()
    except OSError as error:
        raise CatalogueError([Problem(file=file, line=0, message=error.strerror or str(error))]) from None
    if size > _LARGEST_FILE:
        limit = _LARGEST_FILE >> 20
        raise CatalogueError([Problem(file=file, line=0, message=f"is larger than {limit} MiB; split it")])
    return parse_catalogue(decode_catalogue(content, file=file), file=file)


def decode_catalogue(content: bytes, *, file: str) -> str:
    """Return the text of a file's content."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise CatalogueError([Problem(file=file, line=line, message="is not UTF-8 text")]) from None


def parse_catalogue(text: str, *, file: str) -> Catalogue:
    """Read a catalogue from a text; `file` names it in messages, and its suffix tells the format."""
    return Catalogue(topics=tuple(_parse(text, file).topics))


def parse_defaults(text: str, *, file: str) -> list[dict[str, Any]]:
    """Return what the topics of each section start from: first of the outermost one, then of each below `clusters`."""
    return _parse(text, file).defaults


def field_name(spelled: str) -> str:
    """Return the canonical spelling of a key."""
    name = canonical_name(spelled)
    return _ALIASES.get(name, name)


def _parse(text: str, file: str) -> _Reader:
    suffix = Path(file).suffix.lower()
    if suffix not in SUFFIXES:
        message = f"the suffix tells the format: one of {', '.join(SUFFIXES)}"
        raise CatalogueError([Problem(file=file, line=0, message=message)])
    reader = _Reader(file)
    try:
        reader.read(read_document(text, suffix), flat=suffix == ".csv")
    except DocumentError as error:
        raise CatalogueError([Problem(file=file, line=error.line, message=error.message)]) from None
    if reader.problems:
        raise CatalogueError(reader.problems)
    return reader


def catalogue_schema() -> str:
    """Return the JSON Schema of catalogues in YAML and JSON, for editors."""
    return files("asyncdbaas.catalogue").joinpath("schema.json").read_text(encoding="utf-8")


class _Reader:
    """Walk a document and collect its topics and its problems."""

    def __init__(self, file: str) -> None:
        self.topics: list[CatalogueTopic] = []
        self.defaults: list[_Values] = []
        self._problems: dict[Problem, None] = {}  # a mistake below an anchor is met by each of its users
        self._file = file
        self._lines: dict[tuple[str | None, str], int] = {}

    def read(self, root: Node | None, *, flat: bool) -> None:
        """Read the whole document; `flat` is a CSV's, where cluster and settings stand beside the name."""
        if root is not None:
            self._section(root, {}, None, flat=flat, outermost=True)
        if not self.topics and not self._problems:
            self._problem(0, "", "holds no topics")

    @property
    def problems(self) -> list[Problem]:
        """What is wrong, in the order of the file."""
        return sorted(self._problems, key=lambda problem: problem.line)

    def _problem(self, line: int, key: str, message: str, topic: str = "") -> None:
        self._problems[Problem(file=self._file, line=line, key=key, message=message, name=topic)] = None

    def _section(
        self, node: Node, defaults: _Values, cluster: str | None, *, flat: bool = False, outermost: bool = False
    ) -> None:
        fields = self._fields(node, _OUTERMOST_KEYS if outermost else _SECTION_KEYS)
        cluster = self._word(fields, "cluster") or cluster
        if "defaults" in fields and not _is_null(fields["defaults"][1]):
            defaults = defaults | self._settings(self._fields(fields["defaults"][1], _SHARED_KEYS), "")
        self.defaults.append(defaults)
        for item in self._items(fields, "topics"):
            self._topic(item, defaults, cluster, flat=flat)
        for item in self._items(fields, "clusters"):
            self._section(item, defaults, cluster)

    def _topic(self, node: Node, defaults: _Values, cluster: str | None, *, flat: bool) -> None:
        label = _label(node)
        before = len(self._problems)
        fields = self._fields(node, _ROW_KEYS, "") if flat else self._fields(node, _TOPIC_KEYS, label)
        settings = defaults | self._settings(fields, label)
        cluster = self._word(fields, "cluster") or cluster
        name = self._word(fields, "name")
        if name is not None:
            self._check_name(name, cluster, fields["name"][1].line)
            self._check_replicas(settings, node.line, name)
        elif isinstance(node, Pairs) and "name" not in fields:
            self._problem(node.line, "name", "is missing")
        if name is not None and len(self._problems) == before:
            topic = _topic_create(name, settings)
            self.topics.append(CatalogueTopic(topic=topic, cluster=cluster, file=self._file, line=node.line))

    def _check_name(self, name: str, cluster: str | None, line: int) -> None:
        try:
            TopicCreate(name=name)
        except InvalidInputError as error:
            self._problem(line, "name", str(error))
        if name.startswith("_"):
            self._problem(line, "name", "names that begin with _ are Kafka's own and never touched", name)
        if (cluster, name) in self._lines:
            self._problem(line, "name", f"the same topic stands in line {self._lines[cluster, name]}", name)
        self._lines.setdefault((cluster, name), line)

    def _check_replicas(self, settings: _Values, line: int, name: str) -> None:
        factor = settings.get("replication_factor", _DEFAULT_FACTOR)
        if settings.get("min_insync_replicas", 1) > factor:
            self._problem(line, "min.insync.replicas", f"must not be above the replication factor, {factor}", name)

    def _settings(self, fields: _Fields, topic: str) -> _Values:
        """Read all that a topic and `defaults` have in common."""
        settings = self._values(fields, topic)
        if "config" in fields and not _is_null(fields["config"][1]):
            settings |= self._values(self._fields(fields["config"][1], _CONFIG_KEYS, topic), topic)
        return settings

    def _values(self, fields: _Fields, topic: str) -> _Values:
        values: _Values = {}
        for name in [name for name in fields if name in _KINDS]:
            key, node = fields[name]
            try:
                values[name] = read_value(_KINDS[name], node.value if isinstance(node, Text) else "")
            except SettingError as error:
                self._problem(node.line, key.value, f"{error}, not {_shown(node)}", topic)
        return values

    def _fields(self, node: Node, known: frozenset[str], topic: str = "") -> _Fields:
        """Return a mapping's known keys in their canonical spelling; report all others, and those that come twice."""
        if not isinstance(node, Pairs):
            self._problem(node.line, "", f"must be a mapping, not {_shown(node)}", topic)
            return {}
        fields: _Fields = {}
        for key, value in node.pairs:
            spelled = key.value if isinstance(key, Text) else _shown(key)
            name = field_name(spelled)
            if not isinstance(key, Text) or name not in known:
                if not (spelled.startswith("x-") and known is _OUTERMOST_KEYS):  # a place for anchors
                    self._problem(key.line, spelled, unknown_name(spelled, known), topic)
            elif name in fields:
                self._problem(key.line, spelled, f"stands in line {fields[name][0].line} already", topic)
            else:
                fields[name] = (key, value)
        return fields

    def _word(self, fields: _Fields, name: str) -> str | None:
        if name not in fields:
            return None
        key, node = fields[name]
        if isinstance(node, Text) and not node.is_null:
            return node.value
        self._problem(node.line, key.value, f"must be a word, not {_shown(node)}")
        return None

    def _items(self, fields: _Fields, name: str) -> list[Node]:
        if name not in fields or _is_null(fields[name][1]):
            return []
        key, node = fields[name]
        if isinstance(node, Items):
            return node.items
        self._problem(node.line, key.value, f"must be a list, not {_shown(node)}")
        return []


def _topic_create(name: str, settings: _Values) -> TopicCreate:
    config = {key: value for key, value in settings.items() if key in SETTINGS}
    return TopicCreate(
        name=name,
        partition_count=settings.get("partition_count", UNSET),
        replication_factor=settings.get("replication_factor", UNSET),
        config=TopicConfig(**config) if config else UNSET,
    )


def _label(node: Node) -> str:
    """Return a topic's name, as far as there is one, for messages."""
    pairs = node.pairs if isinstance(node, Pairs) else []
    return next((_word(value) for key, value in pairs if _word(key) == "name"), "")


def _word(node: Node) -> str:
    return node.value if isinstance(node, Text) else ""


def _is_null(node: Node) -> bool:
    return isinstance(node, Text) and node.is_null


def _shown(node: Node) -> str:
    if isinstance(node, Text):
        return "nothing" if node.is_null else repr(node.value[:60])
    return "a list" if isinstance(node, Items) else "a mapping"
