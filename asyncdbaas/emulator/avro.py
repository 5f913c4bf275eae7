"""Whether one Avro schema can follow another: records and their fields, the promotions of numbers, and nothing more."""

from __future__ import annotations

import json
from typing import Any, Final, TypeGuard

_PROMOTIONS: Final = {
    ("int", "long"),
    ("int", "float"),
    ("int", "double"),
    ("long", "float"),
    ("long", "double"),
    ("float", "double"),
    ("string", "bytes"),
    ("bytes", "string"),
}


def incompatibility(level: str, old: str, new: str) -> str | None:
    """Say why a schema is not allowed after another at a compatibility level, or None if it is."""
    before, after = json.loads(old), json.loads(new)
    base = level.removesuffix("_TRANSITIVE")
    if base in ("BACKWARD", "FULL") and (why := _unreadable(writer=before, reader=after)):
        return f"old data cannot be read with the new schema: {why}"
    if base in ("FORWARD", "FULL") and (why := _unreadable(writer=after, reader=before)):
        return f"new data cannot be read with the old schema: {why}"
    return None


def _unreadable(*, writer: Any, reader: Any) -> str | None:
    """Say what of the writer's data the reader cannot read."""
    if writer == reader:
        return None
    if _is_union(reader) or _is_union(writer):
        return _unreadable_union(_branches(writer), reader)
    kinds = _kind(writer), _kind(reader)
    if kinds == ("record", "record"):
        return _unreadable_record(_fields(writer), _fields(reader))
    return None if kinds[0] == kinds[1] or kinds in _PROMOTIONS else f"{kinds[0]} is not {kinds[1]}"


def _unreadable_union(writers: list[Any], reader: Any) -> str | None:
    """Check that each branch that may be written can be read by some branch of the reader."""
    readers = _branches(reader)
    for branch in writers:
        if all(_unreadable(writer=branch, reader=other) for other in readers):
            return f"{_kind(branch)} is not read"
    return None


def _unreadable_record(written: dict[str, Any], read: dict[str, Any]) -> str | None:
    for name, field in read.items():
        if name not in written:
            if "default" not in field:
                return f"field {name} has no default"
        elif why := _unreadable(writer=written[name].get("type"), reader=field.get("type")):
            return f"field {name}: {why}"
    return None


def _branches(schema: Any) -> list[Any]:
    return schema if _is_union(schema) else [schema]


def _kind(schema: Any) -> str:
    return str(schema.get("type")) if _is_object(schema) else str(schema)


def _fields(schema: Any) -> dict[str, Any]:
    fields: Any = schema.get("fields")
    return {str(field.get("name")): field for field in fields or () if _is_object(field)}


def _is_union(schema: Any) -> TypeGuard[list[Any]]:
    return isinstance(schema, list)


def _is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)
