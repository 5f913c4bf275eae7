"""Plain data from requests and responses, for JSON, templates and other programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast, overload

import attrs
import msgspec

from asyncdbaas._checks import kind_of
from asyncdbaas._core.model import is_secret
from asyncdbaas._core.wire import flattened, renames
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.types import UNSET, Secret

_MASK: Final = "***"


# The list comes first because pyright takes anything for an attrs instance.
@overload
def to_dict(value: Iterable[attrs.AttrsInstance], *, secrets: bool = False) -> list[dict[str, Any]]: ...  # pyright: ignore[reportOverlappingOverload] -- see above
@overload
def to_dict(value: attrs.AttrsInstance, *, secrets: bool = False) -> dict[str, Any]: ...
def to_dict(value: object, *, secrets: bool = False) -> Any:
    """Return a request or response object as a dictionary, or a list of them as a list of dictionaries.

    Names, enumerations and dates are spelled as in the API. Unset fields are left out. Secrets, such as passwords and
    connection URIs, are `***`, or as they are with `secrets=True`. The result holds nothing but what JSON knows.
    """
    if attrs.has(type(value)) or (isinstance(value, Iterable) and not isinstance(value, (Mapping, str, bytes))):
        return _plain(value, secrets=secrets)  # pyright: ignore[reportUnknownArgumentType] -- of whatever items
    raise InvalidInputError(f"to_dict takes an object of this library or a list of them, not {kind_of(value)}")  # pyright: ignore[reportUnknownArgumentType] -- of whatever items


def to_json(
    value: attrs.AttrsInstance | Iterable[attrs.AttrsInstance], *, secrets: bool = False, indent: int | None = None
) -> str:
    """Return a request or response object, or a list of them, as JSON text; see `to_dict`."""
    data: Any = to_dict(value, secrets=secrets)
    try:
        return json.dumps(data, indent=indent, ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise InvalidInputError("to_json: a number is not finite, which JSON cannot express") from None


def _plain(value: object, *, secrets: bool) -> Any:
    if attrs.has(type(value)):
        return _object(value, secrets=secrets)
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return {str(name): _plain(inner, secrets=secrets) for name, inner in items}
    if isinstance(value, Secret):
        return str(value) if secrets else _MASK
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        return [_plain(inner, secrets=secrets) for inner in cast("Iterable[object]", value)]
    try:
        return msgspec.to_builtins(value)
    except TypeError:
        raise InvalidInputError(f"to_dict cannot turn {kind_of(value)} into plain data") from None


def _object(value: object, *, secrets: bool) -> dict[str, Any]:
    cls: Any = type(value)
    names, extra = renames(cls), flattened(cls)
    data: dict[str, Any] = {}
    for field in attrs.fields(cls):
        inner = getattr(value, field.name)
        if inner is UNSET:
            continue
        if field.name == extra:
            data |= _plain(inner, secrets=secrets)
        elif is_secret(field) and inner and not secrets:
            data[names.get(field.name, field.name)] = _MASK
        else:
            data[names.get(field.name, field.name)] = _plain(inner, secrets=secrets)
    return data
