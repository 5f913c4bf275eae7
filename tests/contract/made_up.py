"""Hypothesis strategies for objects of any public class, made from the types of their fields."""

from __future__ import annotations

import string
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, get_args, get_origin, get_type_hints

import attrs
from class_walk import kinds, unknown_keys
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from asyncdbaas import UNSET, InvalidInputError, Unset
from asyncdbaas.types import OpenEnum

_NAMES: Final = st.text(string.ascii_lowercase, min_size=3, max_size=12)
_SCALARS: Final[dict[Any, SearchStrategy[Any]]] = {
    str: st.text(max_size=20),
    int: st.integers(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    datetime: st.datetimes(datetime(2, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 -- hypothesis adds the zone; the year 1 means "no date"
    Any: st.booleans() | st.integers() | _NAMES | st.lists(_NAMES, max_size=2),
}
# Fields that take only some of the values of their type.
_NARROW: Final[dict[str, SearchStrategy[Any]]] = {
    "CA.certificate": st.just("-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"),
    "MaintenanceWindowUpdate.hour": st.sampled_from(["00:00", "13:45", "23:59"]),
}


@cache
def objects(cls: Any, *, full: bool = False) -> SearchStrategy[Any]:
    """Make objects of a class; with `full`, every field has a value."""
    hints = get_type_hints(cls)
    fields = {field.name: field_values(cls, field.name, hints[field.name], full=full) for field in attrs.fields(cls)}
    return st.fixed_dictionaries(fields).map(lambda chosen: _build(cls, chosen)).filter(lambda made: made is not None)


def _build(cls: Any, chosen: dict[str, Any]) -> Any:
    try:
        return cls(**chosen)
    except InvalidInputError:
        return None


def field_values(cls: Any, name: str, tp: Any, *, full: bool) -> SearchStrategy[Any]:
    """Make values for one field."""
    nothing = [] if full else [st.just(value) for value in _empty_values(cls, tp)]
    known = _NARROW.get(f"{cls.__name__}.{name}")
    if known is None and _has_validator(cls, name):
        known = st.one_of([_narrow(kind) for kind in kinds(tp)])
    if known is None:
        known = st.one_of([_values(kind, full=full) for kind in kinds(tp)])
    return st.one_of([*nothing, known])


def _empty_values(cls: Any, tp: Any) -> list[Any]:
    empty = [UNSET] if Unset in get_args(tp) else []
    # In a class that maps unknown keys, a null reads as unset.
    return [*empty, None] if type(None) in get_args(tp) and not (empty and unknown_keys(cls)) else empty


def _has_validator(cls: Any, name: str) -> bool:
    return getattr(attrs.fields(cls), name).validator is not None


def _narrow(kind: Any) -> SearchStrategy[Any]:
    return _NAMES if kind is str else st.sampled_from(list(kind)) if _is_enum(kind) else _values(kind, full=True)


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, OpenEnum)


def _values(kind: Any, *, full: bool) -> SearchStrategy[Any]:
    if attrs.has(kind):
        return objects(kind, full=full)
    if _is_enum(kind):
        return st.sampled_from(list(kind)) | _NAMES.map(kind)
    if get_origin(kind) is dict:
        # Names that no field has, and never empty: settings that a class does not know stand beside its fields.
        keys, values = (
            _NAMES.map("new_{}".format),
            st.one_of([_values(inner, full=full) for inner in kinds(get_args(kind)[1])]),
        )
        return st.dictionaries(keys, values, min_size=1, max_size=2)
    if get_origin(kind) is list:
        return st.lists(_values(*get_args(kind), full=full), min_size=int(full), max_size=2)
    return _SCALARS[kind]
