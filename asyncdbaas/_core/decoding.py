"""Response bodies: JSON to attrs objects. For requests see `codec`.

msgspec decodes most responses straight into their class, in one pass. What it rejects is decoded item by item, and only
the items that do not fit go through the tolerant path: numbers as strings, null where a value was expected, "" for a
date. There an optional value that makes no sense becomes None, and its place is noted.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import datetime
from functools import cache
from typing import Any, Final, Generic, TypeAlias, TypeVar, get_args, get_origin, get_type_hints

import attrs
import msgspec

from asyncdbaas._core.text import LONGEST_TEXT
from asyncdbaas._core.wire import as_fields, from_wire, is_plain, wire_names
from asyncdbaas.errors import InvalidInputError

T = TypeVar("T")
U = TypeVar("U")

Steps: TypeAlias = Generator[None, None, T]
"""Work that yields between two items, so that an event loop can do something else, and returns the result."""

# Up to this size a body is read in one go: a millisecond the fast way, half a second at worst the tolerant way.
LARGE: Final = 64 * 2**10
# The tolerant path takes 20 us an object and cannot pause within an item of a list.
_MOST_OBJECTS_OF_AN_ITEM: Final = 20_000
_ERROR_KEYS: Final = frozenset({"id", "message", "request_id"})
# How the zero date begins, which Go programs write for "no date".
_ZERO_DATE: Final = b'"0001-01-01'


class MismatchError(Exception):
    """The body does not fit the class; the message names the place, never a value, or has the words of an error."""


class NotYetError(Exception):
    """The body acknowledges the request but does not contain the object yet."""


@attrs.frozen
class Reader(Generic[T]):
    """Read a response body as a class. It raises MismatchError or NotYetError."""

    fast: Callable[[bytes], T]
    """Decode a body of the usual form; LookupError or msgspec.ValidationError for any other."""
    thorough: Callable[[bytes, list[str]], Steps[T]]
    """Decode any body, item by item, and note the places of optional values that make no sense."""

    def __call__(self, body: bytes, notes: list[str] | None = None) -> T:
        """Read a body, and append the places of values that could not be read to `notes`."""
        try:
            try:
                return self.fast(body)
            except (msgspec.ValidationError, LookupError):
                return _finish(self.thorough(body, [] if notes is None else notes))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise malformed(body, error) from None

    def then(self, change: Callable[[T], U]) -> Reader[U]:
        """Return a reader that passes what this one reads to a function."""

        def thorough(body: bytes, notes: list[str]) -> Steps[U]:
            return change((yield from self.thorough(body, notes)))

        return Reader(lambda body: change(self.fast(body)), thorough)


def _finish(steps: Steps[T]) -> T:
    """Do all the work at once."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: T = done.value
            return result


def malformed(body: bytes, error: Exception) -> MismatchError:
    """Return the error for a body that is no JSON."""
    return MismatchError(f"not valid JSON: {error}" if body else "the body is empty")


def _nothing(body: bytes) -> None:
    """Read nothing, but reject the body of an error, or a gateway's page."""
    if body.lstrip()[:1] == b"<":
        raise MismatchError("the body is a page, not JSON")
    try:
        fields: dict[str, msgspec.Raw] = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    if _text(fields, "id") != "accepted":
        _check_no_error(fields)


def _nothing_in_steps(body: bytes, _: list[str]) -> Steps[None]:
    yield
    _nothing(body)


NOTHING: Final = Reader(_nothing, _nothing_in_steps)
"""The reader of responses that need no body, and have one."""


def count_objects(body: bytes) -> int:
    """Return how many objects and arrays a body holds, or more if its texts hold braces."""
    return body.count(b"{") + body.count(b"[")


def reader(into: type[T], key: str = "") -> Reader[T]:
    """Return the reader of responses whose object is below `key`, or without a key is the whole body."""
    into_any: Any = into  # a class is hashable, but type checkers doubt it
    try:
        return _reader(into_any, key)
    except TypeError:  # not hashable, or nothing that msgspec can read; its message may show the object
        raise InvalidInputError("into must be the class of the result, such as Topic or list[Topic]") from None


@cache  # a decoder takes longer to build than thousands of responses take to read
def _reader(into: Any, key: str) -> Reader[Any]:
    is_list = get_origin(into) is list
    (item,) = get_args(into) if is_list else (into,)
    fast_item = _fast_reader(item, "")

    def read_item(raw: msgspec.Raw, place: str, notes: list[str]) -> Any:
        try:
            return fast_item(bytes(raw))
        except (msgspec.ValidationError, LookupError):
            return _repair(raw, item, place, notes)

    def thorough(body: bytes, notes: list[str]) -> Steps[Any]:
        raw, place = _open(body, into, key)
        if not is_list:
            yield
            return read_item(raw, place, notes)
        items: list[Any] = []
        for index, each in enumerate(_split(raw, place)):
            yield
            if bytes(each) != b"null":
                items.append(read_item(each, f"{place}[{index}]", notes))
        return items

    return Reader(_no_fast_way if not key and _is_vague(into) else _fast_reader(into, key), thorough)


def _is_vague(into: Any) -> bool:
    """Return whether any object fits a class, so that the fast way would read the body of an error as an empty one."""
    return attrs.has(into) and all(field.default is not attrs.NOTHING for field in attrs.fields(into))


def _fast_reader(into: Any, key: str) -> Callable[[bytes], Any]:
    """Return a decoder for bodies of the usual form; LookupError and ValidationError mean any other."""
    if not is_plain(into):
        return _mapped_reader(into, key)
    read = _plain_reader(into, key)
    if not _has_dates(into):
        return read

    def read_dates(body: bytes) -> Any:
        if _ZERO_DATE in body:
            raise LookupError
        return read(body)

    return read_dates


def _plain_reader(into: Any, key: str) -> Callable[[bytes], Any]:
    if not key:
        return _decoder(into).decode
    envelope = msgspec.defstruct("Envelope", [("value", into | None, msgspec.field(name=key, default=None))])
    decode = _decoder(envelope).decode

    def read(body: bytes) -> Any:
        value = decode(body).value
        if value is None:
            raise LookupError(key)
        return value

    return read


def _no_fast_way(_: bytes) -> Any:
    raise LookupError


def _mapped_reader(into: Any, key: str) -> Callable[[bytes], Any]:
    """Return a fast reader for a class whose fields have other names, or another place, than in JSON."""

    def read(body: bytes) -> Any:
        raw = msgspec.json.decode(body)
        return msgspec.convert(from_wire(as_fields(raw)[key] if key else raw, into), into)

    return read


@cache
def _has_dates(kind: Any) -> bool:
    """Return whether a date may stand anywhere in a type."""
    if attrs.has(kind):
        return any(map(_has_dates, get_type_hints(kind).values()))
    return kind is datetime or any(map(_has_dates, get_args(kind)))


def _open(body: bytes, into: Any, key: str) -> tuple[msgspec.Raw, str]:
    """Return the JSON below `key`, else the whole body, and its place."""
    try:
        fields: dict[str, msgspec.Raw] = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        is_object = True
    except msgspec.ValidationError:
        msgspec.json.decode(body, type=msgspec.Raw)  # is it JSON at all?
        fields, is_object = {}, False
    is_wrapped = bool(key) and key in fields
    if not is_wrapped and _text(fields, "id") == "accepted":
        raise NotYetError(_text(fields, "message") or "accepted")
    if not is_wrapped and "message" not in wire_names(into):
        _check_no_error(fields)
    raw, place = (fields[key], f"$.{key}") if is_wrapped else (msgspec.Raw(body), "$")
    if bytes(raw).strip() == b"null":
        if get_origin(into) is not list:
            raise NotYetError(f"{place} is null")
        raw = msgspec.Raw(b"[]")
    # A bare object that has nothing of the class: all its fields may be optional, then anything would fit.
    if key and not is_wrapped and is_object and fields.keys().isdisjoint(wire_names(into)):
        raise MismatchError(f"$ has no {key!r}")
    return raw, place


def _check_no_error(fields: dict[str, msgspec.Raw]) -> None:
    """Reject a body that has what an error has, and nothing else."""
    code, message = _text(fields, "id"), _text(fields, "message")
    if code and message and fields.keys() <= _ERROR_KEYS:
        raise MismatchError(f"the body is an error: {code[:LONGEST_TEXT]}: {message[:LONGEST_TEXT]}")


def _text(fields: dict[str, msgspec.Raw], name: str) -> str:
    """Return the text of a field, "" if it holds anything else."""
    value = msgspec.json.decode(fields[name]) if name in fields else None
    return value if isinstance(value, str) else ""


def _split(raw: msgspec.Raw, place: str) -> list[msgspec.Raw]:
    """Return the items of a JSON array, undecoded."""
    try:
        return msgspec.json.decode(raw, type=list[msgspec.Raw])
    except msgspec.ValidationError:
        raise MismatchError(f"expected list @ {place}") from None


def _repair(raw: msgspec.Raw, into: Any, place: str, notes: list[str]) -> Any:
    try:
        # cattrs is a good part of this package's import time, and seldom needed.
        from asyncdbaas._core.tolerant import UnreadableError, structure
    except OSError:
        raise MismatchError(f"{place} does not fit, and the process has too many open files to read it") from None
    if len(raw) > LARGE and count_objects(bytes(raw)) > _MOST_OBJECTS_OF_AN_ITEM:
        raise MismatchError(f"{place} does not fit, and is too large to search for the reason")
    try:
        return structure(msgspec.json.decode(raw), into, place, notes)
    except UnreadableError as error:
        raise MismatchError("; ".join(error.args)) from None


@attrs.frozen(kw_only=True)
class Page(Generic[T]):
    """One page of a list."""

    items: list[T]
    next: str | None
    """The address of the next page, if the service names one."""
    total: int | None = None
    """How many items the service counts over all pages, if it says so."""


def page_reader(item: type[T], key: str) -> Reader[Page[T]]:
    """Return the reader of a list below `key`, together with the address of its next page."""
    item_any: Any = item
    return _page_reader(item_any, key)


@cache
def _page_reader(item: Any, key: str) -> Reader[Page[Any]]:
    read = _reader(list[item], key)
    fields: list[Any] = [("items", list[item] | None, msgspec.field(name=key, default=None))]
    decode = _decoder(msgspec.defstruct("PageEnvelope", [*fields, ("links", Any, None), ("meta", Any, None)])).decode
    may_have_zero_dates = _has_dates(item)

    def read_page(body: bytes) -> Page[Any]:
        if may_have_zero_dates and _ZERO_DATE in body:
            raise LookupError
        envelope = decode(body)
        if envelope.items is None:
            raise LookupError(key)
        return _page(envelope.items, envelope.links, envelope.meta)

    def thorough(body: bytes, notes: list[str]) -> Steps[Page[Any]]:
        items = yield from read.thorough(body, notes)
        paging = as_fields(msgspec.json.decode(body, type=dict[str, msgspec.Raw] | list[msgspec.Raw] | None))
        links, meta = (msgspec.json.decode(paging.get(name, b"null")) for name in ("links", "meta"))
        return _page(items, links, meta)

    return Reader(read_page, thorough)


def _page(items: list[Any], links: Any, meta: Any) -> Page[Any]:
    following = as_fields(as_fields(links).get("pages")).get("next")
    total = as_fields(meta).get("total")
    return Page(
        items=items,
        next=following if isinstance(following, str) else None,
        total=total if isinstance(total, int) and not isinstance(total, bool) else None,
    )


def decode_error_body(body: bytes) -> dict[str, Any]:
    """Read an error's JSON object; {} if the body is anything else."""
    try:
        return as_fields(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


@cache
def _decoder(cls: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(cls)
