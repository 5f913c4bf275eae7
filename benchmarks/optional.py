"""Import what only the benchmarks use, or say how to install it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["optional"]


def optional(name: str) -> Any:
    """Import a library to compare with, when it is measured: one that is not needed must not affect a figure."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise SystemExit(f"{error}; the libraries to compare with come with: pip install -e '.[bench]'") from None
