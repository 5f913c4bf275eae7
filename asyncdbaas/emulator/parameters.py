"""The parameters of the advanced editions, which are read and set as strings."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final

import attrs

KEYS: Final[Mapping[str, str]] = {"advanced_pg": "pg_parameters", "advanced_mysql": "mysql_parameters"}
"""The key of an edition's parameters in its configuration."""

_TYPES: Final[Mapping[str, re.Pattern[str]]] = {
    "integer": re.compile(r"-?\d+ ?[A-Za-z]*"),  # with a unit, such as 4MB, where the engine knows one
    "number": re.compile(r"-?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)? ?[A-Za-z]*"),
    "boolean": re.compile(r"on|off|true|false|yes|no|1|0", re.IGNORECASE),
}
_PLAIN_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")


@attrs.frozen(kw_only=True)
class Parameter:
    """One parameter of an advanced edition."""

    type: str
    default: str | None
    requires_restart: bool
    allowed: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    minimum: float | None = None
    maximum: float | None = None
    engine_rule: bool = False
    """Whether values and range come from the engine's own documentation only, so that they are checked if strict."""

    def problem(self, value: str, *, strict: bool) -> str | None:
        """Return what is wrong with a value; None if it is valid."""
        pattern = _TYPES.get(self.type)
        if pattern is not None and not pattern.fullmatch(value):
            return f"is not of type '{self.type}'"
        if self.engine_rule and not strict:
            return None
        return self._not_allowed(value) or self._out_of_range(value)

    def _not_allowed(self, value: str) -> str | None:
        allowed = {name.lower() for name in self.allowed}
        items = value.split(",") if self.type == "list" else [value]
        if allowed and any(item and item.lower() not in allowed for item in items):
            return f"must be one of {', '.join(self.allowed)}"
        return None

    def _out_of_range(self, value: str) -> str | None:
        if not _PLAIN_NUMBER.fullmatch(value):
            return None
        if self.minimum is not None and float(value) < self.minimum:
            return f"must be greater than or equal to {self.minimum}"
        if self.maximum is not None and float(value) > self.maximum:
            return f"must be less than or equal to {self.maximum}"
        return None


@cache
def parameters(engine: str) -> Mapping[str, Parameter]:
    """Return an advanced edition's parameters by name."""
    text = resources.files("asyncdbaas.emulator").joinpath("data", "advanced_parameters.json").read_bytes()
    return {name: Parameter(**fields) for name, fields in json.loads(text)[engine].items()}
