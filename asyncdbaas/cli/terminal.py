"""The standard streams: what is a terminal, how wide, with colours or not; and text that is safe to print there."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Any, Final

import click

from asyncdbaas._core.text import printable

__all__ = [
    "INTERRUPTED",
    "PIPE_CLOSED",
    "check_output",
    "counted",
    "is_terminal",
    "note",
    "out",
    "out_bytes",
    "refuse",
    "safe",
    "wants_color",
    "width",
]

INTERRUPTED: Final = 130  # what a shell makes of SIGINT
_DUMB: Final = ("dumb", "unknown")
# On Windows, a write to a pipe whose reader has ended is an invalid argument.
PIPE_CLOSED: Final = (errno.EPIPE, errno.EINVAL) if os.name == "nt" else (errno.EPIPE,)


def counted(count: int, noun: str) -> str:
    """Return a number with its noun, such as `1 topic` or `2 topics`."""
    plural = f"{noun.removesuffix('y')}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count} {noun if count == 1 else plural}"


def safe(text: str) -> str:
    """Return a text whose lines are printable: names and messages may come from anybody."""
    return "\n".join(map(printable, text.split("\n")))


def is_terminal(stream: IO[str] | None) -> bool:
    """Return whether a person sees the stream, and lines on it can be drawn again. FORCE_COLOR does not make it so."""
    return stream is not None and stream.isatty() and os.environ.get("TERM", "") not in _DUMB


def wants_color(stream: IO[str] | None) -> bool:
    """Return whether to use colours: on a terminal unless NO_COLOR is set, elsewhere if FORCE_COLOR is."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or is_terminal(stream)


def width() -> int | None:
    """Return how many columns standard output has; None if lines may be as long as they need."""
    if os.environ.get("COLUMNS", "").isdecimal() or is_terminal(sys.stdout):
        return max(20, shutil.get_terminal_size().columns)
    return None


def check_output() -> None:
    """Raise ClickException if standard output is closed, before any work is done."""
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison] -- so it is after `>&-`
        raise click.ClickException("standard output is closed; send it to a file, or to the null device")


def drop_unwritten() -> None:
    """Drop what the streams did not take: Python would try again at exit, and change the exit code."""
    streams: tuple[IO[str] | None, ...] = (sys.stdout, sys.stderr)
    for stream in streams:
        if stream is None:  # closed, as by `>&-`
            continue
        try:
            stream.flush()
        except OSError:
            _discard(stream)


def _discard(stream: IO[str]) -> None:
    """Send a stream's text to nowhere, also what it has not written yet."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def out(text: str) -> None:
    """Print results. Colour codes must come from `click.style`, applied to safe text."""
    _write(_encodable(text, sys.stdout) + "\n")


def out_bytes(content: bytes) -> None:
    """Print a document as it is, on every platform: UTF-8, and with its own line ends."""
    _write(safe(content.decode()) if is_terminal(sys.stdout) else content)


def _write(content: str | bytes) -> None:
    try:
        click.echo(content, nl=False, color=wants_color(sys.stdout))
    except OSError as error:
        if error.errno in PIPE_CLOSED:  # nobody reads on, as with `| head`: the work and its exit code go on
            _discard(sys.stdout)
            return
        raise click.ClickException(f"standard output cannot be written: {error.strerror}") from None


def note(text: str, **style: Any) -> None:
    """Print a message on standard error, unless that is closed or full."""
    with suppress(OSError):
        shown = _encodable(safe(text), sys.stderr)
        click.echo(click.style(shown, **style) if style else shown, err=True, color=wants_color(sys.stderr))


def _encodable(text: str, stream: IO[str] | None) -> str:
    """Return a text that the stream's encoding can represent; on Windows it is rarely UTF-8."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def refuse(problems: Sequence[object]) -> int:
    """Print the problems of a catalogue or a plan, and return the exit code."""
    for problem in problems:
        note(str(problem))
    note(f"{counted(len(problems), 'problem')}; nothing was changed.")
    return 1
