"""Find and read files that may come from somebody else: bounded, and regular files only."""

from __future__ import annotations

import codecs
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from asyncdbaas.catalogue.model import CatalogueError, Problem
from asyncdbaas.errors import InvalidInputError

__all__ = ["SUFFIXES", "FileError", "decode", "expand", "read_file", "read_text"]

SUFFIXES: Final = (".yaml", ".yml", ".json", ".csv")
# 100,000 topics with some settings each take 20 MB.
_MAX_SIZE: Final = 64 * 2**20
_STANDARD_INPUT: Final = "-"
_WILDCARDS: Final = frozenset("*?[")
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class FileError(InvalidInputError):
    """A file cannot be read; the message does not name it."""


def read_file(path: str, *, limit: int = _MAX_SIZE) -> bytes:
    """Return the content of a regular file of at most `limit` bytes.

    Devices, pipes and folders are rejected, also behind a link. Raise FileError if it cannot be read.
    """
    try:
        _check_regular(Path(path).stat())
        # Without O_NONBLOCK, opening a pipe that has replaced the file since would wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(descriptor, "rb") as stream:  # noqa: PTH123 -- of a descriptor
            _check_regular(os.fstat(descriptor))
            content = stream.read(limit + 1)
    except OSError as error:
        raise FileError(error.strerror or "cannot be read") from None
    return _bounded(content, limit)


def _read_standard_input() -> bytes:
    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison] -- so it is after `<&-`
        raise FileError("is closed")
    try:
        return _bounded(sys.stdin.buffer.read(_MAX_SIZE + 1), _MAX_SIZE)
    except OSError as error:
        raise FileError(error.strerror or "cannot be read") from None


def read_text(path: str) -> tuple[str, str]:
    """Return a file's name for messages, and its text; `-` is standard input. Raise CatalogueError if it has none."""
    file = "standard input" if path == _STANDARD_INPUT else path
    try:
        content = _read_standard_input() if path == _STANDARD_INPUT else read_file(path)
    except FileError as error:
        raise CatalogueError([Problem(file=file, message=str(error))]) from None
    return file, decode(content, file=file)


def decode(content: bytes, *, file: str) -> str:
    """Return the text of a catalogue's content."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        # So PowerShell 5 writes what is sent to a file.
        message = "is UTF-16 text; save it as UTF-8" if content.startswith(_UTF_16) else "is not UTF-8 text"
        raise CatalogueError([Problem(file=file, line=line, message=message)]) from None


def expand(paths: Iterable[str]) -> Iterator[str]:
    """Yield the files that the paths name: each file itself, the catalogues in a folder, the matches of a pattern.

    The catalogues in a folder are all files below it with a suffix of a catalogue, unless they or their folder are
    hidden. Raise FileError if a folder or pattern has none.
    """
    seen: set[str] = set()
    for path in paths:
        if not _is_name(path):
            raise FileError(f"{path or repr(path)}: is not a file name")
        if path == _STANDARD_INPUT and path in seen:
            raise FileError("standard input can be read once; pass - once")
        for file in _expanded(path):
            if file not in seen:
                seen.add(file)
                yield file


def _is_name(path: str) -> bool:
    """Return whether the system can be asked for a file of this name."""
    try:
        return path != "" and b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:  # half a surrogate pair
        return False


def _check_regular(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise FileError("is a folder")
    if stat.S_ISFIFO(status.st_mode):
        raise FileError("is a pipe; pass - to read standard input")
    if not stat.S_ISREG(status.st_mode):
        raise FileError("is not a regular file")


def _bounded(content: bytes, limit: int) -> bytes:
    if len(content) > limit:
        raise FileError(f"is larger than {limit >> 20} MiB; split the file")
    return content


def _expanded(path: str) -> Iterable[str]:
    if path == _STANDARD_INPUT:
        return [path]
    if Path(path).is_dir():
        return _found(path, _catalogues_below(Path(path)))
    if _WILDCARDS.isdisjoint(path) or os.path.lexists(path):
        return [path]
    return _found(path, _matches(path))


def _matches(pattern: str) -> Iterator[str]:
    """Yield the files that a pattern matches; hidden ones only if the pattern names them.

    Unlike `glob.glob`, it follows no links to folders for `**`: two links to their own folder would be 2**40 paths.
    """
    anchor = Path(pattern).anchor
    parts = set(Path(pattern).parts)
    try:
        for path in Path(anchor).glob(pattern.removeprefix(anchor)):
            if path.is_file() and not any(part.startswith(".") and part not in parts for part in path.parts):
                yield str(path)
    except ValueError as error:
        raise FileError(f"{pattern}: is not a pattern: {error}") from None


def _catalogues_below(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in SUFFIXES and not is_hidden and path.is_file():
            yield str(path)


def _found(named: str, files: Iterable[str]) -> list[str]:
    found = sorted(files)
    if not found:
        raise FileError(f"{named}: no catalogues found ({', '.join(SUFFIXES)})")
    return found
