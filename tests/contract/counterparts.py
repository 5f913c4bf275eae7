"""Comparing a schema, or a response, with what is here: each property and value has a counterpart."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from datetime import datetime
from itertools import zip_longest
from typing import Any, Final, Union, get_args, get_origin

import attrs
from class_walk import attrs_classes, best_match, field_texts, field_types, kinds
from description import resolve
from plain_json import fields_of, items_of

from asyncdbaas.types import OpenEnum

_LIMITS: Final = ("minimum", "maximum", "minLength", "maxLength", "maxItems", "default")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\dT")
_PYTHON_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "string": (str, datetime),  # some dates are described as mere strings
    "integer": (int,),
    "number": (float, int),
    "boolean": (bool,),
}


def gaps(schema: Any, tp: Any, place: str) -> Iterator[str]:
    """Yield the place of each thing in a schema that a type has no counterpart of."""
    schema = resolve(schema)
    for variant in schema.get("anyOf", ()):
        yield from gaps(variant, tp, place)
    if schema["properties"]:
        yield from _property_gaps(schema["properties"], tp, place)
    elif "items" in schema:
        yield from gaps(schema["items"], _items(tp), f"{place}[]")
    elif "enum" in schema and schema["type"] == "string":
        yield from _enum_gaps(schema["enum"], tp, place)
    elif "type" in schema and not any(isinstance(kind, type) and _fits(schema, kind) for kind in kinds(tp)):
        yield f"{place}: {schema.get('format', schema['type'])}"


def _property_gaps(properties: dict[str, Any], tp: Any, place: str) -> Iterator[str]:
    classes = [kind for kind in kinds(tp) if attrs.has(kind)]
    values = [get_args(kind)[1] for kind in kinds(tp) if get_origin(kind) is dict]
    cls = best_match(classes, properties) if classes else None
    for name, schema in properties.items():
        found = field_types(cls).get(name) if cls else values[0] if values else None
        here = f"{cls.__name__}.{name}" if cls else f"{place}.{name}"
        if found is None:
            yield here
        else:
            yield from gaps(schema, found, here)


def limits_untold(schema: Any, tp: Any) -> Iterator[str]:
    """Yield each limit and default in a schema that the text below its field does not state."""
    schema = resolve(schema)
    for variant in schema.get("anyOf", ()):
        yield from limits_untold(variant, tp)
    if "items" in schema:
        yield from limits_untold(schema["items"], _items(tp))
    classes = [kind for kind in kinds(tp) if attrs.has(kind)]
    if not classes:
        return
    cls = best_match(classes, schema["properties"])
    for name, part in schema["properties"].items():
        stated, resolved = field_texts(cls).get(name, ""), resolve(part)
        limits = [resolved[limit] for limit in _LIMITS if type(resolved.get(limit)) in (int, float, str)]
        yield from (f"{cls.__name__}.{name}: {limit}" for limit in limits if str(limit) not in stated)
        yield from limits_untold(part, field_types(cls).get(name))


def _enum_gaps(values: list[str], tp: Any, place: str) -> Iterator[str]:
    enums = [kind for kind in kinds(tp) if isinstance(kind, type) and issubclass(kind, OpenEnum)]
    if not enums:
        yield f"{place}: enum"
        return
    for value in values:
        if not any(value in list(enum) for enum in enums):
            yield f"{place}={value}"


def _items(tp: Any) -> Any:
    found = tuple(arg for kind in kinds(tp) for arg in get_args(kind))
    return Union[found] if found else None  # noqa: UP007 -- a union made at run time


def _fits(schema: dict[str, Any], kind: type) -> bool:
    if schema.get("format") == "date-time":
        return kind is datetime
    return issubclass(kind, _PYTHON_TYPES[schema["type"]]) and (kind is not bool or schema["type"] == "boolean")


def below_envelope(schema: Any, tp: Any) -> dict[str, Any]:
    """Return the schema of what a function gives back: below the one key around it, if no class has that key."""
    resolved = resolve(schema)
    inner = list(resolved["properties"].values())
    known = {name for cls in attrs_classes(tp) for name in field_types(cls)}
    if len(inner) == 1 and known.isdisjoint(resolved["properties"]):
        return below_envelope(inner[0], tp)
    return resolved


def writable(schema: Any) -> dict[str, Any]:
    """Return a schema without the properties that only the service sets."""
    resolved = resolve(schema)
    parts = resolved["properties"].items()
    resolved["properties"] = {name: writable(part) for name, part in parts if not resolve(part).get("readOnly")}
    if "items" in resolved:
        resolved["items"] = writable(resolved["items"])
    if "anyOf" in resolved:
        resolved["anyOf"] = [writable(part) for part in resolved["anyOf"]]
    return {name: value for name, value in resolved.items() if name != "allOf"}


def schema_of(template: Any) -> dict[str, Any]:
    """Turn a value into the schema that asks for its keys only."""
    if isinstance(template, dict):
        return {"properties": {name: schema_of(value) for name, value in fields_of(template).items()}}
    return {"items": schema_of(template[0])} if isinstance(template, list) else {}


def lost(answer: Any, read: Any, place: str = "$") -> Iterator[str]:
    """Yield the place of each value in a response that is not in what was made of it."""
    if isinstance(answer, dict) and isinstance(read, dict):
        for name, value in fields_of(answer).items():
            yield from lost(value, fields_of(read).get(name), f"{place}.{name}")
    elif isinstance(answer, list) and isinstance(read, list):
        for index, (value, other) in enumerate(zip_longest(items_of(answer), items_of(read))):
            yield from lost(value, other, f"{place}[{index}]")
    elif answer != read and (answer, read) != (None, []) and not _means_the_same(answer, read):
        yield f"{place}: {answer!r} became {read!r}"


def _means_the_same(answer: Any, read: Any) -> bool:
    """Compare texts that are kept in another form: a list joined by commas, lower case, a certificate, a date."""
    if not isinstance(answer, str):
        return False
    if isinstance(read, list):
        return read == answer.split(",")
    if not isinstance(read, str):
        return False
    if read == answer.lower():
        return True
    if read.startswith("-----BEGIN"):
        return read == b64decode(answer).decode()
    return bool(_DATE.match(read)) and datetime.fromisoformat(answer) == datetime.fromisoformat(read)


def value_below_envelope(answer: Any, read: Any) -> Any:
    """Return the part of a response that a function gave back: below its one key, if the result lacks that."""
    inner = list(fields_of(answer).values())
    if len(inner) == 1 and fields_of(read).keys().isdisjoint(fields_of(answer)):
        return value_below_envelope(inner[0], read)
    return answer
