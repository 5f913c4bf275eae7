"""The emulator's virtual clock: real, scaled or stepped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from asyncdbaas.emulator.errors import EmulatorError

# A second then lasts a nanosecond.
_FASTEST: Final = 10**9
_END: Final = 253_402_300_799.0  # the last second of the year 9999


class Clock:
    """Virtual time in epoch seconds, which everything in the emulator uses.

    `scale` virtual seconds pass per second of `source`; a scale of 0 makes a stepped clock, which only moves by
    `advance`. The client's *wall clock* is `source` itself, counted from `epoch`: virtual spans are divided by the
    scale before they reach a client (`wall_span`, `wall_time`), so that a client that knows nothing of the scale waits
    the right time. On a stepped clock both are the same.
    """

    def __init__(
        self, scale: float = 1.0, *, source: Callable[[], float] = time.monotonic, epoch: float | None = None
    ) -> None:
        _require_scale(scale)
        if not callable(source):
            raise EmulatorError(f"the clock must be a function that returns seconds, not {type(source).__name__}")
        self.scale = scale
        self._source = source
        self._start = source()
        self._epoch = time.time() if epoch is None else epoch
        self._added = 0.0
        self._sleepers: set[asyncio.Future[None]] = set()

    @classmethod
    def stepped(cls, epoch: float | None = None) -> Clock:
        """Make a clock that stands still until `advance` is called."""
        return cls(0.0, epoch=epoch)

    def now(self) -> float:
        """Return the virtual time in epoch seconds; it stops when the year 9999 ends, which dates cannot hold."""
        return min(self._epoch + (self._source() - self._start) * self.scale + self._added, _END)

    def wall_span(self, seconds: float) -> float:
        """Return how long a virtual span takes on the client's wall clock."""
        return seconds / self.scale if self.scale else seconds

    def wall_time(self, at: float) -> float:
        """Return the epoch seconds of the client's wall clock at the virtual time `at`."""
        if not self.scale:
            return at
        return self._epoch + self._source() - self._start + (at - self.now()) / self.scale

    def advance(self, *, seconds: float = 0.0, minutes: float = 0.0, hours: float = 0.0, days: float = 0.0) -> None:
        """Move the virtual time forward, on any clock and from any thread.

        Args:
            seconds: Virtual seconds.
            minutes: Virtual minutes.
            hours: Virtual hours.
            days: Virtual days.
        """
        span = seconds + 60 * minutes + 3600 * hours + 86400 * days
        if not 0 <= span < _END - self.now():
            raise EmulatorError(f"the clock can only go forward, and not beyond the year 9999 ({span} seconds)")
        self._added += span
        self._wake_sleepers()

    def set_scale(self, scale: float) -> None:
        """Let time pass `scale` times as fast from now on; 0 stops it. The time itself does not jump."""
        _require_scale(scale)
        self._added += (self._source() - self._start) * (self.scale - scale)
        self.scale = scale
        self._wake_sleepers()

    def _wake_sleepers(self) -> None:
        for sleeper in tuple(self._sleepers):
            sleeper.get_loop().call_soon_threadsafe(_wake, sleeper)

    async def sleep(self, seconds: float) -> None:
        """Sleep for a virtual span; on a stepped clock until enough has been advanced."""
        due = self.now() + seconds
        while due > self.now():
            sleeper = asyncio.get_running_loop().create_future()
            self._sleepers.add(sleeper)  # before the time is read again, so that no advance is missed
            try:
                left = max(0.0, due - self.now())
                stepped = not self.scale and left > 0
                await asyncio.wait((sleeper,), timeout=None if stepped else left / (self.scale or 1.0))
            finally:
                self._sleepers.discard(sleeper)
                sleeper.cancel()


def _require_scale(scale: Any) -> None:
    if isinstance(scale, bool) or not isinstance(scale, (int, float)):
        raise EmulatorError(f"scale must be a number, not {type(scale).__name__}")
    if not 0 <= scale <= _FASTEST:
        raise EmulatorError(f"scale must be from 0 to {_FASTEST}, not {scale}")


def _wake(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():
        sleeper.set_result(None)


def rfc3339(at: float) -> str:
    """Format epoch seconds the way the API writes dates: `2026-09-01T12:00:00Z`."""
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def timestamp(date: str) -> float:
    """Read a date as the API writes it; one without a time zone is UTC."""
    at = datetime.fromisoformat(date)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
