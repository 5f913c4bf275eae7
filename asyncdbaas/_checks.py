"""Checks of arguments; each error names the argument and what to pass."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from inspect import iscoroutinefunction
from typing import TypeVar

from asyncdbaas.errors import InvalidInputError

K = TypeVar("K")
T = TypeVar("T")
V = TypeVar("V")


def check_seconds(value: float, what: str, *, zero: bool = False) -> float:
    """Check that a value is a number of seconds above 0, or at least 0 if `zero`; it may be infinite. Return it."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidInputError(f"{what} must be a number of seconds, not {kind_of(value)}")
    if not (value >= 0 if zero else value > 0):
        raise InvalidInputError(f"{what} must be {'at least' if zero else 'above'} 0 seconds, not {value}")
    return value


def check_count(value: int, what: str, *, least: int = 1) -> int:
    """Check that a value is an integer of at least `least`, and return it."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInputError(f"{what} must be an integer, not {kind_of(value)}")
    if value < least:
        raise InvalidInputError(f"{what} must be at least {least}, not {value}")
    return value


def check_instance(value: object, cls: type[T], what: str, example: str) -> T:
    """Check that a value is an object of a class, and return it. `example` is what to pass."""
    if not isinstance(value, cls):
        raise InvalidInputError(f"{what} must be of the class {cls.__name__}, such as {example}, not {kind_of(value)}")
    return value


def check_text(value: str, what: str) -> str:
    """Check that a value is a string, and return it."""
    if not isinstance(value, str):
        raise InvalidInputError(f"{what} must be a string, not {kind_of(value)}")
    return value


def check_mapping(value: Mapping[K, V], what: str) -> Mapping[K, V]:
    """Check that a value is a mapping, and return it."""
    if not isinstance(value, Mapping):
        raise InvalidInputError(f"{what} must be a mapping of names to values, not {kind_of(value)}")
    return value


def check_file(path: str | os.PathLike[str], what: str) -> str:
    """Check that a value names a file, and return the name as a string; an unset environment variable gives None."""
    name = path if isinstance(path, str) else os.fspath(path) if isinstance(path, os.PathLike) else None
    if not isinstance(name, str):
        raise InvalidInputError(f"{what} must be the name of a file, as str or Path, not {kind_of(path)}")
    return name


def check_function(value: Callable[..., V], what: str) -> Callable[..., V]:
    """Check that a value is a plain function, and return it: nobody would await what a coroutine function returns."""
    if not callable(value):
        raise InvalidInputError(f"{what} must be a function, not {kind_of(value)}")
    if iscoroutinefunction(value):
        raise InvalidInputError(f"{what} must be a plain function, not a coroutine function: it is not awaited")
    return value


def kind_of(value: object) -> str:
    """Return the name of a value's type; the value itself may hold a secret."""
    return "None" if value is None else type(value).__name__
