"""The facts of the vendor's OpenAPI description: its operations, their schemas, and bodies made from them."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from typing import Any, Final

import attrs
from description_table import table

# Values of properties that the description has unlike the service.
CORRECTED: Final[dict[str, Any]] = {
    # Hyphens here, underscores in the eviction policy only: as in the vendor's Go client and Terraform's tests.
    "valkey_maxmemory_policy": "allkeys-lru",
}
# Values of strings that have a form which the table does not state.
_BY_NAME: Final[dict[str, str]] = {
    "certificate": b64encode(b"-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n").decode(),
    "day": "monday",
    "hour": "13:00:00",
    **dict.fromkeys(
        (
            "create_time",
            "created_at",
            "end_of_availability",
            "end_of_life",
            "version_end_of_availability",
            "version_end_of_life",
        ),
        "2026-01-02T03:04:05Z",
    ),
}
_BY_TYPE: Final[dict[str, Any]] = {"string": "text", "integer": 3, "number": 1.5, "boolean": True}


@attrs.frozen(kw_only=True)
class Described:
    """One operation as the vendor describes it."""

    method: str
    path: str
    query: list[str]
    """Names of the parameters in the query."""
    body: Any
    """Schema of the request's body; None without one."""
    status: int
    """The status of a success."""
    answer: Any
    """Schema of the body of a success; None without one."""
    errors: list[str]
    """The other statuses that are described, and perhaps `default`."""


@cache
def described() -> dict[str, Described]:
    """Map each operation's id to what is described of it."""
    return {name: Described(**operation) for name, operation in table()["operations"].items()}


def resolve(schema: Any) -> dict[str, Any]:
    """Follow `$ref`, and merge `allOf`."""
    if "$ref" in schema:
        node: Any = table()
        for part in schema["$ref"].removeprefix("#/").split("/"):
            node = node[part]
        return resolve(node)
    merged: dict[str, Any] = {"properties": {}}
    for part in [*(resolve(part) for part in schema.get("allOf", ())), schema]:
        merged = {**merged, **part, "properties": {**merged["properties"], **part.get("properties", {})}}
    return merged


def alternatives(schema: Any) -> int:
    """Count the most alternatives that any `anyOf` in a schema has; at least 1."""
    schema = resolve(schema)
    choices = schema.get("anyOf", [])
    inner = [*schema["properties"].values(), *choices, *([schema["items"]] if "items" in schema else [])]
    return max([1, len(choices), *map(alternatives, inner)])


def fill(schema: Any, choice: int = 0, name: str = "") -> Any:
    """Make a value with every property that a schema has, and one alternative of each `anyOf`."""
    schema = resolve(schema)
    if variants := schema.get("anyOf"):
        return fill(variants[choice % len(variants)], choice, name)
    if schema["properties"]:
        parts = schema["properties"].items()
        return {name: CORRECTED.get(name) or fill(part, choice, name) for name, part in parts}
    return [fill(schema["items"], choice, name)] if schema.get("type") == "array" else _scalar(schema, choice, name)


def _scalar(schema: dict[str, Any], choice: int, name: str) -> Any:
    if "enum" in schema:
        return schema["enum"][choice % len(schema["enum"])]
    if schema.get("format") == "date-time":
        return "2026-01-02T03:04:05Z"
    if schema["type"] == "string" and name in _BY_NAME:
        return _BY_NAME[name]
    default = schema.get("default")
    return (
        schema.get("minimum", _BY_TYPE[schema["type"]])
        if default is None or isinstance(default, (dict, list))
        else default
    )


def variants(schema: Any) -> list[Any]:
    """Make one filled value for each alternative of a schema."""
    return [fill(schema, choice) for choice in range(alternatives(schema))]
