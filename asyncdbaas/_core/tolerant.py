"""The tolerant way to read parsed JSON, for responses that do not fit their class exactly.

Only required fields, those that identify an object, can make an object unreadable. The value of any other field that
cannot be understood is left out, so that the field's default applies, and its place is noted.
"""

from __future__ import annotations

import math
import re
import types
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, Final, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import attrs
import cattrs
import msgspec

from asyncdbaas._core.wire import as_fields, flattened, from_wire, renames
from asyncdbaas.types import Unset

T = TypeVar("T")
_Build: TypeAlias = Callable[[Any, str, list[str]], Any]

# Places noted in one response: enough to find the cause. A list can repeat the same oddity thousands of times.
_MOST_NOTES: Final = 20
# What is read more leniently than msgspec does; OpenEnums are strings.
_LENIENT: Final = (str, int, float, bool, datetime)
# A key that a message may quote; a longer one might be data.
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,40}")


class UnreadableError(ValueError):
    """A value cannot be understood; each argument names a problem and its place, never the value."""


def structure(raw: Any, into: type[T], place: str, notes: list[str]) -> T:
    """Build an object from parsed JSON; append to `notes` the places of optional values that make no sense.

    Raise UnreadableError if a required value makes no sense.
    """
    kind: Any = into
    built: T = _builder(kind)(raw, place, notes)
    return built


@cache
def _builder(kind: Any) -> _Build:
    """Return the function that builds values of a type from a value and its place."""
    first, *others = kinds = _alternatives(kind)
    if others:
        return _leaf(kind, lambda value: msgspec.convert(value, Union[kinds], strict=False))  # noqa: UP007 -- made at run time
    if attrs.has(first):
        return _object(first)
    if get_origin(first) is list:
        return _list(_builder(get_args(first)[0]))
    if get_origin(first) is dict:
        return _mapping(_builder(get_args(first)[1]))
    if isinstance(first, type) and issubclass(first, _LENIENT):
        hook = _converter().get_structure_hook(first)
        return _leaf(kind, lambda value: hook(value, first))
    other = cast("Any", first)
    return _leaf(kind, lambda value: msgspec.convert(value, other, strict=False))


def _alternatives(kind: Any) -> tuple[Any, ...]:
    """Return the types of a union, without None and Unset."""
    if get_origin(kind) not in (Union, types.UnionType):
        return (kind,)
    return tuple(each for each in get_args(kind) if each not in (types.NoneType, Unset))


def _leaf(kind: Any, convert: Callable[[Any], Any]) -> _Build:
    name = getattr(kind, "__name__", str(kind))

    def build(value: Any, place: str, _: list[str]) -> Any:
        try:
            return value if value is None else convert(value)
        except (TypeError, ValueError, OverflowError):  # their messages quote the value, which may be a secret
            raise UnreadableError(f"expected {name} @ {place}") from None

    return build


def _list(item: _Build) -> _Build:
    def build(value: Any, place: str, notes: list[str]) -> list[Any]:
        if not isinstance(value, list):
            raise UnreadableError(f"expected list @ {place}")
        numbered = enumerate(cast("list[object]", value))
        return [item(each, f"{place}[{index}]", notes) for index, each in numbered if each is not None]

    return build


def _mapping(item: _Build) -> _Build:
    def build(value: Any, place: str, notes: list[str]) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise UnreadableError(f"expected dict @ {place}")
        built: dict[str, Any] = {}
        for name, each in as_fields(value).items():
            try:
                if each is not None:
                    built[name] = item(each, f"{place}.{name if _NAME.fullmatch(name) else '*'}", notes)
            except UnreadableError as error:
                _note(notes, error)
        return built

    return build


def _note(notes: list[str], error: UnreadableError) -> None:
    notes += [problem.rpartition(" @ ")[2] for problem in error.args[: _MOST_NOTES - len(notes)]]


def _object(cls: Any) -> _Build:
    hints, names, extra = get_type_hints(cls), renames(cls), flattened(cls)
    fields = [_Field(hints[field.name], field) for field in attrs.fields(cls)]

    def build(value: Any, place: str, notes: list[str]) -> Any:
        if not isinstance(value, dict):
            raise UnreadableError(f"expected {cls.__name__} @ {place}")
        given: dict[str, Any] = {}
        problems: list[str] = []
        values = as_fields(from_wire(value, cls))
        for field in fields:
            where = place if field.name == extra else f"{place}.{names.get(field.name, field.name)}"
            try:
                field.read(values, where, notes, given)
            except UnreadableError as error:
                if field.is_required:
                    problems += error.args
                else:
                    _note(notes, error)
        if problems:
            raise UnreadableError(*problems)
        try:
            return cls(**given)
        except ValueError as error:  # from our own `__attrs_post_init__`, whose messages quote nothing
            raise UnreadableError(f"{error} @ {place}") from None

    return build


class _Field:
    """One field of a class, as it is read."""

    def __init__(self, hint: Any, field: attrs.Attribute[Any]) -> None:
        self.name = field.name
        self.is_required = field.default is attrs.NOTHING
        self._argument = field.alias or field.name
        self._takes_none = types.NoneType in get_args(hint)
        self._build = _builder(hint)

    def read(self, values: dict[str, Any], place: str, notes: list[str], given: dict[str, Any]) -> None:
        """Put the field's value into `given`, unless its default applies."""
        value = self._build(values[self.name], place, notes) if values.get(self.name) is not None else None
        if value is not None or (self._takes_none and self.name in values):
            given[self._argument] = value
        elif self.is_required:
            raise UnreadableError(f"required field missing @ {place}")


@cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=False)
    converter.register_structure_hook(str, _to_text)  # OpenEnums come here, too
    converter.register_structure_hook(int, _to_int)
    converter.register_structure_hook(float, _to_float)
    converter.register_structure_hook(bool, _to_bool)
    converter.register_structure_hook(datetime, _to_datetime)
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
    if not math.isfinite(number := float(value)):
        raise ValueError
    return number


def _to_bool(value: Any, _: Any) -> bool:
    known = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
    if isinstance(value, bool):
        return value
    if str(value).lower() not in known:
        raise ValueError
    return known[str(value).lower()]


def _to_datetime(value: Any, _: Any) -> datetime | None:
    if value == "":  # the service writes this for "no date"
        return None
    try:
        when = msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        when = datetime.fromisoformat(value)
    if when.date() == date.min:  # Go's zero date
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
