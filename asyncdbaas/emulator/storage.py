"""The state file: a snapshot as JSON, written so that a crash leaves either the old file or the new one."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any, Final, cast

from asyncdbaas.emulator.records import Record

FORMAT: Final = "asyncdbaas-emulator/1"
_PARTS: Final = {"format", "clock", "seeds", "data", "agenda", "number"}


class StateError(ValueError):
    """The state file cannot be used."""


def load(file: Path) -> Record | None:
    """Read a snapshot, or return None if there is no file."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise StateError(f"{file}: cannot be read: {error}") from error
    try:
        snapshot: Any = json.loads(text)
    except ValueError as error:
        raise StateError(f"{file}: is not JSON ({error}); move it away to start with an empty emulator") from error
    check(snapshot, str(file))
    return cast("Record", snapshot)


def save(file: Path, snapshot: Record) -> None:
    """Write a snapshot; it holds credentials, so only the owner may read it."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(snapshot, stream)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def check(snapshot: Any, where: str) -> None:
    """Refuse what is no snapshot of this format."""
    whole = isinstance(snapshot, dict) and cast("Record", snapshot).keys() >= _PARTS
    if not whole or snapshot["format"] != FORMAT:
        raise StateError(f"{where}: is no snapshot of this emulator (format {FORMAT})")
