"""Events that a session emits for each call, for logs, progress bars, traces and metrics.

    AsyncSession(on_event=print)

Each call emits CallStarted first and CallEnded last. Each attempt emits QuotaWait if it has to wait for the rate limit,
then AttemptStarted and AttemptEnded; RetryScheduled stands between two attempts. UnreadableValues comes before
CallEnded if optional values of the response could not be read. A cancelled call may lack the AttemptEnded, but never
the CallEnded. No event holds a token, a body or a header.

The function is called in the task of the call, between two awaits, so it must be quick. What it raises is logged and
not raised again: a write that succeeded must not look failed because a progress bar broke.
"""

from __future__ import annotations

import logging
from typing import TypeAlias

import attrs

from asyncdbaas._documented import Documented
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
class _Event(Documented):
    """What all events have."""

    call: int
    """Number of the call in its session, starting at 1. All events of a call have the same number."""
    method: str
    path: str
    session: int = attrs.field(default=0, repr=False)
    """Id of the session, for listeners that several sessions share."""


@attrs.frozen(kw_only=True)
class CallStarted(_Event):
    """A call has started."""

    url: str
    """Full URL, with the query."""


@attrs.frozen(kw_only=True)
class CallJoined(_Event):
    """A read shares the request of an identical read that is still queued.

    The attempts appear in the events of the other call, even if that call is cancelled.
    """

    leader: int
    """Number of the other call."""


@attrs.frozen(kw_only=True)
class QuotaWait(_Event):
    """A call has a connection slot, and now waits for the rate limit."""

    seconds: float
    """Lower bound in seconds; other calls may go first. Infinite if room can only come from a request in flight."""
    waiting: int
    """Number of calls that were already waiting; 0 means that a pause begins."""


@attrs.frozen(kw_only=True)
class AttemptStarted(_Event):
    """A request is about to be sent."""

    attempt: int
    """1 for the first attempt."""
    waited: float
    """Seconds that the attempt waited for a connection slot, the rate limit and the token."""


@attrs.frozen(kw_only=True)
class AttemptEnded(_Event):
    """A request got a response, or failed."""

    attempt: int
    seconds: float
    """Seconds from sending to the last byte of the response."""
    status: int | None
    """None if no response came."""
    request_id: str | None = None
    """The service's id of the request, if the response had one."""
    error: RequestError | None
    """None on success."""


@attrs.frozen(kw_only=True)
class RetryScheduled(_Event):
    """A request will be sent again."""

    attempt: int
    """The attempt that failed."""
    delay: float
    """Seconds until it queues again; 0.0 after a 429, because the rate limiter paces the retry."""
    error: RequestError


@attrs.frozen(kw_only=True)
class UnreadableValues(_Event):
    """Optional values of a response could not be read. Their fields have their defaults, usually None."""

    places: tuple[str, ...]
    """Paths of the first 20, such as `$.databases[3].created_at`."""


@attrs.frozen(kw_only=True)
class CallEnded(_Event):
    """A call has ended."""

    attempts: int
    seconds: float
    """Seconds from the start of the call to its end."""
    waited: float
    """How many of these seconds it waited for connection slots and the rate limit."""
    error: BaseException | None
    """None on success. It can be asyncio.CancelledError."""


CallEvent: TypeAlias = (
    CallStarted | CallJoined | QuotaWait | AttemptStarted | AttemptEnded | RetryScheduled | UnreadableValues | CallEnded
)


def log(logger: logging.Logger, event: CallEvent) -> None:
    """Write one line for each attempt at DEBUG, and one for each retry and each pause at INFO.

    A pause is one line, however many calls wait. Failures are raised and not logged. A cancelled attempt has a line,
    too.
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
    # The service's message is part of it, and may contain line breaks.
    return " ".join(str(error).split())
