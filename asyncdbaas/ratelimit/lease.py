"""A worker's side of a shared quota, without a clock or a connection: what it knows, reports and may do.

A worker is connecting until the ledger replies for the first time. Then it holds a lease: the ledger grants permits,
and each exchange renews the lease. If an exchange fails, the worker is cut off, and goes on with the part of the quota
that the ledger keeps for it.
"""

from __future__ import annotations

import secrets
from itertools import islice
from typing import Final

import attrs

from asyncdbaas.ratelimit.windows import NEVER, NOW, Lease, Quota

__all__ = ["Connecting", "CutOff", "Leased", "Reply", "State", "Worker"]

# Shares of a minute: how long a lease lasts, how often a worker reports at least, and how much later than told it may
# come back without losing its place.
_LEASE: Final = 1 / 6
_BEAT: Final = 1 / 12
_GRACE: Final = 1 / 20
# Calls that wait ask a little later than told, as more permits become free soon after the first.
_LATER: Final = 1 / 200
# Minutes for which the ledger keeps the part of a worker that is silent.
_KEEP: Final = 10


def _micros(seconds: float) -> int:
    return int(seconds * 1e6)


def _seconds(micros: float) -> float:
    return max(0.0, micros / 1e6)


@attrs.frozen(kw_only=True)
class Reply:
    """What the ledger says in one exchange; the defaults are what a worker knows before the first."""

    granted: int = 0
    interactive: int = 0
    """Interactive calls of this worker that the ledger knows to wait."""
    bulk: int = 0
    """Bulk calls of this worker that the ledger knows to wait."""
    wait: float = attrs.field(default=0.0, converter=_seconds)
    """Seconds until it makes sense to ask for them."""
    workers: int = 1
    used: int = 0
    """Requests of the minute, of all workers."""
    epoch: str = ""
    """Another one than before means that the ledger has lost its data."""
    part: int = 1
    """Requests a minute that this worker may send if it is cut off."""
    set_back: float = attrs.field(default=0.0, converter=_seconds)
    """Seconds by which the clock of the store was set back since the last exchange."""


class Worker:
    """What a worker knows of the quota, and what it reports."""

    def __init__(self, quota: Quota) -> None:
        self.quota = quota
        """The worker's own requests."""
        self.limits: Final = (quota.minute.limit, quota.hour.limit)
        self.answered = 0
        self.begin()

    def begin(self) -> None:
        """Become a worker that the ledger does not know."""
        self.id = secrets.token_hex(8)
        self.sequence = 0
        self.permits = 0
        self.reply = Reply()
        self.reported_at = self.ask_at = NOW
        self.lease = Lease(NOW)
        self.restoring = False
        """Whether the ledger may not know what this worker has used."""
        self.remaining: int | None = None
        self.refusal: dict[str, object] | None = None
        self._reported = self.answered

    @property
    def beats_at(self) -> float:
        """When to report at the latest."""
        return self.reported_at + self.quota.minute.span * _BEAT

    @property
    def has_news(self) -> bool:
        """Whether there is something that the ledger should learn at once."""
        return self.restoring or self.refusal is not None

    def used(self, now: float) -> int:
        """Return how many requests of this worker count in the minute."""
        self.quota.minute.expire(now)
        return self.quota.in_flight + len(self.quota.minute.responses)

    def report(self, now: float, interactive: int, bulk: int, *, leaving: bool = False) -> dict[str, object]:
        """Write a report; see `ledger.lua`, which reads it."""
        minute, hour = self.quota.minute.span, self.quota.hour.span
        self.sequence += 1
        if now >= self.lease.lapses_at or not (interactive or bulk):
            self.permits = 0  # given back by being reported no more
        report: dict[str, object] = {
            "worker": self.id,
            "sequence": self.sequence,
            "per_minute": self.limits[0],
            "per_hour": self.limits[1],
            "minute": _micros(minute),
            "hour": _micros(hour),
            "lease": _micros(minute * _LEASE),
            "grace": _micros(minute * _GRACE),
            "keep": _micros(minute * _KEEP),
            "in_flight": self.quota.in_flight + self.permits,
            "interactive": interactive,
            "bulk": bulk,
            "used": self.used(now),
            "workers": self.reply.workers,
            "leaving": leaving,
            **self._history(now),
            **self._news(),
        }
        return report

    def _history(self, now: float) -> dict[str, object]:
        """Return the responses since the last report, or all of them if the ledger may not know them."""
        self.quota.hour.expire(now)
        responses = self.quota.hour.responses
        new = len(responses) if self.restoring else min(self.answered - self._reported, len(responses))
        ages = [_micros(now - response) for response in islice(responses, len(responses) - new, None)]
        return {"restoring": self.restoring, "first": self.answered - new, "ages": ages}

    def _news(self) -> dict[str, object]:
        news: dict[str, object] = {"refusal": self.refusal, "remaining": self.remaining}
        self.refusal = self.remaining = None
        if self.reply.epoch and (self.quota.hour.responses or self.quota.in_flight):
            news["epoch"] = self.reply.epoch
        return {name: value for name, value in news.items() if value is not None}

    def learn(self, reply: Reply, sent_at: float, now: float, *, answered: int, restored: bool) -> bool:
        """Take the reply to the report that was sent at `sent_at`; return whether the ledger is a new one.

        Args:
            reply: what the ledger says.
            sent_at: the lease counts from here, because the ledger counts it from the arrival of the report.
            now: the time.
            answered: number of responses that the report covered.
            restored: whether the report was one that restores what a ledger has lost.
        """
        is_new = self.reply.epoch not in ("", reply.epoch)
        self.restoring = is_new and not restored
        self._reported = answered
        self.reply, self.reported_at = reply, sent_at
        lapses_at = sent_at + self.quota.minute.span * _LEASE
        if now < self.lease.lapses_at:
            self.lease.lapses_at = lapses_at
        else:
            self.lease = Lease(lapses_at)
        self.permits += reply.granted
        waits = reply.interactive or reply.bulk
        self.ask_at = now + reply.wait + self.quota.minute.span * _LATER if waits else NOW
        self.set_limits(reply.part)
        return is_new

    def set_limits(self, per_minute: int) -> None:
        """Set the limits of the worker's own requests: so many a minute, and an even part of the hour."""
        self.quota.minute.limit, self.quota.hour.limit = per_minute, max(1, self.limits[1] // self.reply.workers)


class State:
    """What a worker may do; the three kinds differ in how a request is admitted and when to report next."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker

    @property
    def in_flight(self) -> int:
        """Number of requests that were admitted and have not ended."""
        return self.worker.quota.in_flight

    @property
    def lease(self) -> Lease:
        """The lease of the permits that are granted now."""
        return self.worker.lease

    def opens(self, now: float) -> float:
        """Return when the next request may be sent, as far as is known: `now` or earlier if it may already."""
        return self.worker.quota.opens(now)

    def admit(self, now: float) -> float:
        """Return when to try again, and count a request as in flight if that is `now` or earlier."""
        return self.worker.quota.admit(now)

    def give_back(self, lease: Lease) -> None:
        """Take back the permit of a request that was never sent, granted under `lease`."""
        self.worker.quota.give_back(lease)

    def release(self, now: float, *, counted: bool) -> None:
        """End a request; `counted` tells whether the service counts it."""
        self.worker.answered += counted
        self.worker.quota.release(now, counted=counted)

    def succeeded(self, remaining: int | None) -> None:
        """Learn from a response that is no refusal."""
        self.worker.quota.succeeded(remaining)

    def refused(self, now: float, pause: float, *, hourly: bool) -> None:
        """Learn from a refusal."""
        self.worker.quota.refused(now, pause, hourly=hourly)

    def forecast(self, now: float, requests: int) -> float:
        """Return when the last of so many more requests may be sent, if all workers use their part."""
        return self.worker.quota.forecast(now, requests)

    def due(self, now: float, interactive: int, bulk: int) -> float:  # noqa: ARG002 -- one state needs it
        """Return when to talk to the store, `now` or earlier if at once; so many calls wait."""
        return self.retry_at

    retry_at: float = NOW
    """When to try to reach the store again."""


class Connecting(State):
    """The ledger has not replied yet: nothing is admitted."""

    def opens(self, now: float) -> float:  # noqa: ARG002 -- as for the others
        """Return that nobody knows."""
        return NEVER

    admit = opens

    def due(self, now: float, interactive: int, bulk: int) -> float:
        """Return when to talk to the store: at once for calls that wait, which fail if it cannot be used."""
        return now if interactive or bulk else self.retry_at


class Leased(State):
    """The ledger grants permits."""

    def opens(self, now: float) -> float:
        """Return when the next request may be sent, as far as is known."""
        worker = self.worker
        return now if worker.permits and now < worker.lease.lapses_at else max(now, worker.ask_at)

    def admit(self, now: float) -> float:
        """Spend a permit, unless there is none or the lease has ended; the next reply brings others."""
        worker = self.worker
        if not worker.permits or now >= worker.lease.lapses_at:
            return NEVER
        worker.permits -= 1
        worker.quota.in_flight += 1
        return now

    def give_back(self, lease: Lease) -> None:
        """Take back the permit of a request that was never sent; it can be spent again unless its lease has lapsed."""
        super().give_back(lease)
        self.worker.permits += lease is self.lease

    def succeeded(self, remaining: int | None) -> None:
        """Report what the service told of the hour."""
        if remaining is not None:
            self.worker.remaining = remaining

    def refused(self, now: float, pause: float, *, hourly: bool) -> None:  # noqa: ARG002 -- as for the others
        """Report the refusal, so that all workers pause, and spend no more permits before the reply."""
        longest = max(pause, self.worker.quota.minute.span / 2) if hourly else pause
        self.worker.refusal = {"pause": _micros(longest), "hourly": hourly}
        self.worker.permits = 0

    def forecast(self, now: float, requests: int) -> float:
        """Return when the last of so many more requests may be sent, if all workers use their part."""
        return max(self.opens(now) if requests else now, super().forecast(now, requests))

    def due(self, now: float, interactive: int, bulk: int) -> float:
        """Return when to talk to the store: at once if it should know more of this worker's calls, else as told."""
        worker, reply = self.worker, self.worker.reply
        unknown = (interactive and not reply.interactive) or (bulk and not (reply.interactive or reply.bulk))
        gone = (reply.interactive and not interactive) or (reply.bulk and not bulk)
        if unknown or gone or worker.has_news:
            return now
        return min(worker.ask_at if interactive or bulk else NEVER, worker.beats_at)


class CutOff(State):
    """The store does not respond: the worker goes on with the part of the quota that is safe.

    Nothing is sent until the lease ends, as others may still get what is free. For a minute after that they may still
    use it, so this worker sends as much as it had in use then, or its part of what was free at the last reply. After
    that it sends its part, which the ledger keeps for it. In the end it yields to others, and probes.
    """

    def __init__(self, worker: Worker) -> None:
        super().__init__(worker)
        worker.permits = 0
        worker.restoring = True
        self._starts_at = worker.lease.lapses_at
        self._ends_at = worker.reported_at + worker.quota.minute.span * _KEEP
        self._lease = Lease(self._ends_at)
        self._reused: int | None = None

    @property
    def lease(self) -> Lease:
        """The lease of the permits that this worker grants itself: they lapse when its part is kept no longer."""
        return self._lease

    def opens(self, now: float) -> float:
        """Return when the next request may be sent: `now` or earlier if it may already."""
        changes = self._limit(now)
        return changes if now < self._starts_at else self._look_again(super().opens(now), now, changes)

    def admit(self, now: float) -> float:
        """Return when to try again, and count a request as in flight if that is `now` or earlier."""
        changes = self._limit(now)
        return changes if now < self._starts_at else self._look_again(super().admit(now), now, changes)

    @staticmethod
    def _look_again(when: float, now: float, changes: float) -> float:
        return when if when <= now or changes <= now else min(when, changes)

    def _limit(self, now: float) -> float:
        """Set the limits to what is safe at `now`; return when they change."""
        worker, minute = self.worker, self.worker.quota.minute.span
        starts, ends, reply = self._starts_at, self._ends_at, worker.reply
        if now < starts:
            return starts
        if now < starts + minute:
            if self._reused is None:
                free = (worker.limits[0] - reply.used) // reply.workers
                self._reused = min(reply.part, max(free, worker.used(now)))
            worker.set_limits(self._reused)
            return starts + minute
        worker.set_limits(reply.part)
        if now >= ends and self._lease.lapses_at < NEVER:
            self._lease = Lease(NEVER)
            worker.quota.yield_to_others(now)
        return ends
