"""State of a session: open or closed, and the event loop that it belongs to."""

from __future__ import annotations

import asyncio
import os
import sys
import warnings
from pathlib import Path
from typing import Final, NoReturn

from asyncdbaas._core.deadlines import Deadlines
from asyncdbaas.errors import SessionStateError
from asyncdbaas.ratelimit.timer import running_loop

_PACKAGE: Final = os.path.join(Path(__file__).parents[1], "")  # noqa: PTH118 -- with a separator at its end


class Lifetime:
    """The state of a session from opening to closing, in one event loop.

    `check` comes before each use of anything that belongs to the loop: a lock or a future that another thread touches
    can hang for ever.
    """

    def __init__(self) -> None:
        self.is_open = False
        """Whether the session has been opened and not closed."""
        self._closed: asyncio.Future[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opened_at = ""

    def open(self, timeout: float) -> None:
        """Open in the running event loop; attempts usually get `timeout` seconds."""
        loop = running_loop()
        self._loop, self._closed, self.is_open = loop, loop.create_future(), True
        self._deadlines = Deadlines(timeout, loop)
        self.deadline = self._deadlines.start
        """Make a deadline for a block. Closing brings it forward."""
        self._opened_at = _caller()

    def check_unopened(self) -> None:
        """Raise SessionStateError if it was opened before, or if no event loop runs."""
        if self._closed is not None:
            raise SessionStateError("this session has been opened before; make a new AsyncSession")
        running_loop()

    def check(self) -> None:
        """Raise SessionStateError unless the session is open in the running event loop."""
        if self._closed is None:
            raise SessionStateError(
                "the session is not open; use `async with AsyncSession() as session:` or `await session.open()`"
            )
        if running_loop() is not self._loop:
            raise _foreign_loop_error(self._loop)
        if not self.is_open:
            raise closed_error()

    @property
    def state(self) -> str:
        """The state in one word."""
        return "not open" if self._closed is None else "open" if self.is_open else "closed"

    def close(self) -> bool:
        """Close, and time out whatever has a deadline; return False if there was nothing to close."""
        if self._closed is None or not self.is_open:
            return False
        if running_loop() is not self._loop:
            raise _foreign_loop_error(self._loop)
        self.is_open = False
        self._closed.set_result(None)
        self._deadlines.expire_all()
        return True

    async def sleep(self, seconds: float) -> None:
        """Sleep, but no longer than the session is open."""
        if seconds > 0 and self._closed is not None:
            await asyncio.wait({self._closed}, timeout=seconds)

    def __reduce__(self) -> NoReturn:
        raise SessionStateError(
            "a session cannot be pickled or deep-copied; open one in each process, and pass a function "
            "that returns it to code that makes copies"
        )

    def __del__(self) -> None:
        if self.is_open:
            message = f"the AsyncSession opened at {self._opened_at} was never closed; call `await session.close()`"
            warnings.warn(message, ResourceWarning, stacklevel=1, source=self)


def closed_error() -> SessionStateError:
    """Return the error for a call in a closed session."""
    return SessionStateError(
        "the session is closed; make calls inside its `async with` block, or before `await session.close()`"
    )


def _foreign_loop_error(loop: asyncio.AbstractEventLoop | None) -> SessionStateError:
    if loop is not None and loop.is_closed():
        return SessionStateError(
            "the session was opened in another event loop, which has ended; close sessions before their event loop "
            "ends, and open a new one in each event loop"
        )
    return SessionStateError(
        "the session was opened in another event loop; open one in each event loop and thread (they can share a "
        "quota by SharedRateLimiter), or pass calls to its loop with asyncio.run_coroutine_threadsafe"
    )


def _caller() -> str:
    """Return the file and line of the code outside of this package that is being run."""
    frame = sys._getframe(1)  # noqa: SLF001 -- the documented way; `inspect` reads source files
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
