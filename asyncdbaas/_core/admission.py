"""Admission of requests: a connection slot, then a permit of the rate limiter, within `max_wait`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from math import isinf
from typing import Any

from asyncdbaas import hooks
from asyncdbaas._checks import check_count, check_instance
from asyncdbaas._core.call import Call, Response
from asyncdbaas._core.http import parse_count, parse_retry_after, read_rate_limit
from asyncdbaas._core.lifetime import Lifetime, closed_error
from asyncdbaas._core.observers import Observers
from asyncdbaas.errors import QuotaWaitError, RequestError, TransportError
from asyncdbaas.ratelimit import RateLimiter, current_priority
from asyncdbaas.ratelimit.queue import WaitQueue
from asyncdbaas.retry import waits_are_off


class Admission:
    """Decide when an attempt may be sent, and learn from its outcome.

    A call takes a connection slot before it joins the limiter's queue, which keeps that queue short. Bulk calls leave
    some slots free, so that interactive calls can overtake them.
    """

    def __init__(self, limiter: RateLimiter, slots: int, lifetime: Lifetime, observers: Observers) -> None:
        self.slots = self.free_slots = check_count(slots, "max_connections")
        self._spare_slots = min(slots - 1, max(1, slots // 10))
        self.queue = WaitQueue[None]()
        self.last_headers: Mapping[str, str] = {}
        """The headers of the last response that said anything about the hourly quota."""
        self._limiter = check_instance(limiter, RateLimiter, "rate_limiter", "RateLimiter(per_minute=250)")
        self._is_current = limiter.is_current
        self._lifetime = lifetime
        self._observers = observers

    async def within(
        self, max_wait: float, call: Call, wait: Callable[[Call], Awaitable[None]]
    ) -> QuotaWaitError | None:
        """Run `wait(call)`; return an error if the quota delays it for longer than `max_wait`."""
        deadline = asyncio.timeout(max_wait)
        try:
            # The delay is infinite if it ends with a response, which may arrive at any moment.
            if (delay := self._limiter.delay()) <= max_wait or isinf(delay):
                async with deadline:
                    await wait(call)
                    return None
        except TimeoutError:
            if not deadline.expired():
                raise
        return QuotaWaitError(
            f"not sent: the quota is used up, and this call may wait for it {max_wait:g} s at most",
            status=429,
            retry_after=self._limiter.forecast(1),
            method=call.method,
            path=call.path,
            attempts=call.attempts,
        )

    def must_wait(self) -> bool:
        """Return whether a call made now may have to wait."""
        limiter = self._limiter
        return self.free_slots <= self._reserved() or limiter.asks_a_store or limiter.delay() > 0

    def leave(self, *, counted: bool) -> None:
        """Give back the slot and the permit; `counted` is False if the service certainly does not count the request."""
        self._limiter.release(counted=counted)
        self._free_slot()

    def learn(self, call: Call, outcome: Response | RequestError) -> bool:
        """Pass the outcome of an attempt on to the rate limiter; return whether the service counts the request."""
        if not isinstance(outcome, Response):
            return not isinstance(outcome, TransportError) or outcome.sent
        headers = outcome.headers
        remaining = parse_count(headers.get("ratelimit-remaining"))
        if remaining is not None:
            self.last_headers = headers
        if outcome.status != 429:
            self._limiter.succeeded(remaining)
            return True
        if not waits_are_off():
            now, reset = time.time(), read_rate_limit(headers).reset
            self._limiter.refused(
                parse_retry_after(headers.get("retry-after"), now),
                None if reset is None else reset - now,
                max_pause=call.options.retry.max_retry_after,
            )
        return False

    def close(self) -> None:
        """Raise an error in all calls that wait here."""
        self.queue.fail(self, closed_error)
        self._limiter.fail(self, closed_error)

    def enter(self, call: Call) -> Coroutine[Any, Any, QuotaWaitError | None]:
        """Wait for a slot and a permit; return an error if that would take longer than the call may wait.

        Call `leave` exactly once after it has returned None.
        """
        max_wait = call.options.max_wait
        if max_wait is None or call.on_admission is not None:  # each caller of a shared read has its own limit
            return self._enter(call)
        return self.within(max_wait, call, self._enter)

    async def _enter(self, call: Call) -> None:
        call.queued = time.monotonic()
        if self.free_slots > self._spare_slots or self.free_slots > self._reserved():
            self.free_slots -= 1
        else:
            waiter = self.queue.join(self)
            try:
                await waiter
            except BaseException:
                if self.queue.leave(waiter):
                    self._free_slot()
                raise
        try:
            if not self._lifetime.is_open:
                raise closed_error()
            if call.observed and (delay := self._limiter.delay()) > 0:
                self._observers.emit(hooks.QuotaWait, call, seconds=delay, waiting=self._limiter.waiting)
            call.has_permit = partial(self._is_current, await self._limiter.acquire(self))
            call.waited += time.monotonic() - call.queued
        except BaseException:
            self._free_slot()
            raise

    def _reserved(self) -> int:
        """Return how many slots the current priority must leave free."""
        return 0 if current_priority() == "interactive" else self._spare_slots

    def _free_slot(self) -> None:
        if not self.queue.wake(None, bulk=self.free_slots >= self._spare_slots):
            self.free_slots += 1
