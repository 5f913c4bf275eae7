"""Field names in JSON, for classes whose JSON looks different from their Python."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, cast

import attrs

_WIRE: Final = "asyncdbaas.wire"
_FLATTEN: Final = "asyncdbaas.flatten"


def wire(name: str) -> dict[str, str]:
    """Return the metadata of a field whose name in JSON is not valid in Python, such as `pg_stat_statements.track`."""
    return {_WIRE: name}


def flatten() -> dict[str, bool]:
    """Return the metadata of the field that holds all keys for which the class has no field, by their names in JSON."""
    return {_FLATTEN: True}


@cache
def wire_names(cls: Any) -> frozenset[str]:
    """Return the names in JSON of a class's fields, except the flattened one; empty if it is not an attrs class."""
    fields = attrs.fields(cls) if attrs.has(cls) else ()
    return frozenset(field.metadata.get(_WIRE, field.name) for field in fields if _FLATTEN not in field.metadata)


@cache
def renames(cls: Any) -> Mapping[str, str]:
    """Map Python names to names in JSON, for those fields of a class where they differ."""
    fields = attrs.fields(cls) if attrs.has(cls) else ()
    return {field.name: field.metadata[_WIRE] for field in fields if _WIRE in field.metadata}


@cache
def flattened(cls: Any) -> str:
    """Return the name of a class's flattened field, "" if it has none."""
    fields = attrs.fields(cls) if attrs.has(cls) else ()
    return next((field.name for field in fields if _FLATTEN in field.metadata), "")


def is_plain(cls: Any) -> bool:
    """Return whether a class looks in JSON as it does in Python."""
    return not renames(cls) and not flattened(cls)


def to_wire(fields: dict[str, Any], cls: Any) -> dict[str, Any]:
    """Rename fields as in JSON, and put the content of the flattened field beside them."""
    more: dict[str, Any] = fields.pop(flattened(cls), {})
    named = {renames(cls).get(name, name): value for name, value in fields.items()}
    if twice := sorted(named.keys() & more.keys()):
        raise ValueError(f"{twice[0]!r} is set twice, also in {flattened(cls)!r}")
    return named | more


def from_wire(raw: Any, into: Any) -> Any:
    """Undo `to_wire`. Nulls are left out: the fields of such classes are unset, never null."""
    if is_plain(into) or not isinstance(raw, dict):
        return raw
    present = {name: value for name, value in as_fields(raw).items() if value is not None}
    back = {name: field for field, name in renames(into).items()}
    known = {back.get(name, name): present.pop(name) for name in wire_names(into) if name in present}
    return {**known, flattened(into): present} if present and flattened(into) else known


def as_fields(raw: Any) -> dict[str, Any]:
    """Return the fields of a JSON object; empty if it is something else."""
    return cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
