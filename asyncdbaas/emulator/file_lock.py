"""A lock between processes, which the operating system releases when its owner dies."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _try_lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


_BUSY = (BlockingIOError, PermissionError)  # flock, and msvcrt.locking


class FileLock:
    """Hold an exclusive lock on a file that exists for this purpose only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether this object holds the lock."""
        return self._handle is not None

    def acquire(self) -> bool:
        """Take the lock if it is free; OSError if the file cannot be created."""
        while True:
            handle = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
            try:
                _try_lock(handle)
            except _BUSY:
                os.close(handle)
                return False
            except BaseException:
                os.close(handle)
                raise
            if self._is_current(handle):
                self._handle = handle
                return True
            os.close(handle)  # the last owner removed the file after it was opened here

    def release(self) -> None:
        """Remove the file and release the lock; does nothing without a lock."""
        handle, self._handle = self._handle, None
        if handle is None:
            return
        if sys.platform == "win32":  # no open file can be removed there, and an open one is somebody else's lock
            os.close(handle)
            with suppress(PermissionError):
                self._path.unlink(missing_ok=True)
            return
        self._path.unlink(missing_ok=True)
        os.close(handle)

    def _is_current(self, handle: int) -> bool:
        try:
            return os.path.samestat(os.fstat(handle), self._path.stat())
        except FileNotFoundError:
            return False
