"""Snapshots as JSON files: read, checked, and written so that a crash leaves either the old file or the new one."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

from asyncdbaas.emulator.records import Record

FORMAT: Final = "asyncdbaas-emulator/2"
_Kind: TypeAlias = type | tuple[type, ...]
_PARTS: Final[Mapping[str, _Kind]] = {
    "format": str,
    "clock": (int, float),
    "ids": dict,
    "data": dict,
    "schedule": list,
    "number": int,
}
_IDS: Final[Mapping[str, _Kind]] = {"seed": int, "drawn": dict}
_DATA: Final[Mapping[str, _Kind]] = {"clusters": dict, "tokens": dict, "metrics": dict, "token": str}


class StateError(ValueError):
    """The state file cannot be used."""


def load(file: Path) -> Record | None:
    """Read a snapshot, or return None if there is no file."""
    if file.exists() and not file.is_file():
        raise StateError(f"{file}: is not a regular file")
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise StateError(f"{file}: is not UTF-8 text; move it away to start with an empty emulator") from error
    try:
        snapshot: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StateError(f"{file}: is not JSON ({error}); move it away to start with an empty emulator") from error
    check(snapshot, str(file))
    return cast("Record", snapshot)


def save(file: Path, snapshot: Record) -> None:
    """Write a snapshot; it holds credentials, so only the owner may read it. One writer at a time."""
    text = json.dumps(snapshot)
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)  # left by a process that was killed
    try:
        handle = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(file)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def check(snapshot: Any, where: str) -> None:
    """Refuse what is no snapshot of this format; what its clusters hold is not looked at."""
    if not _has(snapshot, _PARTS) or snapshot["format"] != FORMAT:
        raise StateError(f"{where}: is no snapshot of this emulator (format {FORMAT})")
    schedule: list[Any] = snapshot["schedule"]
    whole = _has(snapshot["ids"], _IDS) and _has(snapshot["data"], _DATA) and all(map(_is_due, schedule))
    if not whole or not math.isfinite(snapshot["clock"]):
        raise StateError(f"{where}: is a damaged snapshot")


def _has(value: Any, parts: Mapping[str, _Kind]) -> bool:
    """Return whether a value is an object with all these parts, each of its type."""
    record = cast("Record", value) if isinstance(value, dict) else {}
    return all(isinstance(record.get(name), kind) for name, kind in parts.items())


def _is_due(entry: Any) -> bool:
    """Return whether a value is an entry of the schedule: when, number, action, arguments."""
    match entry:
        case [int() | float(), int(), str(), [*_]]:
            return True
        case _:
            return False
