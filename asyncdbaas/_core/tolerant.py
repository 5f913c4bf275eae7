"""The tolerant way to read an answer, for what the fast one refuses."""

from __future__ import annotations

import types
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, TypeAlias, TypeVar, Union, cast, get_args, get_origin

import attrs
import cattrs
import msgspec
from cattrs.cols import list_structure_factory
from cattrs.gen import make_dict_structure_fn

from asyncdbaas.types import Unset

__all__ = ["structure"]

T = TypeVar("T")
_Hook: TypeAlias = Callable[[Any, Any], Any]


def structure(raw: Any, into: type[T]) -> T:
    """Build an object from parsed JSON, forgiving what can be understood; ValueError names the place of the rest."""
    try:
        return _converter().structure(_without_nulls(raw), into)
    except Exception as error:  # noqa: BLE001 -- cattrs raises groups of whatever its hooks raise
        problems = cattrs.transform_error(error, format_exception=lambda inner, cls: _say(inner, cls or into))
        raise ValueError("; ".join(problems)) from None


def _say(error: BaseException, into: type) -> str:
    # The messages of int() and the like quote the value, which may be a secret.
    name = getattr(into, "__name__", str(into))
    return "required field missing" if isinstance(error, KeyError) else f"expected {name}"


@cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=True)
    converter.register_structure_hook(str, _to_text)  # OpenEnums come here, too
    converter.register_structure_hook(int, _to_int)
    converter.register_structure_hook(float, _to_float)
    converter.register_structure_hook(bool, _to_bool)
    converter.register_structure_hook(datetime, _to_datetime)

    def optional_hook(cls: Any) -> _Hook:
        return _optional_hook(cls, converter)

    def object_hook(cls: Any) -> _Hook:
        return _only(dict, make_dict_structure_fn(cls, converter))

    def list_hook(cls: Any) -> _Hook:
        return _only(list, list_structure_factory(cls, converter))

    converter.register_structure_hook_factory(_is_optional, optional_hook)
    converter.register_structure_hook_factory(attrs.has, object_hook)
    converter.register_structure_hook_factory(_is_list, list_hook)
    return converter


def _to_text(value: Any, cls: Any) -> Any:
    if isinstance(value, bool):
        return cls("true" if value else "false")
    if not isinstance(value, (str, int, float)):
        raise TypeError
    return cls(value if isinstance(value, str) else str(value))


def _to_int(value: Any, _: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError
    if isinstance(value, float) and not value.is_integer():
        raise ValueError
    return int(value)  # never through float: values beyond 2**53 stay exact


def _to_float(value: Any, _: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError
    return float(value)


def _to_bool(value: Any, _: Any) -> bool:
    known = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
    if isinstance(value, bool):
        return value
    if str(value).lower() not in known:
        raise ValueError
    return known[str(value).lower()]


def _to_datetime(value: Any, _: Any) -> datetime | None:
    if value == "":  # the service's word for "no date"
        return None
    try:
        return msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        return datetime.fromisoformat(value)


def _is_list(cls: Any) -> bool:
    return get_origin(cls) is list


def _is_optional(cls: Any) -> bool:
    return get_origin(cls) in (Union, types.UnionType) and bool({type(None), Unset} & set(get_args(cls)))


def _optional_hook(cls: Any, converter: cattrs.Converter) -> _Hook:
    kinds = tuple(arg for arg in get_args(cls) if arg not in (type(None), Unset))
    if len(kinds) == 1:
        return lambda value, _: None if value is None else converter.structure(value, kinds[0])
    return lambda value, _: value if value is None else msgspec.convert(value, Union[kinds], strict=False)  # noqa: UP007 -- a union made at run time


def _only(kind: type, hook: _Hook) -> _Hook:
    """Refuse what is not of a kind: cattrs takes a list for an object without fields, and "abc" for a list of three."""

    def structure_kind(value: Any, cls: Any) -> Any:
        if not isinstance(value, kind):
            raise TypeError
        return hook(value, cls)

    return structure_kind


def _without_nulls(raw: Any) -> Any:
    """Drop every null, so that the defaults of the fields apply, and lists hold only values."""
    if isinstance(raw, dict):
        fields = cast("dict[str, Any]", raw)
        return {name: _without_nulls(value) for name, value in fields.items() if value is not None}
    if isinstance(raw, list):
        return [_without_nulls(value) for value in cast("list[object]", raw) if value is not None]
    return raw
