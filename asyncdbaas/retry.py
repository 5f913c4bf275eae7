"""The retry policy: which failures are retried, and when."""

from __future__ import annotations

import random
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from itertools import repeat
from typing import Final

import attrs

from asyncdbaas._checks import check_count, check_seconds, kind_of
from asyncdbaas._documented import Documented
from asyncdbaas.errors import (
    SAFE_METHODS,
    APIError,
    InvalidInputError,
    QuotaWaitError,
    RateLimitError,
    RequestError,
    TLSError,
    TransportError,
)

__all__ = ["RetryPolicy", "waits_are_off", "without_waits"]

_IDEMPOTENT: Final = frozenset({*SAFE_METHODS, "PUT", "PATCH", "DELETE"})
# 520 to 524 are the responses of the edge network in front of the service if it got no complete response from it.
_TRANSIENT: Final = frozenset({408, 500, 502, 503, 504, 520, 521, 522, 523, 524})
# The server did not process the request: RFC 9110, 15.5.20, and RFC 8470, 5.2.
_UNPROCESSED: Final = frozenset({421, 425})
# The server did not process it, and says when it will: RFC 9110, 15.5.14.
_CONTENT_TOO_LARGE: Final = 413


def _statuses(statuses: Iterable[int]) -> frozenset[int]:
    if not isinstance(statuses, Iterable):
        raise InvalidInputError(f"also must be several statuses, such as {{412}}, not {kind_of(statuses)}")
    return frozenset(check_count(status, "also: a status", least=100) for status in statuses)


@attrs.frozen(kw_only=True)
class RetryPolicy(Documented):
    """Rules for retries: which failures are retried, how often, and when.

    - A 429 is retried for every method, because the service did nothing. The rate limiter paces the retries.
    - A failure that certainly happened before the service saw the request (connection refused, unknown host, the
      gateway's "failed to forward") is retried for every method. So are 421, 425, and 413 with a Retry-After: they say
      that the server did not process the request.
    - Other transport errors, and 408, 500, 502, 503, 504 and 520 to 524, are retried for GET, PUT, PATCH and DELETE.
      A POST is not: there are no idempotency keys, so it could be applied twice.
    - Nothing else is retried, unless its status is in `also`.
    """

    max_attempts: int = 5
    """Maximum number of attempts per call; 1 turns retries off. Refusals by the rate limit do not count."""
    max_refusals: int = 60
    """Maximum number of 429 responses per call. At about one a minute, 60 outlast an exhausted hourly quota."""
    base_delay: float = 1.0
    """Seconds. The n-th wait is random between 0 and base_delay * 2**(n-1). 0 retries at once."""
    max_delay: float = 30.0
    """Seconds. Upper bound of a random wait."""
    max_retry_after: float = 300.0
    """Seconds. If the service asks for a longer wait, the error is raised at once."""
    also: frozenset[int] = attrs.field(default=frozenset(), converter=_statuses)
    """Further statuses to retry for every method, such as 412: "not yet", the cluster is busy."""

    def __attrs_post_init__(self) -> None:
        check_count(self.max_attempts, "max_attempts")
        check_count(self.max_refusals, "max_refusals", least=0)
        check_seconds(self.base_delay, "base_delay", zero=True)
        check_seconds(self.max_delay, "max_delay", zero=True)
        check_seconds(self.max_retry_after, "max_retry_after", zero=True)

    def retries(self, error: RequestError, *, failures: int, refusals: int) -> bool:
        """Return whether a call is retried after `error`, given how often it has failed and has been refused before."""
        if isinstance(error, QuotaWaitError):
            return False
        if isinstance(error, RateLimitError):
            return refusals < self.max_refusals and (error.retry_after or 0.0) <= self.max_retry_after
        if failures >= self.max_attempts:
            return False
        if isinstance(error, APIError):
            return (error.retry_after or 0.0) <= self.max_retry_after and self._is_retryable(error)
        if isinstance(error, TLSError) or not isinstance(error, TransportError):
            return False
        return not error.sent or error.method in _IDEMPOTENT

    def _is_retryable(self, error: APIError) -> bool:
        if error.status in self.also or error.status in _UNPROCESSED:
            return True
        if error.status == _CONTENT_TOO_LARGE:
            return error.retry_after is not None
        return error.status in _TRANSIENT and (error.method in _IDEMPOTENT or not error.outcome_unknown)

    def waits(self) -> Iterator[float]:
        """Yield the waits of one call in seconds: exponential, with full jitter."""
        if not self.base_delay:
            return repeat(0.0)  # `backoff` doubles even a zero, until it overflows
        try:
            import backoff  # it takes a tenth of the time to import a session, and only failures need it
        except OSError:  # the process has too many open files, which may be why the call failed
            return repeat(min(self.base_delay, self.max_delay))
        generator = backoff.expo(factor=self.base_delay, max_value=self.max_delay)
        next(generator)  # the generators of `backoff` yield nothing the first time
        return map(backoff.full_jitter, generator)

    def wait(self, drawn: float, error: RequestError) -> float:
        """Return the wait before the next attempt: what the service asked for plus a little, else the random wait."""
        if waits_are_off():
            return 0.0
        asked = getattr(error, "retry_after", None)
        return drawn if asked is None else asked + random.uniform(0.0, min(self.base_delay, 1.0))


# The active blocks of `without_waits`. Not a context variable: test fixtures and the code under test often run in
# different contexts.
_blocks: Final[list[None]] = []


@contextmanager
def without_waits() -> Generator[None]:
    """Retry without waiting, in all sessions of this process, while the block runs; for tests.

        @pytest.fixture(autouse=True)
        def no_waits():
            with without_waits():
                yield

    Calls are retried as often as before, but at once, and a 429 does not pause the rate limiter. The two limits of a
    rate limiter still hold.
    """
    _blocks.append(None)
    try:
        yield
    finally:
        _blocks.pop()


def waits_are_off() -> bool:
    """Return whether a block of `without_waits` is active."""
    return bool(_blocks)
