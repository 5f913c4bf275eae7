"""Checks of a request's body, with the error messages of the service.

A value of the wrong JSON type gets 400; a value of the right type that is not valid gets 422.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Container
from typing import Any, Final

from asyncdbaas.emulator.clock import timestamp
from asyncdbaas.emulator.errors import bad_request, unprocessable
from asyncdbaas.emulator.records import Record

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f]{1,63}")


def string(body: Record, name: str, default: str = "") -> str:
    """Read a string; absent and null give the default."""
    found: str | None = _read(body, name, str, "string")
    return default if found is None else found


def required(body: Record, name: str) -> str:
    """Read a string that must not be missing or empty."""
    value = string(body, name)
    if not value:
        raise unprocessable(f"{name} is required")
    return value


def new_name(body: Record, what: str, taken: Container[str]) -> str:
    """Read the name of a new object, which must be printable and not exist."""
    name = required(body, "name")
    if not _NAME.fullmatch(name):
        raise unprocessable(f"invalid {what} name")
    if name in taken:
        raise unprocessable(f"{what} name is not available")
    return name


def uuid(body: Record, name: str) -> str:
    """Read a UUID; absent, null and "" give ""."""
    value = string(body, name)
    if value and not _UUID.fullmatch(value):
        raise unprocessable(f"invalid {name}")
    return value


def time(body: Record, name: str) -> float | None:
    """Read a date and time as epoch seconds; absent, null and "" give None."""
    value = string(body, name)
    try:
        return timestamp(value) if value else None
    except ValueError as error:
        raise unprocessable(f"invalid {name}") from error


def integer(body: Record, name: str, default: int = 0) -> int:
    """Read an integer; absent and null give the default. A bool is not an integer."""
    found: int | None = _read(body, name, int, "int")
    return default if found is None else found


def boolean(body: Record, name: str) -> bool:
    """Read a bool; absent and null give false."""
    found: bool | None = _read(body, name, bool, "bool")
    return bool(found)


def record(body: Record, name: str) -> Record:
    """Read an object; absent and null give an empty one."""
    found: Record | None = _read(body, name, dict, "object")
    return found or {}


def required_record(body: Record, name: str) -> Record:
    """Read an object that must be given, though it may be empty."""
    if body.get(name) is None:
        raise unprocessable(f"{name} is required")
    return record(body, name)


def records(body: Record, name: str) -> list[Record]:
    """Read a list of objects; absent and null give an empty one."""
    found: list[Any] | None = _read(body, name, list, "array")
    return [_checked(value, name, dict, "object") for value in found or ()]


def strings(body: Record, name: str) -> list[str]:
    """Read a list of strings; absent and null give an empty one."""
    found: list[Any] | None = _read(body, name, list, "array")
    return [_checked(value, name, str, "string") for value in found or ()]


def choice(body: Record, name: str, allowed: Collection[str], default: str = "") -> str:
    """Read a string that must be one of `allowed`."""
    value = string(body, name, default)
    if value not in allowed:
        raise unprocessable(f"invalid {name}")
    return value


def between(value: int, name: str, low: int, high: int) -> int:
    """Return a number, or refuse it if it is outside its range."""
    if not low <= value <= high:
        raise unprocessable(f"invalid {name}: must be between {low} and {high}")
    return value


def _read(body: Record, name: str, kind: type, wanted: str) -> Any:
    value = body.get(name)
    return None if value is None else _checked(value, name, kind, wanted)


def _checked(value: Any, name: str, kind: type, wanted: str) -> Any:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        found = type(value).__name__ if value is not None else "null"
        raise bad_request(f'json: cannot unmarshal {found} into field "{name}" of type {wanted}')
    return value
