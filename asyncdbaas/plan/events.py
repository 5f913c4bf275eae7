"""Progress events and the final report of `apply`."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, TypeAlias

import attrs

from asyncdbaas import hooks
from asyncdbaas._documented import Documented
from asyncdbaas.errors import RequestError
from asyncdbaas.plan.kinds import KIND_OF
from asyncdbaas.plan.model import Change, Plan
from asyncdbaas.session import AsyncSession

__all__ = [
    "Forecast",
    "Outcome",
    "PlanEvent",
    "Report",
    "Result",
    "Retrying",
    "Sent",
    "Stopwatch",
    "Times",
    "Waiting",
    "forecast",
    "forecast_requests",
]


class Result(StrEnum):
    """Result of a change."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    KEPT = "kept"
    """In sync with the catalogue, from the start or because somebody else changed it meanwhile."""
    FAILED = "failed"
    INCOMPATIBLE = "incompatible"
    """The registry rejected the schema because of its compatibility level."""
    NO_EFFECT = "no_effect"
    """The service accepted the write, and the object stays as it was; the reason says what to do."""
    NOT_SENT = "not_sent"
    """Nothing was sent, because an earlier response showed that it would fail."""


_FAILURES: Final = (Result.FAILED, Result.INCOMPATIBLE, Result.NO_EFFECT, Result.NOT_SENT)


@attrs.frozen(kw_only=True)
class Outcome(Documented):
    """The result of one change."""

    change: Change
    result: Result
    reason: str = ""
    """Why it failed, or was not sent."""
    outcome_unknown: bool = False
    """True if it failed, but its request may have been applied; check before trying again."""
    answer: Any = attrs.field(default=None, repr=False, eq=False)
    """What the service returned, such as a new `User` with its password."""

    @property
    def is_failure(self) -> bool:
        """Whether the object is not in sync with the catalogue."""
        return self.result in _FAILURES


@attrs.frozen(kw_only=True)
class Forecast(Documented):
    """Cost of reading the live state, or of applying a plan, before it begins."""

    requests: int
    seconds: float
    """Time until the last request may be sent."""
    quota_left: int | None
    """Requests left in this hour, by the service's last response; None if it did not say."""


@attrs.frozen(kw_only=True)
class Sent(Documented):
    """A request for a change was sent."""

    change: Change


@attrs.frozen(kw_only=True)
class Waiting(Documented):
    """A request waits for the rate limit, for at least `seconds`."""

    change: Change
    seconds: float


@attrs.frozen(kw_only=True)
class Retrying(Documented):
    """A request failed, and is retried after `seconds`."""

    change: Change
    seconds: float
    error: RequestError


PlanEvent: TypeAlias = Forecast | Sent | Waiting | Retrying | Outcome
"""Events of `apply`: first the forecast, then what happens to the requests, and one outcome for each change."""


@attrs.frozen(kw_only=True)
class Times(Documented):
    """Time spent in each state, in seconds; the parts add up to `total`."""

    sending: float
    """At least one request was in flight."""
    rate_limit: float
    """No request was in flight, and at least one waited for the rate limit."""
    retries: float
    """Neither of these, and at least one waited to be retried."""
    other: float
    """Pauses between two lists, and this program's own work."""

    @property
    def total(self) -> float:
        """The wall time."""
        return self.sending + self.rate_limit + self.retries + self.other


@attrs.frozen(kw_only=True)
class Report(Documented):
    """Outcomes of all changes, and what it took."""

    outcomes: tuple[Outcome, ...]
    """One for each change of the plan, in its order."""
    requests: int
    """Number of requests sent, including lists and retries."""
    times: Times

    @property
    def counts(self) -> Counter[Result]:
        """Number of outcomes by result."""
        return Counter(outcome.result for outcome in self.outcomes)

    @property
    def failures(self) -> list[Outcome]:
        """The outcomes of changes that failed or were not sent."""
        return [outcome for outcome in self.outcomes if outcome.is_failure]


def forecast(session: AsyncSession, plan: Plan) -> Forecast:
    """Return what applying a plan takes, if nothing fails and nobody else uses the quota."""
    requests = sum(KIND_OF[each.kind].requests(each.action, each.changed, each.wanted) for each in plan.writes)
    return forecast_requests(session, requests)


def forecast_requests(session: AsyncSession, requests: int) -> Forecast:
    """Return what a number of requests takes."""
    seconds = session.rate_limiter.forecast(requests)
    return Forecast(requests=requests, seconds=seconds, quota_left=session.rate_limit.remaining)


# If several happen at once, the first of these counts.
_PARTS: Final = ("sending", "rate_limit", "retries", "other")


class Stopwatch:
    """Add up where the time goes, from the events of a session."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.requests = 0
        self._clock = clock
        self._since = clock()
        self._spent: dict[str, float] = dict.fromkeys(_PARTS, 0.0)
        self._calls: dict[int, str] = {}
        self._doing: Counter[str] = Counter()

    def __call__(self, event: hooks.CallEvent) -> None:
        """Handle an event."""
        match event:
            case hooks.AttemptStarted():
                self.requests += 1
                self._switch(event.call, "sending")
            case hooks.QuotaWait():
                self._switch(event.call, "rate_limit")
            case hooks.RetryScheduled():
                self._switch(event.call, "retries")
            case hooks.AttemptEnded() | hooks.CallEnded():
                self._switch(event.call, None)
            case _:
                pass

    def read(self) -> Times:
        """Return where the time has gone."""
        self._pass_time()
        return Times(**self._spent)

    def _switch(self, call: int, doing: str | None) -> None:
        self._pass_time()
        before = self._calls.pop(call, None)
        if before is not None:
            self._doing[before] -= 1
        if doing is not None:
            self._calls[call] = doing
            self._doing[doing] += 1

    def _pass_time(self) -> None:
        now = self._clock()
        part = next((part for part in _PARTS if self._doing[part]), "other")
        self._spent[part] += now - self._since
        self._since = now
