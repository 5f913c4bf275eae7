"""Show how far a command has come, on the error output: live on a terminal, as plain lines elsewhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final, Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from asyncdbaas import hooks
from asyncdbaas.plan import Change, Event, Outcome, Sent
from asyncdbaas.ratelimit import RateLimiter
from asyncdbaas.session import AsyncSession

__all__ = ["Tally", "duration", "shown"]

_TICK: Final = 0.1
_SECONDS_PER_LINE: Final = 5.0


class Tally:
    """Count what has been looked at and done, and read off the rate limiter what is under way."""

    def __init__(self) -> None:
        self.total: int | None = None
        """How many topics there are; None while that is being found out."""
        self.outcomes: list[Outcome] = []
        self._answered = 0
        self._sent: dict[int, Change] = {}
        self._limiter: RateLimiter | None = None

    def attach(self, session: AsyncSession) -> None:
        """Read what is under way off this session's rate limiter."""
        self._limiter = session.rate_limiter

    def on_call(self, event: hooks.CallEvent) -> None:
        """Take note of what happens to the session's calls."""
        self._answered += isinstance(event, hooks.CallEnded)

    def on_event(self, event: Event) -> None:
        """Take note of what happens to topics."""
        if isinstance(event, Sent):
            self._sent[id(event.change)] = event.change
        elif isinstance(event, Outcome):
            self._sent.pop(id(event.change), None)
            self.outcomes.append(event)

    @property
    def in_doubt(self) -> list[Change]:
        """The topics whose requests have left, and have no outcome."""
        return list(self._sent.values())

    @property
    def done(self) -> int:
        """How much is done."""
        return self._answered if self.total is None else len(self.outcomes)

    def describe(self) -> str:
        """Say what is going on, in one line."""
        if self._limiter is None:
            return "connecting"
        in_flight, is_closed = self._limiter.in_flight, self._limiter.delay() > 0
        parts = [f"{in_flight} in flight"]
        waiting = self._limiter.waiting if self.total is None else max(0, self.total - self.done - in_flight)
        if waiting:
            parts.append(f"{waiting} waiting" + (" for the rate limit" if is_closed else ""))
            parts.append(f"{duration(self._limiter.forecast(max(0, waiting - self._limiter.waiting)))} left")
        what = f"looking, {self.done} answers" if self.total is None else f"{self.done} of {self.total} done"
        return ", ".join([what, *parts])


class _View(Protocol):
    def update(self) -> None: ...


class _Bar:
    """A progress bar."""

    def __init__(self, progress: Progress, tally: Tally) -> None:
        self._progress, self._tally = progress, tally
        self._task = progress.add_task("", total=None)

    def update(self) -> None:
        tally = self._tally
        self._progress.update(
            self._task, total=tally.total, completed=tally.done if tally.total else 0, description=tally.describe()
        )
        self._progress.refresh()


class _Lines:
    """A line at the start, one every few seconds, and one at the end."""

    def __init__(self, tally: Tally) -> None:
        self._tally, self._next, self._last = tally, 0.0, ""

    def update(self) -> None:
        if time.monotonic() >= self._next:
            self.print()

    def print(self) -> None:
        self._next = time.monotonic() + _SECONDS_PER_LINE
        if (line := self._tally.describe()) != self._last:
            click.echo(line, err=True)
            self._last = line


@asynccontextmanager
async def shown(tally: Tally) -> AsyncGenerator[None, None]:
    """Show a tally while the block runs."""
    console = Console(stderr=True)
    if not console.is_terminal:
        lines = _Lines(tally)
        async with _ticking(lines):
            yield
        lines.print()
        return
    # Drawn from the event loop: rich's own thread would read the rate limiter while it changes.
    columns = (BarColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console, auto_refresh=False, transient=tally.total is None) as progress:
        async with _ticking(_Bar(progress, tally)):
            yield


@asynccontextmanager
async def _ticking(view: _View) -> AsyncGenerator[None, None]:
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
        view.update()


def duration(seconds: float) -> str:
    """Return a duration as hours, minutes and seconds, such as 0:07:02."""
    return str(timedelta(seconds=round(seconds)))
