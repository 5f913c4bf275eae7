"""Accounting of the two rate limits of a token. It reads no clock: each method takes the time as `now`."""

from __future__ import annotations

from collections import deque
from copy import copy
from typing import Final

__all__ = ["HOUR", "MINUTE", "NEVER", "NOW", "PER_HOUR", "PER_MINUTE", "Lease", "Quota", "Window"]

# https://docs.digitalocean.com/reference/api/intro/#rate-limit
PER_MINUTE: Final = 250
PER_HOUR: Final = 5000
MINUTE: Final = 60.0
HOUR: Final = 3600.0

NOW: Final = float("-inf")
NEVER: Final = float("inf")


class Lease:
    """The time for which permits may be spent. It ends later if it is renewed before it has lapsed."""

    __slots__ = ("lapses_at",)

    def __init__(self, lapses_at: float) -> None:
        self.lapses_at = lapses_at


class Window:
    """Responses of the last `span` seconds, counted against a limit."""

    def __init__(self, limit: int, span: float) -> None:
        self.limit = limit
        self.span = span
        self.responses: deque[float] = deque()
        """When the responses arrived, the oldest first."""
        self.others = 0
        """How much of the limit other clients of the token are assumed to use."""

    def copy(self) -> Window:
        """Return an independent copy."""
        twin = copy(self)
        twin.responses = self.responses.copy()
        return twin

    def expire(self, now: float) -> None:
        """Drop the responses that no longer count."""
        responses = self.responses
        while responses and responses[0] + self.span <= now:
            responses.popleft()

    def opens(self, now: float, in_flight: int, requests: int) -> float:
        """Return when the limit allows this number of further requests.

        That is in the past if it allows them already, and infinite if only the response to a request in flight can
        make room.
        """
        responses = self.responses
        if responses and responses[0] + self.span <= now:
            self.expire(now)
        excess = len(responses) + in_flight + requests - self.limit
        if excess <= 0:
            return NOW
        return responses[excess - 1] + self.span if excess <= len(responses) else NEVER

    def unexplained(self, in_flight: int) -> int:
        """Return how much of a full window other clients must use, even if all requests in flight count already."""
        return max(0, self.limit - in_flight - len(self.responses))


class Quota:
    """The requests of one client against both limits, and what it knows of the other clients of the token.

    A request counts while it is in flight, and for each window's span after its response. The service counts from the
    arrival of the request, which is never later. So no delay on the network can lead to a refusal.

    Other clients show in two ways: `remaining` of a response shows what they use of the hour, a refusal what they use
    of the minute. Half a minute after the last refusal, the client probes whether they still use it: with one request
    at first, then with twice as many each time.
    """

    def __init__(self, per_minute: int, per_hour: int, minute: float, hour: float) -> None:
        self.minute = Window(per_minute, minute)
        self.hour = Window(per_hour, hour)
        self.in_flight = 0
        self.lease = Lease(NEVER)
        """The lease of the permits that are granted now."""
        self.paused_until = NOW
        self._probe_at = NOW
        self._probing = False
        self._probe_size = 1
        self._hour_is_known = False
        """Whether the service itself has shown what other clients use of the hour."""

    def copy(self) -> Quota:
        """Return an independent copy."""
        twin = copy(self)
        twin.minute, twin.hour = self.minute.copy(), self.hour.copy()
        return twin

    def opens(self, now: float) -> float:
        """Return when the next request may be sent: `now` or earlier if it may already.

        Infinite if that depends on the response to a request in flight. One number decides whether to send and when to
        look again, so that nothing is lost between the two.
        """
        own = self._own(now)
        return own if own <= now else min(own, self._probe(now))

    def admit(self, now: float) -> float:
        """Return `opens(now)`, and count a request as in flight if it may be sent."""
        when = self._own(now)
        if when > now:
            when = min(when, self._probe(now))
            if when > now:
                return when
            self._probing = True
        self.in_flight += 1
        return when

    def give_back(self, lease: Lease) -> None:  # noqa: ARG002 -- a shared quota needs it
        """Take back the permit of a request that was never sent, granted under `lease`."""
        self.in_flight -= 1

    def release(self, now: float, *, counted: bool) -> None:
        """End a request; `counted` tells whether the service counts it."""
        self.in_flight -= 1
        if counted:
            self.minute.responses.append(now)
            self.hour.responses.append(now)

    def succeeded(self, remaining: int | None) -> None:
        """Learn from a response that is not a refusal; `remaining` is what it says about the hour."""
        if self._probing:
            self._probing = False
            for window in (self.minute, self.hour):
                window.others = max(0, window.others - self._probe_size)
            self._probe_size *= 2
        if remaining is not None:
            self.hour.others = max(0, self.hour.unexplained(self.in_flight) - remaining)
            self._hour_is_known = True

    def refused(self, now: float, pause: float, *, hourly: bool) -> None:
        """Learn from a refusal by one of the limits, and send nothing for `pause` seconds."""
        window = self.hour if hourly else self.minute
        window.expire(now)
        window.others = max(window.others, window.unexplained(self.in_flight - 1))
        if hourly:
            self._hour_is_known = False
        self.paused_until = max(self.paused_until, now + pause)
        self._probing = False
        self._probe_size = 1
        self._probe_at = now + self.minute.span / 2

    def forget_others(self) -> None:
        """Forget what other clients use, and pauses: somebody else keeps account of them from now on."""
        self.minute.others = self.hour.others = 0
        self.paused_until = NOW

    def yield_to_others(self, now: float) -> None:
        """Assume that other clients use all of the minute, and probe from now on."""
        self.minute.others = self.minute.limit
        self._probe_at, self._probe_size = now, 1

    def forecast(self, now: float, requests: int) -> float:
        """Return when the last of `requests` more may be sent, if they and those in flight succeed at once.

        The use of the hour by other clients, as the service showed it, is assumed to last for an hour.
        """
        return self.copy().spend(now, requests)

    def spend(self, now: float, requests: int) -> float:
        """Send each request as soon as it may be sent; return when the last one is sent."""
        per_hour, expires = self.hour.limit, now + self.hour.span
        if self._hour_is_known:
            self.hour.limit -= self.hour.others
            self.hour.others = 0
        while self.in_flight:
            self.release(now, counted=True)
        for _ in range(requests):
            when = self.opens(now)
            if when >= expires:
                self.hour.limit, now, expires = per_hour, expires, NEVER
                when = self.opens(now)
            now = max(now, when)
            self.admit(now)
            self.release(now, counted=True)
        return now

    def _own(self, now: float) -> float:
        """Return when a request may be sent that leaves the other clients what they use."""
        in_flight, minute, hour = self.in_flight, self.minute, self.hour
        return max(
            self.paused_until,
            minute.opens(now, in_flight, minute.others + 1),
            hour.opens(now, in_flight, hour.others + 1),
        )

    def _probe(self, now: float) -> float:
        """Return when a request may be sent for which other clients may have left no room."""
        if self.in_flight:
            return NEVER
        return max(self.paused_until, self._probe_at, self.minute.opens(now, 0, 1), self.hour.opens(now, 0, 1))
