"""The vendor's OpenAPI description, where it is at hand: its operations, their schemas, and bodies made from them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import attrs

# Beside the repository, never in it.
FILE: Final = Path(__file__).parents[3] / "shared" / "api" / "databases.openapi.json"
# Values of properties that the description has unlike the service.
CORRECTED: Final[dict[str, Any]] = {
    # Hyphens here, underscores in the eviction policy only: so have it the vendor's Go client and Terraform's tests.
    "valkey_maxmemory_policy": "allkeys-lru",
}
_BY_TYPE: Final[dict[str, Any]] = {"string": "text", "integer": 3, "number": 1.5, "boolean": True}


@attrs.frozen(kw_only=True)
class Described:
    """One operation as the vendor describes it."""

    id: str
    method: str
    path: str
    query: list[str]
    """Names of the parameters in the query."""
    body: Any
    """Schema of the request's body; None without one."""
    body_examples: list[Any]
    answer: Any
    """Schema of the 2xx answer's body; None without one."""
    answer_examples: list[Any]


@cache
def document() -> dict[str, Any]:
    """Read the description."""
    return json.loads(FILE.read_bytes())  # type: ignore[no-any-return]  # it is one JSON object


@cache
def described() -> dict[str, Described]:
    """Map each operation's id to what is described of it."""
    found = [
        _described(method, path, operation)
        for path, operations in document()["paths"].items()
        for method, operation in operations.items()
    ]
    return {each.id: each for each in found}


def _described(method: str, path: str, operation: Any) -> Described:
    parameters = [resolve(parameter) for parameter in operation.get("parameters", ())]
    request = _json(operation.get("requestBody", {}))
    (answer,) = [_json(resolve(answer)) for status, answer in operation["responses"].items() if status[0] == "2"]
    return Described(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        query=[parameter["name"] for parameter in parameters if parameter["in"] == "query"],
        body=request.get("schema"),
        body_examples=_examples(request),
        answer=answer.get("schema"),
        answer_examples=_examples(answer),
    )


def _json(message: Any) -> dict[str, Any]:
    return message.get("content", {}).get("application/json", {})  # type: ignore[no-any-return]  # JSON objects


def _examples(content: dict[str, Any]) -> list[Any]:
    named = [resolve(example)["value"] for example in content.get("examples", {}).values()]
    schema = resolve(content.get("schema", {}))
    return named or [holder["example"] for holder in (content, schema) if "example" in holder][:1]


def resolve(schema: Any) -> dict[str, Any]:
    """Follow `$ref`, and merge `allOf`."""
    if "$ref" in schema:
        node: Any = document()
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


def fill(schema: Any, choice: int = 0) -> Any:
    """Make a value with every property that a schema has, taking its examples, and one alternative of each `anyOf`."""
    schema = resolve(schema)
    if variants := schema.get("anyOf"):
        return fill(variants[choice % len(variants)], choice)
    if schema["properties"]:
        return {name: CORRECTED.get(name) or fill(part, choice) for name, part in schema["properties"].items()}
    return [fill(schema["items"], choice)] if schema.get("type") == "array" else _scalar(schema, choice)


def _scalar(schema: dict[str, Any], choice: int) -> Any:
    if "enum" in schema:
        return schema["enum"][choice % len(schema["enum"])]
    if schema.get("format") == "date-time":
        return "2026-01-02T03:04:05Z"
    example = schema.get("example", schema.get("default"))
    return _BY_TYPE[schema["type"]] if example is None or isinstance(example, (dict, list)) else example


def variants(schema: Any) -> list[Any]:
    """Make one filled value for each alternative of a schema."""
    return [fill(schema, choice) for choice in range(alternatives(schema))]
