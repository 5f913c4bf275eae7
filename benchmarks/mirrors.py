"""The library's attrs classes again, field by field, as classes of other libraries: what decoding is compared with."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, Union, cast, get_args, get_origin, get_type_hints

import attrs
import msgspec

from benchmarks.optional import optional

__all__ = ["as_pydantic", "as_struct"]

_NEW_LIST: Final[Callable[[], list[Any]]] = list


@cache
def as_struct(cls: Any) -> Any:
    """Make a msgspec.Struct with the fields of an attrs class, and of the attrs classes in them."""
    fields = [(name, kind, _struct_default(field)) for name, kind, field in _fields(cls, as_struct)]
    return msgspec.defstruct(cls.__name__, fields, kw_only=True)


@cache
def as_pydantic(cls: Any) -> Any:
    """Make a pydantic model with the fields of an attrs class, and of the attrs classes in them."""
    fields: dict[str, Any] = {}
    for name, kind, field in _fields(cls, as_pydantic):
        fields[name] = (kind, ...) if field.default is attrs.NOTHING else (_without_unset(kind) | None, None)
    return optional("pydantic").create_model(cls.__name__, **fields)


def _fields(cls: Any, mirror: Callable[[Any], Any]) -> list[tuple[str, Any, attrs.Attribute[Any]]]:
    hints: Mapping[str, Any] = get_type_hints(cls)
    return [(field.name, _mirrored(hints[field.name], mirror), field) for field in attrs.fields(cls)]


def _mirrored(kind: Any, mirror: Callable[[Any], Any]) -> Any:
    """Replace the attrs classes in a type."""
    if attrs.has(kind):
        return mirror(kind)
    arguments = tuple(_mirrored(argument, mirror) for argument in get_args(kind))
    if not arguments:
        return kind
    if get_origin(kind) in (Union, types.UnionType):
        return Union[arguments]  # noqa: UP007 -- a union made at run time
    origin: Any = get_origin(kind)
    return origin[arguments]


def _struct_default(field: attrs.Attribute[Any]) -> Any:
    if isinstance(field.default, attrs.Factory):  # type: ignore[arg-type]  # a class, but typed as a function
        # Not list[Any], which takes longer to call than the rest of a small Struct takes to decode.
        return cast("Any", msgspec.field(default_factory=_NEW_LIST))
    return msgspec.NODEFAULT if field.default is attrs.NOTHING else field.default


def _without_unset(kind: Any) -> Any:
    arguments = tuple(argument for argument in get_args(kind) if argument is not msgspec.UnsetType)
    return Union[arguments] if get_origin(kind) in (Union, types.UnionType) else kind  # noqa: UP007 -- as above
