"""Read topologies of JulieOps (Kafka Topology Builder)."""

from __future__ import annotations

from typing import Final

from asyncdbaas.catalogue.files import FileError
from asyncdbaas.catalogue.importing.collecting import (
    Collector,
    Found,
    child,
    items_of,
    pairs_of,
    prefix_pattern,
    text_of,
)
from asyncdbaas.catalogue.model import CatalogueSchema
from asyncdbaas.catalogue.nodes import Node, Text
from asyncdbaas.catalogue.schema_entries import SCHEMA_TYPES, read_schema, schema_path
from asyncdbaas.schemas import SchemaCreate

__all__ = ["matches", "read"]

_PROJECT_KEYS: Final = frozenset({"name", "topics", "consumers", "producers", "streams"})
_TOPIC_KEYS: Final = frozenset({"name", "dataType", "config", "schemas", "consumers", "producers"})
_PARTITIONS: Final = "num.partitions"
_REPLICAS: Final = "replication.factor"
_OPERATIONS: Final = {"consumers": "read", "producers": "write"}


def matches(root: Node) -> bool:
    """Return whether a document is a topology."""
    return child(root, "context") is not None and child(root, "projects") is not None


def read(root: Node, collector: Collector) -> None:
    """Read a document. A topic's name is made of the context, what follows it, the project and its own name."""
    prefix = [value for key, node in pairs_of(root) if key.value != "projects" and (value := text_of(node))]
    for project in items_of(child(root, "projects")):
        name = text_of(project, "name") or ""
        collector.note_others(project, _PROJECT_KEYS, name)
        path = ".".join([*prefix, name])
        for key, operation in _OPERATIONS.items():
            _add_rights(child(project, key), prefix_pattern(f"{path}.", is_prefix=True), operation, collector)
        for stream in items_of(child(project, "streams")):
            _add_stream(stream, collector)
        for topic in items_of(child(project, "topics")):
            _read_topic(topic, path, collector)


def _read_topic(topic: Node, path: str, collector: Collector) -> None:
    parts = [path, text_of(topic, "name") or "", text_of(topic, "dataType") or ""]
    name = ".".join(part for part in parts if part)
    collector.note_others(topic, _TOPIC_KEYS, name)
    config = collector.settings(child(topic, "config"))
    special = {key: value for key, value, _ in config}
    collector.add_topic(
        Found(
            name=name,
            line=collector.line(topic),
            partitions=special.get(_PARTITIONS),
            replicas=special.get(_REPLICAS),
            settings=tuple(setting for setting in config if setting[0] not in (_PARTITIONS, _REPLICAS)),
        )
    )
    for key, operation in _OPERATIONS.items():
        _add_rights(child(topic, key), name, operation, collector)
    schemas = child(topic, "schemas")
    for node in items_of(schemas) or ([] if schemas is None else [schemas]):
        for place, file in pairs_of(node):
            _read_schema(name, place, text_of(file) or "", collector)


def _read_schema(topic: str, key: Text, file: str, collector: Collector) -> None:
    part, _, rest = key.value.partition(".schema.")
    if rest != "file":
        collector.note(collector.line(key), "has no place in a catalogue, and is left out", name=topic, key=key.value)
        return
    subject = f"{topic}-{part}"
    try:
        path = schema_path(collector.file, file)
        text = read_schema(path)
    except FileError as error:
        collector.note(collector.line(key), f"the schema cannot be read: {error}", name=subject, key=key.value)
        return
    schema = SchemaCreate(subject_name=subject, schema_type=SCHEMA_TYPES[path.suffix.lower()], schema=text)
    line = collector.line(key)
    collector.add_schema(CatalogueSchema(subject=subject, schema=schema, file=collector.file, line=line))


def _add_rights(people: Node | None, topics: str, operation: str, collector: Collector) -> None:
    for person in items_of(people):
        name = _user_name(person)
        collector.note_others(person, ("principal", "group"), name)
        collector.add_rights(name, collector.line(person), {topics: (operation,)})


def _add_stream(stream: Node, collector: Collector) -> None:
    name = _user_name(stream)
    for key, operation in (("read", "read"), ("write", "write")):
        for topic in items_of(child(stream, "topics", key)):
            collector.add_rights(name, collector.line(stream), {text_of(topic) or "": (operation,)})


def _user_name(person: Node) -> str:
    return (text_of(person, "principal") or "").removeprefix("User:")
