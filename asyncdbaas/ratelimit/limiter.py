"""Decide when the next request may leave."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Literal

from asyncdbaas.errors import InvalidInputError

__all__ = ["Lane", "RateLimiter", "WaitQueue", "current_lane", "priority"]

Lane = Literal["interactive", "bulk"]
"""Where a call waits for the quota: a `bulk` call leaves when no `interactive` one waits."""

_lane: Final[ContextVar[Lane]] = ContextVar("asyncdbaas.lane", default="interactive")


@contextmanager
def priority(lane: Lane) -> Generator[None]:
    """Let calls made in the block, and by tasks started there, wait in that lane.

        with priority("bulk"):
            await asyncio.gather(...)

    Calls are `interactive` unless told otherwise. `bulk` ones get what the interactive ones leave of the quota, which
    may be nothing for as long as those use all of it. With a shared limiter this holds across all processes.
    """
    if lane not in ("interactive", "bulk"):
        raise InvalidInputError(f'the priority must be "interactive" or "bulk", not {lane!r}')
    before = _lane.set(lane)
    try:
        yield
    finally:
        _lane.reset(before)


def current_lane() -> Lane:
    """Return the lane that a call made here waits in."""
    return _lane.get()


class WaitQueue:
    """Callers that wait for their turn: the interactive lane first, each lane in order of arrival.

    Joining, leaving and waking cost the same however many wait. A caller that is cancelled leaves; if its turn had
    come already, `undo` passes the turn on, so that no cancelled call strands another.
    """

    def __init__(self) -> None:
        self._lanes: Final[dict[Lane, OrderedDict[asyncio.Future[None], object]]] = {
            "interactive": OrderedDict(),
            "bulk": OrderedDict(),
        }

    def __len__(self) -> int:
        lanes = self._lanes
        return len(lanes["interactive"]) + len(lanes["bulk"])

    def count(self, lane: Lane) -> int:
        """Return how many callers wait in a lane."""
        return len(self._lanes[lane])

    async def wait(self, owner: object, undo: Callable[[], None]) -> None:
        """Wait until `wake` reaches this caller; `owner` is what `fail` finds it by."""
        waiters = self._lanes[_lane.get()]
        waiter = asyncio.get_running_loop().create_future()
        waiters[waiter] = owner
        try:
            await waiter
        except BaseException:
            waiters.pop(waiter, None)
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                undo()
            raise

    def wake(self, *, bulk: bool = True) -> bool:
        """Wake the caller whose turn it is, of the bulk lane only if `bulk`; return False if none waits."""
        for waiters in self._lanes.values() if bulk else (self._lanes["interactive"],):
            while waiters:
                waiter, _ = waiters.popitem(last=False)
                if not waiter.done():
                    waiter.set_result(None)
                    return True
        return False

    def fail(self, owner: object, error: Callable[[], Exception]) -> None:
        """Raise an error in each caller that waits for `owner`."""
        for waiters in self._lanes.values():
            for waiter in [waiter for waiter, its_owner in waiters.items() if its_owner is owner]:
                del waiters[waiter]
                if not waiter.done():
                    waiter.set_exception(error())


class _Window:
    """Answers of the last `span` seconds, against a limit."""

    def __init__(self, limit: int, span: float) -> None:
        self.limit = limit
        self.span = span
        self.answers: deque[float] = deque()
        self.strangers = 0
        """How much of the limit others are thought to use."""

    def room(self, in_flight: int, now: float) -> int:
        """Return how many more requests of ours the limit allows, if nobody else uses it."""
        answers = self.answers
        while answers and answers[0] + self.span <= now:
            answers.popleft()
        return self.limit - in_flight - len(answers)

    def unexplained(self, in_flight: int) -> int:
        """Return how much of a full window must be others', even if all that is in flight has been counted."""
        return max(0, self.limit - in_flight - len(self.answers))

    def opens(self) -> float:
        """Return when the oldest answer drops out."""
        return self.answers[0] + self.span if self.answers else float("inf")


class RateLimiter:
    """Let requests leave in order of arrival, as fast as the service's two limits allow and never faster.

    Those that wait in the `bulk` lane go after all others (see `priority`).

    The service counts each request of a token for 60 s (limit 250) and for 3,600 s (limit 5,000), each with a timer
    of its own. This mirrors the count: requests in flight + answers of the last span < limit. It counts from the
    answer, never earlier than the service does, so that delay on the network cannot break it: alone on its token, a
    client is not refused. Bursts pass at once.

    Others on the same token show in two ways. `ratelimit-remaining` tells how much of the hour they took; a refusal
    tells how much of the minute. Their part is left to them, and tested again, one request at first, then twice as
    many each time, half a minute after the last refusal.

    Sessions that share a token share a limiter by being given the same one; for processes that share a token there is
    `SharedRateLimiter`. It belongs to one event loop at a time and is not for threads. Times are in
    seconds; `minute`, `hour` and `clock` are for tests and for scaled emulators.
    """

    def __init__(
        self,
        per_minute: int = 250,
        per_hour: int = 5000,
        *,
        minute: float = 60.0,
        hour: float = 3600.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if per_minute < 1 or per_hour < 1 or minute <= 0 or hour <= 0:
            raise ValueError("per_minute, per_hour, minute and hour must be positive")
        self._minute = _Window(per_minute, minute)
        self._hour = _Window(per_hour, hour)
        self._clock = clock
        self._queue = WaitQueue()
        self._in_flight: int = 0
        self._paused_until = float("-inf")
        self._probe_at = float("-inf")
        self._probing = False
        self._probe_step = 1
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = float("-inf")
        self._loop: asyncio.AbstractEventLoop | None = None

    def attach(self, session: object, token: str | None) -> None:
        """Serve a session, which opens; `token` is None if a function gives it. Nothing to do for one process."""

    async def detach(self, session: object) -> None:
        """Serve a session no longer, which has closed."""

    @property
    def in_flight(self) -> int:
        """How many requests have left and are not answered."""
        return self._in_flight

    @property
    def waiting(self) -> int:
        """How many calls wait for their turn."""
        return len(self._queue)

    async def acquire(self, owner: object = None) -> None:
        """Wait until one request may leave; then call `release` exactly once, whatever becomes of the request.

        `owner` is what `fail` finds this caller by.
        """
        if not self._queue and self._admit(self._clock()):
            return
        self._join_loop()
        self._arm()
        try:
            await self._queue.wait(owner, self._give_back)
        finally:
            if not self._queue:
                self._disarm()

    def release(self, *, counted: bool = True) -> None:
        """Tell that a request has ended; `counted` is False if the service surely does not count it."""
        self._in_flight -= 1
        if counted:
            now = self._clock()
            self._minute.answers.append(now)
            self._hour.answers.append(now)
        if self._queue:
            self._wake()

    def succeeded(self, remaining: int | None) -> None:
        """Learn from an answer that was not refused, before its `release`; `remaining` is what it says of the hour."""
        if remaining is not None:
            self._hour.strangers = max(0, self._hour.unexplained(self._in_flight) - remaining)
        if self._probing:
            self._probing = False
            self._minute.strangers = max(0, self._minute.strangers - self._probe_step)
            self._probe_step *= 2

    def refused(self, retry_after: float | None, reset_in: float | None = None) -> None:
        """Learn from a 429, before its `release`, and hold everyone back.

        `retry_after` comes with a refusal by the minute's limit alone. The hour's says when its oldest request drops
        out, `reset_in` seconds from now; that has been seen to lie in the past or almost an hour ahead, so that the
        hour is tried again after a minute at the latest.
        """
        now = self._clock()
        window = self._hour if retry_after is None else self._minute
        window.room(0, now)
        window.strangers = max(window.strangers, window.unexplained(self._in_flight - 1))
        pause = min(max(reset_in or 0.0, 0.0), self._minute.span) if retry_after is None else retry_after
        self._paused_until = max(self._paused_until, now + min(pause, self._hour.span))
        self._probing = False
        self._probe_step = 1
        self._probe_at = now + self._minute.span / 2

    def fail(self, owner: object, error: Callable[[], Exception]) -> None:
        """Raise an error in each caller that waits for `owner`, whose session is closing."""
        self._queue.fail(owner, error)

    def delay(self) -> float:
        """Return for how many seconds at least nothing may leave; 0.0 if a request may leave now.

        Infinity if that hangs on the answer to a request under way, and on no clock.
        """
        now = self._clock()
        return 0.0 if not self._queue and self._verdict(now) else max(0.0, self._next_change(now) - now)

    def forecast(self, n: int) -> float:
        """Return in how many seconds the last of `n` more requests may leave.

        Those that wait already go first. Answers are taken to be immediate, and others to use no more than now.
        """
        now = start = self._clock()
        times = [*self._hour.answers, *([now] * self._in_flight)]
        now = max(now, self._paused_until)
        for _ in range(n + len(self._queue)):
            for window in (self._minute, self._hour):
                share = max(1, window.limit - window.strangers)
                if len(times) >= share:
                    now = max(now, times[-share] + window.span)
            times.append(now)
        return now - start

    def _verdict(self, now: float) -> str | None:
        """Return how a request may leave now, as "ours" or as a "probe"; None if it may not."""
        if now < self._paused_until:
            return None
        minute, hour, in_flight = self._minute, self._hour, self._in_flight
        of_minute, of_hour = minute.room(in_flight, now), hour.room(in_flight, now)
        if of_minute <= 0 or of_hour <= 0:
            return None
        if of_minute > minute.strangers and of_hour > hour.strangers:
            return "ours"
        return "probe" if in_flight == 0 and now >= self._probe_at else None

    def _admit(self, now: float) -> bool:
        verdict = self._verdict(now)
        if verdict is None:
            return False
        self._in_flight += 1
        self._probing = self._probing or verdict == "probe"
        return True

    def _give_back(self) -> None:
        self.release(counted=False)

    def _wake(self) -> None:
        now = self._clock()
        while self._queue and self._admit(now):
            if not self._queue.wake():
                self._in_flight -= 1
        if self._queue:
            self._arm()
        else:
            self._disarm()

    def _next_change(self, now: float) -> float:
        """Return the first time after now at which the verdict may change without an answer."""
        times = (self._paused_until, self._probe_at, self._minute.opens(), self._hour.opens())
        return min((time for time in times if time > now), default=float("inf"))

    def _arm(self) -> None:
        # One timer for all who wait. It may ring early, then it is set again; it never rings late.
        now = self._clock()
        when = self._next_change(now)
        if self._timer is not None and self._timer_at <= when:
            return
        self._disarm()
        if when < float("inf"):
            self._timer = asyncio.get_running_loop().call_later(when - now, self._ring)
            self._timer_at = when

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        self._wake()

    def _join_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if self._queue and self._loop is not loop:
            raise RuntimeError("this RateLimiter is in use in another event loop; give each event loop its own")
        self._loop = loop
