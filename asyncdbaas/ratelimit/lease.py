"""A worker's side of a shared quota, without a clock or a connection: what it knows and reports."""

from __future__ import annotations

import secrets
from itertools import islice
from typing import Final

import attrs

from asyncdbaas.ratelimit.windows import NOW, Lease, Quota

__all__ = ["CLAIM", "KEEP", "LEASE", "Refusal", "Reply", "Worker"]

# How long a lease lasts, as a share of a minute.
LEASE: Final = 1 / 6
# The longest time between two reports, as a share of a minute.
_BEAT: Final = 1 / 12
# How late a worker may ask without losing its place in the queue, as a share of a minute.
_GRACE: Final = 1 / 20
# The extra delay before a worker asks, so that one exchange brings several permits.
_LATER: Final = 1 / 200
# Minutes for which the ledger keeps a silent worker's part.
KEEP: Final = 10
# Minutes for which the ledger keeps a silent worker's claim; see "Workers that fall silent" in `ledger.lua`.
CLAIM: Final = 1 + 2 * LEASE
# The most permits of one exchange: this share of the limit, but at least _SMALL_BATCH. A worker that stops loses them.
_BATCH: Final = 1 / 20
_SMALL_BATCH: Final = 12
# Seconds by which the clocks of store and worker may differ in one exchange before one counts as changed: a busy
# machine delays a report by as much, also where a test scales the minute.
_TOLERANCE: Final = 0.5
# Seconds for which a restarted, empty store grants nothing, so that all workers can report first.
_SETTLING: Final = 1.0


def _micros(seconds: float) -> int:
    return int(seconds * 1e6)


def _seconds(micros: float) -> float:
    return max(0.0, micros / 1e6)


@attrs.frozen(kw_only=True)
class Reply:
    """Reply of the ledger to a report; the defaults hold before the first reply."""

    granted: int = 0
    interactive: int = 0
    """Waiting interactive calls of this worker that the ledger knows of."""
    bulk: int = 0
    """Waiting bulk calls of this worker that the ledger knows of."""
    wait: float = attrs.field(default=0.0, converter=_seconds)
    """Seconds until asking for permits is useful."""
    workers: int = 1
    used: int = 0
    """Requests of the minute, of all workers."""
    free: int = 0
    """Requests that this worker may have in use in addition to its own of now, if it is cut off soon."""
    kept: bool = False
    """Whether this worker's part is kept for KEEP minutes, because it is active or alone."""
    epoch: str = ""
    """Identifies the data of the ledger; a new value means that the data were lost."""
    part: int = 1
    """Requests a minute that this worker may send if it is cut off."""
    set_back: float = attrs.field(default=0.0, converter=_seconds)
    """Seconds by which the clock of the store was set back since the last exchange."""
    set_forward: float = attrs.field(default=0.0, converter=_seconds)
    """Seconds by which it was set forward."""


@attrs.frozen(kw_only=True)
class Refusal:
    """A refusal by the service."""

    pause: float
    """Seconds for which all workers send nothing."""
    hourly: bool


class Worker:
    """State of a worker: its part of the quota, and what it has to report."""

    def __init__(self, quota: Quota) -> None:
        self.quota = quota
        """The worker's own requests."""
        self.limits: Final = (quota.minute.limit, quota.hour.limit)
        self.answered = 0
        self.begin()

    def begin(self) -> None:
        """Start over as a new worker."""
        self.rename()
        self.reply = Reply()
        self.reported_at = self.ask_at = NOW
        self.lease = Lease(NOW)
        self.restoring = False
        """Whether the ledger may not know what this worker has used."""
        self.remaining: int | None = None
        self.refusal: Refusal | None = None
        """A refusal that the ledger does not know of."""
        self._reported_refusal: Refusal | None = None
        self._reported = self.answered

    def rename(self) -> None:
        """Take a new id, and report everything used so far under the new one."""
        self.id = secrets.token_hex(8)
        self.sequence = self.replied = self.permits = 0
        self.restoring = True

    @property
    def beats_at(self) -> float:
        """Latest time of the next report."""
        return self.reported_at + self.quota.minute.span * _BEAT

    @property
    def has_news(self) -> bool:
        """Whether the ledger should get a report at once."""
        return self.restoring or self.refusal is not None

    def used(self, now: float) -> int:
        """Return how many requests of this worker count in the minute."""
        self.quota.minute.expire(now)
        return self.quota.in_flight + len(self.quota.minute.responses)

    def lasting(self, now: float) -> int:
        """Return how many requests of this worker still count in the minute when a lease from `now` ends."""
        minute = self.quota.minute
        since = now - minute.span * (1 - LEASE)
        return self.quota.in_flight + sum(response > since for response in minute.responses)

    def report(self, now: float, interactive: int, bulk: int, *, leaving: bool = False) -> dict[str, object]:
        """Return a report; see `ledger.lua`, which reads it."""
        minute, hour = self.quota.minute.span, self.quota.hour.span
        self.sequence += 1
        if now >= self.lease.lapses_at or not (interactive or bulk):
            self.permits = 0  # no longer reported, so the ledger takes them back
        knows = now < self.reported_at + minute * KEEP
        report: dict[str, object] = {
            "worker": self.id,
            "sequence": self.sequence,
            "replied": self.replied if knows else 0,
            "elapsed": _micros(now - self.reported_at) if knows else 0,
            "per_minute": self.limits[0],
            "per_hour": self.limits[1],
            "minute": _micros(minute),
            "hour": _micros(hour),
            "lease": _micros(minute * LEASE),
            "grace": _micros(minute * _GRACE),
            "keep": _micros(minute * KEEP),
            "batch": max(_SMALL_BATCH, int(self.limits[0] * _BATCH)),
            "tolerance": _micros(_TOLERANCE),
            "settling": _micros(_SETTLING),
            "in_flight": self.quota.in_flight + self.permits,
            "interactive": interactive,
            "bulk": bulk,
            "used": self.used(now) + self.permits,
            "workers": self.reply.workers,
            "part": self.reply.part,
            "free": self.reply.free,
            "kept": self.reply.kept,
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
        news: dict[str, object] = {"remaining": self.remaining}
        self.remaining, self._reported_refusal = None, self.refusal
        if self.refusal is not None:
            news["refusal"] = {"pause": _micros(self.refusal.pause), "hourly": self.refusal.hourly}
        if self.reply.epoch:
            news["epoch"] = self.reply.epoch
        return {name: value for name, value in news.items() if value is not None}

    def learn(self, reply: Reply, sent_at: float, now: float, *, answered: int, restored: bool) -> bool:
        """Take the reply to the report that was sent at `sent_at`; return whether the ledger is a new one.

        Args:
            reply: What the ledger says.
            sent_at: When the report was sent. The lease begins here, which is never later than in the ledger.
            now: The current time.
            answered: Number of responses that the report covered.
            restored: Whether the report restored lost data.
        """
        if self.refusal is self._reported_refusal:
            self.refusal = None
        is_new = self.reply.epoch not in ("", reply.epoch)
        self.restoring = is_new and not restored
        self._reported = answered
        self.reply, self.reported_at, self.replied = reply, sent_at, self.sequence
        lapses_at = sent_at + self.quota.minute.span * LEASE
        if now < self.lease.lapses_at:
            self.lease.lapses_at = lapses_at
        else:
            self.lease = Lease(lapses_at)
        self.permits += reply.granted
        waits = reply.interactive or reply.bulk
        later = self.quota.minute.span * _LATER if reply.wait else 0.0
        self.ask_at = now + reply.wait + later if waits else NOW
        self.set_limits(reply.part)
        return is_new

    def set_limits(self, per_minute: int) -> None:
        """Set the limits of the worker's own requests; the limit of the hour is split evenly."""
        self.quota.minute.limit, self.quota.hour.limit = per_minute, max(1, self.limits[1] // self.reply.workers)
