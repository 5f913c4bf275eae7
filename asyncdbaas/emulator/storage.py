"""Snapshots as JSON files. A crash while one is written leaves either the old file or the new one."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from typing import Any, Final, TypedDict, cast

import msgspec

from asyncdbaas.emulator.engines import ENGINES
from asyncdbaas.emulator.errors import EmulatorError
from asyncdbaas.emulator.operations import ACTIONS
from asyncdbaas.emulator.records import Account, Record

FORMAT: Final = "asyncdbaas-emulator/3"
_FAMILY: Final = "asyncdbaas-emulator/"


class _Ids(TypedDict):
    seed: int
    drawn: dict[str, int]


class _Snapshot(TypedDict):
    format: str
    clock: float
    ids: _Ids
    data: Account
    schedule: list[list[Any]]
    number: int


class StateError(EmulatorError):
    """The state file cannot be used."""


def load(file: Path) -> Record | None:
    """Read a snapshot, or return None if there is no file."""
    if file.exists() and not file.is_file():
        raise StateError(f"{file} is not a regular file")
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise StateError(f"{file} is not UTF-8 text; move it away to start with an empty emulator") from error
    try:
        snapshot: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StateError(f"{file} is not JSON ({error}); move it away to start with an empty emulator") from error
    check(snapshot, str(file))
    return cast("Record", snapshot)


def save(file: Path, snapshot: bytes) -> None:
    """Write a snapshot; it holds credentials, so only the owner may read it. One writer at a time."""
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)  # left by a process that was killed
    try:
        handle = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(snapshot)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(file)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def check(snapshot: Any, where: str) -> None:
    """Raise `StateError` unless a value is an undamaged snapshot of this format."""
    record = cast("Record", snapshot) if isinstance(snapshot, dict) else {}
    found = record.get("format")
    if not isinstance(found, str) or not found.startswith(_FAMILY):
        raise StateError(f"{where} is not a snapshot of the emulator")
    if found != FORMAT:
        raise StateError(
            f"{where} is of another version of the emulator: {found[:60]!r}, where this one has {FORMAT!r}"
        )
    try:
        msgspec.convert(record, _Snapshot)  # names no key of a mapping: they may be secrets
    except msgspec.ValidationError as error:
        raise StateError(f"{where} is damaged: {error}") from error
    if (place := next(_broken_parts(record), None)) is not None:
        raise StateError(f"{where} is damaged at `{place}`")


def _broken_parts(snapshot: Record) -> Iterator[str]:
    """Yield the places of values that have the right type but cannot be used."""
    if snapshot["data"]["token"] not in snapshot["data"]["tokens"]:
        yield "$.data.token"
    for key, cluster in snapshot["data"]["clusters"].items():
        if cluster["engine"] not in ENGINES:
            yield "$.data.clusters[...].engine"
        elif ENGINES[cluster["engine"]].default_user not in cluster["users"]:
            yield "$.data.clusters[...].users"
        if cluster["id"] != key:
            yield "$.data.clusters[...].id"
    if not all(_can_run(entry) for entry in snapshot["schedule"]):
        yield "$.schedule[...]"


def _can_run(entry: Any) -> bool:
    """Return whether a value is an entry of the schedule: when, number, action, arguments."""
    match entry:
        case [int() | float() as at, int(), str() as name, [*arguments]] if name in ACTIONS and math.isfinite(at):
            try:
                signature(ACTIONS[name]).bind(None, at, *arguments)
            except TypeError:
                return False
            return True
        case _:
            return False
