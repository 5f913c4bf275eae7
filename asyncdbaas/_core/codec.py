"""Bytes to attrs objects and back.

The fast way is msgspec, straight from bytes into the class. An answer that it refuses goes the tolerant way, through
a cattrs converter: numbers as strings, null where a value was expected, "" for a date.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Final, Generic, TypeVar, cast, get_origin

import attrs
import msgspec

from asyncdbaas.errors import InvalidInputError

__all__ = [
    "MismatchError",
    "NotYetError",
    "Page",
    "decode_error_body",
    "encode",
    "envelop",
    "flatten",
    "page_reader",
    "reader",
    "require_some",
    "wire",
    "wire_names",
]

T = TypeVar("T")
_WIRE: Final = "asyncdbaas.wire"
_FLATTEN: Final = "asyncdbaas.flatten"


class MismatchError(Exception):
    """The body does not fit the class; the message names the place, never a value."""


class NotYetError(Exception):
    """The body is no object but the word that one is on its way."""


def wire(name: str) -> dict[str, str]:
    """Give the metadata of a field whose name in JSON is no Python name, such as `pg_stat_statements.track`."""
    return {_WIRE: name}


def flatten() -> dict[str, bool]:
    """Give the metadata of the field that maps, by their names in JSON, the keys for which a class has no field."""
    return {_FLATTEN: True}


def encode(body: Any) -> bytes:
    """Encode a request body, leaving out what is unset; refuse values of the wrong type by the field's name."""
    try:
        return _encode(body)
    except (msgspec.ValidationError, TypeError, ValueError, RecursionError) as error:
        reason = f"{type(body).__name__}: {error}"
    del body  # it may hold secrets, and a traceback can show the variables of this frame
    raise InvalidInputError(reason)


def _encode(body: Any) -> bytes:
    payload = _encoder(cast("Any", type(body)))(body)
    if b"null" in payload:
        _check_finite(msgspec.to_builtins(body, builtin_types=(msgspec.Raw,)), "$")
    return payload


def _check_finite(value: Any, place: str) -> None:
    """Refuse NaN and infinity: JSON has neither, and the encoder would send them as null."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"not a finite number - at `{place}`")
    if isinstance(value, dict):
        for name, inner in _fields(value).items():
            _check_finite(inner, f"{place}.{name}")
    elif isinstance(value, (list, tuple, set, frozenset)):
        for index, inner in enumerate(cast("Iterable[object]", value)):
            _check_finite(inner, f"{place}[{index}]")


@cache
def _encoder(cls: Any) -> Callable[[Any], bytes]:
    encode_any = msgspec.json.encode
    if not attrs.has(cls):
        return encode_any
    read_back = _decoder(cls).decode

    def encode_plain(body: Any) -> bytes:
        payload = encode_any(body)
        # What goes out must read back as its class: that finds a string where a list belongs, in about 1 us.
        read_back(payload)
        return payload

    def encode_renamed(body: Any) -> bytes:
        return encode_any(_to_wire(msgspec.json.decode(encode_plain(body)), cls))

    return encode_plain if _is_plain(cls) else encode_renamed


def envelop(key: str, body: object) -> dict[str, msgspec.Raw]:
    """Put a request body below a key."""
    return {key: msgspec.Raw(encode(body))}


def require_some(body: T) -> T:
    """Refuse an update in which nothing is set, or something of the wrong type."""
    if _holds_nothing(msgspec.json.decode(encode(body))):
        raise InvalidInputError(f"{type(body).__name__}: nothing is set, so there is nothing to update")
    return body


def _holds_nothing(value: Any) -> bool:
    """Tell whether a value is an object without fields, or with such objects only."""
    return isinstance(value, dict) and all(_holds_nothing(inner) for inner in _fields(value).values())


def reader(into: type[T], key: str | None) -> Callable[[bytes], T]:
    """Return the function that reads an answer whose object stands below `key`, or stands bare.

    It raises MismatchError, or NotYetError.
    """
    into_any: Any = into  # a class is hashable, but type checkers doubt it
    return _reader(into_any, key)


@cache  # a decoder takes longer to build than thousands of answers take to read
def _reader(into: Any, key: str | None) -> Callable[[bytes], Any]:
    fast = _fast_reader(into, key)

    def read(body: bytes) -> Any:
        try:
            try:
                return fast(body)
            except (msgspec.ValidationError, LookupError):
                return _read_slowly(body, into, key)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise MismatchError(f"not valid JSON: {error}" if body else "the body is empty") from None

    return read


def _fast_reader(into: Any, key: str | None) -> Callable[[bytes], Any]:
    """Return a reader for answers of the usual shape; LookupError and ValidationError mean any other."""
    if not _is_plain(into):
        return _mapped_reader(into, key)
    if key is None:
        return _decoder(into).decode
    envelope = msgspec.defstruct("Envelope", [("value", into | None, msgspec.field(name=key, default=None))])
    decode = _decoder(envelope).decode

    def read(body: bytes) -> Any:
        value = decode(body).value
        if value is None:
            raise LookupError(key)
        return value

    return read


def _mapped_reader(into: Any, key: str | None) -> Callable[[bytes], Any]:
    """Return a fast reader for a class whose fields have other names, or another place, than in JSON."""

    def read(body: bytes) -> Any:
        raw = msgspec.json.decode(body)
        return msgspec.convert(_from_wire(raw if key is None else _fields(raw)[key], into), into)

    return read


def _read_slowly(body: bytes, into: Any, key: str | None) -> Any:
    """Read an answer that is bare where an envelope was expected, or null, or sloppy."""
    raw = msgspec.json.decode(body)
    fields = _fields(raw)
    if fields.get("id") == "accepted" and (key is None or key not in fields):
        raise NotYetError(str(fields.get("message") or "accepted"))
    raw, place = _unwrap(raw, key)
    if raw is None:
        if get_origin(into) is list:
            return []
        raise NotYetError(f"{place} is null")
    if key is not None and place == "$":
        _expect_fields(raw, into, key)
    raw = _from_wire(raw, into)
    try:
        return msgspec.convert(raw, into)
    except msgspec.ValidationError:
        from asyncdbaas._core.tolerant import (
            structure,  # cattrs is a good part of this package's import time, and seldom needed
        )

        try:
            return structure(raw, into)
        except ValueError as error:
            raise MismatchError(str(error).replace("$", place)) from None


def _unwrap(raw: Any, key: str | None) -> tuple[Any, str]:
    """Return the object below `key`, else the bare one, and its place."""
    fields = _fields(raw)
    return (raw, "$") if key is None or key not in fields else (fields[key], f"$.{key}")


def _expect_fields(raw: Any, into: Any, key: str) -> None:
    """Refuse a bare object that has nothing of the class: all its fields may be optional, then anything would fit."""
    if isinstance(raw, dict) and _fields(raw).keys().isdisjoint(wire_names(into)):
        raise MismatchError(f"$ has no {key!r}")


def _to_wire(fields: dict[str, Any], cls: Any) -> dict[str, Any]:
    """Give fields their names in JSON, and put beside them what stands in the flattened one."""
    more: dict[str, Any] = fields.pop(_flattened(cls), {})
    named = {_renames(cls).get(name, name): value for name, value in fields.items()}
    if twice := sorted(named.keys() & more.keys()):
        raise ValueError(f"{twice[0]!r} is set twice, also in {_flattened(cls)!r}")
    return named | more


def _from_wire(raw: Any, into: Any) -> Any:
    """Undo `_to_wire`. A null is left out: what such classes hold is unset, never null."""
    if _is_plain(into) or not isinstance(raw, dict):
        return raw
    there = {name: value for name, value in _fields(raw).items() if value is not None}
    back = {name: field for field, name in _renames(into).items()}
    known = {back.get(name, name): there.pop(name) for name in wire_names(into) if name in there}
    return {**known, _flattened(into): there} if there and _flattened(into) else known


def _fields(raw: Any) -> dict[str, Any]:
    """Return a JSON object's fields; none if it is something else."""
    return cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}


@attrs.frozen(kw_only=True)
class Page(Generic[T]):
    """One page of a list."""

    items: list[T]
    next: str | None
    """The address of the next page, if the service names one."""


def page_reader(item: type[T], key: str) -> Callable[[bytes], Page[T]]:
    """Return the function that reads a list below `key` together with the address of its next page."""
    item_any: Any = item
    return _page_reader(item_any, key)


@cache
def _page_reader(item: Any, key: str) -> Callable[[bytes], Page[Any]]:
    read, links = _reader(list[item], key), _decoder(_Links)

    def read_page(body: bytes) -> Page[Any]:
        # Most lists come whole: look for links only where the word stands.
        following = None
        items = read(body)
        if b'"links"' in body:
            try:
                following = links.decode(body).links["pages"]["next"]
            except (msgspec.ValidationError, LookupError, TypeError):
                following = None
        return Page(items=items, next=following if isinstance(following, str) else None)

    return read_page


class _Links(msgspec.Struct):
    links: Any = None


def decode_error_body(body: bytes) -> dict[str, Any]:
    """Read an error's JSON object; {} if the body is anything else."""
    try:
        return _fields(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


@cache
def _decoder(cls: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(cls)


@cache
def wire_names(cls: Any) -> frozenset[str]:
    """Return the names in JSON of a class's fields, without the flattened one; none if it is no attrs class."""
    fields = attrs.fields(cls) if attrs.has(cls) else ()
    return frozenset(field.metadata.get(_WIRE, field.name) for field in fields if _FLATTEN not in field.metadata)


@cache
def _renames(cls: Any) -> Mapping[str, str]:
    """Map Python names to names in JSON, for those fields of a class where they differ."""
    fields = attrs.fields(cls) if attrs.has(cls) else ()
    return {field.name: field.metadata[_WIRE] for field in fields if _WIRE in field.metadata}


@cache
def _flattened(cls: Any) -> str:
    """Return the name of a class's flattened field, "" if it has none."""
    fields = attrs.fields(cls) if attrs.has(cls) else ()
    return next((field.name for field in fields if _FLATTEN in field.metadata), "")


def _is_plain(cls: Any) -> bool:
    """Tell whether a class looks in JSON as it does in Python."""
    return not _renames(cls) and not _flattened(cls)
