"""The rate limits: two windows for each token, and the headers that report them."""

from __future__ import annotations

import math
from collections import deque
from typing import Final

import attrs

from asyncdbaas.emulator.clock import Clock
from asyncdbaas.emulator.validators import number

MINUTE: Final = 60.0
HOUR: Final = 3600.0
_MOST: Final = 10**9


class SlidingWindow:
    """Hold the arrival times of the requests of the last `span` seconds; each has its own timer."""

    __slots__ = ("_span", "_times")

    def __init__(self, span: float) -> None:
        self._span = span
        self._times: deque[float] = deque()

    def count(self, now: float) -> int:
        """Drop expired requests, and return how many are left."""
        times = self._times
        while times and times[0] + self._span <= now:
            times.popleft()
        return len(times)

    def add(self, now: float) -> None:
        """Count a request."""
        self._times.append(now)

    def take_back(self) -> None:
        """Uncount the latest request."""
        self._times.pop()

    def frees_at(self, now: float) -> float:
        """Return when the oldest counted request drops out."""
        return self._times[0] + self._span if self._times else now


@attrs.frozen(kw_only=True)
class Verdict:
    """The rate limiter's decision about one request, with the headers for its response."""

    admitted: bool
    headers: dict[str, str]


@attrs.frozen(kw_only=True)
class Usage:
    """Number of a token's requests in each window, and when the oldest drops out (virtual seconds)."""

    minute: int
    hour: int
    minute_frees_in: float
    hour_frees_in: float


class TokenLimits:
    """Count the requests of one token in a window of a minute and one of an hour."""

    def __init__(self, clock: Clock, per_minute: int, per_hour: int) -> None:
        self._clock = clock
        self._per_minute = per_minute
        self._per_hour = per_hour
        self._minute = SlidingWindow(MINUTE)
        self._hour = SlidingWindow(HOUR)

    def arrive(self) -> Verdict:
        """Count an arriving request, or refuse it; a refused one is not counted.

        The hour is checked first: its refusal has no `retry-after`, which only the burst limit sends.
        """
        now = self._clock.now()
        hour, minute = self._hour.count(now), self._minute.count(now)
        if hour >= self._per_hour:
            return Verdict(admitted=False, headers=self._headers(now, 0))
        if minute >= self._per_minute:
            return Verdict(admitted=False, headers=self.burst_headers(self._minute.frees_at(now) - now))
        self._hour.add(now)
        self._minute.add(now)
        return Verdict(admitted=True, headers=self._headers(now, self._per_hour - hour - 1))

    def usage(self) -> Usage:
        """Return how many requests count in each window."""
        now = self._clock.now()
        minute, hour = self._minute.count(now), self._hour.count(now)
        return Usage(
            minute=minute,
            hour=hour,
            minute_frees_in=max(0.0, self._minute.frees_at(now) - now),
            hour_frees_in=max(0.0, self._hour.frees_at(now) - now),
        )

    def left(self, now: float) -> tuple[int, int]:
        """Return how many requests the minute and the hour still admit."""
        return self._per_minute - self._minute.count(now), self._per_hour - self._hour.count(now)

    def take_back(self) -> None:
        """Uncount the latest request, because a fault refused it."""
        self._minute.take_back()
        self._hour.take_back()

    def hourly_headers(self) -> dict[str, str]:
        """Return the headers of a refusal by the hourly limit."""
        return self._headers(self._clock.now(), 0)

    def burst_headers(self, retry_after: float) -> dict[str, str]:
        """Return the headers of a refusal by the burst limit that ends after `retry_after` virtual seconds."""
        return self.hourly_headers() | {"retry-after": _retry_after(self._clock, retry_after)}

    def unused_headers(self) -> dict[str, str]:
        """Return the headers for a request that is not counted."""
        now = self._clock.now()
        return self._headers(now, self.left(now)[1])

    def _headers(self, now: float, remaining: int) -> dict[str, str]:
        reset = self._clock.wall_time(self._hour.frees_at(now))
        return {
            "ratelimit-limit": str(self._per_hour),
            "ratelimit-remaining": str(remaining),
            "ratelimit-reset": str(math.ceil(reset)),
        }


@attrs.frozen(kw_only=True)
class RateLimits:
    """Rate limits, and what counts in the windows of each token."""

    clock: Clock
    per_minute: int = attrs.field(validator=number(1, _MOST, int))
    """Requests per token and minute."""
    per_hour: int = attrs.field(validator=number(1, _MOST, int))
    """Requests per token and hour."""
    _tokens: dict[str, TokenLimits] = attrs.field(factory=dict[str, TokenLimits], init=False)

    def usage(self) -> dict[str, Usage]:
        """Return what counts in the two windows of each token that has sent a request."""
        return {token: limits.usage() for token, limits in tuple(self._tokens.items())}

    def clear(self) -> None:
        """Empty all windows."""
        self._tokens.clear()

    def of(self, token: str) -> TokenLimits:
        """Return the windows of a token."""
        limits = self._tokens.get(token)
        if limits is None:
            limits = self._tokens[token] = self.new()
        return limits

    def new(self) -> TokenLimits:
        """Make windows in which nothing counts."""
        return TokenLimits(self.clock, self.per_minute, self.per_hour)


def _retry_after(clock: Clock, seconds: float) -> str:
    """Write a wait in the client's own seconds, rounded up: whole ones in real time, thousandths in scaled time."""
    wall = clock.wall_span(seconds)
    if clock.scale in (0.0, 1.0):
        return str(max(1, math.ceil(wall)))
    return f"{math.floor(wall * 1000 + 1.5) / 1000:.3f}"  # at least half a thousandth more, because floats are rounded
