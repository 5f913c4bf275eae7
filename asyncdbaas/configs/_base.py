"""Base classes of the settings of all engines."""

from __future__ import annotations

from typing import Any

import attrs

from asyncdbaas._core.model import Model
from asyncdbaas._core.wire import flatten
from asyncdbaas.types import UNSET, Unset


@attrs.frozen(kw_only=True, slots=False, repr=False)
class Section(Model):
    """A group of settings, most of which are unset at any time."""


def set_fields(section: Section) -> dict[str, Any]:
    """Return the values of the fields that are set, by name."""
    fields = {field.name: getattr(section, field.name) for field in attrs.fields(type(section))}
    return {name: value for name, value in fields.items() if value is not UNSET}


@attrs.frozen(kw_only=True, slots=False, repr=False)
class EngineConfig(Section):
    """The settings of one engine."""

    extra: dict[str, Any] | Unset = attrs.field(default=UNSET, metadata=flatten())
    """Settings that have no field because they are newer than this library, by their names in JSON. They are read from
    responses and sent with the fields.
    """
