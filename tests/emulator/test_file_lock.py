"""A lock between processes, on the systems that lock in different ways."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import types
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from asyncdbaas.emulator import file_lock
from asyncdbaas.emulator.file_lock import FileLock


def as_on_windows(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Load the module as Windows would, with its locking in terms of flock."""
    windows = types.ModuleType("msvcrt")

    def locking(handle: int, mode: int, count: int) -> None:
        assert (mode, count) == (2, 1)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PermissionError(13, "Permission denied") from None

    windows.__dict__.update(locking=locking, LK_NBLCK=2)
    monkeypatch.setitem(sys.modules, "msvcrt", windows)
    monkeypatch.setattr(sys, "platform", "win32")
    spec = spec_from_file_location("file_lock_on_windows", file_lock.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("windows", [False, True])
def test_one_at_a_time_holds_the_lock_and_removes_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, windows: bool
) -> None:
    make = as_on_windows(monkeypatch).FileLock if windows else FileLock
    first, second = make(tmp_path / "x.lock"), make(tmp_path / "x.lock")
    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert second.acquire()
    second.release()
    second.release()
    assert not list(tmp_path.iterdir())


def test_a_lock_on_a_file_that_its_last_owner_removed_meanwhile_is_not_taken_for_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, opened, first = tmp_path / "x.lock", os.open, FileLock(tmp_path / "x.lock")
    assert first.acquire()

    def open_late(*arguments: Any) -> int:
        handle = opened(*arguments)
        first.release()
        return handle

    monkeypatch.setattr(os, "open", open_late)
    second = FileLock(path)
    assert second.acquire()
    assert path.exists()
    assert not FileLock(path).acquire()
    second.release()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    code = (
        "import sys; from pathlib import Path; from asyncdbaas.emulator.file_lock import FileLock;"
        "print(FileLock(Path(sys.argv[1])).acquire(), flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen([sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"True\n"
    lock = FileLock(path)
    assert not lock.acquire()
    child.kill()
    child.communicate()
    assert lock.acquire()
    lock.release()


def test_a_lock_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FileLock(tmp_path / "missing" / "x.lock").acquire()
