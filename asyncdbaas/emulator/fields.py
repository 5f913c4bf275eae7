"""Checks of a request's body, with the error messages of the service.

A value of the wrong JSON type gets 400; a value of the right type that is not valid gets 422.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from asyncdbaas.emulator.errors import bad_request, unprocessable
from asyncdbaas.emulator.records import Record


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


def integer(body: Record, name: str, default: int = 0) -> int:
    """Read an integer; absent and null give the default. A bool is not an integer."""
    found: int | None = _read(body, name, int, "int")
    return default if found is None else found


def boolean(body: Record, name: str, default: bool = False) -> bool:
    """Read a bool; absent and null give the default."""
    found: bool | None = _read(body, name, bool, "bool")
    return default if found is None else found


def record(body: Record, name: str) -> Record:
    """Read an object; absent and null give an empty one."""
    found: Record | None = _read(body, name, dict, "object")
    return found or {}


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
