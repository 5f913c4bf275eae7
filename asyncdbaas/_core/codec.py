"""Request bodies: attrs objects and plain data to JSON. For responses see `decoding`."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable
from functools import cache
from typing import Any, Final, TypeVar, cast

import attrs
import msgspec

from asyncdbaas._core.wire import as_fields, is_plain, to_wire
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.types import Unset

T = TypeVar("T")

_TYPES_WITHOUT_BYTES: Final = frozenset({str, int, float, bool, type(None), Unset})


def encode(body: Any) -> bytes:
    """Encode a request body without its unset fields; reject values of the wrong type by the field's name."""
    try:
        return _encode(body)
    except (msgspec.ValidationError, TypeError, ValueError, RecursionError) as error:
        reason = f"{type(body).__name__}: {error}"
    del body  # it may hold secrets, and a traceback can show the variables of this frame
    raise InvalidInputError(reason)


def _encode(body: Any) -> bytes:
    cls: Any = type(body)  # pyright: ignore[reportUnknownVariableType] -- of whatever is passed
    payload = _encoder(cls)(body)
    if b"null" in payload or _holds_bytes(body):
        _check_values(body)
    return payload


def _holds_bytes(value: Any) -> bool:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return True
    if isinstance(value, dict):
        inner: Collection[Any] = as_fields(value).values()
    elif isinstance(value, (list, tuple, set, frozenset)):
        inner = cast("Collection[Any]", value)
    elif hasattr(value, "__attrs_attrs__"):  # `attrs.has` is slower
        fields: dict[str, Any] = getattr(value, "__dict__", None) or attrs.asdict(value, recurse=False)  # with slots
        inner = fields.values()
    else:
        return False
    # The loop takes three times as long, and few classes need it.
    return not _TYPES_WITHOUT_BYTES.issuperset(map(type, inner)) and any(map(_holds_bytes, inner))


def _check_values(body: Any) -> None:
    """Reject what the encoder would send as something else: NaN and infinity as null, bytes as base64."""
    _check(msgspec.to_builtins(body, builtin_types=(msgspec.Raw, bytes, bytearray, memoryview)), "$")


def _check(value: Any, place: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"not a finite number - at `{place}`")
    if isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError(f"bytes, which must be decoded to a string - at `{place}`")
    if isinstance(value, dict):
        for name, inner in as_fields(value).items():
            _check(inner, f"{place}.{name}")
    elif isinstance(value, (list, tuple, set, frozenset)):
        for index, inner in enumerate(cast("Iterable[object]", value)):
            _check(inner, f"{place}[{index}]")


@cache
def _encoder(cls: Any) -> Callable[[Any], bytes]:
    encode_any = msgspec.json.encode
    if not attrs.has(cls):
        return encode_any
    read_back = msgspec.json.Decoder[Any](cls).decode

    def encode_plain(body: Any) -> bytes:
        payload = encode_any(body)
        # The payload must be readable as its own class: that finds a string in place of a list, in about 1 us.
        read_back(payload)
        return payload

    def encode_renamed(body: Any) -> bytes:
        return encode_any(to_wire(msgspec.json.decode(encode_plain(body)), cls))

    return encode_plain if is_plain(cls) else encode_renamed


def envelop(key: str, body: object) -> dict[str, msgspec.Raw]:
    """Put a request body below a key."""
    return {key: msgspec.Raw(encode(body))}


def require_some(body: T) -> T:
    """Reject an update in which nothing is set, or something of the wrong type."""
    if _holds_nothing(msgspec.json.decode(encode(body))):
        raise InvalidInputError(f"{type(body).__name__}: nothing is set, so there is nothing to update")
    return body


def _holds_nothing(value: Any) -> bool:
    """Return whether a value is an object without fields, or with such objects only."""
    return isinstance(value, dict) and all(_holds_nothing(inner) for inner in as_fields(value).values())


def decode_exactly(content: bytes, into: type[T]) -> T:
    """Decode a file that this library has written. Raise ValueError if anything is not as it writes it."""
    try:
        return msgspec.json.decode(content, type=into)
    except RecursionError as error:
        raise ValueError(str(error)) from None
