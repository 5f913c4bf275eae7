"""What a session tells of its calls, for logs, progress bars, traces and metrics.

    AsyncSession(on_event=print)

Each call gives CallStarted, then for each attempt QuotaWait (if it has to wait for the rate limit), AttemptStarted and
AttemptEnded, with RetryScheduled between two attempts, and at last CallEnded; before that, UnreadableValues if the
response had optional values that make no sense. A cancelled call may lack the
AttemptEnded, never the CallEnded. No event holds a token, a body or a header.

The function is called in the task of the call, between two awaits, so it must be quick. What it raises is logged and
goes no further: a write that was carried out must not look failed because a progress bar broke.
"""

from __future__ import annotations

import logging
from typing import TypeAlias

import attrs

from asyncdbaas.errors import RequestError

__all__ = [
    "AttemptEnded",
    "AttemptStarted",
    "CallEnded",
    "CallEvent",
    "CallJoined",
    "CallStarted",
    "QuotaWait",
    "RetryScheduled",
    "UnreadableValues",
    "log",
]


@attrs.frozen(kw_only=True)
class _Event:
    call: int
    """Number of the call in its session, from 1 on. It is the same in all events of a call."""
    method: str
    path: str
    session: int = attrs.field(default=0, repr=False)
    """Tells sessions apart that share a listener."""


@attrs.frozen(kw_only=True)
class CallStarted(_Event):
    """A call was made."""

    url: str
    """Its address in full, with the query."""


@attrs.frozen(kw_only=True)
class CallJoined(_Event):
    """A read waits for the request of an identical one, which is still queued.

    Its attempts are told as those of the other call, even if that is cancelled.
    """

    leader: int
    """Number of the other call."""


@attrs.frozen(kw_only=True)
class QuotaWait(_Event):
    """A call has a connection slot, and now waits for the rate limit."""

    seconds: float
    """At least so long; others may go first. Infinite if only an answer can make room."""
    waiting: int
    """How many calls wait already; 0 means that a pause begins."""


@attrs.frozen(kw_only=True)
class AttemptStarted(_Event):
    """A request is about to leave."""

    attempt: int
    """1 for the first."""
    waited: float
    """Seconds since the call, or its last retry, began: for a slot, the rate limit and the token."""


@attrs.frozen(kw_only=True)
class AttemptEnded(_Event):
    """A request was answered, or failed."""

    attempt: int
    seconds: float
    """From leaving to the last byte of the answer."""
    status: int | None
    """None if no response came."""
    request_id: str | None = None
    """The service's id of the request, if it told."""
    error: RequestError | None
    """None on success."""


@attrs.frozen(kw_only=True)
class RetryScheduled(_Event):
    """A request will be sent again."""

    attempt: int
    """The attempt that failed."""
    delay: float
    """Seconds until it queues again; 0.0 after a refusal by the rate limit, which paces it anyhow."""
    error: RequestError


@attrs.frozen(kw_only=True)
class UnreadableValues(_Event):
    """Optional values of a response could not be read, so their fields have their defaults, as a rule None."""

    places: tuple[str, ...]
    """Where they stand, such as `$.databases[3].created_at`; the first 20."""


@attrs.frozen(kw_only=True)
class CallEnded(_Event):
    """A call is over."""

    attempts: int
    seconds: float
    """From the call to its end."""
    waited: float
    """How much of it went into waiting for slots and the rate limit."""
    error: BaseException | None
    """None on success; also asyncio.CancelledError."""


CallEvent: TypeAlias = (
    CallStarted | CallJoined | QuotaWait | AttemptStarted | AttemptEnded | RetryScheduled | UnreadableValues | CallEnded
)


def log(logger: logging.Logger, event: CallEvent) -> None:
    """Write one line for each attempt at DEBUG, and one for each retry and each pause at INFO.

    A pause is one line, however many calls wait. A failure is not logged, it is raised; an attempt that is cut off by
    a cancellation has its line all the same.
    """
    match event:
        case QuotaWait(waiting=0):
            logger.info("%s: the quota is used up, again in %.3f s", _name(event), event.seconds)
        case AttemptEnded():
            outcome = event.status or _one_line(event.error)
            logger.debug("%s: attempt %d, %.3f s: %s", _name(event), event.attempt, event.seconds, outcome)
        case RetryScheduled():
            reason = _one_line(event.error)
            logger.info("%s: attempt %d failed, again in %.3f s: %s", _name(event), event.attempt, event.delay, reason)
        case UnreadableValues():
            logger.warning("%s: values that could not be read are left out: %s", _name(event), ", ".join(event.places))
        case CallEnded(error=BaseException() as error) if not isinstance(error, RequestError):
            logger.debug("%s: ended after %.3f s by %s", _name(event), event.seconds, type(error).__name__)
        case _:
            pass


def _name(event: CallEvent) -> str:
    return f"{event.method} {event.path} (call {event.call})"


def _one_line(error: RequestError | None) -> str:
    # The service's own words are in it, and may hold line ends.
    return " ".join(str(error).split())
