"""Show how far a command has come: live on a terminal, as plain lines elsewhere."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final, Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table

from asyncdbaas.plan import Outcome, Result
from asyncdbaas.ratelimit import RateLimiter

__all__ = ["Tally", "print_summary", "shown"]

_TICK: Final = 0.1
_SECONDS_PER_LINE: Final = 5.0


class Tally:
    """Count outcomes, and read off the rate limiter what is under way."""

    def __init__(self) -> None:
        self.total = 0
        self.outcomes: list[Outcome] = []
        self._limiter = RateLimiter()

    def begin(self, total: int, limiter: RateLimiter) -> None:
        """Set how many topics there are, and what paces them."""
        self.total, self._limiter = total, limiter

    @property
    def done(self) -> int:
        """How many topics have their outcome."""
        return len(self.outcomes)

    @property
    def in_flight(self) -> int:
        """How many requests are on the wire."""
        return min(self._limiter.in_flight, self.total - self.done)

    @property
    def waiting(self) -> int:
        """How many topics are neither done nor under way."""
        return self.total - self.done - self.in_flight

    def describe(self) -> str:
        """Say what is going on, in one line."""
        parts = [f"{self.in_flight} in flight"]
        if self.waiting:
            parts.append(f"{self.waiting} waiting" + (" for the rate limit" if self._limiter.delay() else ""))
            unqueued = max(0, self.waiting - self._limiter.waiting)
            parts.append(f"{_duration(self._limiter.forecast(unqueued))} left")
        return ", ".join(parts)


class _View(Protocol):
    def update(self) -> None: ...


class _Live:
    """A progress bar."""

    def __init__(self, progress: Progress, tally: Tally) -> None:
        self._progress, self._tally = progress, tally
        self._task: TaskID = progress.add_task("topics", total=tally.total, detail="")

    def update(self) -> None:
        self._progress.update(self._task, completed=self._tally.done, detail=self._tally.describe())
        self._progress.refresh()


class _Lines:
    """A line at the start, and one every few seconds."""

    def __init__(self, tally: Tally) -> None:
        self._tally, self._next = tally, 0.0

    def update(self) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _SECONDS_PER_LINE
            click.echo(f"{self._tally.done} of {self._tally.total} done, {self._tally.describe()}", err=True)


@asynccontextmanager
async def shown(tally: Tally, console: Console) -> AsyncGenerator[None, None]:
    """Show a tally while the block runs."""
    if not console.is_terminal:
        async with _ticking(_Lines(tally)):
            yield
        return
    columns = (BarColumn(), TextColumn("{task.completed} of {task.total} done, {task.fields[detail]}"))
    # Drawn from the event loop: rich's own thread would read the rate limiter while it changes.
    with Progress(*columns, console=console, auto_refresh=False) as progress:
        async with _ticking(_Live(progress, tally)):
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
        if not ticker.cancelled():
            ticker.result()
        view.update()


def print_summary(tally: Tally, console: Console) -> None:
    """Print how many topics were created, were there, and failed, and why."""
    failed = [outcome for outcome in tally.outcomes if outcome.result is Result.FAILED]
    if console.is_terminal:
        console.print(_counts(tally))
        if failed:
            console.print(_failures(failed))
        return
    click.echo(", ".join(f"{result}: {count}" for result, count in _count(tally).items()))
    for outcome in failed:
        click.echo(f"failed: {outcome.topic.topic.name} on {outcome.cluster.name}: {outcome.reason}")


def _count(tally: Tally, cluster: str | None = None) -> dict[str, int]:
    counts = Counter(outcome.result for outcome in tally.outcomes if cluster in (None, outcome.cluster.name))
    return {result: counts[result] for result in Result}


def _counts(tally: Tally) -> Table:
    table = Table("cluster", *(str(result) for result in Result))
    for name in dict.fromkeys(outcome.cluster.name for outcome in tally.outcomes):
        table.add_row(name, *map(str, _count(tally, name).values()))
    return table


def _failures(failed: list[Outcome]) -> Table:
    table = Table("cluster", "topic", "why it failed")
    for outcome in failed:
        table.add_row(outcome.cluster.name, outcome.topic.topic.name, outcome.reason)
    return table


def _duration(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
