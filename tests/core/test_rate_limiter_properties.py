"""RateLimiter against a model of the service, for latencies, failures and cancellations that hypothesis makes up.

The model counts as the service does: each request once, when it arrives, for 60 s and for an hour of its own. It
shares no code with the limiter, nor with the emulator.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from bisect import bisect_right
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import Any, Literal

import attrs
import pytest
from drawn import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from virtual_time import Lies, VirtualTimeLoop, run

from asyncdbaas import RateLimiter

EXAMPLES = examples(150)
MINUTE, HOUR = 60.0, 600.0


class Service:
    """Both limits of one token, and who used them."""

    def __init__(self, per_minute: int, per_hour: int) -> None:
        self._limits = ((per_minute, MINUTE), (per_hour, HOUR))
        self._loop = asyncio.get_running_loop()
        self.arrivals: list[float] = []
        self.refusals = 0

    def used(self, span: float) -> list[float]:
        """Return when those arrived that still count."""
        return self.arrivals[bisect_right(self.arrivals, self._loop.time(), key=lambda time: time + span) :]

    def arrive(self) -> bool:
        """Count a request, or refuse it."""
        if any(len(self.used(span)) >= limit for limit, span in self._limits):
            self.refusals += 1
            return False
        self.arrivals.append(self._loop.time())
        return True

    @property
    def remaining(self) -> int:
        limit, span = self._limits[1]
        return limit - len(self.used(span))


Fate = Literal["answered", "lost", "unsent", "cancelled"]


@attrs.frozen(kw_only=True)
class Plan:
    """The outcome that the service gives to one call."""

    starts: float
    there: float
    """Seconds from leaving to arriving."""
    back: float
    fate: Fate
    patience: float
    """Seconds after which a call with the fate "cancelled" is cancelled, wherever it is."""


SECONDS = st.one_of(
    st.sampled_from([0.0, 0.001, 1.0, 30.0, 59.0, 60.0, 61.0, 120.0]), st.floats(0, 200, allow_subnormal=False)
)
PLANS = st.lists(
    st.builds(
        Plan,
        starts=SECONDS,
        there=SECONDS,
        back=SECONDS,
        fate=st.sampled_from(["answered", "answered", "lost", "unsent", "cancelled"]),
        patience=SECONDS,
    ),
    max_size=25,
)
LIMITS = st.tuples(st.integers(1, 6), st.integers(1, 15))
# Timers that fire on time, or early and late under a clock that moves between any two readings.
LIES = st.none() | st.integers(0, 2**32).map(lambda seed: Lies(random.Random(seed)))


@attrs.define
class World:
    """A limiter and a service that face each other, and what has happened between them."""

    limiter: RateLimiter
    service: Service
    asked: list[int] = attrs.field(factory=list[int])
    left: dict[int, float] = attrs.field(factory=dict[int, float])
    """The calls that were sent, and when."""
    ended: list[int] = attrs.field(factory=list[int])

    async def call(self, number: int, plan: Plan) -> None:
        self.asked.append(number)
        await self.limiter.acquire()
        self.left[number] = asyncio.get_running_loop().time()
        counted = True
        try:
            counted = await self._exchange(plan)
        finally:
            self.limiter.release(counted=counted)
            self.ended.append(number)

    async def _exchange(self, plan: Plan) -> bool:
        if plan.fate == "unsent":
            await asyncio.sleep(plan.there)
            return False
        arrived = False
        try:
            await asyncio.sleep(plan.there)
            arrived = True
            admitted = self.service.arrive()
            remaining = self.service.remaining
            await asyncio.sleep(plan.back)
        finally:
            if not arrived:
                self.service.arrive()  # what has left arrives, even if its caller is gone
        if plan.fate == "lost":
            return True
        if not admitted:
            self.limiter.refused(MINUTE)
            return False
        self.limiter.succeeded(remaining)
        return True

    async def run(self, plans: list[Plan]) -> None:
        async with asyncio.TaskGroup() as group:
            for number, plan in enumerate(plans):
                group.create_task(self._live(number, plan))

    async def _live(self, number: int, plan: Plan) -> None:
        await asyncio.sleep(plan.starts)
        if plan.fate != "cancelled":
            return await self.call(number, plan)
        task = asyncio.create_task(self.call(number, plan))
        await asyncio.wait([task], timeout=plan.patience)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return None


def world(per_minute: int, per_hour: int) -> World:
    clock = asyncio.get_running_loop().time
    return World(
        RateLimiter(per_minute, per_hour, minute=MINUTE, hour=HOUR, clock=clock), Service(per_minute, per_hour)
    )


@EXAMPLES
@given(limits=LIMITS, plans=PLANS, lies=LIES)
def test_alone_on_its_token_a_client_is_never_refused(
    limits: tuple[int, int], plans: list[Plan], lies: Lies | None
) -> None:
    async def check() -> None:
        here = world(*limits)
        await here.run(plans)
        assert here.service.refusals == 0
        assert (here.limiter.in_flight, here.limiter.waiting, here.limiter._timer.is_set) == (0, 0, False)

    run(check(), lies)


@EXAMPLES
@given(limits=LIMITS, plans=PLANS, lies=LIES)
def test_everyone_who_stays_gets_a_permit_in_the_order_of_asking(
    limits: tuple[int, int], plans: list[Plan], lies: Lies | None
) -> None:
    async def check() -> None:
        here = world(*limits)
        await here.run(plans)
        stayed = {number for number, plan in enumerate(plans) if plan.fate != "cancelled"}
        assert stayed <= set(here.left)
        assert sorted(here.ended) == sorted(here.left)
        times = [here.left[number] for number in here.asked if number in here.left]
        # A call that asks in the moment when another is woken is sent in that moment, too.
        assert all(later > earlier - 1e-3 for earlier, later in itertools.pairwise(times))

    run(check(), lies)


def greedy(starts: list[float], per_minute: int, per_hour: int) -> list[float]:
    """Return the earliest time at which each of several calls can be sent, if every response is immediate."""
    left: list[float] = []
    for start in sorted(starts):
        bounds = [start, *left[-1:]]
        bounds += [
            left[-limit] + span for limit, span in ((per_minute, MINUTE), (per_hour, HOUR)) if len(left) >= limit
        ]
        left.append(max(bounds))
    return left


@EXAMPLES
@given(limits=LIMITS, starts=st.lists(st.integers(0, 900).map(float), max_size=30), lies=LIES)
def test_no_call_waits_longer_than_the_limits_demand(
    limits: tuple[int, int], starts: list[float], lies: Lies | None
) -> None:
    async def check() -> list[float]:
        here, left = world(*limits), list[float]()
        loop = asyncio.get_running_loop()
        zero = loop.time()

        async def call(start: float) -> None:
            await asyncio.sleep(start)
            await here.limiter.acquire()
            left.append(loop.time() - zero)
            here.limiter.succeeded(None)
            here.limiter.release()

        await asyncio.gather(*(call(start) for start in starts))
        return left

    off = 0.0 if lies is None else lies.late * (len(starts) + 1)  # each may wait for one that left late
    assert run(check(), lies) == pytest.approx(greedy(starts, *limits), rel=0, abs=off)


@EXAMPLES
@given(
    limits=LIMITS,
    before=st.lists(st.integers(0, 300).map(float), max_size=12),
    in_flight=st.integers(0, 3),
    waiting=st.integers(0, 10),
    more=st.integers(1, 20),
)
def test_forecast_is_what_then_happens(
    limits: tuple[int, int], before: list[float], in_flight: int, waiting: int, more: int
) -> None:
    async def check() -> tuple[float, float]:
        here = world(*limits)
        loop = asyncio.get_running_loop()
        limiter = here.limiter

        async def call() -> float:
            await limiter.acquire()
            left = loop.time()
            limiter.release()
            return left

        for start, following in itertools.pairwise([0.0, *sorted(before)]):
            await asyncio.sleep(following - start)
            await call()
        taken = 0
        while taken < in_flight and limiter.delay() == 0.0:
            await limiter.acquire()
            taken += 1
        queued = [asyncio.create_task(call()) for _ in range(waiting)]
        await asyncio.sleep(0)
        expected = limiter.forecast(more)
        start = loop.time()
        for _ in range(taken):
            limiter.release()
        left = await asyncio.gather(*queued, *(call() for _ in range(more)))
        return expected, max(left) - start

    expected, happened = run(check())
    assert happened == pytest.approx(expected, abs=1e-9)


class LimiterMachine(RuleBasedStateMachine):
    """Every step that a caller can take, in any order, against a model that is as simple as it can be."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualTimeLoop(start=0.0)
        self.queue: list[asyncio.Task[Any]] = []
        self.admitted: list[asyncio.Task[Any]] = []
        self.in_flight = 0
        self.answers: list[float] = []
        self.now = 0.0

    def teardown(self) -> None:
        for task in self.queue:
            task.cancel()
        self.step(asyncio.sleep(0))
        self.loop.close()

    def step(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self.loop.run_until_complete(coroutine)

    async def release(self, counted: bool, leaving: Iterable[int] = ()) -> None:
        self.limiter.release(counted=counted)
        for place in leaving:
            self.queue[place].cancel()

    @initialize(limits=LIMITS)
    def begin(self, limits: tuple[int, int]) -> None:
        self.limits = tuple(zip(limits, (MINUTE, HOUR), strict=True))
        self.limiter = RateLimiter(*limits, minute=MINUTE, hour=HOUR, clock=lambda: self.now)

    def settle(self) -> None:
        """Let the limiter act; the model admits whom the limits admit."""
        self.step(asyncio.sleep(0))
        self.step(asyncio.sleep(0))
        while self.queue and self.room():
            self.admitted.append(self.queue.pop(0))
            self.in_flight += 1

    def room(self) -> bool:
        return all(
            self.in_flight + sum(answer + span > self.now for answer in self.answers) < limit
            for limit, span in self.limits
        )

    @rule(how_many=st.integers(1, 8))
    def ask(self, how_many: int) -> None:
        self.queue += [self.loop.create_task(self.limiter.acquire()) for _ in range(how_many)]
        self.settle()

    @precondition(lambda self: self.in_flight > 0)
    @rule(counted=st.booleans())
    def end(self, counted: bool) -> None:
        self.step(self.release(counted))
        self.in_flight -= 1
        if counted:
            self.answers.append(self.now)
        self.settle()

    @precondition(lambda self: self.queue)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        gone = data.draw(st.sets(st.sampled_from(range(len(self.queue))), min_size=1))
        for place in gone:
            self.queue[place].cancel()
        self.queue = [task for place, task in enumerate(self.queue) if place not in gone]
        self.settle()

    @precondition(lambda self: self.in_flight > 0 and self.queue)
    @rule(data=st.data(), counted=st.booleans())
    def leave_while_waking(self, data: st.DataObject, counted: bool) -> None:
        """End one request, and cancel some who wait, before any of those who were woken has run."""
        gone = data.draw(st.sets(st.sampled_from(range(len(self.queue))), min_size=1))
        self.step(self.release(counted, gone))
        self.in_flight -= 1
        if counted:
            self.answers.append(self.now)
        self.queue = [task for place, task in enumerate(self.queue) if place not in gone]
        self.settle()

    @rule(seconds=st.integers(1, 700))
    def wait(self, seconds: int) -> None:
        end = self.now + seconds
        drops = {answer + span for answer in self.answers for _, span in self.limits}
        for moment in [*sorted(drop for drop in drops if self.now < drop < end), end]:
            passing = moment - self.now
            self.now = moment
            self.step(asyncio.sleep(passing))
            self.settle()

    @invariant()
    def agrees_with_the_model(self) -> None:
        if hasattr(self, "limiter"):
            assert self.limiter.in_flight == self.in_flight
            assert self.limiter.waiting == len(self.queue)
            assert all(task.done() and not task.cancelled() for task in self.admitted)
            assert not any(task.done() for task in self.queue)
            assert self.limiter._timer.is_set <= bool(self.queue)


TestLimiterMachine = LimiterMachine.TestCase
TestLimiterMachine.settings = settings(examples(60), stateful_step_count=25)


class Traffic:
    """Somebody else's requests on the token: a wait in seconds, and how many requests follow it."""

    @staticmethod
    def even(rate: int) -> Iterator[tuple[float, int]]:
        return itertools.repeat((MINUTE / rate, 1))

    @staticmethod
    def bursts(size: int, every: float, first: float) -> Iterator[tuple[float, int]]:
        return itertools.chain([(first, size)], itertools.repeat((every, size)))

    @staticmethod
    def random(rate: int) -> Iterator[tuple[float, int]]:
        generator = random.Random(1)
        return ((generator.expovariate(rate / MINUTE), 1) for _ in itertools.count())


@pytest.mark.parametrize("latency", [0.05, 2.0])
@pytest.mark.parametrize(
    ("traffic", "share"),
    [
        pytest.param(lambda: Traffic.even(50), 0.08, id="half of the minute, evenly"),
        pytest.param(lambda: Traffic.random(50), 0.08, id="half of the minute, at random"),
        pytest.param(lambda: Traffic.bursts(50, 60.0, 0.0), 0.08, id="half of the minute, in bursts that come first"),
        pytest.param(lambda: Traffic.bursts(50, 60.0, 30.0), 0.08, id="half of the minute, in bursts between ours"),
        pytest.param(lambda: Traffic.bursts(4, 5.0, 1.0), 0.08, id="half of the minute, in small bursts"),
        pytest.param(lambda: Traffic.bursts(100, 120.0, 10.0), 0.15, id="all of each other minute"),
        pytest.param(lambda: Traffic.even(8), 0.08, id="little"),
        pytest.param(lambda: Traffic.even(150), 0.15, id="more than there is"),
    ],
)
def test_beside_another_client_nothing_is_lost_and_few_are_refused(
    traffic: Callable[[], Iterator[tuple[float, int]]], share: float, latency: float
) -> None:
    refusals = run(_beside(traffic(), latency, per_minute=100, calls=800))
    assert max(refusals) <= 3
    assert sum(refusals) <= share * (800 + sum(refusals))


async def _beside(traffic: Iterator[tuple[float, int]], latency: float, *, per_minute: int, calls: int) -> list[int]:
    """Do calls until each has got through; return how often each was refused."""
    here = world(per_minute, 10**6)
    loop = asyncio.get_running_loop()
    slots = asyncio.Semaphore(per_minute * 2 // 5)  # as a session has 100 connections for 250 requests

    async def attempt() -> bool:
        async with slots:
            await here.limiter.acquire()
            await asyncio.sleep(latency)
            if admitted := here.service.arrive():
                here.limiter.succeeded(None)
            else:
                here.limiter.refused(here.service.used(MINUTE)[0] + MINUTE - loop.time())
            here.limiter.release(counted=admitted)
            return admitted

    async def call() -> int:
        refusals = 0
        while not await attempt():
            refusals += 1
        return refusals

    async def others() -> None:
        for wait, size in traffic:
            await asyncio.sleep(wait)
            for _ in range(size):
                here.service.arrive()

    other_client = asyncio.create_task(others())
    refusals = await asyncio.gather(*(call() for _ in range(calls)))
    other_client.cancel()
    return refusals


@EXAMPLES
@given(
    data=st.data(),
    steps=st.lists(
        st.sampled_from(["succeeded", "refused", "refused-hour", "lost", "wait", "remaining"]), min_size=1, max_size=40
    ),
)
def test_whatever_the_service_says_a_permit_comes_within_the_hour(data: st.DataObject, steps: list[str]) -> None:
    """A server that lies, refuses at random and jumps its clock can slow a client down, never stop it."""
    seconds = st.floats(-1e12, 1e12) | st.none()

    async def check() -> None:
        here = world(3, 6)
        loop = asyncio.get_running_loop()
        say: dict[str, Callable[[], None]] = {
            "succeeded": lambda: here.limiter.succeeded(None),
            "remaining": lambda: here.limiter.succeeded(data.draw(st.integers(0, 10**9))),
            "refused": lambda: here.limiter.refused(data.draw(st.floats(0, 1e12))),
            "refused-hour": lambda: here.limiter.refused(None, data.draw(seconds)),
            "lost": lambda: None,
        }
        for step in steps:
            if step == "wait":
                await asyncio.sleep(data.draw(st.floats(0, 100)))
                continue
            start = loop.time()
            await here.limiter.acquire()
            assert loop.time() - start <= 2 * HOUR
            say[step]()
            here.limiter.release(counted="refused" not in step)
        assert (here.limiter.in_flight, here.limiter.waiting) == (0, 0)

    run(check())
