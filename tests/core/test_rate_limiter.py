"""RateLimiter by example: what each of its rules does, on a clock that the test holds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from virtual_time import VirtualTimeLoop, run, settle_down, virtual

from asyncdbaas import InvalidInputError, RateLimiter, SessionStateError
from asyncdbaas.ratelimit import Priority, priority
from asyncdbaas.ratelimit.queue import WaitQueue


class Clock:
    """A clock that the test moves."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def now() -> float:
    return asyncio.get_running_loop().time()


def limiter(*limits: int, **settings: Any) -> RateLimiter:
    return RateLimiter(*limits, clock=asyncio.get_running_loop().time, **settings)


async def leaves_at(limiter: RateLimiter) -> float:
    """Acquire a permit and return when it was granted."""
    await limiter.acquire()
    return now()


async def answered(limiter: RateLimiter, *, remaining: int | None = None) -> float:
    """Make a request with an immediate response; return when it was sent."""
    left = await leaves_at(limiter)
    limiter.succeeded(remaining)
    limiter.release()
    return left


async def refused(limiter: RateLimiter, retry_after: float | None, reset_in: float | None = None) -> float:
    """Make a request that is refused immediately; return when it was sent."""
    left = await leaves_at(limiter)
    limiter.refused(retry_after, reset_in)
    limiter.release(counted=False)
    return left


async def offsets(start: float, calls: Iterable[Any]) -> list[float]:
    return [left - start for left in await asyncio.gather(*calls)]


def test_the_limits_are_those_of_the_service_unless_told_otherwise() -> None:
    own = RateLimiter()
    assert [(window.limit, window.span) for window in (own._quota.minute, own._quota.hour)] == [
        (250, 60.0),
        (5000, 3600.0),
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"per_minute": 0}, "per_minute must be at least 1, not 0"),
        ({"per_hour": 0}, "per_hour must be at least 1, not 0"),
        ({"per_minute": "250"}, "per_minute must be an integer, not str"),
        ({"minute": 0.0}, "minute must be above 0 seconds"),
        ({"hour": "3600"}, "hour must be a number of seconds, not str"),
        ({"clock": 5.0}, "clock must be a function, not float"),
    ],
)
def test_limits_spans_and_clocks_that_cannot_be_are_rejected_by_name(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        RateLimiter(**settings)


@pytest.mark.parametrize(("n", "message"), [("5", "n must be an integer, not str"), (-1, "n must be at least 0")])
def test_a_forecast_for_no_number_of_calls_is_refused(n: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        RateLimiter().forecast(n)


@virtual
async def test_a_burst_up_to_the_limit_is_sent_at_once_and_the_rest_a_minute_after_the_responses() -> None:
    pace, start = limiter(3), now()
    assert await offsets(start, (answered(pace) for _ in range(8))) == [0, 0, 0, 60, 60, 60, 120, 120]


@virtual
async def test_the_hour_closes_behind_the_minute() -> None:
    pace, start = limiter(2, 3), now()
    assert await offsets(start, (answered(pace) for _ in range(5))) == [0, 0, 60, 3600, 3600]


@virtual
async def test_the_minute_runs_from_the_response_and_not_from_the_sending() -> None:
    pace, start = limiter(1), now()
    await pace.acquire()
    second = asyncio.create_task(leaves_at(pace))
    await asyncio.sleep(45)
    pace.release()
    assert await second - start == 105


@virtual
async def test_what_is_not_counted_makes_room_at_once() -> None:
    pace, start = limiter(1), now()
    await pace.acquire()
    second = asyncio.create_task(leaves_at(pace))
    await asyncio.sleep(5)
    pace.release(counted=False)
    assert await second - start == 5


@virtual
async def test_in_flight_and_waiting_count_calls() -> None:
    pace = limiter(2)
    assert (pace.in_flight, pace.waiting) == (0, 0)
    tasks = [asyncio.create_task(pace.acquire()) for _ in range(5)]
    await settle_down()
    assert (pace.in_flight, pace.waiting) == (2, 3)
    pace.release()
    assert (pace.in_flight, pace.waiting) == (1, 3)
    await asyncio.sleep(60)
    assert (pace.in_flight, pace.waiting) == (2, 2)
    for task in tasks:
        task.cancel()
    await settle_down()
    assert pace.waiting == 0


@virtual
async def test_a_newcomer_does_not_overtake_those_who_wait() -> None:
    pace = limiter(1)
    order: list[str] = []

    async def call(name: str) -> None:
        await pace.acquire()
        order.append(name)
        pace.release()

    await call("first")
    waiter = asyncio.create_task(call("waiter"))
    await asyncio.sleep(59)
    newcomer = asyncio.create_task(call("newcomer"))
    await asyncio.gather(waiter, newcomer)
    assert order == ["first", "waiter", "newcomer"]


@virtual
async def test_a_cancelled_waiter_leaves_its_place_to_the_next() -> None:
    pace, start = limiter(1), now()
    await answered(pace)
    first, second = (asyncio.create_task(leaves_at(pace)) for _ in range(2))
    await settle_down()
    first.cancel()
    assert await second - start == 60
    assert first.cancelled()


@virtual
async def test_a_waiter_that_is_cancelled_after_it_got_a_permit_passes_it_on() -> None:
    pace, start = limiter(1), now()
    await pace.acquire()
    first, second = (asyncio.create_task(leaves_at(pace)) for _ in range(2))
    await settle_down()
    pace.release(counted=False)  # wakes the first, which has not run yet
    first.cancel()
    assert await second - start < 1e-5
    assert first.cancelled()
    assert pace.in_flight == 1


@virtual
async def test_a_permit_that_no_call_is_left_to_take_is_free_again() -> None:
    pace = limiter(1)
    await pace.acquire()
    waiter = asyncio.create_task(pace.acquire())
    await settle_down()
    waiter.cancel()  # cancelled, but not yet out of the queue
    pace.release(counted=False)
    assert (pace.in_flight, pace.waiting) == (0, 0)
    assert pace.delay() == 0.0
    await asyncio.gather(waiter, return_exceptions=True)
    assert pace.in_flight == 0


@virtual
async def test_no_timer_is_left_when_nobody_waits() -> None:
    pace = limiter(1)
    await answered(pace)
    waiters = [asyncio.create_task(pace.acquire(owner)) for owner in ("a", "a", "b", "b")]
    await settle_down()
    for waiter in waiters[:2]:
        waiter.cancel()
    pace.fail("b", KeyError)
    await asyncio.gather(*waiters, return_exceptions=True)
    assert not pace._timer.is_set
    await answered(pace)
    assert not pace._timer.is_set


@virtual
async def test_fail_raises_in_the_callers_of_one_owner_only() -> None:
    pace, start = limiter(1), now()
    await answered(pace)
    mine, theirs, alsomine = (asyncio.create_task(pace.acquire(owner)) for owner in ("me", "them", "me"))
    await settle_down()
    pace.fail("me", lambda: LookupError("closed"))
    for task in (mine, alsomine):
        with pytest.raises(LookupError, match="closed"):
            await task
    await theirs
    assert now() - start == 60
    assert (pace.in_flight, pace.waiting) == (1, 0)


@virtual
async def test_fail_passes_over_a_caller_that_is_already_cancelled() -> None:
    pace = limiter(1)
    await pace.acquire()
    task = asyncio.create_task(pace.acquire("me"))
    await settle_down()
    task.cancel()
    pace.fail("me", LookupError)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (pace.in_flight, pace.waiting) == (1, 0)


@virtual
async def test_a_caller_that_is_failed_and_then_cancelled_takes_no_permit_from_others() -> None:
    pace = limiter(1)
    await pace.acquire()
    task = asyncio.create_task(pace.acquire("me"))
    await settle_down()
    pace.fail("me", LookupError)
    task.cancel()
    with pytest.raises((asyncio.CancelledError, LookupError)):
        await task
    assert (pace.in_flight, pace.waiting) == (1, 0)


# A pause.


@pytest.mark.parametrize(
    ("retry_after", "reset_in", "expected"),
    [
        (29.0, None, 29.0),
        (29.0, 3000.0, 29.0),  # retry-after wins
        (300.0, None, 300.0),
        (
            301.0,
            None,
            60.0,
        ),  # the call fails at once; nobody else is held for longer than the limit of the minute lasts
        (1e9, None, 60.0),
        (None, 20.0, 20.0),
        (None, 3000.0, 60.0),  # a reset almost an hour ahead: look again after a minute
        (None, -1500.0, 0.0),  # a reset in the past
        (None, None, 0.0),
    ],
)
@virtual
async def test_a_refusal_pauses_everyone(retry_after: float | None, reset_in: float | None, expected: float) -> None:
    pace, start = limiter(10, 10), now()
    await refused(pace, retry_after, reset_in)
    assert 0 < pace.delay() <= max(expected, 30.0)
    # Of the first refusal nothing is known but that all of the limit is used: one at a time, from half a minute on.
    assert await leaves_at(pace) - start == max(expected, 30.0)


@virtual
async def test_the_longer_of_two_pauses_holds() -> None:
    pace, start = limiter(10), now()
    for _ in range(2):
        await pace.acquire()
    pace.refused(50.0)
    pace.release(counted=False)
    pace.refused(40.0)
    pace.release(counted=False)
    assert await leaves_at(pace) - start == 50


@virtual
async def test_a_pause_holds_those_who_wait_already() -> None:
    pace, start = limiter(2), now()
    await answered(pace)
    await pace.acquire()
    waiting = [asyncio.create_task(leaves_at(pace)) for _ in range(2)]
    await settle_down()
    await asyncio.sleep(10)
    pace.refused(100.0)
    pace.release(counted=False)
    assert await waiting[0] - start == pytest.approx(110)


@virtual
async def test_a_refusal_with_retry_after_zero_is_not_asked_again_at_once() -> None:
    pace, start = limiter(5), now()
    await refused(pace, 0.0)
    assert await leaves_at(pace) - start == 30


# Others on the token.


@virtual
async def test_a_refusal_shows_how_much_of_the_minute_is_others() -> None:
    pace = limiter(10)
    for _ in range(6):
        await answered(pace)
    await refused(pace, 20.0)
    assert pace._quota.minute.others == 4
    await asyncio.sleep(60)
    start = now()
    # Six at once; then one, and half a minute after the refusal has passed long ago, probing starts.
    left = await offsets(start, (leaves_at(pace) for _ in range(6)))
    assert left == [0] * 6
    assert pace.delay() > 0


@virtual
async def test_requests_in_flight_may_be_what_fills_the_minute() -> None:
    pace = limiter(10)
    for _ in range(6):
        await pace.acquire()
    pace.refused(20.0)  # five others of ours may have been counted
    assert pace._quota.minute.others == 5
    pace.release(counted=False)
    pace.refused(20.0)
    assert pace._quota.minute.others == 6
    pace.release(counted=False)


@virtual
async def test_the_share_of_others_is_probed_under_demand_and_grows_back_doubling() -> None:
    pace, start = limiter(16), now()
    await refused(pace, 20.0)
    seen = [pace._quota.minute.others]
    for _ in range(9):
        await answered(pace)
        seen.append(pace._quota.minute.others)
    # Of 16, all are taken; a probe of one, of two, then what is ours by now, a probe of four, ...
    assert seen == [16, 15, 13, 13, 9, 9, 9, 9, 1, 1]
    assert now() - start == 30


@virtual
async def test_a_share_that_is_enough_is_not_probed() -> None:
    pace = limiter(16)
    await refused(pace, 20.0)
    for _ in range(5):
        await answered(pace)
        await asyncio.sleep(61)
    assert pace._quota.minute.others == 15


@virtual
async def test_a_refused_probe_starts_again_with_one() -> None:
    pace = limiter(16)
    await refused(pace, 20.0)
    for _ in range(3):
        await answered(pace)
    assert pace._quota.minute.others == 13
    start = await refused(pace, 10.0)  # the probe of four
    assert pace._quota.minute.others == 13
    assert await answered(pace) - start == 30
    assert pace._quota.minute.others == 12


@virtual
async def test_a_probe_goes_alone() -> None:
    pace = limiter(4)
    await refused(pace, 30.0)
    tasks = [asyncio.create_task(leaves_at(pace)) for _ in range(3)]
    await asyncio.sleep(100)
    assert pace.in_flight == 1
    pace.succeeded(None)
    pace.release()
    await settle_down()
    # The probe was granted: the second one is the next probe.
    assert (pace.in_flight, pace.waiting) == (1, 1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@virtual
async def test_a_cancelled_probe_lets_the_next_one_probe() -> None:
    pace, start = limiter(4), now()
    await refused(pace, 30.0)
    first, second = (asyncio.create_task(leaves_at(pace)) for _ in range(2))
    await asyncio.sleep(30)  # the timer has fired, the first is awake
    first.cancel()
    pace.release(counted=False)
    assert await second - start == 30


@virtual
async def test_the_remaining_header_shows_how_much_of_the_hour_is_others() -> None:
    pace = limiter(100, 10)
    await answered(pace, remaining=9)
    assert pace._quota.hour.others == 0
    await answered(pace, remaining=4)  # 2 are ours, so 4 are others'
    assert pace._quota.hour.others == 4
    await answered(pace, remaining=7)  # theirs have dropped out
    assert pace._quota.hour.others == 0
    await answered(pace, remaining=50)  # a header that cannot be
    assert pace._quota.hour.others == 0
    await answered(pace, remaining=None)
    assert pace._quota.hour.others == 0


@virtual
async def test_what_others_took_of_the_hour_is_left_to_them() -> None:
    pace = limiter(100, 10)
    await answered(pace, remaining=3)  # 6 are others'
    for _ in range(3):
        await pace.acquire()
    waiter = asyncio.create_task(pace.acquire())
    await settle_down()
    assert pace.waiting == 1
    pace.succeeded(5)
    pace.release()
    await waiter


@virtual
async def test_an_hour_without_room_is_tried_again_one_by_one() -> None:
    pace, start = limiter(100, 10), now()
    await refused(pace, None, 2000.0)
    assert await refused(pace, None, 1940.0) - start == 60
    assert await refused(pace, None, 0.0) - start == 120
    assert await refused(pace, None, -5.0) - start == 150
    assert await answered(pace, remaining=9) - start == 180
    assert await offsets(start, (leaves_at(pace) for _ in range(9))) == [180] * 9


# Looking ahead.


@virtual
async def test_delay_is_the_time_until_the_next_call_may_be_sent() -> None:
    pace = limiter(2, 3)
    assert pace.delay() == 0.0
    await answered(pace)
    await asyncio.sleep(20)
    await answered(pace)
    assert pace.delay() == 40.0
    await asyncio.sleep(40)
    assert pace.delay() == 0.0
    await answered(pace)
    assert pace.delay() == 3540.0


@virtual
async def test_delay_never_promises_less_room_than_there_is() -> None:
    pace = limiter(2, 3)
    for _ in range(3):
        await answered(pace)
    start = now()
    while (delay := pace.delay()) > 0:  # noqa: ASYNC110 -- what is tested: ask again when it is over
        await asyncio.sleep(delay)
    assert now() - start == 3540
    assert await leaves_at(pace) - start == 3540


@virtual
async def test_delay_counts_those_who_wait() -> None:
    pace = limiter(1)
    await answered(pace)
    waiter = asyncio.create_task(pace.acquire())
    await asyncio.sleep(15)
    assert pace.delay() == 45.0
    await waiter


@pytest.mark.parametrize(
    ("limits", "n", "expected"),
    [
        ((250, 5000), 0, 0.0),
        ((250, 5000), 1, 0.0),
        ((250, 5000), 250, 0.0),
        ((250, 5000), 251, 60.0),
        ((250, 5000), 2000, 420.0),
        ((250, 5000), 5000, 1140.0),
        ((250, 5000), 5001, 3600.0),
        ((250, 5000), 6000, 3780.0),
        ((1, 1), 3, 7200.0),
    ],
)
def test_forecast_of_an_idle_limiter(limits: tuple[int, int], n: int, expected: float) -> None:
    assert RateLimiter(*limits, clock=Clock(5.0)).forecast(n) == expected


@virtual
async def test_forecast_counts_responses_calls_in_flight_and_waiting_pauses_and_others() -> None:
    pace = limiter(4)
    await answered(pace)
    await asyncio.sleep(30)
    assert pace.forecast(4) == 30.0
    await pace.acquire()
    assert pace.forecast(4) == 60.0
    pace.release(counted=False)
    waiting = [asyncio.create_task(pace.acquire()) for _ in range(5)]
    await settle_down()
    assert pace.forecast(0) == pytest.approx(60.0)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    while pace.in_flight:
        pace.release(counted=False)
    await refused(pace, 45.0)
    assert pace.forecast(1) == 45.0
    assert pace._quota.minute.others == 3
    assert pace.forecast(2) == 45.0  # the second is a probe


# Event loops.


def test_it_serves_one_event_loop_after_the_other() -> None:
    clock = Clock()
    pace = RateLimiter(1, clock=clock)

    async def use() -> float:
        loop = asyncio.get_running_loop()
        loop.call_later(10, setattr, clock, "now", clock.now + 60)
        start = loop.time()
        await answered(pace)
        await answered(pace)
        return loop.time() - start

    assert run(use()) == 60
    clock.now += 60
    assert run(use()) == 60


def test_a_loop_that_ended_with_waiting_calls_does_not_affect_the_next() -> None:
    clocks: list[Callable[[], float]] = [Clock()]

    def clock() -> float:
        return clocks[-1]()

    pace = RateLimiter(1, clock=clock)

    async def leave_waiting() -> None:
        await answered(pace)
        tasks.append(asyncio.create_task(pace.acquire()))
        await settle_down()

    async def use() -> None:
        clocks.append(asyncio.get_running_loop().time)
        for _ in range(3):
            await answered(pace)

    tasks: list[asyncio.Task[Any]] = []
    run(leave_waiting())
    assert tasks[0].cancelled()
    assert pace.waiting == 0
    run(use())


def test_two_event_loops_at_once_are_refused() -> None:
    pace = RateLimiter(1, clock=Clock())
    one, two = VirtualTimeLoop(), VirtualTimeLoop()
    try:
        one.run_until_complete(answered(pace))
        waiting = one.create_task(pace.acquire())
        one.run_until_complete(asyncio.sleep(0))
        with pytest.raises(SessionStateError, match="give each event loop one of its own"):
            two.run_until_complete(pace.acquire())
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            one.run_until_complete(waiting)
        assert pace.waiting == 0
    finally:
        one.close()
        two.close()


# A clock that does not go with the loop's.


@pytest.mark.parametrize("speed", [0.5, 2.0])
def test_a_timer_that_fires_early_or_late_is_set_again(speed: float) -> None:
    async def use() -> float:
        loop = asyncio.get_running_loop()
        clock: Callable[[], float] = lambda: loop.time() * speed  # noqa: E731 -- one line, used once
        pace = RateLimiter(1, clock=clock)
        start = clock()
        await answered(pace)
        await answered(pace)
        return clock() - start

    assert run(use()) >= 60


@virtual
async def test_an_hour_full_of_ones_own_requests_shows_no_other_clients() -> None:
    own = limiter(250, 2)
    for remaining in (1, 0):
        await answered(own, remaining=remaining)
    assert own._quota.hour.others == 0


@virtual
async def test_a_refusal_with_a_wait_is_the_minutes_and_one_without_is_the_hours() -> None:
    for retry_after, minute, hour in ((30.0, 9, 0), (None, 0, 99)):
        own = limiter(10, 100)
        await answered(own)
        await refused(own, retry_after)
        assert (own._quota.minute.others, own._quota.hour.others) == (minute, hour)


@virtual
async def test_a_delay_below_a_second_is_returned_as_it_is() -> None:
    own = limiter(1, 100, minute=0.25)
    await answered(own)
    assert own.delay() == pytest.approx(0.25)


@virtual
async def test_a_probe_that_succeeds_can_give_back_all_of_the_minute() -> None:
    own = limiter(2, 100)
    await answered(own)
    await refused(own, 1.0)
    assert own._quota.minute.others == 1
    await asyncio.sleep(61.0)
    await own.acquire()
    own._quota._probing = True
    own.succeeded(None)
    own.release()
    assert own._quota.minute.others == 0


@virtual
async def test_a_bulk_caller_is_woken_after_all_others_and_only_where_bulk_may_go() -> None:
    queue, woken = WaitQueue[None](), list[str]()

    async def wait(name: str, level: Priority) -> None:
        with priority(level):
            await queue.join(None)
        woken.append(name)

    calls: tuple[tuple[str, Priority], ...] = (("b1", "bulk"), ("b2", "bulk"), ("i1", "interactive"))
    tasks = [asyncio.create_task(wait(name, level)) for name, level in calls]
    await settle_down()
    assert queue.wake(None, bulk=False)
    assert not queue.wake(None, bulk=False)
    assert queue.wake(None)
    await settle_down()
    assert woken == ["i1", "b1"]
    assert queue.wake(None)
    await asyncio.gather(*tasks)
    assert not queue.wake(None)


# A clock that moves between any two readings, and timers that fire early or late.


class ReadyClock(Clock):
    """A clock whose next readings the test sets."""

    def __init__(self, now: float = 0.0) -> None:
        super().__init__(now)
        self.ready: list[float] = []

    def __call__(self) -> float:
        if self.ready:
            self.now = self.ready.pop(0)
        return self.now


async def full_until(opens: float) -> tuple[RateLimiter, ReadyClock]:
    """Make a limiter whose minute is full until a time, and whose hour is full much longer."""
    clock = ReadyClock(opens - 60.0)
    pace = RateLimiter(1, 2, clock=clock)
    await answered(pace)
    return pace, clock


@virtual
async def test_a_call_that_comes_just_before_a_window_opens_waits_no_longer_than_that() -> None:
    pace, clock = await full_until(100.0)
    clock.ready = [100.0 - 1e-6, 100.0 + 1e-6, 100.0 + 2e-6]
    start = now()
    await pace.acquire()
    assert now() - start == pytest.approx(1e-6)


@virtual
async def test_a_timer_that_fires_just_before_a_window_opens_is_set_for_the_rest() -> None:
    pace, clock = await full_until(100.0)
    waiter = asyncio.create_task(pace.acquire())
    await settle_down()
    start = now()
    clock.ready = [100.0 - 1e-3, 100.0 + 1e-3]
    await waiter
    assert now() - start == pytest.approx(60.0 + 1e-3, abs=1e-4)


@virtual
async def test_calls_of_which_the_timer_is_late_are_admitted_by_whatever_happens_next() -> None:
    steps: list[Callable[[RateLimiter], object]] = [
        lambda pace: pace.delay(),
        lambda pace: asyncio.create_task(pace.acquire()),
        lambda pace: pace.release(counted=False),
    ]
    for step in steps:
        clock = Clock(40.0)
        pace = RateLimiter(2, 10, clock=clock)
        await answered(pace)
        await pace.acquire()
        first = asyncio.create_task(pace.acquire())
        await settle_down()
        clock.now = 100.0
        start = now()
        step(pace)
        await first
        assert now() - start < 1.0


@virtual
async def test_delay_is_zero_once_a_window_has_opened_even_if_its_timer_has_not_fired() -> None:
    clock = Clock(40.0)
    pace = RateLimiter(2, 3, clock=clock)
    for _ in range(2):
        await answered(pace)
    waiter = asyncio.create_task(pace.acquire())
    await settle_down()
    clock.now = 100.0
    assert pace.delay() == 3540.0  # the waiting call takes the last one of the hour
    await waiter
    clock.now = 100.0 + 3600.0
    assert pace.delay() == 0.0


@virtual
async def test_an_interactive_call_goes_before_bulk_calls_of_which_the_timer_is_late() -> None:
    clock = Clock(40.0)
    pace = RateLimiter(1, 10, clock=clock)
    await answered(pace)
    with priority("bulk"):
        bulk = asyncio.create_task(pace.acquire())
    await settle_down()
    clock.now = 100.0
    await pace.acquire()
    assert not bulk.done()
    bulk.cancel()


@virtual
async def test_forecast_after_a_refusal_is_when_a_probe_is_due() -> None:
    pace = limiter(250)
    await answered(pace)
    await refused(pace, None, reset_in=24.0)
    waiting = [asyncio.create_task(pace.acquire()) for _ in range(20)]
    await settle_down()
    assert pace.delay() == pytest.approx(30.0)
    assert pace.forecast(1) == pytest.approx(30.0)
    for task in waiting:
        task.cancel()


@virtual
async def test_forecast_leaves_others_for_an_hour_what_the_service_said_that_they_use() -> None:
    pace = limiter(100, 10)
    await answered(pace, remaining=4)  # five are others'
    assert [pace.forecast(n) for n in (4, 5, 14, 15)] == [0.0, 3600.0, 3600.0, 7200.0]


@virtual
async def test_forecast_of_an_interactive_call_does_not_count_bulk_calls() -> None:
    pace = limiter(1)
    await answered(pace)
    with priority("bulk"):
        waiting = [asyncio.create_task(pace.acquire()) for _ in range(5)]
        await settle_down()
        assert pace.forecast(1) == pytest.approx(360.0)
    assert pace.forecast(1) == pytest.approx(60.0)
    for task in waiting:
        task.cancel()


@virtual
async def test_without_headers_successful_probes_give_back_the_hour() -> None:
    pace, start = limiter(100, 8), now()
    await refused(pace, None, 20.0)
    assert await offsets(start, (answered(pace) for _ in range(8))) == [30.0] * 8


# Threads, and loops that were closed.


@pytest.mark.parametrize("level", ["interactive", "bulk"])
def test_the_limiter_of_a_closed_loop_serves_the_next_although_calls_waited(level: Priority) -> None:
    clock = Clock()
    pace = RateLimiter(1, clock=clock)

    async def leave() -> None:
        pace.attach("session", "token")
        await pace.acquire()
        with priority(level):
            task = asyncio.ensure_future(pace.acquire())
            await asyncio.sleep(0)
        kept.append(task)

    async def use() -> list[int]:
        pace.attach("another", "token")
        clock.now += 60.0  # what was in flight counts from the moment at which its loop was found closed
        await asyncio.wait_for(pace.acquire(), 1)
        return [pace.in_flight, pace.waiting]

    kept: list[Any] = []
    loop = VirtualTimeLoop()
    loop.run_until_complete(leave())
    loop.close()
    assert run(use()) == [1, 0]
    kept[0].get_coro().close()
    kept[0]._log_destroy_pending = False


def test_a_session_of_another_thread_is_refused_while_the_first_is_open() -> None:
    pace = RateLimiter()

    async def attach(session: str) -> None:
        pace.attach(session, "token")

    async def use() -> None:
        await attach("one")
        with pytest.raises(SessionStateError, match="share one quota through a SharedRateLimiter"):
            await asyncio.to_thread(asyncio.run, attach("two"))
        await pace.detach("one")
        await asyncio.to_thread(asyncio.run, attach("two"))

    asyncio.run(use())


def test_outside_an_event_loop_the_error_says_so() -> None:
    with pytest.raises(SessionStateError, match="no asyncio event loop is running"):
        RateLimiter().attach("session", "token")


@pytest.mark.parametrize("begins_in_a_thread", [False, True])
async def test_a_priority_that_ends_in_another_context_is_reported_if_it_began_without_an_event_loop(
    caplog: pytest.LogCaptureFixture, *, begins_in_a_thread: bool
) -> None:
    block = priority("bulk")

    async def begin() -> None:
        block.__enter__()

    await (asyncio.to_thread(block.__enter__) if begins_in_a_thread else asyncio.create_task(begin()))
    block.__exit__(None, None, None)
    assert ["began and ended in different contexts" in record.getMessage() for record in caplog.records] == (
        [True] if begins_in_a_thread else []
    )
