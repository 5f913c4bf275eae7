"""Look for secrets where none may be: log records, events, errors, tracebacks with the variables of their frames.

Whatever the emulator makes up as a secret has a shape that nothing else has; `CANARY` is for those that tests make up.
"""

from __future__ import annotations

import logging
import re
import traceback
from pathlib import Path
from typing import Final

import asyncdbaas
from asyncdbaas import hooks

CANARY: Final = "canary-e6b1c7"
"""A piece of every secret that a test makes up."""
SECRETS: Final = re.compile(
    rf"{CANARY}|dop_v1_[0-9a-f]{{20}}|AVNS_[0-9a-f]{{19}}|-----BEGIN [A-Z ]*PRIVATE KEY-----\n\w"
)

_PACKAGE: Final = Path(asyncdbaas.__file__).parent
_TESTS: Final = Path(__file__).parents[1]


def found_in(text: str) -> str | None:
    """Return the secret in a text, with what stands before it; None if there is none."""
    match = SECRETS.search(text)
    return None if match is None else text[max(0, match.start() - 120) : match.end()]


def traceback_text(error: BaseException) -> str:
    """Format an error as tools do that show variables, with all that it came from, but for the frames of tests."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    for each in _with_causes(shown):
        frames = [frame for frame in each.stack if not _belongs_to_others(frame.filename)]
        each.stack = traceback.StackSummary.from_list(frames)
    return "".join(shown.format())


def _with_causes(shown: traceback.TracebackException) -> list[traceback.TracebackException]:
    further = [shown.__cause__, shown.__context__, *(shown.exceptions or ())]
    return [shown, *(deeper for each in further if each is not None for deeper in _with_causes(each))]


def _belongs_to_others(filename: str) -> bool:
    """Tell whether a frame is a test's, or the service's part of the play."""
    path = Path(filename)
    return _TESTS in path.parents or _PACKAGE / "emulator" in path.parents


class LeakWatch(logging.Handler):
    """Take every log record and every event, and keep the secrets found in them."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.leaks: list[str] = []
        self.looked_at = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.look(f"{record.getMessage()} {record.args!r} {self._error_of(record)}")

    def hear(self, event: hooks.CallEvent) -> None:
        """Look at an event, and at the error that it carries."""
        error = getattr(event, "error", None)
        self.look(repr(event) if error is None else f"{event!r} {error} {traceback_text(error)}")

    def look(self, text: str) -> None:
        """Look at a text."""
        self.looked_at += 1
        if leak := found_in(text):
            self.leaks.append(leak)

    @staticmethod
    def _error_of(record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        return "" if error is None else traceback_text(error)
