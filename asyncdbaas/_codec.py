"""Bytes to attrs objects and back.

The fast way is msgspec, straight from bytes into the class. An answer that it refuses goes the tolerant way, through
a cattrs converter: numbers as strings, null where a value was expected, "" for a date.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, Generic, TypeVar, cast, get_origin

import attrs
import msgspec

from .errors import InvalidInputError

__all__ = [
    "MismatchError",
    "NotYetError",
    "Page",
    "decode_error_body",
    "encode",
    "envelop",
    "page_reader",
    "reader",
    "require_some",
    "wire",
]

T = TypeVar("T")
_WIRE: Final = "asyncdbaas.wire"
_EMPTY: Final = b"{}"


class MismatchError(Exception):
    """The body does not fit the class; the message names the place, never a value."""


class NotYetError(Exception):
    """The body is no object but the word that one is on its way."""


def wire(name: str) -> dict[str, str]:
    """Give the metadata of a field whose name in JSON is no Python name, such as `pg_stat_statements.track`."""
    return {_WIRE: name}


def encode(body: Any) -> bytes:
    """Encode a request body, leaving out what is unset; refuse values of the wrong type by the field's name."""
    cls = cast("Any", type(body))
    try:
        payload = msgspec.json.encode(body)
        if attrs.has(cls):
            # What goes out must read back as its class: that finds a string where a list belongs, in about 1 us.
            _decoder(cls).decode(payload)
            if renames := _renames(cls):
                fields = msgspec.json.decode(payload)
                payload = msgspec.json.encode({renames.get(name, name): value for name, value in fields.items()})
    except (msgspec.ValidationError, TypeError, ValueError, UnicodeEncodeError) as error:
        raise InvalidInputError(f"{cls.__name__}: {error}") from None
    return payload


def envelop(key: str, body: object) -> dict[str, msgspec.Raw]:
    """Put a request body below a key."""
    return {key: msgspec.Raw(encode(body))}


def require_some(body: T) -> T:
    """Refuse an update in which nothing is set."""
    if msgspec.json.encode(body) == _EMPTY:
        raise InvalidInputError(f"{type(body).__name__}: nothing is set, so there is nothing to update")
    return body


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
            return fast(body)
        except (msgspec.ValidationError, LookupError):
            return _read_slowly(body, into, key)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise MismatchError(f"not valid JSON: {error}" if body else "the body is empty") from None

    return read


def _fast_reader(into: Any, key: str | None) -> Callable[[bytes], Any]:
    """Return a reader for answers of the usual shape; LookupError and ValidationError mean any other."""
    if _renames(into):
        return lambda body: msgspec.convert(_rename(_unwrap(msgspec.json.decode(body), key)[0], into), into)
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
    raw = _rename(raw, into)
    try:
        return msgspec.convert(raw, into)
    except msgspec.ValidationError:
        from ._tolerant import structure  # cattrs is a good part of this package's import time, and seldom needed

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
    names = [_renames(into).get(field.name, field.name) for field in attrs.fields(into)] if attrs.has(into) else []
    if isinstance(raw, dict) and _fields(raw).keys().isdisjoint(names):
        raise MismatchError(f"$ has no {key!r}")


def _rename(raw: Any, into: Any) -> Any:
    renames = {there: here for here, there in _renames(into).items()}
    return {renames.get(name, name): value for name, value in _fields(raw).items()} if renames else raw


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
def _renames(into: Any) -> Mapping[str, str]:
    """Map Python names to names in JSON, for those fields of a class where they differ."""
    if not attrs.has(into):
        return {}
    return {field.name: field.metadata[_WIRE] for field in attrs.fields(into) if _WIRE in field.metadata}
