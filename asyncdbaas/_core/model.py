"""The base of all request and response classes: a short repr, and documentation of their fields."""

from __future__ import annotations

from datetime import date
from enum import Enum
from typing import Any, Final, TypeVar, cast

import attrs

from asyncdbaas._documented import Documented
from asyncdbaas.types import UNSET

T = TypeVar("T")

# A cluster fits on two lines.
_LONGEST: Final = 200
# A notebook stays usable.
_MOST_ROWS: Final = 200


class Model(Documented):
    """An attrs class of the API.

    `repr` shows the fields that have a value, without secrets, and ends in `...` if it would be long. `help` shows the
    documentation of every field. The classes have no slots: msgspec decodes an object with slots in three times the
    time.
    """

    def __repr__(self) -> str:
        fields = attrs.fields(cast("type[attrs.AttrsInstance]", type(self)))
        shown: list[str] = []
        length = 0
        for field in fields:
            value = getattr(self, field.name, None)  # a traceback with locals shows a half-made object, too
            if is_secret(field) or value is None or value is UNSET or value in ([], {}):
                continue
            text = f"{field.name}={value.value if isinstance(value, Enum) else value!r}"
            length += len(text) + len(", ")
            if length > _LONGEST:
                shown.append("...")
                break
            shown.append(text)
        return f"{type(self).__name__}({', '.join(shown)})"


class Listing(list[T]):
    """A list of objects, which notebooks show as a table. The values of nested objects and secrets do not show."""

    def _repr_html_(self) -> str:
        from html import escape  # only notebooks need it

        rows = [_cells(item) for item in self[:_MOST_ROWS]]
        names = list(dict.fromkeys(name for row in rows for name in row))
        head = "".join(f"<th>{escape(name)}</th>" for name in names)
        lines = ("".join(f"<td>{escape(row.get(name, ''))}</td>" for name in names) for row in rows)
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        more = f"<p>{len(self) - _MOST_ROWS} more</p>" if len(self) > _MOST_ROWS else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _cells(item: object) -> dict[str, str]:
    """Return the plain values of an object as text, by field."""
    fields = attrs.fields(cast("type[attrs.AttrsInstance]", type(item)))
    values = {field.name: getattr(item, field.name) for field in fields if not is_secret(field)}
    return {name: str(value) for name, value in values.items() if isinstance(value, (str, int, float, date))}


def is_secret(field: attrs.Attribute[Any]) -> bool:
    """Return whether a field holds a secret, which neither `repr` nor plain data shows."""
    return field.repr is False
