"""What is worth repeating, and after how long."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from itertools import repeat

import attrs
import backoff

from asyncdbaas.errors import APIError, QuotaWaitError, RateLimitError, RequestError, TLSError, TransportError

__all__ = ["RetryPolicy"]

_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "PATCH", "DELETE"})
# 520 to 524 are what the edge network in front of the service says when it got no whole answer from it.
_TRANSIENT = frozenset({500, 502, 503, 504, 520, 521, 522, 523, 524})


def _statuses(statuses: Iterable[int]) -> frozenset[int]:
    return frozenset(statuses)  # with a type that mypy can follow, unlike the bare class


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """Say which failures are repeated, how often, and after how long.

    - A 429 is repeated for every method: the service did nothing. The rate limiter paces the repetition.
    - A failure that provably happened before the service saw the request (refused connection, unknown host, the
      gateway's "failed to forward") is repeated for every method.
    - Another transport error, and 500, 502, 503, 504 and 520 to 524, are repeated for GET, PUT, PATCH and DELETE.
      A POST is not: there are no idempotency keys, so it might be carried out twice.
    - Nothing else is repeated, unless its status is in `also`.
    """

    max_attempts: int = 5
    """Attempts in all for one call; 1 turns repeating off. Refusals by the rate limit do not count."""
    max_refusals: int = 60
    """How many 429s one call bears. At about one a minute, 60 see it through a closed hour."""
    base_delay: float = 1.0
    """Seconds; the n-th wait is drawn from 0 to base_delay * 2**(n-1). 0 repeats at once, for tests."""
    max_delay: float = 30.0
    """Seconds; no drawn wait is longer."""
    max_retry_after: float = 300.0
    """Seconds; if the service asks for a longer wait, the error is raised at once."""
    also: frozenset[int] = attrs.field(default=frozenset(), converter=_statuses)
    """More statuses to repeat on every method, such as 412: "not yet", the cluster is busy."""

    def retries(self, error: RequestError, *, failures: int, refusals: int) -> bool:
        """Tell whether a call that has failed and been refused this often goes on after `error`."""
        if isinstance(error, QuotaWaitError):
            return False
        if isinstance(error, RateLimitError):
            return refusals < self.max_refusals and (error.retry_after or 0.0) <= self.max_retry_after
        if failures >= self.max_attempts:
            return False
        if isinstance(error, APIError):
            return (error.retry_after or 0.0) <= self.max_retry_after and self._worth_repeating(error)
        if isinstance(error, TLSError) or not isinstance(error, TransportError):
            return False
        return not error.sent or error.method in _IDEMPOTENT

    def _worth_repeating(self, error: APIError) -> bool:
        if error.status in self.also:
            return True
        return error.status in _TRANSIENT and (error.method in _IDEMPOTENT or not error.outcome_unknown)

    def waits(self) -> Iterator[float]:
        """Yield the waits of one call in seconds: exponential, with full jitter."""
        if not self.base_delay:
            return repeat(0.0)  # `backoff` doubles even a zero, until it overflows
        generator = backoff.expo(factor=self.base_delay, max_value=self.max_delay)
        next(generator)  # the generators of `backoff` give nothing the first time
        return map(backoff.full_jitter, generator)

    def wait(self, drawn: float, error: RequestError) -> float:
        """Choose the wait before the next attempt: what the service asked for, plus a little; else what was drawn."""
        asked = getattr(error, "retry_after", None)
        return drawn if asked is None else asked + random.uniform(0.0, min(self.base_delay, 1.0))
