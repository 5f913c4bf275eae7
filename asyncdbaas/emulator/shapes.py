"""Compare JSON data with typed records, so that damaged data is rejected as a whole."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Any, NotRequired, Union, cast, get_args, get_origin, get_type_hints, is_typeddict


def misfits(value: Any, kind: Any, place: str) -> Iterator[str]:
    """Yield the places in a value that do not fit a type: a `TypedDict`, dict, list, union or scalar.

    Unknown keys of a record are accepted. Keys of a mapping show as `*`: they may be secrets.
    """
    origin = get_origin(kind)
    if kind is Any:
        return
    if is_typeddict(kind):
        yield from _record(value, kind, place)
    elif origin is dict:
        yield from _each(value.values() if isinstance(value, dict) else None, get_args(kind)[1], place)
    elif origin is list:
        yield from _each(value if isinstance(value, list) else None, get_args(kind)[0], place)
    elif origin in (Union, UnionType):
        if all(any(misfits(value, each, place)) for each in get_args(kind)):
            yield place
    elif not _is_scalar(value, kind):
        yield place


def _record(value: Any, kind: Any, place: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield place
        return
    record = cast("dict[str, Any]", value)
    for name, (field, required) in _fields(kind).items():
        if name in record:
            yield from misfits(record[name], field, f"{place}.{name}")
        elif required:
            yield f"{place}.{name}"


def _each(values: Any, kind: Any, place: str) -> Iterator[str]:
    if values is None:
        yield place
        return
    for value in values:
        yield from misfits(value, kind, f"{place}.*")


@cache
def _fields(kind: Any) -> Mapping[str, tuple[Any, bool]]:
    """Return type and necessity of each field of a `TypedDict`.

    `__required_keys__` does not help: it is wrong where annotations are strings.
    """
    found: dict[str, tuple[Any, bool]] = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        optional = get_origin(hint) is NotRequired
        found[name] = (get_args(hint)[0] if optional else hint, not optional)
    return found


def _is_scalar(value: Any, kind: Any) -> bool:
    if kind is float:
        return type(value) in (int, float) and math.isfinite(value)
    return type(value) is (NoneType if kind is None else kind)
