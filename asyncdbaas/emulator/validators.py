"""Validators for fields of delays, quirks and faults, whose values come from files and requests too."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeAlias

from asyncdbaas.emulator.errors import EmulatorError

Validator: TypeAlias = Callable[[Any, Any, Any], None]


def number(low: float, high: float, *kinds: type[float | None]) -> Validator:
    """Make a validator for a number of one of these types in a range; None passes if its type is among them."""

    def check(owner: Any, field: Any, value: Any) -> None:
        if type(value) not in kinds or not (value is None or low <= value <= high):
            what = "a whole number" if float not in kinds else "a number"
            none = ", or none" if type(None) in kinds else ""
            raise EmulatorError(f"{_name(owner, field)} must be {what} from {low} to {high}{none}, not {value!r}")

    return check


def switch(owner: Any, field: Any, value: Any) -> None:
    """Check a bool."""
    if type(value) is not bool:
        raise EmulatorError(f"{_name(owner, field)} must be true or false, not {value!r}")


def one_of(words: Collection[str]) -> Validator:
    """Make a validator for one of some words."""

    def check(owner: Any, field: Any, value: Any) -> None:
        if value not in words:
            raise EmulatorError(f"{_name(owner, field)} must be {' or '.join(map(repr, words))}, not {value!r}")

    return check


def _name(owner: Any, field: Any) -> str:
    return f"{type(owner).__name__.lower()}.{field.name}"
