"""The schema registry of a Kafka cluster: subjects with versions, and how compatible the versions must be."""

from __future__ import annotations

import json
from typing import Final

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.avro import incompatibility
from asyncdbaas.emulator.errors import not_found, unprocessable
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.routing import Answer, Call, Route
from asyncdbaas.emulator.state import Actions, State

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
_DEFAULT_LEVEL: Final = "BACKWARD"


def list_schemas(state: State, call: Call, cluster_id: str) -> Answer:
    """Answer GET /v2/databases/{id}/schema-registry: the latest version of each subject."""
    subjects = state.cluster(cluster_id, "kafka")["subjects"].values()
    return Answer(200, {"subjects": [_latest(subject) for subject in subjects]})


def get_schema(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Answer GET /v2/databases/{id}/schema-registry/{subject}: unwrapped, and with its version."""
    subject = _subject(state.cluster(cluster_id, "kafka"), name)
    return Answer(200, {"version": str(len(subject["versions"])), **_latest(subject)})


def create_schema(state: State, call: Call, cluster_id: str) -> Answer:
    """Answer POST /v2/databases/{id}/schema-registry: a new subject, or the next version of one.

    The same schema again gives the version that it already is.
    """
    cluster = state.usable(cluster_id, "create schema", "kafka")
    name, kind = fields.required(call.body, "subject_name"), fields.required(call.body, "schema_type")
    accepted = _TYPES if state.quirks.refuse_capital_schema_types else (*_TYPES, *map(str.upper, _TYPES))
    if kind not in accepted:
        raise unprocessable("invalid schema_type")
    text = fields.required(call.body, "schema")
    if kind.lower() != "protobuf":
        _require_json(text)
    subject = cluster["subjects"].get(name, {"name": name, "level": None, "versions": []})
    for version in subject["versions"]:
        if version["schema"] == text and version["schema_type"].lower() == kind.lower():
            return Answer(201, _view(subject, version))
    _require_compatible(cluster, subject, kind, text)
    cluster["schemas_made"] = schema_id = cluster.get("schemas_made", 0) + 1
    subject["versions"].append({"schema_id": schema_id, "schema_type": kind, "schema": text})
    cluster["subjects"][name] = subject
    return Answer(201, _latest(subject))


def delete_schema(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Answer DELETE /v2/databases/{id}/schema-registry/{subject}: with all its versions."""
    cluster = state.usable(cluster_id, "delete schema", "kafka")
    _subject(cluster, name)
    del cluster["subjects"][name]
    return Answer(204)


def get_schema_version(state: State, call: Call, cluster_id: str, name: str, version: str) -> Answer:
    """Answer GET /v2/databases/{id}/schema-registry/{subject}/versions/{version}: a number, or `latest`."""
    subject = _subject(state.cluster(cluster_id, "kafka"), name)
    versions = subject["versions"]
    numbers = {str(number): number for number in range(1, len(versions) + 1)} | {"latest": len(versions)}
    if version not in numbers:
        raise not_found("schema version")
    number = numbers[version]
    return Answer(200, {"version": str(number), **_view(subject, versions[number - 1])})


def get_compatibility(state: State, call: Call, cluster_id: str) -> Answer:
    """Answer GET /v2/databases/{id}/schema-registry/config."""
    return Answer(200, {"compatibility_level": _level(state.cluster(cluster_id, "kafka"), None)})


def set_compatibility(state: State, call: Call, cluster_id: str) -> Answer:
    """Answer PUT /v2/databases/{id}/schema-registry/config."""
    cluster = state.usable(cluster_id, "update schema registry config", "kafka")
    cluster["schema_level"] = fields.choice(call.body, "compatibility_level", _LEVELS)
    return Answer(200, {"compatibility_level": cluster["schema_level"]})


def get_subject_compatibility(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Answer GET /v2/databases/{id}/schema-registry/config/{subject}: the cluster's level unless it has its own."""
    cluster = state.cluster(cluster_id, "kafka")
    level = _level(cluster, _subject(cluster, name))
    return Answer(200, {"subject_name": name, "compatibility_level": level})


def set_subject_compatibility(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Answer PUT /v2/databases/{id}/schema-registry/config/{subject}."""
    cluster = state.usable(cluster_id, "update schema registry config", "kafka")
    subject = _subject(cluster, name)
    subject["level"] = fields.choice(call.body, "compatibility_level", _LEVELS)
    return Answer(200, {"subject_name": name, "compatibility_level": subject["level"]})


def _subject(cluster: Record, name: str) -> Record:
    subject: Record | None = cluster["subjects"].get(name)
    if subject is None:
        raise not_found("subject")
    return subject


def _level(cluster: Record, subject: Record | None) -> str:
    own: str | None = subject["level"] if subject else None
    return own or cluster.get("schema_level", _DEFAULT_LEVEL)


def _latest(subject: Record) -> Record:
    return _view(subject, subject["versions"][-1])


def _view(subject: Record, version: Record) -> Record:
    return {"subject_name": subject["name"], **version}


def _require_json(text: str) -> None:
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise unprocessable("invalid schema: not JSON") from error


def _require_compatible(cluster: Record, subject: Record, kind: str, text: str) -> None:
    """Refuse an Avro schema that the level does not allow after the versions that are there."""
    level, versions = _level(cluster, subject), subject["versions"]
    if not level.endswith("_TRANSITIVE"):
        versions = versions[-1:]
    for version in versions:
        if version["schema_type"].lower() != kind.lower():
            raise unprocessable("invalid schema_type: a subject keeps its type")
        if kind.lower() == "avro" and (why := incompatibility(level, version["schema"], text)):
            raise unprocessable(f"schema is incompatible with an earlier version: {why}")


ROUTES: Final = (
    Route("GET", "/v2/databases/{}/schema-registry", "list_schemas", list_schemas),
    Route("POST", "/v2/databases/{}/schema-registry", "create_schema", create_schema, takes_body=True),
    Route("GET", "/v2/databases/{}/schema-registry/{}", "get_schema", get_schema),
    Route("DELETE", "/v2/databases/{}/schema-registry/{}", "delete_schema", delete_schema),
    Route("GET", "/v2/databases/{}/schema-registry/{}/versions/{}", "get_schema_version", get_schema_version),
    Route("GET", "/v2/databases/{}/schema-registry/config", "get_compatibility", get_compatibility),
    Route("PUT", "/v2/databases/{}/schema-registry/config", "set_compatibility", set_compatibility, takes_body=True),
    Route("GET", "/v2/databases/{}/schema-registry/config/{}", "get_subject_compatibility", get_subject_compatibility),
    Route(
        "PUT",
        "/v2/databases/{}/schema-registry/config/{}",
        "set_subject_compatibility",
        set_subject_compatibility,
        takes_body=True,
    ),
)
ACTIONS: Final[Actions] = {}
