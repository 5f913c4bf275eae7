"""Build the JSON Schema of catalogues.

`python -m asyncdbaas.catalogue.json_schema > asyncdbaas/catalogue/schema.json` writes the file of the package.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Final

from asyncdbaas._topic_settings import PARTITIONS, REPLICAS, TOPIC_SETTINGS, Setting
from asyncdbaas.catalogue.kafka import default_value, kafka_value
from asyncdbaas.catalogue.names import KAFKA_ONLY
from asyncdbaas.schemas import CompatibilityLevel, SchemaType
from asyncdbaas.users import KafkaPermission

__all__ = ["build_schema"]

_Schema = dict[str, Any]

_VARIABLE: Final = "\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}"
_WHOLE: Final = "[+-]?(0|[1-9][0-9]*(_[0-9]+)*)"
_UNITS: Final = {"ms": " ?(ms|s|m|min|h|d|w)", "bytes": " ?(B|KiB|MiB|GiB|TiB)", "": ""}
_TEXT: Final[_Schema] = {"type": "string", "minLength": 1}
_EXTENSIONS: Final[_Schema] = {"^x-": {"description": "Yours: kept, and shown by plans."}}
_METADATA: Final[_Schema] = {
    "description": {"description": "What it is for.", "type": ["string", "null"]},
    "owner": {"description": "Who is responsible for it.", "type": ["string", "null"]},
    "labels": {
        "description": "Words to select and sort by.",
        "type": ["object", "null"],
        "additionalProperties": {"type": ["string", "number", "boolean"]},
    },
}


def build_schema() -> _Schema:
    """Return the JSON Schema of catalogues in YAML and JSON."""
    section = _section()
    clusters = _array("section", "Several clusters, each with its own entries.")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Catalogue of asyncdbaas",
        "description": "The topics, users and schemas of one Kafka cluster or of several.",
        "type": "object",
        "properties": {"$schema": {"type": "string"}, **_METADATA, **section, "clusters": clusters},
        "patternProperties": _EXTENSIONS,
        "additionalProperties": False,
        "$defs": {
            "section": _object(section),
            "cluster": _cluster(),
            "defaults": _nullable(_object(_topic_values(), description="Values of topics that do not declare them.")),
            "topic": _topic(),
            "config": _config(),
            "user": _user(),
            "schema": _subject(),
            "schema_registry": _nullable(_object({"compatibility": _compatibility("Level of all other subjects.")})),
        },
    }


def _section() -> _Schema:
    return {
        "cluster": {"$ref": "#/$defs/cluster"},
        "defaults": {"$ref": "#/$defs/defaults"},
        "topics": _array("topic", "Topics."),
        "users": _array("user", "Users and their rights."),
        "schemas": _array("schema", "Subjects of the schema registry."),
        "schema_registry": {"$ref": "#/$defs/schema_registry"},
    }


def _cluster() -> _Schema:
    names = {"type": "array", "items": _TEXT, "minItems": 1, "uniqueItems": True}
    return {
        "description": "Name or id of the cluster, or a list of them for the same entries.",
        "anyOf": [_TEXT, names],
    }


def _topic() -> _Schema:
    name = {
        "description": "1 to 249 letters, digits, dots, underscores and hyphens.",
        "type": "string",
        "pattern": f"^(?!_)(?!\\.{{1,2}}$)(?=.{{1,249}}$|.*{_VARIABLE})([A-Za-z0-9._-]|{_VARIABLE})+$",
    }
    return _entry({"name": name, **_topic_values()}, ["name"])


def _topic_values() -> _Schema:
    partitions = _integer(*PARTITIONS, "Partitions, 3 to 2048. Their number can only grow.")
    return {
        "partition_count": partitions,
        "partitions": partitions,
        "replication_factor": _integer(*REPLICAS, "Nodes that hold each partition: 2 to the number of nodes."),
        "config": {"anyOf": [{"$ref": "#/$defs/config"}, {"type": "null"}]},
    }


def _config() -> _Schema:
    settings = TOPIC_SETTINGS.values()
    by_kafka = {setting.kafka_name: _setting(setting) for setting in settings}
    by_service = {
        setting.name: {"$ref": f"#/$defs/config/properties/{setting.kafka_name}"}
        for setting in settings
        if setting.name != setting.kafka_name
    }
    only = {
        name.replace("_", "."): {"description": "The service lacks it: Kafka's default only.", "enum": _scalars(values)}
        for name, values in KAFKA_ONLY.items()
    }
    return _object({**by_kafka, **by_service, **only}, description="Settings, in Kafka's spelling or the service's.")


def _setting(setting: Setting) -> _Schema:
    unit = {"ms": ", in milliseconds or with a unit", "bytes": ", in bytes or with a unit", "": ""}[setting.unit]
    default = kafka_value(default_value(setting.name))
    shown = json.dumps(default) if isinstance(default, bool) else default
    schema: _Schema = {"description": f"{setting.description.rstrip('.')}{unit}. Default {shown}."}
    match setting.kind:
        case "integer":
            pattern = f"^({_WHOLE}|[0-9]+{_UNITS[setting.unit]}|{_VARIABLE})$"
            forms: list[_Schema] = [{"type": "integer", "minimum": setting.low}, {"type": "string", "pattern": pattern}]
            return schema | {"anyOf": [*forms, {"type": "null"}]}
        case "number":
            return schema | {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": ["string", "null"]}]}
        case "boolean":
            values: list[Any] = [True, False, "true", "false"]
        case "choice":
            values = _spellings(setting)
        case _:
            return schema | {"type": ["string", "null"]}
    return schema | {"anyOf": [{"enum": [*values, None]}, {"type": "string", "pattern": f"^{_VARIABLE}$"}]}


def _spellings(setting: Setting) -> list[str]:
    kafka = [kafka_value(default_value(setting.name).__class__(choice)) for choice in setting.choices]
    both = ["delete,compact"] if setting.name == "cleanup_policy" else []
    return list(dict.fromkeys([*setting.choices, *kafka, *both]))


def _scalars(values: tuple[str, ...]) -> list[Any]:
    return [
        value
        for text in values
        for value in ([text, json.loads(text)] if text and text.lstrip("-").isalnum() else [text])
    ]


def _user() -> _Schema:
    topic = {"description": "Regular expression over topic names, such as orders.*.", **_TEXT}
    permission = {"description": "What the user may do with these topics.", "enum": list(map(str, KafkaPermission))}
    right = _object({"topic": topic, "permission": permission}) | {"required": ["topic", "permission"]}
    acl = {
        "description": "All rights of the user. Left out, they are not managed.",
        "type": ["array", "null"],
        "items": right,
    }
    return _entry({"name": _TEXT, "acl": acl}, ["name"])


def _subject() -> _Schema:
    kinds = [word for kind in SchemaType for word in (str(kind).lower(), str(kind).upper())]
    properties = {
        "subject": {"description": "As a rule the topic's name with -value or -key.", **_TEXT},
        "type": {"description": "Default: the suffix of the file says it.", "enum": kinds},
        "file": {"description": "Path of the schema (.avsc, .json, .proto), from the catalogue's folder.", **_TEXT},
        "schema": {"description": "The schema itself, as text.", **_TEXT},
        "compatibility": _compatibility("Level of this subject. Left out, it is not managed."),
    }
    return _entry(properties, ["subject"]) | {"not": {"required": ["file", "schema"]}}


def _compatibility(description: str) -> _Schema:
    words = [word for level in CompatibilityLevel for word in (str(level), str(level).lower())]
    return {"description": description, "enum": [*words, None]}


def _integer(low: int, high: int, description: str) -> _Schema:
    pattern = f"^([1-9][0-9]*|{_VARIABLE})$"
    forms = [{"type": "integer", "minimum": low, "maximum": high}, {"type": "string", "pattern": pattern}]
    return {"description": description, "anyOf": forms}


def _entry(properties: _Schema, required: list[str]) -> _Schema:
    return _object({**properties, **_METADATA}) | {"patternProperties": _EXTENSIONS, "required": required}


def _object(properties: _Schema, *, description: str = "") -> _Schema:
    about = {"description": description} if description else {}
    return {**about, "type": "object", "properties": properties, "additionalProperties": False}


def _nullable(schema: _Schema) -> _Schema:
    return schema | {"type": [schema["type"], "null"]}


def _array(of: str, description: str) -> _Schema:
    return {"description": description, "type": ["array", "null"], "items": {"$ref": f"#/$defs/{of}"}}


if __name__ == "__main__":
    json.dump(build_schema(), sys.stdout, indent=2)
    sys.stdout.write("\n")
