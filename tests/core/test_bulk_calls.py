"""bulk: order, laziness, first failures, outcomes, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_time import run, virtual

from asyncdbaas import ConflictError, DBaaSError, InvalidInputError, bulk


def conflict(item: int) -> ConflictError:
    return ConflictError(f"item {item}", status=409, method="POST", path="/v2/x")


class Calls:
    """A function to call for each item, that knows how its calls went."""

    def __init__(self, seconds: float = 1.0, failing: frozenset[int] = frozenset(), error: Any = conflict) -> None:
        self.started: list[int] = []
        self.cancelled: list[int] = []
        self.running = self.peak = 0
        self._seconds, self._failing, self._error = seconds, failing, error

    async def __call__(self, item: int) -> int:
        self.started.append(item)
        self.running += 1
        self.peak = max(self.peak, self.running)
        try:
            await asyncio.sleep(self._seconds)
        except asyncio.CancelledError:
            self.cancelled.append(item)
            raise
        finally:
            self.running -= 1
        if item in self._failing:
            raise self._error(item)
        return item * 10


def assert_nothing_left() -> None:
    assert asyncio.all_tasks() == {asyncio.current_task()}


def watch_unretrieved() -> list[dict[str, Any]]:
    """Collect the event loop's reports of exceptions that nobody retrieved."""
    seen: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: seen.append(context))
    return seen


@settings(max_examples=40, deadline=None)
@given(n=st.integers(0, 40), limit=st.integers(1, 50), seed=st.integers())
def test_results_come_in_the_order_of_the_items_whatever_the_order_of_their_ends(n: int, limit: int, seed: int) -> None:
    async def check() -> None:
        waits = random.Random(seed)
        peak = running = 0

        async def call(item: int) -> int:
            nonlocal peak, running
            running += 1
            peak = max(peak, running)
            await asyncio.sleep(waits.random())
            running -= 1
            return -item

        expected = [-item for item in range(n)]
        assert await bulk.map_all(call, range(n), limit=limit) == expected
        assert await bulk.settle(call, range(n), limit=limit) == expected
        assert peak == min(n, limit)
        assert_nothing_left()

    run(check())


@virtual
async def test_all_calls_within_the_limit_run_at_once() -> None:
    calls = Calls()
    start = asyncio.get_running_loop().time()
    await bulk.map_all(calls, range(250))
    assert asyncio.get_running_loop().time() - start == 1
    assert calls.peak == 250


@virtual
async def test_a_generator_is_never_taken_further_ahead_than_the_limit() -> None:
    taken = given_back = ahead = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for item in range(100_000):
            taken += 1
            yield item

    async def call(item: int) -> int:
        await asyncio.sleep(0)
        return item

    outcomes = cast("AsyncGenerator[tuple[int, Any], None]", bulk.as_completed(call, items(), limit=100))
    async with aclosing(outcomes):
        async for item, outcome in outcomes:
            assert item == outcome
            ahead = max(ahead, taken - given_back)
            given_back += 1
    assert (taken, given_back) == (100_000, 100_000)
    assert ahead <= 100
    assert_nothing_left()


@virtual
async def test_the_first_failure_cancels_the_rest_and_is_raised_as_itself() -> None:
    calls = Calls(failing=frozenset({2}))

    async def call(item: int) -> int:
        if item == 2:
            return await calls(item)
        await asyncio.sleep(0 if item == 0 else 5)
        return await calls(item)

    with pytest.raises(ConflictError, match="item 2") as caught:
        await bulk.map_all(call, iter(range(1000)), limit=5)
    assert type(caught.value) is ConflictError
    assert max(calls.started) < 20
    assert_nothing_left()


@virtual
async def test_a_failure_starts_no_more_and_cancels_those_under_way() -> None:
    calls = Calls(failing=frozenset({0}))

    async def call(item: int) -> int:
        return await (calls(item) if item == 0 else Calls.__call__(slow, item))

    slow = Calls(seconds=100.0)
    with pytest.raises(ConflictError):
        await bulk.map_all(call, range(10), limit=4)
    assert sorted(slow.cancelled) == slow.started == [1, 2, 3]
    assert slow.running == 0
    assert_nothing_left()


@virtual
async def test_settle_returns_every_failure_as_a_value() -> None:
    outcomes = await bulk.settle(Calls(failing=frozenset({1, 3})), range(5), limit=2)
    assert [outcome for outcome in outcomes if not isinstance(outcome, DBaaSError)] == [0, 20, 40]
    assert [str(outcome) for outcome in outcomes if isinstance(outcome, ConflictError)] == [
        str(conflict(1)),
        str(conflict(3)),
    ]
    assert isinstance(outcomes[1], ConflictError)


@pytest.mark.parametrize("collect", [bulk.map_all, bulk.settle])
@pytest.mark.parametrize("error", [KeyError, ValueError, asyncio.CancelledError])
@virtual
async def test_a_bug_or_a_cancellation_is_raised_and_cancels_the_rest(collect: Any, error: Any) -> None:
    unretrieved = watch_unretrieved()
    calls = Calls(failing=frozenset({3}), error=error)
    with pytest.raises(error):
        await collect(calls, range(100), limit=4)
    assert len(calls.started) == 4
    assert_nothing_left()
    await asyncio.sleep(1)
    assert unretrieved == []


@pytest.mark.parametrize("collect", [bulk.map_all, bulk.settle])
@virtual
async def test_of_several_bugs_at_once_one_is_raised_and_none_is_logged(collect: Any) -> None:
    unretrieved = watch_unretrieved()
    with pytest.raises(ValueError, match=r"^\d$"):
        await collect(Calls(failing=frozenset(range(10)), error=ValueError), range(10))
    assert_nothing_left()
    await asyncio.sleep(1)
    assert unretrieved == []


@pytest.mark.parametrize("collect", [bulk.map_all, bulk.settle])
@virtual
async def test_cancelling_it_cancels_every_call(collect: Any) -> None:
    calls = Calls(seconds=100.0)
    task = asyncio.create_task(collect(calls, range(100), limit=10))
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(calls.cancelled) == list(range(10))
    assert_nothing_left()


@pytest.mark.parametrize("collect", [bulk.map_all, bulk.settle])
@virtual
async def test_what_the_items_raise_is_raised_and_cancels_every_call(collect: Any) -> None:
    def items() -> Iterator[int]:
        yield from range(3)
        raise LookupError("the file ended")

    calls = Calls(seconds=100.0)
    with pytest.raises(LookupError, match="the file ended"):
        await collect(calls, items())
    assert calls.running == 0
    assert_nothing_left()


@pytest.mark.parametrize("limit", [0, -1])
@pytest.mark.parametrize("collect", [bulk.map_all, bulk.settle])
@virtual
async def test_a_limit_below_one_is_refused(collect: Any, limit: int) -> None:
    calls = Calls()
    with pytest.raises(InvalidInputError, match="limit must be at least 1"):
        await collect(calls, range(3), limit=limit)
    assert calls.started == []


@virtual
async def test_outcomes_come_as_they_end_with_their_items() -> None:
    async def call(item: int) -> int:
        await asyncio.sleep(item)
        if item == 2:
            raise conflict(item)
        return item

    seen = [(item, type(outcome)) async for item, outcome in bulk.as_completed(call, [3, 1, 2])]
    assert seen == [(1, int), (2, ConflictError), (3, int)]


async def leave_by_break(outcomes: AsyncIterator[Any]) -> None:
    async for _ in outcomes:
        break
    del outcomes
    await asyncio.sleep(1)  # the event loop closes a generator that nobody holds


async def leave_by_closing(outcomes: AsyncIterator[Any]) -> None:
    await anext(outcomes)
    await cast("AsyncGenerator[Any, None]", outcomes).aclose()


async def leave_by_an_error(outcomes: AsyncIterator[Any]) -> None:
    async def consume(outcomes: AsyncIterator[Any]) -> None:
        async with aclosing(cast("AsyncGenerator[Any, None]", outcomes)):
            async for _ in outcomes:
                raise LookupError

    with pytest.raises(LookupError):
        await consume(outcomes)


async def leave_by_cancellation(outcomes: AsyncIterator[Any]) -> None:
    async def consume() -> None:
        async for _ in outcomes:
            pass

    task = asyncio.create_task(consume())
    await asyncio.sleep(5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("leave", [leave_by_break, leave_by_closing, leave_by_an_error, leave_by_cancellation])
@virtual
async def test_leaving_early_cancels_the_calls_under_way(leave: Any) -> None:
    slow = Calls(seconds=100.0)

    async def call(item: int) -> int:
        return item if item == 0 else await slow(item)

    await leave(bulk.as_completed(call, range(100), limit=5))
    assert slow.running == 0
    assert len(slow.cancelled) >= 4
    assert_nothing_left()


@virtual
async def test_failures_that_nobody_retrieves_are_not_logged() -> None:
    unretrieved = watch_unretrieved()
    calls = Calls(seconds=0.0, failing=frozenset(range(1, 10)), error=ValueError)
    await leave_by_closing(bulk.as_completed(calls, range(10)))
    await asyncio.sleep(1)
    assert unretrieved == []
    assert_nothing_left()


@virtual
async def test_a_consumer_that_is_slow_gets_every_outcome_once() -> None:
    seen: list[int] = []
    async for item, _ in bulk.as_completed(Calls(), range(30), limit=7):
        await asyncio.sleep(2.5)
        seen.append(item)
    assert sorted(seen) == list(range(30))


@pytest.mark.parametrize("collect", [bulk.map_all, bulk.settle])
@pytest.mark.parametrize(
    ("function", "items", "limit", "message"),
    [
        (None, [1], 5, "function must be a function of one item, not None"),
        (Calls(), 5, 5, "items must be iterable, not int"),
        (Calls(), [1], "5", "limit must be an integer, not str"),
        (Calls(), [1], 0, "limit must be at least 1, not 0"),
    ],
)
async def test_wrong_arguments_are_rejected_by_name(
    collect: Any, function: Any, items: Any, limit: Any, message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        await collect(function, items, limit=limit)


async def test_a_limit_beyond_any_number_of_items_is_no_limit() -> None:
    assert await bulk.map_all(Calls(0.0), range(3), limit=10**30) == await bulk.map_all(Calls(0.0), range(3))
