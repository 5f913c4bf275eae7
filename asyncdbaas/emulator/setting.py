"""Definitions of settings, which the configuration tables consist of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import copy
from typing import Any, Final, NamedTuple

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "string": (str,),
    "list": (list,),
    "object": (dict,),
}


class Setting(NamedTuple):
    """One setting: its type, default and constraints."""

    kind: str
    default: Any
    low: float | None = None
    high: float | None = None
    values: tuple[Any, ...] = ()
    pattern: str = ""
    shortest: int = 0
    longest: int | None = None
    fields: Mapping[str, Setting] = {}
    nullable: bool = False
    """Whether null clears it."""

    def of_type(self, value: Any) -> bool:
        """Return whether a value has the setting's JSON type; a bool is not a number."""
        if value is None:
            return self.nullable
        if isinstance(value, bool):
            return self.kind == "boolean"
        return isinstance(value, _TYPES[self.kind])

    def problem(self, name: str, value: Any) -> str | None:
        """Return what is wrong with a value of the right type; None if it is valid."""
        if value is None:
            return None
        if self.values and any(item not in self.values for item in (value if self.kind == "list" else (value,))):
            return f"'{name}' must be one of {', '.join(str(allowed) for allowed in self.values)}"
        if self.kind in ("integer", "number"):
            return self._out_of_range(name, value)
        if self.kind == "object":
            return self._nested(name, value)
        return self._misshapen(name, value) if self.kind in ("string", "list") else None

    def _out_of_range(self, name: str, value: float) -> str | None:
        if self.low is not None and value < self.low:
            return f"'{name}' must be greater than or equal to {self.low}"
        if self.high is not None and value > self.high:
            return f"'{name}' must be less than or equal to {self.high}"
        return None

    def _misshapen(self, name: str, value: str | list[Any]) -> str | None:
        if len(value) < self.shortest or (self.longest is not None and len(value) > self.longest):
            return f"'{name}' has the wrong length"
        if self.pattern and not re.fullmatch(self.pattern, str(value)):
            return f"'{name}' does not match '{self.pattern}'"
        if isinstance(value, list) and not all(isinstance(item, str) for item in value):
            return f"'{name}' must be a list of strings"
        return None

    def _nested(self, name: str, value: Mapping[str, Any]) -> str | None:
        for key, item in value.items():
            field = self.fields.get(key)
            if field is None:
                return f"'{name}.{key}' is not allowed"
            if not field.of_type(item):
                return f"'{name}.{key}' is not of type '{field.kind}'"
            if found := field.problem(f"{name}.{key}", item):
                return found
        return None


def integer(default: int | None, low: int | None = None, high: int | None = None, **more: Any) -> Setting:
    """Describe an integer."""
    return Setting("integer", default, low, high, **more)


def number(default: float | None, low: float | None = None, high: float | None = None, **more: Any) -> Setting:
    """Describe a number."""
    return Setting("number", default, low, high, **more)


def boolean(default: bool | None) -> Setting:
    """Describe a bool."""
    return Setting("boolean", default)


def string(default: str | None, *values: str, **more: Any) -> Setting:
    """Describe a string, or an enumeration if values are given."""
    return Setting("string", default, values=values, **more)


def texts(default: list[str] | None, *values: str, **more: Any) -> Setting:
    """Describe a list of strings."""
    return Setting("list", default, values=values, **more)


def nested(**fields: Setting) -> Setting:
    """Describe an object; its default holds its fields' defaults."""
    return Setting("object", defaults(fields), fields=fields)


def defaults(table: Mapping[str, Setting]) -> dict[str, Any]:
    """Return a fresh configuration of the defaults that are known."""
    return {name: copy(setting.default) for name, setting in table.items() if setting.default not in (None, {})}
