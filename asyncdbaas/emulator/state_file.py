"""The state file: a snapshot on disk that one emulator at a time keeps up to date."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from asyncdbaas.emulator import storage
from asyncdbaas.emulator.file_lock import FileLock
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.storage import StateError

SAVE_SECONDS: Final = 0.5  # at most two writes a second, however many changes arrive

_log: Final = logging.getLogger(__name__)
_Stamp: TypeAlias = tuple[int, int, int] | None


class StateFile:
    """Load a snapshot from a file and write it back when the state changes.

    A change that follows a quiet half second is written before its response is sent. In a burst, a change is written
    at most half a second later. A write replaces the file, so a crash or a full disk leaves the previous snapshot.
    """

    def __init__(self, path: Path, take_snapshot: Callable[[], bytes]) -> None:
        # A write through a link replaces the file that it points to, not the link. Not `resolve`, which raises a
        # RuntimeError for links in a circle.
        self.path: Final = Path(os.path.realpath(path))
        self._take_snapshot = take_snapshot
        self._lock = FileLock(self.path.with_name(f".{self.path.name}.lock"))
        self._read: _Stamp = None
        self._timer: asyncio.TimerHandle | None = None
        self._next_save = 0.0
        self._is_failing = False

    def load(self) -> Record | None:
        """Return the snapshot, or None if there is no file."""
        self._read = _stamp(self.path)
        return storage.load(self.path)

    def open(self) -> None:
        """Lock the file and write it once; raises `StateError` if it is in use, or cannot be written."""
        try:
            if not self._lock.acquire():
                raise StateError(
                    f"{self.path}: another emulator is using this state file; use one file for each emulator"
                )
            if _stamp(self.path) != self._read:
                raise StateError(f"{self.path}: another emulator has changed this state file since it was read")
            self._write()
        except OSError as error:
            self._lock.release()
            raise _not_written(self.path, error) from error
        except BaseException:
            self._lock.release()
            raise

    def changed(self) -> None:
        """Write the new state now, or when the last write is half a second old."""
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            return
        wait = self._next_save - loop.time()
        if wait > 0:
            self._timer = loop.call_later(wait, self._save)
        else:
            self._save()

    def close(self) -> None:
        """Write the last state and unlock the file; raises `StateError` if it cannot be written.

        Does nothing if it is not open: another emulator may be using the file.
        """
        if not self._lock.is_held:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        try:
            self._write()
        except OSError as error:
            raise _not_written(self.path, error) from error
        finally:
            self._lock.release()

    def _save(self) -> None:
        """Write the state; after a failure, log it once and try again until a write succeeds."""
        loop = asyncio.get_running_loop()
        self._timer = None
        try:
            self._write()
        except OSError as error:  # a full disk, or on Windows a file that another program has open
            if not self._is_failing:
                _log.error("%s; trying again every %g s", _not_written(self.path, error), SAVE_SECONDS)
            self._is_failing = True
            self._timer = loop.call_later(SAVE_SECONDS, self._save)
        else:
            self._is_failing = False
        self._next_save = loop.time() + SAVE_SECONDS

    def _write(self) -> None:
        storage.save(self.path, self._take_snapshot())
        self._read = _stamp(self.path)


def _not_written(path: Path, error: OSError) -> StateError:
    return StateError(f"{path}: the state cannot be written: {error.strerror or type(error).__name__}")


def _stamp(path: Path) -> _Stamp:
    """Return what changes whenever another process replaces the file; None if there is no file."""
    try:
        status = os.stat(path)  # noqa: PTH116 -- one call that fails in one way
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
