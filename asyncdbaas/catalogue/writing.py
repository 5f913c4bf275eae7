"""Write catalogues, as people would: Kafka's names, what topics have in common said once."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from asyncdbaas.catalogue.kafka import kafka_name, kafka_value, settings_of
from asyncdbaas.catalogue.model import Catalogue, CatalogueTopic
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.topics import TopicCreate
from asyncdbaas.types import UNSET

__all__ = ["nested", "scalar", "topic_values", "write_catalogue", "yaml_mapping"]

_PARTITIONING: Final = ("partition_count", "replication_factor")
# Everything else could be read as a number, a date or a truth value by other readers of YAML.
_PLAIN: Final = re.compile(r"(?!(?:y|n|yes|no|on|off|true|false|null)$)[A-Za-z][A-Za-z0-9._,-]*", re.IGNORECASE)


def write_catalogue(catalogue: Catalogue, *, suffix: str) -> str:
    """Return a catalogue as text, in the format that a file's suffix tells; reading it gives the same topics."""
    sections: dict[str | None, list[TopicCreate]] = {}
    for entry in catalogue.topics:
        sections.setdefault(entry.cluster, []).append(entry.topic)
    if suffix == ".csv":
        return _to_csv(catalogue.topics)
    document = [_section(cluster, topics) for cluster, topics in sections.items()]
    if suffix == ".json":
        whole = document[0] if len(document) == 1 else {"clusters": document}
        return json.dumps(whole, indent=2) + "\n"
    if suffix in (".yaml", ".yml"):
        return "\n".join(_yaml_document(document)) + "\n"
    raise InvalidInputError(f"the suffix tells the format: .yaml, .yml, .json or .csv, not {suffix!r}")


def topic_values(topic: TopicCreate) -> dict[str, Any]:
    """Return what a topic declares, partitions, replicas and settings on one level, in Kafka's spelling."""
    partitioning = {key: getattr(topic, key) for key in _PARTITIONING if getattr(topic, key) is not UNSET}
    return partitioning | {kafka_name(name): kafka_value(value) for name, value in settings_of(topic.config).items()}


def _section(cluster: str | None, topics: list[TopicCreate]) -> dict[str, Any]:
    """Return what a cluster's topics have in common, and each one's own."""
    values = [topic_values(topic) for topic in topics]
    common = _common(values)
    own = [{key: value for key, value in each.items() if common.get(key) != value} for each in values]
    section: dict[str, Any] = {} if cluster is None else {"cluster": cluster}
    if common:
        section["defaults"] = nested(common)
    section["topics"] = [{"name": topic.name} | nested(each) for topic, each in zip(topics, own, strict=True)]
    return section


def _common(values: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the most frequent value of each key that all topics have: a default holds for all of them."""
    keys = [key for key in values[0] if all(key in each for each in values)] if len(values) > 1 else []
    return {key: Counter(each[key] for each in values).most_common(1)[0][0] for key in keys}


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with the settings below `config`."""
    partitioning = {key: values[key] for key in _PARTITIONING if key in values}
    config = {key: value for key, value in values.items() if key not in _PARTITIONING}
    return partitioning | ({"config": config} if config else {})


def _yaml_document(sections: list[dict[str, Any]]) -> Iterable[str]:
    if len(sections) == 1:
        return _yaml_section(sections[0], "")
    lines = ["clusters:"]
    for section in sections:
        first, *rest = _yaml_section(section, "    ")
        lines += [f"  - {first.strip()}", *rest]
    return lines


def _yaml_section(section: Mapping[str, Any], indent: str) -> list[str]:
    lines = [f"{indent}cluster: {scalar(section['cluster'])}"] if "cluster" in section else []
    if "defaults" in section:
        lines += [f"{indent}defaults:", *yaml_mapping(section["defaults"], f"{indent}  ")]
    lines += [f"{indent}topics:"]
    for topic in section["topics"]:
        first, *rest = yaml_mapping(topic, f"{indent}    ")
        lines += [f"{indent}  - {first.strip()}", *rest]
    return lines


def yaml_mapping(mapping: Mapping[str, Any], indent: str) -> list[str]:
    """Return the lines of a mapping."""
    lines: list[str] = []
    for key, value in mapping.items():
        if key == "config":
            lines += [f"{indent}{key}:", *yaml_mapping(value, f"{indent}  ")]
        else:
            lines.append(f"{indent}{key}: {scalar(value)}")
    return lines


def scalar(value: Any) -> str:
    """Return a value so that all readers of YAML take it for the same."""
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) else json.dumps(value)
    return json.dumps(value)


def _to_csv(topics: Iterable[CatalogueTopic]) -> str:
    rows = [{"cluster": entry.cluster or "", "name": entry.topic.name} | topic_values(entry.topic) for entry in topics]
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)
