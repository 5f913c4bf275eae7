"""Write files whole or not at all: the text goes into a new file beside the target, which is then renamed."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

__all__ = ["OutputFile", "UpdatedFile"]

_SECRET_MODE: Final = 0o600
# `open` takes the user's umask off it.
_USUAL_MODE: Final = 0o666
_BINARY: Final = getattr(os, "O_BINARY", 0)  # Windows would write other line ends
# Errors of a rename for which writing in place is the only way: a file that is a mount of its own, as in containers.
_UNMOVABLE: Final = (errno.EBUSY, errno.EXDEV, errno.ETXTBSY)


class _Checked:
    """A file that is checked when the block begins, and written by `write` at once: leaving the block does nothing."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Do nothing."""


class OutputFile(_Checked):
    """A new file that is checked before the work whose result it takes, so that a missing folder costs no work.

    Nothing that exists is overwritten unless `overwrite` is set; devices and pipes are written to directly. Until
    `write` nothing is left in the folder, even if the process is killed. A file with `is_secret` can be read by its
    owner only.
    """

    def __init__(self, path: Path, *, overwrite: bool = False, is_secret: bool = False) -> None:
        self._path = path
        self._overwrite = overwrite
        self._mode = _SECRET_MODE if is_secret else _USUAL_MODE
        self._is_special = False

    def __enter__(self) -> Self:
        """Check the file. Raise OSError if it cannot be written, FileExistsError if it is there already."""
        self._is_special = _is_special(self._path)
        if self._is_special:
            return self
        if self._path.exists() and not self._overwrite:
            raise _exists(self._path)
        with _Beside(self._path, self._mode):
            return self

    def write(self, content: bytes) -> None:
        """Write the whole content, and give the file its name."""
        if self._is_special:
            with _errors_naming(self._path), self._path.open("wb", buffering=0) as stream:
                rest = memoryview(content)
                while rest:  # a reader that ends leaves a write incomplete, and fails the next one
                    rest = rest[stream.write(rest) :]
            return
        with _Beside(self._path, self._mode) as beside:
            beside.fill(content)
            if self._overwrite:
                beside.replace()
            else:
                beside.publish()


class UpdatedFile(_Checked):
    """A file that is read, worked on, and replaced; its owner, mode and links stay.

    Entering the block checks that it can be written, before the work begins.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.content = b""

    def __enter__(self) -> Self:
        """Read the file. Raise OSError if it cannot be read or written."""
        if not self._path.is_file():
            raise OSError(errno.EINVAL, "is not a regular file", str(self._path))
        self.content = self._path.read_bytes()
        with self._path.open("r+b"):
            pass  # whether it may be written is known now, not after the work
        return self

    def is_unchanged(self) -> bool:
        """Return whether the file still holds what was read."""
        return self._path.read_bytes() == self.content

    def write(self, content: bytes) -> None:
        """Replace the file's content."""
        if not self._replace(content):
            self._write_in_place(content)

    def _replace(self, content: bytes) -> bool:
        """Put a new file in its place; False where it has several names, or its folder takes no file."""
        if self._path.stat().st_nlink > 1:
            return False
        try:
            beside = _Beside(self._path, _SECRET_MODE)
        except PermissionError:
            return False
        with beside:
            beside.fill(content)
            if not beside.take_after():
                return False
            try:
                beside.replace()
            except OSError as error:
                if error.errno not in _UNMOVABLE:
                    raise
                return False
        return True

    def _write_in_place(self, content: bytes) -> None:
        """Write into the file itself; a full disk gets the old content back, whose room is still there."""
        try:
            with _errors_naming(self._path):
                _overwrite(self._path, content)
        except OSError:
            _overwrite(self._path, self.content)
            raise


class _Beside:
    """A file beside the target, until it takes the target's place."""

    def __init__(self, target: Path, mode: int) -> None:
        self._shown = target
        # A link stays a link. Not `resolve`, which raises a RuntimeError for links in a circle.
        self._target = Path(os.path.realpath(target))
        # A character of a name, which may take 255 bytes, has up to four of them.
        self._name = self._target.with_name(f".{self._target.name[:50]}.{secrets.token_hex(4)}")
        if not self._target.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, "its folder does not exist", str(target))
        with _errors_naming(self._shown):
            self._handle: int | None = os.open(self._name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, mode)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Remove the file if it is still there. It is closed first: Windows does not remove open files."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        self._name.unlink(missing_ok=True)

    def fill(self, content: bytes) -> None:
        """Write the content. A full disk is reported here, at the latest by fsync."""
        if self._handle is None:
            raise OSError(errno.EBADF, "the file has been written already", str(self._shown))
        handle, self._handle = self._handle, None
        with _errors_naming(self._shown), os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())

    def take_after(self) -> bool:
        """Give the new file the mode and owner of the old one; False where that is not permitted."""
        old, new = self._target.stat(), self._name.stat()
        try:
            if hasattr(os, "chown") and (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
                os.chown(self._name, old.st_uid, old.st_gid)
        except PermissionError:
            return False
        self._name.chmod(stat.S_IMODE(old.st_mode))
        return True

    def publish(self) -> None:
        """Give the file its name, unless another file has taken it meanwhile."""
        try:
            os.link(self._name, self._target)
        except FileExistsError:
            raise _exists(self._shown) from None
        except (OSError, AttributeError, NotImplementedError):  # a file system, or a platform, without hard links
            if self._target.exists():
                raise _exists(self._shown) from None
            self.replace()

    def replace(self) -> None:
        """Take the target's place. Windows refuses that while another program has the target open."""
        with _errors_naming(self._shown):
            self._name.replace(self._target)


@contextmanager
def _errors_naming(path: Path) -> Generator[None]:
    """Make errors name the file that the user knows."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def _exists(path: Path) -> FileExistsError:
    return FileExistsError(errno.EEXIST, "the file exists", str(path))


def _is_special(path: Path) -> bool:
    """Return whether the path is a device or a pipe, such as /dev/stdout or a shell's `>(...)`."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _overwrite(path: Path, content: bytes) -> None:
    with path.open("r+b") as stream:
        stream.write(content)
        stream.truncate()
        stream.flush()
        os.fsync(stream.fileno())
