"""The plain data that everything in the emulator is made of."""

from __future__ import annotations

from typing import Any, TypeAlias

Record: TypeAlias = dict[str, Any]
"""One object of the service: JSON-able, so that a snapshot can save it."""
