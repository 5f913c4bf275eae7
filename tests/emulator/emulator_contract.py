"""Hold the emulator's responses against the facts of the vendor's description."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final, cast

from description_table import table
from jsonschema import Draft202012Validator, FormatChecker

from asyncdbaas.emulator import Emulator, Response

# Where the emulator follows the evidence against the description: operation id, and what the message must hold.
KNOWN_DEFECTS: Final = (
    ("databases_create_kafka_topic", "'lz4' is not one of"),  # printed with a capital i
    ("databases_update_kafka_topic", "'lz4' is not one of"),
    ("databases_get_kafka_topic", "'lz4' is not one of"),
    ("databases_list_logsink", "'datadog' is not one of"),  # missing from the enumeration for reading
    ("databases_create_logsink", "'datadog' is not one of"),
    ("databases_get_logsink", "'datadog' is not one of"),
    ("databases_create_kafka_schema", "'avro' is not one of"),  # given back as sent, and clients send lower case
    ("databases_create_kafka_schema", "'json' is not one of"),
    ("databases_create_kafka_schema", "'protobuf' is not one of"),
    ("databases_list_kafka_schemas", "'avro' is not one of"),
    ("databases_get_kafka_schema", "'avro' is not one of"),
    ("databases_get_kafka_schema_version", "'avro' is not one of"),
)
# These declare no default answer, so that 400, 403, 412 and 422 are outside of the description.
WITHOUT_DEFAULT: Final = (
    "databases_get_kafka_schema",
    "databases_delete_kafka_schema",
    "databases_get_kafka_schema_version",
)

_formats = FormatChecker(formats=["uuid"])


def _is_date_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


_formats.checks("date-time", raises=ValueError)(_is_date_time)


def operation_id(method: str, path: str) -> str | None:
    """Find the operation of a request; a template's fixed segments win."""
    segments = path[1:].split("/")
    found = [
        (operation["path"].count("{"), name)
        for name, operation in table()["operations"].items()
        if operation["method"] == method and _matches(operation["path"][1:].split("/"), segments)
    ]
    return min(found)[1] if found else None


def _matches(template: list[str], segments: list[str]) -> bool:
    return len(template) == len(segments) and all(
        part == segment or (part.startswith("{") and segment) for part, segment in zip(template, segments, strict=True)
    )


@cache
def _validator(wanted: str, status: int) -> Draft202012Validator | None:
    """Make the validator of a response's body; None if the response is declared without one."""
    operation = table()["operations"][wanted]
    schema = operation["answer"] if status == operation["status"] else {"$ref": "#/schemas/error"}
    return Draft202012Validator(_plain(schema), format_checker=_formats) if schema else None


def _plain(schema: Any) -> Any:
    """Follow the references, and say "nullable" in JSON Schema's own way."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]  # pyright: ignore[reportUnknownVariableType] -- parsed JSON
    if not isinstance(schema, dict):
        return schema
    members = cast("dict[str, Any]", schema)
    if "$ref" in members:
        return _plain(_at(members["$ref"]))
    plain = {key: _plain(value) for key, value in members.items()}
    if plain.pop("nullable", False) is True:
        return {"anyOf": [plain, {"type": "null"}]}
    return plain


def _at(reference: str) -> Any:
    found: Any = table()
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def problems(method: str, path: str, response: Response) -> list[str]:
    """Say what of a response is outside of the description."""
    wanted = operation_id(method, path)
    if wanted is None:
        return []
    operation, status = table()["operations"][wanted], response.status
    if status != operation["status"] and {str(status), "default"}.isdisjoint(operation["errors"]):
        return [] if wanted in WITHOUT_DEFAULT else [f"{wanted}: status {status} is not declared"]
    validator = _validator(wanted, status)
    if validator is None:
        return [f"{wanted}: {status} has a body"] if response.body else []
    return [
        f"{wanted} {status}: {error.json_path}: {error.message[:200]}"
        for error in _leaves(validator, json.loads(response.body))
        if not any(wanted == defect and text in error.message for defect, text in KNOWN_DEFECTS)
    ]


def _leaves(validator: Draft202012Validator, body: Any) -> list[Any]:
    """Return the errors at the bottom: those inside an `anyOf` instead of the `anyOf` itself."""
    errors = validator.iter_errors(body)  # pyright: ignore[reportUnknownMemberType] -- jsonschema types it in part
    found, waiting = list[Any](), list[Any](errors)
    while waiting:
        error = waiting.pop()
        if error.context:
            waiting.extend(inner for inner in error.context if inner.validator != "type" or len(error.context) == 1)
        else:
            found.append(error)
    return found


class CheckedEmulator(Emulator):
    """Compare each response with the description and keep what is wrong, except in responses with an injected fault."""

    def __init__(self, **options: Any) -> None:
        self.problems: list[str] = []
        self.walked: set[str] = set()
        super().__init__(**options)

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Response:
        faults = self.faults.dump()
        response = super().handle(method, target, headers, body)
        if self.faults.dump() == faults and not response.delay:
            path = target.partition("?")[0]
            self.problems += problems(method, path, response)
            if response.status < 300:
                self.walked.add(operation_id(method, path) or "")
        return response
