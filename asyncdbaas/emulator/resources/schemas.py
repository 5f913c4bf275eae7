"""The schema registry of a Kafka cluster: subjects, their versions, and compatibility levels."""

from __future__ import annotations

import json
from typing import Final

from asyncdbaas.emulator import avro_schemas, fields
from asyncdbaas.emulator.errors import unprocessable
from asyncdbaas.emulator.records import Cluster, Record, SchemaVersion, Subject
from asyncdbaas.emulator.routing import Answer, Call, Resource
from asyncdbaas.emulator.state import State, found

resource: Final = Resource()

_TYPES: Final = ("avro", "json", "protobuf")
_LEVELS: Final = (
    "NONE",
    "BACKWARD",
    "BACKWARD_TRANSITIVE",
    "FORWARD",
    "FORWARD_TRANSITIVE",
    "FULL",
    "FULL_TRANSITIVE",
)


@resource.get("/{}/schema-registry")
def list_schemas(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle GET /v2/databases/{id}/schema-registry: the latest version of each subject."""
    subjects = state.cluster(cluster_id, "topics")["subjects"].values()
    return Answer(200, {"subjects": [_latest(subject) for subject in subjects]})


@resource.get("/{}/schema-registry/{}")
def get_schema(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Handle GET /v2/databases/{id}/schema-registry/{subject}: unwrapped, and with its version."""
    subject = found(state.cluster(cluster_id, "topics")["subjects"], name, "subject")
    return Answer(200, {"version": str(len(subject["versions"])), **_latest(subject)})


@resource.post("/{}/schema-registry")
def create_schema(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle POST /v2/databases/{id}/schema-registry: a new subject, or the next version of one.

    The same schema again gives the version that it already is.
    """
    cluster = state.usable(cluster_id, "create schema", "topics")
    name, kind = fields.required(call.body, "subject_name"), fields.required(call.body, "schema_type")
    accepted = _TYPES if state.quirks.refuse_capital_schema_types else (*_TYPES, *map(str.upper, _TYPES))
    if kind not in accepted:
        raise unprocessable("invalid schema_type")
    text = fields.required(call.body, "schema")
    _require_schema(kind.lower(), text)
    subject = cluster["subjects"].get(name, {"name": name, "level": None, "versions": []})
    for version in subject["versions"]:
        if version["schema"] == text and version["schema_type"].lower() == kind.lower():
            return Answer(201, _view(subject, version))
    _require_compatible(cluster, subject, kind, text)
    cluster["schemas_made"] += 1
    subject["versions"].append({"schema_id": cluster["schemas_made"], "schema_type": kind, "schema": text})
    cluster["subjects"][name] = subject
    return Answer(201, _latest(subject))


@resource.delete("/{}/schema-registry/{}")
def delete_schema(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Handle DELETE /v2/databases/{id}/schema-registry/{subject}: with all its versions."""
    cluster = state.usable(cluster_id, "delete schema", "topics")
    found(cluster["subjects"], name, "subject")
    del cluster["subjects"][name]
    return Answer(204)


@resource.get("/{}/schema-registry/{}/versions/{}")
def get_schema_version(state: State, call: Call, cluster_id: str, name: str, version: str) -> Answer:
    """Handle GET /v2/databases/{id}/schema-registry/{subject}/versions/{version}: a number, or `latest`."""
    subject = found(state.cluster(cluster_id, "topics")["subjects"], name, "subject")
    versions = subject["versions"]
    numbers = {str(number): number for number in range(1, len(versions) + 1)} | {"latest": len(versions)}
    number = found(numbers, version, "schema version")
    return Answer(200, {"version": str(number), **_view(subject, versions[number - 1])})


@resource.get("/{}/schema-registry/config")
def get_compatibility(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle GET /v2/databases/{id}/schema-registry/config."""
    return Answer(200, {"compatibility_level": _level(state.cluster(cluster_id, "topics"), None)})


@resource.put("/{}/schema-registry/config")
def set_compatibility(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle PUT /v2/databases/{id}/schema-registry/config."""
    cluster = state.usable(cluster_id, "update schema registry config", "topics")
    cluster["schema_level"] = fields.choice(call.body, "compatibility_level", _LEVELS)
    return Answer(200, {"compatibility_level": cluster["schema_level"]})


@resource.get("/{}/schema-registry/config/{}")
def get_subject_compatibility(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Handle GET /v2/databases/{id}/schema-registry/config/{subject}: the cluster's level unless it has its own."""
    cluster = state.cluster(cluster_id, "topics")
    level = _level(cluster, found(cluster["subjects"], name, "subject"))
    return Answer(200, {"subject_name": name, "compatibility_level": level})


@resource.put("/{}/schema-registry/config/{}")
def set_subject_compatibility(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Handle PUT /v2/databases/{id}/schema-registry/config/{subject}."""
    cluster = state.usable(cluster_id, "update schema registry config", "topics")
    subject = found(cluster["subjects"], name, "subject")
    subject["level"] = fields.choice(call.body, "compatibility_level", _LEVELS)
    return Answer(200, {"subject_name": name, "compatibility_level": subject["level"]})


def _level(cluster: Cluster, subject: Subject | None) -> str:
    return (subject and subject["level"]) or cluster["schema_level"]


def _latest(subject: Subject) -> Record:
    return _view(subject, subject["versions"][-1])


def _view(subject: Subject, version: SchemaVersion) -> Record:
    return {"subject_name": subject["name"], **version}


def _require_schema(kind: str, text: str) -> None:
    """Refuse a text that is not a schema. Protobuf schemas are not checked."""
    if kind == "avro" and (why := avro_schemas.problem(text)):
        raise unprocessable(f"invalid schema: {why}")
    if kind == "protobuf":
        return
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise unprocessable("invalid schema: not JSON") from error


def _require_compatible(cluster: Cluster, subject: Subject, kind: str, text: str) -> None:
    """Refuse a new version that the compatibility level does not allow."""
    level, versions = _level(cluster, subject), subject["versions"]
    if not level.endswith("_TRANSITIVE"):
        versions = versions[-1:]
    for version in versions:
        if version["schema_type"].lower() != kind.lower():
            raise unprocessable("invalid schema_type: a subject keeps its type")
        if kind.lower() == "avro" and (why := avro_schemas.incompatibility(level, version["schema"], text)):
            raise unprocessable(f"schema is incompatible with an earlier version: {why}")
