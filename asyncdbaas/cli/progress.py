"""Show how far a command has come, on standard error: live on a terminal, as plain lines elsewhere."""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final

import click

from asyncdbaas import hooks
from asyncdbaas.cli.terminal import counted, is_terminal, note
from asyncdbaas.plan import Change, Forecast, Outcome, PlanEvent, Sent
from asyncdbaas.ratelimit import RateLimiter
from asyncdbaas.session import AsyncSession

__all__ = ["Progress", "duration", "shown"]

_TICK: Final = 0.1
_SECONDS_PER_LINE: Final = 5.0
_BAR: Final = 20


class Progress:
    """Count what has been read and applied; the rate limiter knows what is in flight."""

    def __init__(self, total: int | None = None) -> None:
        self.total = total
        """Number of objects to apply. None while reading."""
        self.outcomes: list[Outcome] = []
        self._answered = 0
        self._expected: int | None = None
        self._sent: dict[int, Change] = {}
        self._limiter: RateLimiter | None = None

    def attach(self, session: AsyncSession) -> None:
        """Use the rate limiter of a session for the calls in flight."""
        self._limiter = session.rate_limiter

    def on_call(self, event: hooks.CallEvent) -> None:
        """Count the responses to the session's calls."""
        self._answered += isinstance(event, hooks.CallEnded)

    def on_event(self, event: PlanEvent) -> None:
        """Count what a plan has read, and the outcomes of its changes."""
        if isinstance(event, Sent):
            self._sent[id(event.change)] = event.change
        elif isinstance(event, Outcome):
            self._sent.pop(id(event.change), None)
            self.outcomes.append(event)
        elif isinstance(event, Forecast) and self.total is None:
            self._expected = self._answered + event.requests

    @property
    def in_doubt(self) -> list[Change]:
        """The changes whose requests were sent and have no outcome yet."""
        return list(self._sent.values())

    @property
    def fraction(self) -> float | None:
        """How much is done, from 0 to 1; None if the total is unknown."""
        done, total = self._count()
        return done / total if total else None

    def parts(self) -> list[str]:
        """Return what is going on, the most important first."""
        if self._limiter is None:
            return ["connecting"]
        done, total = self._count()
        in_flight, is_closed = self._limiter.in_flight, self._limiter.delay() > 0
        waiting = self._limiter.waiting if total is None else max(0, total - done - in_flight)
        if self.total is None:
            said = [f"reading, {counted(done, 'response')}" if total is None else f"reading, {done} of {total}"]
        else:
            said = [f"{done} of {total} done"]
        if waiting:
            said.append(f"{duration(self._limiter.forecast(max(0, waiting - self._limiter.waiting)))} left")
        said.append(f"{in_flight} in flight")
        if waiting:
            said.append(f"{waiting} waiting" + (" for the rate limit" if is_closed else ""))
        return said

    def _count(self) -> tuple[int, int | None]:
        if self.total is None:
            return self._answered, self._expected
        return len(self.outcomes), self.total


class _Bar:
    """A line that is drawn again and again. It is plain text, so that every terminal can show it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._drawn = 0

    def update(self) -> None:
        self._draw(_line(self._progress, shutil.get_terminal_size().columns - 1))

    def close(self) -> None:
        """Keep the last line of an apply; remove that of a reading."""
        if self._progress.total is None:
            self._draw("")
            self._write("\r")
        else:
            self.update()
            self._write("\n")

    def _draw(self, line: str) -> None:
        self._write("\r" + line.ljust(self._drawn))
        self._drawn = len(line)

    def _write(self, text: str) -> None:
        with suppress(OSError):  # the work continues without its bar
            click.echo(text, nl=False, err=True)


class _Lines:
    """A line at the start, one every few seconds, and one at the end."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._next, self._last = progress, 0.0, ""

    def update(self) -> None:
        if time.monotonic() >= self._next:
            self._print()

    def close(self) -> None:
        self._print()

    def _print(self) -> None:
        self._next = time.monotonic() + _SECONDS_PER_LINE
        if (line := ", ".join(self._progress.parts())) != self._last:
            note(line)
            self._last = line


def _line(progress: Progress, columns: int) -> str:
    """Return a line that fits: the bar goes first, then the last parts, never the time that is left."""
    parts, fraction = progress.parts(), progress.fraction
    while len(", ".join(parts)) > columns and len(parts) > 2:
        parts.pop()
    text = ", ".join(parts)[: max(0, columns)]
    if fraction is None or len(text) + _BAR + 3 > columns:
        return text
    return f"[{('#' * round(fraction * _BAR)).ljust(_BAR, '.')}] {text}"


@asynccontextmanager
async def shown(progress: Progress) -> AsyncGenerator[None, None]:
    """Show the progress while the block runs."""
    view = _Bar(progress) if is_terminal(sys.stderr) else _Lines(progress)

    async def tick() -> None:
        while True:
            view.update()
            await asyncio.sleep(_TICK)

    ticker = asyncio.create_task(tick())
    try:
        yield
    finally:
        ticker.cancel()
        await asyncio.wait({ticker})
        view.close()


def duration(seconds: float) -> str:
    """Return a duration as hours, minutes and seconds, such as 0:07:02."""
    return str(timedelta(seconds=round(seconds)))
