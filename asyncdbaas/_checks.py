"""Checks of arguments; each error names the argument and what to pass."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from inspect import iscoroutinefunction
from typing import TypeVar

from asyncdbaas.errors import InvalidInputError

__all__ = [
    "check_count",
    "check_file",
    "check_function",
    "check_instance",
    "check_mapping",
    "check_seconds",
    "check_text",
    "kind_of",
]

K = TypeVar("K")
T = TypeVar("T")
V = TypeVar("V")


def check_seconds(value: float, what: str, *, zero: bool = False) -> float:
    """Return a number of seconds above 0, or at least 0 if `zero`; it may be infinite."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidInputError(f"{what} must be a number of seconds, not {kind_of(value)}")
    if not (value >= 0 if zero else value > 0):
        raise InvalidInputError(f"{what} must be {'at least' if zero else 'above'} 0 seconds, not {value}")
    return value


def check_count(value: int, what: str, *, least: int = 1) -> int:
    """Return an integer of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInputError(f"{what} must be an integer, not {kind_of(value)}")
    if value < least:
        raise InvalidInputError(f"{what} must be at least {least}, not {value}")
    return value


def check_instance(value: object, cls: type[T], what: str, example: str) -> T:
    """Return an object of a class; `example` is what to pass."""
    if not isinstance(value, cls):
        raise InvalidInputError(f"{what} must be of the class {cls.__name__}, such as {example}, not {kind_of(value)}")
    return value


def check_text(value: str, what: str) -> str:
    """Return a string."""
    if not isinstance(value, str):
        raise InvalidInputError(f"{what} must be a string, not {kind_of(value)}")
    return value


def check_mapping(value: Mapping[K, V], what: str) -> Mapping[K, V]:
    """Return a mapping."""
    if not isinstance(value, Mapping):
        raise InvalidInputError(f"{what} must be a mapping of names to values, not {kind_of(value)}")
    return value


def check_file(path: str | os.PathLike[str], what: str) -> str:
    """Return the name of a file as a string; an environment variable that is not set gives None, for example."""
    name = path if isinstance(path, str) else os.fspath(path) if isinstance(path, os.PathLike) else None
    if not isinstance(name, str):
        raise InvalidInputError(f"{what} must be the name of a file, as str or Path, not {kind_of(path)}")
    return name


def check_function(value: Callable[..., V], what: str) -> Callable[..., V]:
    """Return a function; a coroutine function would return a coroutine that nobody awaits."""
    if not callable(value):
        raise InvalidInputError(f"{what} must be a function, not {kind_of(value)}")
    if iscoroutinefunction(value):
        raise InvalidInputError(f"{what} must be a plain function, not a coroutine function: it is not awaited")
    return value


def kind_of(value: object) -> str:
    """Return the name of a value's type; the value itself may hold a secret."""
    return "None" if value is None else type(value).__name__
