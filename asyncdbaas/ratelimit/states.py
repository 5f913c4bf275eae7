"""The states of a worker that shares a quota: what it may do with and without the store.

The ledger is the account that `ledger.lua` keeps in the store. A worker is connecting until the ledger replies for the
first time. Then it holds a lease: the ledger grants permits, and each exchange renews the lease. If an exchange fails,
the worker is cut off, and goes on with the part of the quota that the ledger keeps for it.
"""

from __future__ import annotations

from asyncdbaas.ratelimit.lease import CLAIM, KEEP, LEASE, Refusal, Worker
from asyncdbaas.ratelimit.windows import NEVER, NOW, Lease

__all__ = ["Connecting", "CutOff", "Leased", "State"]


class State:
    """State of a worker; the three kinds differ in how a request is admitted and when the next report is due."""

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
        """Return the earliest known time for the next request; `now` or earlier means at once."""
        return self.worker.quota.opens(now)

    def admit(self, now: float) -> float:
        """Count a request as in flight if it may be sent at once; return `now` or earlier then, else when to retry."""
        return self.worker.quota.admit(now)

    def give_back(self, lease: Lease) -> None:
        """Take back an unspent permit that was granted under `lease`."""
        self.worker.quota.give_back(lease)

    def release(self, now: float, *, counted: bool) -> None:
        """End a request; `counted` tells whether the service counts it."""
        self.worker.answered += counted
        self.worker.quota.release(now, counted=counted)

    def succeeded(self, remaining: int | None) -> None:
        """Learn from a response that is not a refusal."""
        self.worker.quota.succeeded(remaining)

    def refused(self, now: float, pause: float, *, hourly: bool) -> None:
        """Update the quota after a 429."""
        self.worker.quota.refused(now, pause, hourly=hourly)

    def forecast(self, now: float, requests: int) -> float:
        """Return when the last of `requests` more may be sent, if every worker uses its full part."""
        return self.worker.quota.forecast(now, requests)

    def due(self, now: float, interactive: int, bulk: int) -> float:  # noqa: ARG002 -- one state needs it
        """Return when to contact the store next, given how many calls wait; `now` or earlier means at once."""
        return self.retry_at

    def report(self, now: float, interactive: int, bulk: int) -> dict[str, object]:
        """Return a report with the numbers of calls that wait."""
        return self.worker.report(now, interactive, bulk)

    retry_at: float = NOW
    """When to try to reach the store again."""


class Connecting(State):
    """The ledger has not replied yet: nothing is admitted."""

    def opens(self, now: float) -> float:  # noqa: ARG002 -- as for the others
        """Return NEVER: nothing is admitted before the first reply."""
        return NEVER

    admit = opens

    def due(self, now: float, interactive: int, bulk: int) -> float:
        """Return when to contact the store: at once if calls wait; they fail if the store cannot be used."""
        return now if interactive or bulk else self.retry_at


class Leased(State):
    """The ledger grants permits."""

    def opens(self, now: float) -> float:
        """Return the earliest known time for the next request."""
        worker = self.worker
        return now if worker.permits and now < worker.lease.lapses_at else max(now, worker.ask_at)

    def admit(self, now: float) -> float:
        """Spend a permit and return `now`; return NEVER if there is none or the lease has lapsed."""
        worker = self.worker
        if not worker.permits or now >= worker.lease.lapses_at:
            return NEVER
        worker.permits -= 1
        worker.quota.in_flight += 1
        return now

    def give_back(self, lease: Lease) -> None:
        """Take back an unspent permit; it can be spent again unless its lease has lapsed."""
        super().give_back(lease)
        self.worker.permits += lease is self.lease

    def succeeded(self, remaining: int | None) -> None:
        """Keep what the service said about the hour for the next report."""
        if remaining is not None:
            self.worker.remaining = remaining

    def refused(self, now: float, pause: float, *, hourly: bool) -> None:  # noqa: ARG002 -- as for the others
        """Keep the refusal for the next report, so that all workers pause; spend no permit before the reply."""
        longest = max(pause, self.worker.quota.minute.span / 2) if hourly else pause
        self.worker.refusal = Refusal(pause=longest, hourly=hourly)
        self.worker.permits = 0

    def forecast(self, now: float, requests: int) -> float:
        """Return when the last of `requests` more may be sent, if every worker uses its full part."""
        return max(self.opens(now) if requests else now, super().forecast(now, requests))

    def due(self, now: float, interactive: int, bulk: int) -> float:
        """Return when to contact the store: at once if there is news for it, else at the time that the ledger set."""
        worker, reply = self.worker, self.worker.reply
        unknown = (interactive and not reply.interactive) or (bulk and not (reply.interactive or reply.bulk))
        gone = (reply.interactive and not interactive) or (reply.bulk and not bulk)
        if unknown or gone or worker.has_news:
            return now
        return min(worker.ask_at if interactive or bulk else NEVER, worker.beats_at)


class CutOff(State):
    """The store does not respond: the worker goes on with the part of the quota that is safe.

    1. For the length of a lease it sends nothing. The ledger may have received the last report, and grants the others
       what is free until the lease ends.
    2. Then it may use its claim: the number of requests in use at that time, plus what it was promised.
    3. It may use its whole part a minute after the ledger began to keep that, because permits granted to others before
       count for a minute.
    4. When the ledger keeps the part no longer, it assumes that other clients use everything, and probes.
    """

    def __init__(self, worker: Worker, now: float) -> None:
        super().__init__(worker)
        worker.permits = 0
        worker.restoring = True
        if worker.refusal is not None:
            worker.quota.refused(now, worker.refusal.pause, hourly=worker.refusal.hourly)
        minute = worker.quota.minute.span
        self._starts_at = now + minute * LEASE
        self._trusts_at = now + minute * (CLAIM + 1)
        # Requests count for a minute, so the worker stops a minute before the ledger drops the part.
        self._ends_at = worker.reported_at + minute * (KEEP - 1 if worker.reply.kept else CLAIM)
        self._lease = Lease(self._ends_at)
        self._claim: int | None = None

    @property
    def lease(self) -> Lease:
        """The lease of the permits that this worker grants itself: it lapses when the ledger drops its part."""
        return self._lease

    def opens(self, now: float) -> float:
        """Return the time of the next request; `now` or earlier means at once."""
        changes = self._limit(now)
        return changes if now < self._starts_at else self._look_again(super().opens(now), now, changes)

    def admit(self, now: float) -> float:
        """Count a request as in flight if it may be sent at once; return `now` or earlier then, else when to retry."""
        changes = self._limit(now)
        return changes if now < self._starts_at else self._look_again(super().admit(now), now, changes)

    def report(self, now: float, interactive: int, bulk: int) -> dict[str, object]:
        """Return a report that keeps the worker's part, but asks for no permits: this reply may be lost, too."""
        alone = max(0, self.worker.reply.part - self.worker.lasting(now))
        return {**super().report(now, interactive, bulk), "alone": alone}

    def forecast(self, now: float, requests: int) -> float:
        """Return when the last of `requests` more may be sent, under the claim or the part, whichever is sooner."""
        changes = self._limit(now)
        if not requests:
            return now
        later = self.worker.quota.copy()
        later.minute.limit = self.worker.reply.part
        return min(super().forecast(max(now, self._starts_at), requests), later.spend(max(now, changes), requests))

    @staticmethod
    def _look_again(when: float, now: float, changes: float) -> float:
        return min(when, changes) if changes > now else when

    def _limit(self, now: float) -> float:
        """Set the limits to what is safe at `now`; return when they change."""
        worker, reply = self.worker, self.worker.reply
        starts, ends = self._starts_at, self._ends_at
        if now < starts:
            return starts
        if now < min(self._trusts_at, ends):
            if self._claim is None:
                self._claim = min(reply.part, reply.free + worker.used(now))
            worker.set_limits(self._claim)
            return min(self._trusts_at, ends)
        worker.set_limits(reply.part)
        if now >= ends and self._lease.lapses_at < NEVER:
            self._lease = Lease(NEVER)
            worker.quota.yield_to_others(now)
        return ends
