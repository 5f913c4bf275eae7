"""Effects of a 429 on the rate limiter, to the second."""

from __future__ import annotations

import pytest

from asyncdbaas import RateLimiter


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("reset_in", [None, 0.0, -1500.0])
async def test_a_refused_hour_that_names_no_time_to_come_is_no_pause_of_its_own(reset_in: float | None) -> None:
    limiter = RateLimiter(10, 100, clock=Clock())
    await limiter.acquire()
    limiter.refused(None, reset_in)
    limiter.release(counted=False)
    assert limiter.delay() == 30.0  # nothing but the next try, half a minute later


async def test_after_a_refusal_only_a_try_of_its_own_makes_the_other_clients_share_smaller() -> None:
    clock = Clock()
    limiter = RateLimiter(10, 100, clock=clock)
    for _ in range(5):
        await limiter.acquire()
        limiter.release()
    await limiter.acquire()
    limiter.refused(1.0)
    limiter.release(counted=False)
    clock.now = 61.0
    for _ in range(5):
        await limiter.acquire()
    for _ in range(4):
        limiter.succeeded(None)
        limiter.release()
    assert limiter.delay() > 0.0  # five are the other clients', still
