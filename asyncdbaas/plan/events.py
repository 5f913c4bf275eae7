"""What `apply` tells while it runs, and what it adds up to."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from typing import Final, TypeAlias

import attrs

from asyncdbaas import hooks
from asyncdbaas.errors import RequestError
from asyncdbaas.plan.model import Change, Plan
from asyncdbaas.session import AsyncSession

__all__ = [
    "Event",
    "Forecast",
    "Outcome",
    "Report",
    "Result",
    "Retrying",
    "Sent",
    "Stopwatch",
    "Times",
    "Waiting",
    "forecast",
]


class Result(StrEnum):
    """What became of a topic."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    KEPT = "already there"
    """As the catalogue has it, either from the start or by somebody else meanwhile."""
    FAILED = "failed"
    NOT_SENT = "not sent"
    """An earlier answer showed that it would fail, too."""


@attrs.frozen(kw_only=True)
class Outcome:
    """What became of one topic."""

    change: Change
    result: Result
    reason: str = ""
    """Why it failed, or was not sent."""

    @property
    def is_failure(self) -> bool:
        """Whether the topic is not as the catalogue has it."""
        return self.result in (Result.FAILED, Result.NOT_SENT)


@attrs.frozen(kw_only=True)
class Forecast:
    """What carrying out a plan will take, told before it begins."""

    requests: int
    seconds: float
    """Until the last of them may leave."""
    quota_left: int | None
    """Requests that the service's last answer left in this hour; None if it said nothing."""


@attrs.frozen(kw_only=True)
class Sent:
    """A request for a topic left."""

    change: Change


@attrs.frozen(kw_only=True)
class Waiting:
    """A topic's request waits for the rate limit, for at least so many seconds."""

    change: Change
    seconds: float


@attrs.frozen(kw_only=True)
class Retrying:
    """A topic's request failed, and will be sent again after so many seconds."""

    change: Change
    seconds: float
    error: RequestError


Event: TypeAlias = Forecast | Sent | Waiting | Retrying | Outcome
"""First the forecast, at last each topic's outcome; between them what happens to the requests."""


@attrs.frozen(kw_only=True)
class Times:
    """Where the time went, in seconds; the parts add up to `total`."""

    sending: float
    """At least one request was on the wire."""
    rate_limit: float
    """None was, and at least one waited for the rate limit."""
    retries: float
    """Neither, and at least one waited to be repeated."""
    other: float
    """Pauses before looking again, and this program's own work."""

    @property
    def total(self) -> float:
        """The wall time."""
        return self.sending + self.rate_limit + self.retries + self.other


@attrs.frozen(kw_only=True)
class Report:
    """How it went."""

    outcomes: tuple[Outcome, ...]
    """One for each change of the plan, in its order."""
    requests: int
    """How many were sent, lists and repetitions included."""
    times: Times

    @property
    def counts(self) -> Counter[Result]:
        """How many topics there are for each result."""
        return Counter(outcome.result for outcome in self.outcomes)

    @property
    def failures(self) -> list[Outcome]:
        """The topics that are not as the catalogue has them."""
        return [outcome for outcome in self.outcomes if outcome.is_failure]


def forecast(session: AsyncSession, plan: Plan) -> Forecast:
    """Tell what carrying out a plan will take, if all goes well and nobody else uses the quota."""
    requests = len(plan.writes)
    seconds = session.rate_limiter.forecast(requests)
    return Forecast(requests=requests, seconds=seconds, quota_left=session.rate_limit.remaining)


# What counts if several go on at once: the first.
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
        """Take note of an event."""
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
        """Return where the time went until now."""
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
