"""The accounting of both limits, without a clock: each step takes the time."""

from __future__ import annotations

import asyncio

import pytest
from virtual_time import virtual

from asyncdbaas import RateLimiter, priority
from asyncdbaas.ratelimit import Priority
from asyncdbaas.ratelimit.timer import Timer
from asyncdbaas.ratelimit.windows import HOUR, MINUTE, NEVER, NOW, Quota, Window


def quota(per_minute: int = 250, per_hour: int = 5000) -> Quota:
    return Quota(per_minute, per_hour, MINUTE, HOUR)


def admitted(quota: Quota, now: float, most: int = 10_000) -> int:
    """Return how many requests are admitted at a time."""
    return next((number for number in range(most) if quota.admit(now) > now), most)


@pytest.mark.parametrize(
    ("now", "in_flight", "requests", "opens"),
    [
        (30.0, 0, 0, NOW),
        (30.0, 0, 1, 60.0),
        (30.0, 0, 2, 70.0),
        (30.0, 0, 3, 80.0),
        (30.0, 0, 4, NEVER),
        (30.0, 1, 1, 70.0),
        (30.0, 3, 1, NEVER),
        (59.9, 0, 1, 60.0),
        (60.0, 0, 1, NOW),
        (60.0, 0, 2, 70.0),
        (80.0, 2, 1, NOW),
        (80.0, 3, 1, NEVER),
    ],
)
def test_a_window_opens_when_enough_responses_no_longer_count(
    now: float, in_flight: int, requests: int, opens: float
) -> None:
    window = Window(3, MINUTE)
    window.responses.extend((0.0, 10.0, 20.0))
    assert window.opens(now, in_flight, requests) == opens


def test_a_window_keeps_only_the_responses_that_count() -> None:
    window = Window(3, MINUTE)
    for number in range(10):
        now = number * MINUTE
        window.responses.append(now)
        assert window.opens(now, 0, 1) == NOW
        assert list(window.responses) == [now]


def test_what_a_refusal_cannot_explain_by_own_requests_is_used_by_others() -> None:
    limits = quota(12)
    assert admitted(limits, 0.0, 11) == 11
    for _ in range(10):
        limits.release(0.0, counted=True)
    limits.refused(100.0, 5.0, hourly=False)
    assert (limits.minute.others, limits.hour.others) == (12, 0)  # the ten no longer count


def test_a_request_that_others_leave_room_for_is_no_probe() -> None:
    limits = quota(5)
    assert admitted(limits, 0.0, 4) == 4
    limits.refused(0.0, 10.0, hourly=False)
    for _ in range(4):
        limits.release(0.0, counted=False)
    assert limits.minute.others == 2
    assert limits.admit(10.0) == 10.0  # as the pause ends
    limits.succeeded(None)
    assert limits.minute.others == 2


@pytest.mark.parametrize("hourly", [False, True])
def test_a_single_request_is_probed_half_a_minute_after_a_refusal(*, hourly: bool) -> None:
    limits = quota(1, 1)
    assert admitted(limits, 0.0) == 1
    limits.refused(0.0, 10.0, hourly=hourly)
    limits.release(0.0, counted=False)
    assert limits.opens(10.0) == 30.0
    assert limits.opens(30.0) == 30.0
    assert admitted(limits, 30.0) == 1
    limits.succeeded(None)
    assert (limits.minute.others, limits.hour.others) == (0, 0)


def test_a_first_probe_gives_back_one_request_and_the_next_two() -> None:
    limits = quota(10, 5)
    limits.succeeded(0)
    shares = [limits.hour.others]
    for _ in range(2):
        assert limits.admit(0.0) <= 0.0
        limits.succeeded(None)
        limits.release(0.0, counted=False)
        shares.append(limits.hour.others)
        limits.admit(0.0)  # no probe: others leave room
        limits.release(0.0, counted=True)
    assert shares == [5, 4, 2]


@pytest.mark.parametrize(
    ("requests", "seconds"),
    [(1, 0.0), (100, 0.0), (101, HOUR), (100 + 250, HOUR), (100 + 251, HOUR + MINUTE)],
)
def test_a_forecast_leaves_others_their_known_part_of_the_hour_for_an_hour(requests: int, seconds: float) -> None:
    limits = quota()
    limits.succeeded(100)
    assert limits.forecast(0.0, requests) == seconds
    limits.refused(0.0, 0.0, hourly=False)  # says nothing of the hour
    assert limits.forecast(0.0, 101) >= HOUR


def test_after_a_refusal_by_the_hour_a_forecast_counts_on_probes() -> None:
    limits = quota()
    limits.succeeded(100)
    limits.refused(0.0, 0.0, hourly=True)
    assert limits.forecast(0.0, 101) == MINUTE / 2


def test_own_requests_explain_a_part_of_a_full_window() -> None:
    window = Window(10, MINUTE)
    window.responses.extend((0.0, 1.0, 2.0))
    assert [window.unexplained(in_flight) for in_flight in (0, 4, 7, 9)] == [7, 3, 0, 0]


def test_permits_of_one_process_never_lapse() -> None:
    assert quota().lease.lapses_at == NEVER


@virtual
@pytest.mark.parametrize("level", ["interactive", "bulk"])
async def test_a_call_that_is_cancelled_leaves_the_queue(level: Priority) -> None:
    limiter = RateLimiter(1, clock=asyncio.get_running_loop().time)
    await limiter.acquire()
    with priority(level):
        call = asyncio.create_task(limiter.acquire())
    await asyncio.sleep(1.0)
    assert (limiter.waiting, limiter.in_flight) == (1, 1)
    limiter.attach("another session", "token")
    assert (limiter.waiting, limiter.in_flight) == (1, 1)
    call.cancel()
    await asyncio.wait({call})
    assert (limiter.waiting, limiter.in_flight) == (0, 1)


@virtual
@pytest.mark.parametrize(
    ("times", "fired"),
    [([5.0], [5.0]), ([5.0, 9.0], [5.0]), ([5.0, 3.0], [3.0]), ([5.0, 5.0], [5.0]), ([5.0, NEVER], []), ([NEVER], [])],
)
async def test_a_timer_fires_once_at_the_earliest_time_unless_it_is_cancelled(
    times: list[float], fired: list[float]
) -> None:
    loop, seen = asyncio.get_running_loop(), list[float]()
    timer, began = Timer(loop.time, lambda now: seen.append(now - began)), loop.time()
    for when in times:
        timer.set(began + when, began)
    assert timer.is_set is bool(fired)
    await asyncio.sleep(20.0)
    assert seen == fired
    assert not timer.is_set
