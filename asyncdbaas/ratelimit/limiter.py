"""The rate limiter of one process: a queue, the accounting of both limits, and one timer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar, Protocol

from asyncdbaas._checks import check_count, check_function, check_seconds
from asyncdbaas.ratelimit.queue import WaitQueue
from asyncdbaas.ratelimit.timer import LoopBinding, Timer, running_loop
from asyncdbaas.ratelimit.windows import HOUR, MINUTE, NEVER, PER_HOUR, PER_MINUTE, Lease, Quota

__all__ = ["RateLimiter"]


class _Admission(Protocol):
    """Decides when a request may be sent: a `Quota`, or the state of a shared one."""

    @property
    def in_flight(self) -> int: ...
    @property
    def lease(self) -> Lease: ...
    def opens(self, now: float) -> float: ...
    def admit(self, now: float) -> float: ...
    def give_back(self, lease: Lease) -> None: ...
    def release(self, now: float, *, counted: bool) -> None: ...
    def succeeded(self, remaining: int | None) -> None: ...
    def refused(self, now: float, pause: float, *, hourly: bool) -> None: ...
    def forecast(self, now: float, requests: int) -> float: ...


class RateLimiter:
    """Admit requests in order of arrival, as fast as the two limits of the service allow and never faster.

    Calls with the priority `bulk` go after all others (see `priority`).

    The service counts each request of a token for 60 s (limit 250) and for 3,600 s (limit 5,000), each with a timer
    of its own. The limiter mirrors that count: requests in flight + responses of the last span < limit. If nobody else
    uses the token, no request is refused. Bursts pass at once. If others use the token, the limiter leaves them their
    part and keeps probing whether they still use it.

    Pass the same limiter to all sessions that share a token, as `AsyncSession(rate_limiter=...)`. For processes that
    share a token there is `SharedRateLimiter`. A limiter serves one event loop at a time.

    Programs use `forecast`, `delay`, `waiting` and `in_flight`. The session calls the other methods.

    Args:
        per_minute: The limit of the minute.
        per_hour: The limit of the hour.
        minute: Seconds that the minute lasts, for tests and emulators in scaled time.
        hour: Seconds that the hour lasts, for the same.
        clock: Returns the time in seconds, for tests.
    """

    asks_a_store: ClassVar[bool] = False
    """Whether calls may wait for a store to grant a permit, although `delay` is 0.0."""

    def __init__(
        self,
        per_minute: int = PER_MINUTE,
        per_hour: int = PER_HOUR,
        *,
        minute: float = MINUTE,
        hour: float = HOUR,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._loop = LoopBinding(type(self).__name__)  # the first attribute, so that pickle meets it first
        self._quota = Quota(
            check_count(per_minute, "per_minute"),
            check_count(per_hour, "per_hour"),
            check_seconds(minute, "minute"),
            check_seconds(hour, "hour"),
        )
        self._admission: _Admission = self._quota
        self._clock = check_function(clock, "clock")
        self._queue = WaitQueue[Lease]()
        self._timer = Timer(clock, self._advance)
        self._sessions: set[object] = set()

    def attach(self, session: object, token: str | None) -> None:  # noqa: ARG002 -- for limiters that many processes share
        """Serve a session that opens; `token` is None if a function provides it.

        Raise SessionStateError if the limiter is in use in another event loop.
        """
        self._check_loop()
        self._sessions.add(session)

    async def detach(self, session: object) -> None:
        """Stop serving a session that has closed."""
        self._sessions.discard(session)

    @property
    def in_flight(self) -> int:
        """Number of requests that were admitted and have not ended."""
        return self._quota.in_flight

    @property
    def waiting(self) -> int:
        """Number of calls that wait for a permit."""
        return len(self._queue)

    async def acquire(self, owner: object = None) -> Lease:
        """Wait until one request may be sent; return the lease of its permit, for `is_current`.

        Then call `release` exactly once, whatever happens to the request. `owner` is what `fail` finds this call by.
        """
        if running_loop() is not self._loop.loop:
            self._check_loop()
        now = self._clock()
        if not (self._queue and self._queue.ahead()) and self._admission.admit(now) <= now:
            return self._admission.lease
        waiter = self._queue.join(owner)
        self._advance(now)
        try:
            return await waiter
        except BaseException:
            if self._queue.leave(waiter):
                self._admission.give_back(waiter.result())
                self._advance(self._clock())
            raise
        finally:
            if not self._queue:
                self._timer.set(NEVER, NEVER)

    def is_current(self, lease: Lease) -> bool:
        """Return whether a permit may still be spent; `lease` is what `acquire` returned.

        Ask immediately before the request is written, with no `await` in between. If the answer is False, send nothing,
        call `release(counted=False)`, and `acquire` again. Permits of a `RateLimiter` never lapse. Permits that a store
        granted lapse if the process stands still for so long that the store gives them to others.
        """
        return self._clock() < lease.lapses_at

    def release(self, *, counted: bool = True) -> None:
        """End a request; pass `counted=False` if the service certainly does not count it."""
        now = self._clock()
        self._admission.release(now, counted=counted)
        if self._queue:
            self._advance(now)

    def succeeded(self, remaining: int | None) -> None:
        """Learn from a response that is not a refusal, before its `release`.

        `remaining` is what the response says about the hour, if anything.
        """
        self._admission.succeeded(remaining)

    def refused(self, retry_after: float | None, reset_in: float | None = None, *, max_pause: float = 300.0) -> None:
        """Learn from a 429, before its `release`, and pause for everyone.

        Args:
            retry_after: Seconds. Only refusals by the limit of the minute have it.
            reset_in: Seconds until the oldest request of the hour drops out. It has been seen in the past and almost an
                hour ahead, so the pause is a minute at most.
            max_pause: The longest `retry_after` that the caller waits for. If it is longer, the call fails and the
                pause is a minute at most, as the limit of the minute allows requests again by then.
        """
        minute = self._quota.minute.span
        hourly = retry_after is None
        asked = (reset_in or 0.0) if retry_after is None else retry_after
        longest = max_pause if not hourly and asked <= max_pause else minute
        self._admission.refused(self._clock(), min(max(asked, 0.0), longest), hourly=hourly)

    def fail(self, owner: object, error: Callable[[], Exception]) -> None:
        """Raise an error in each call that waits for `owner`, whose session is closing."""
        self._queue.fail(owner, error)

    def delay(self) -> float:
        """Return the least number of seconds that a call made now waits; 0.0 if it is admitted at once.

        Infinite if that depends on the response to a request in flight.
        """
        now = self._clock()
        if self._queue:
            self._advance(now)  # the timer may be late
        return max(0.0, self._admission.opens(now) - now)

    def forecast(self, n: int) -> float:
        """Return in how many seconds the last of `n` more calls may be sent.

        The calls have the current priority, and waiting calls that go before them count. The forecast assumes immediate
        responses, no refusals, and other clients that use no more than now.
        """
        check_count(n, "n", least=0)
        now = self._clock()
        return self._admission.forecast(now, n + self._queue.ahead()) - now

    def _advance(self, now: float) -> None:
        """Wake the calls that may be sent at `now`, and set the timer for the next one."""
        when = NEVER
        while self._queue and (when := self._admission.admit(now)) <= now:
            lease = self._admission.lease
            if not self._queue.wake(lease):  # all calls in the queue are cancelled
                self._admission.give_back(lease)
        self._timer.set(when if self._queue else NEVER, now)

    def _check_loop(self) -> None:
        """Serve the running event loop; forget the one before, if it was closed or no longer uses the limiter.

        What was in flight in a loop that was closed counts as answered now.
        """
        if not self._loop.enter(in_use=bool(self._sessions or self._queue or self._quota.in_flight)):
            return
        self._sessions.clear()
        self._queue.clear()
        self._timer.forget()
        now = self._clock()
        while self._quota.in_flight:
            self._quota.release(now, counted=True)
