"""Write catalogues as a person would: Kafka's names, and what topics have in common once."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from asyncdbaas._checks import check_instance
from asyncdbaas._topic_settings import PARTITIONING, TOPIC_SETTINGS
from asyncdbaas.catalogue.kafka import default_value, kafka_name, kafka_value, values_of
from asyncdbaas.catalogue.model import Catalogue, CatalogueSchema, CatalogueTopic, CatalogueUser, Metadata
from asyncdbaas.catalogue.tables import LABEL_COLUMN
from asyncdbaas.catalogue.yaml_writing import Flow, yaml_mapping
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.topics import TopicCreate
from asyncdbaas.users import KafkaACL

__all__ = ["nested", "right_values", "schema_values", "topic_values", "user_values", "write_catalogue"]

_DEFAULTS: Final = {setting.kafka_name: kafka_value(default_value(name)) for name, setting in TOPIC_SETTINGS.items()}


def write_catalogue(catalogue: Catalogue, *, suffix: str, minimal: bool = False) -> str:
    """Return a catalogue as text; reading it gives the same catalogue.

    Args:
        catalogue: What to write.
        suffix: Format of the text: .yaml, .yml, .json or .csv. A CSV holds topics only.
        minimal: Leave out settings that have the service's default, as for a catalogue of live topics. Reading the text
            then gives the same topics, with fewer settings declared.
    """
    check_instance(catalogue, Catalogue, "catalogue", "read_catalogue('topics.yaml')")
    if suffix == ".csv":
        return _to_csv(catalogue, minimal=minimal)
    document = _document(catalogue, minimal=minimal)
    if suffix == ".json":
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if suffix in (".yaml", ".yml"):
        return "\n".join(yaml_mapping(document, "")) + "\n"
    raise InvalidInputError("the suffix must be .yaml, .yml, .json or .csv")


def topic_values(topic: TopicCreate) -> dict[str, Any]:
    """Return what a topic declares, partitions, replicas and settings on one level, in Kafka's spelling."""
    return {kafka_name(name): kafka_value(value) for name, value in values_of(topic).items()}


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with the settings below `config`."""
    partitioning = {key: values[key] for key in PARTITIONING if key in values}
    config = {key: value for key, value in values.items() if key not in PARTITIONING}
    return partitioning | ({"config": config} if config else {})


_Part: TypeAlias = Mapping[str, list[Any]]
"""The entries of one cluster, by the field of the catalogue."""


def _parts(catalogue: Catalogue) -> Mapping[str | None, _Part]:
    parts: dict[str | None, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for field in ("topics", "users", "schemas", "registries"):
        for entry in getattr(catalogue, field):
            parts[entry.cluster][field].append(entry)
    return parts


def _document(catalogue: Catalogue, *, minimal: bool) -> dict[str, Any]:
    """Return a catalogue as plain data; clusters that have the same share a section."""
    sections: dict[tuple[bool, str], tuple[list[str], dict[str, Any]]] = {}
    for cluster, part in _parts(catalogue).items():
        section = _section(part, minimal=minimal)
        clusters, _ = sections.setdefault((cluster is None, json.dumps(section)), ([], section))
        clusters += [] if cluster is None else [_escaped(cluster)]
    document = [_cluster_key(clusters) | section for clusters, section in sections.values()]
    notes = _notes(catalogue.metadata)
    return notes | (document[0] if len(document) == 1 else {"clusters": document})


def _cluster_key(clusters: list[str]) -> dict[str, Any]:
    if not clusters:
        return {}
    return {"cluster": clusters[0] if len(clusters) == 1 else clusters}


def _section(part: _Part, *, minimal: bool) -> dict[str, Any]:
    section: dict[str, Any] = {}
    if topics := part["topics"]:
        values = [topic_values(entry.topic) for entry in topics]
        common = _common(values, minimal=minimal)
        if common:
            section["defaults"] = nested(common)
        section["topics"] = [
            {"name": entry.topic.name} | _notes(entry.metadata) | nested(_own(each, common, minimal=minimal))
            for entry, each in zip(topics, values, strict=True)
        ]
    if users := part["users"]:
        section["users"] = [user_values(entry) for entry in users]
    if schemas := part["schemas"]:
        section["schemas"] = [schema_values(entry) for entry in schemas]
    for registry in part["registries"]:
        section["schema_registry"] = {"compatibility": str(registry.compatibility)}
    return section


def _common(values: list[dict[str, Any]], *, minimal: bool) -> dict[str, Any]:
    """Return the defaults that make a section shorter. A default holds for all topics, so all must have the key."""
    common: dict[str, Any] = {}
    for key in values[0]:
        if not all(key in each for each in values):
            continue
        value, count = Counter(each[key] for each in values).most_common(1)[0]
        written = len(values)
        if minimal and key in _DEFAULTS:
            written -= sum(each[key] == _DEFAULTS[key] for each in values)
        if 1 + len(values) - count < written:
            common[key] = value
    return common


def _own(values: dict[str, Any], common: dict[str, Any], *, minimal: bool) -> dict[str, Any]:
    """Return what a topic itself must declare."""
    usual = _DEFAULTS | common if minimal else common
    return {key: value for key, value in values.items() if key not in usual or usual[key] != value}


def user_values(entry: CatalogueUser) -> dict[str, Any]:
    """Return a user's entry as plain data."""
    user = {"name": _escaped(entry.name)} | _notes(entry.metadata)
    if entry.acl is None:
        return user
    return user | {"acl": [right_values(right) for right in entry.acl]}


def right_values(right: KafkaACL) -> Flow:
    """Return a user's right as plain data."""
    return Flow(topic=_escaped(right.topic), permission=str(right.permission))


def schema_values(entry: CatalogueSchema) -> dict[str, Any]:
    """Return a schema's entry as plain data."""
    schema: dict[str, Any] = {"subject": _escaped(entry.subject)} | _notes(entry.metadata)
    if entry.compatibility is not None:
        schema["compatibility"] = str(entry.compatibility)
    if entry.schema is not None:
        schema["type"] = str(entry.schema.schema_type).lower()
        schema["schema"] = _escaped(entry.schema.schema)
    return schema


def _notes(metadata: Metadata) -> dict[str, Any]:
    """Return the keys for people."""
    notes: dict[str, Any] = {}
    if metadata.description:
        notes["description"] = _escaped(metadata.description)
    if metadata.owner:
        notes["owner"] = _escaped(metadata.owner)
    if metadata.labels:
        notes["labels"] = {key: _escaped(value) for key, value in metadata.labels.items()}
    return notes | dict(metadata.extensions)


def _escaped(text: str) -> str:
    """Return a text in which the reader finds no variable."""
    return text.replace("$", "$$") if "${" in text or "$$" in text else text


def _to_csv(catalogue: Catalogue, *, minimal: bool) -> str:
    if catalogue.users or catalogue.schemas or catalogue.registries:
        raise InvalidInputError("a CSV holds topics only; write users and schemas as .yaml or .json")
    rows = [_row(entry, minimal=minimal) for entry in catalogue.topics]
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    return text.getvalue()


def _row(entry: CatalogueTopic, *, minimal: bool) -> dict[str, Any]:
    notes = _notes(entry.metadata)
    labels = {f"{LABEL_COLUMN}{key}": value for key, value in notes.pop("labels", {}).items()}
    values = _own(topic_values(entry.topic), {}, minimal=minimal)
    return {"cluster": _escaped(entry.cluster or ""), "name": entry.topic.name, **notes, **labels, **values}


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
