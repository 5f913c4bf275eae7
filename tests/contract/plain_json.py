"""Working on parsed JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast


def fields_of(value: Any) -> dict[str, Any]:
    """Return an object's fields; none if it is something else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def items_of(value: Any) -> list[Any]:
    """Return an array's items; none if it is something else."""
    return list(cast("Iterable[Any]", value)) if isinstance(value, list) else []


def rewrite(value: Any, change: Callable[[str, Any], Any], key: str = "") -> Any:
    """Return a copy in which each text, number and so on is what `change` makes of it and of the key it is below."""
    if isinstance(value, dict):
        return {name: rewrite(inner, change, name) for name, inner in fields_of(value).items()}
    if isinstance(value, list):
        return [rewrite(inner, change, key) for inner in items_of(value)]
    return change(key, value)
