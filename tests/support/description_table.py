"""Write the facts of the vendor's OpenAPI description as a table that the tests can use everywhere.

    python tests/support/description_table.py PATH_OF_THE_DESCRIPTION

The table holds names, types, required properties, enums and limits: none of the description's text, and no example.
All errors have the schema `error`; the table lists their statuses only.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any, Final

# Beside the repository, never in it.
DESCRIPTION: Final = Path(__file__).parents[3] / "shared" / "api" / "databases.openapi.json"
TABLE: Final = Path(__file__).parents[1] / "data" / "description.json"
# The keywords of a schema that state a fact.
_FACTS: Final = (
    "type",
    "format",
    "pattern",
    "enum",
    "default",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "nullable",
    "readOnly",
    "required",
)
_PREFIX: Final = "#/components/schemas/"


@cache
def table() -> dict[str, Any]:
    """Read the table."""
    return json.loads(TABLE.read_bytes())  # type: ignore[no-any-return]  # it is one JSON object


def facts(description: dict[str, Any]) -> dict[str, Any]:
    """Return the operations and the schemas of a description, without its text and its examples."""
    operations = {
        operation["operationId"]: _operation(description, method, path, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    }
    return {
        "operations": operations,
        "schemas": {name: _schema(description, part) for name, part in description["components"]["schemas"].items()},
    }


def _operation(description: Any, method: str, path: str, operation: Any) -> dict[str, Any]:
    parameters = [follow(description, parameter) for parameter in operation.get("parameters", ())]
    answers = {status: follow(description, answer) for status, answer in operation["responses"].items()}
    (success,) = [status for status in answers if status[0] == "2"]
    return {
        "method": method.upper(),
        "path": path,
        "query": [parameter["name"] for parameter in parameters if parameter["in"] == "query"],
        "body": _content(description, operation.get("requestBody", {})),
        "status": int(success),
        "answer": _content(description, answers.pop(success)),
        "errors": list(answers),
    }


def _content(description: Any, message: Any) -> dict[str, Any] | None:
    content = message.get("content", {}).get("application/json")
    return None if content is None else _schema(description, content["schema"])


def _schema(description: Any, schema: Any) -> dict[str, Any]:
    if "$ref" in schema:
        reference: str = schema["$ref"]
        if not reference.startswith(_PREFIX):
            return _schema(description, follow(description, schema))
        return {"$ref": f"#/schemas/{reference.removeprefix(_PREFIX)}"}
    made: dict[str, Any] = {name: schema[name] for name in _FACTS if name in schema}
    for name in ("allOf", "anyOf", "oneOf"):
        if name in schema:
            made[name] = [_schema(description, part) for part in schema[name]]
    if "items" in schema:
        made["items"] = _schema(description, schema["items"])
    if "properties" in schema:
        made["properties"] = {name: _schema(description, part) for name, part in schema["properties"].items()}
    extra = schema.get("additionalProperties")
    if extra is not None:
        made["additionalProperties"] = extra if isinstance(extra, bool) else _schema(description, extra)
    return made


def follow(description: Any, node: Any) -> Any:
    """Return what a `$ref` points to; anything else as it is."""
    while "$ref" in node:
        found = description
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def text(table: dict[str, Any]) -> str:
    """Write a table with one operation or schema a line, so that a change shows as a few lines."""
    sections = [
        f'"{section}": {{\n'
        + ",\n".join(f"{json.dumps(name)}: {json.dumps(part)}" for name, part in parts.items())
        + "\n}"
        for section, parts in table.items()
    ]
    return "{\n" + ",\n".join(sections) + "\n}\n"


if __name__ == "__main__":
    TABLE.write_text(text(facts(json.loads(Path(sys.argv[1]).read_bytes()))), encoding="utf-8")
