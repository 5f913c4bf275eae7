"""One timer for many deadlines: each ends its own block, at its own time, and nothing else."""

from __future__ import annotations

import asyncio

import pytest
from virtual_time import virtual

from asyncdbaas._core.deadlines import Deadlines


def deadlines(seconds: float) -> Deadlines:
    return Deadlines(seconds, asyncio.get_running_loop())


async def hang() -> None:
    await asyncio.get_running_loop().create_future()


async def limited(owner: Deadlines, starts: float, seconds: float | None = None) -> float:
    """Return how long a block lasts that begins at some time and never ends by itself."""
    await asyncio.sleep(starts)
    began = asyncio.get_running_loop().time()
    with pytest.raises(TimeoutError), owner.start(seconds):
        await hang()
    return asyncio.get_running_loop().time() - began


@virtual
async def test_each_block_has_the_same_time_from_its_own_beginning() -> None:
    owner = deadlines(5.0)
    lasted = await asyncio.gather(*(limited(owner, starts) for starts in (0.0, 1.0, 1.0, 4.0, 12.0)))
    assert lasted == pytest.approx([5.0] * 5)
    assert not owner.running


@virtual
async def test_blocks_with_a_timeout_of_their_own_end_after_that_time_whatever_else_runs() -> None:
    owner = deadlines(5.0)
    own = [(0.0, 9.0), (1.0, 0.5), (1.0, None), (2.0, 5.0), (2.5, 30.0)]
    lasted = await asyncio.gather(*(limited(owner, starts, seconds) for starts, seconds in own))
    assert lasted == pytest.approx([9.0, 0.5, 5.0, 5.0, 30.0])
    assert not owner.running


@virtual
async def test_a_block_that_ends_in_time_leaves_those_after_it_their_time() -> None:
    owner = deadlines(5.0)
    late = asyncio.create_task(limited(owner, 2.0))
    with owner.start() as early:
        await asyncio.sleep(4.0)
    assert not early.passed
    assert await late == pytest.approx(5.0)


@virtual
async def test_ending_all_spares_no_block_and_keeps_no_timer() -> None:
    owner = deadlines(5.0)
    both = [asyncio.create_task(limited(owner, starts)) for starts in (0.0, 1.0)]
    await asyncio.sleep(2.0)
    owner.expire_all()
    assert await asyncio.gather(*both) == pytest.approx([2.0, 1.0])
    assert owner.timer is None or owner.timer.cancelled()


@virtual
async def test_without_an_end_there_is_no_timer() -> None:
    owner = deadlines(float("inf"))
    with owner.start():
        assert owner.timer is None


@virtual
async def test_a_cancellation_by_somebody_else_stays_one() -> None:
    owner = deadlines(5.0)

    async def block() -> None:
        with owner.start():
            await hang()

    task = asyncio.create_task(block())
    await asyncio.sleep(1.0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert not owner.running


@virtual
async def test_a_cancellation_in_the_moment_of_the_deadline_is_not_lost() -> None:
    owner = deadlines(5.0)

    async def block() -> None:
        with owner.start():
            await hang()

    task = asyncio.create_task(block())
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_at(min(each.due for each in owner.running), task.cancel)
    await asyncio.wait([task])
    assert task.cancelled()


@virtual
async def test_an_error_in_the_moment_of_the_deadline_is_the_one_raised() -> None:
    owner = deadlines(5.0)

    async def break_down() -> None:
        try:
            await hang()
        except asyncio.CancelledError:
            raise KeyError("broken") from None

    with pytest.raises(KeyError), owner.start():
        await break_down()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


@virtual
async def test_a_block_inside_another_ends_alone() -> None:
    outer, inner = deadlines(5.0), deadlines(1.0)
    with outer.start() as around:
        with pytest.raises(TimeoutError), inner.start():
            await hang()
        await asyncio.sleep(1.0)
    assert not around.passed
    with pytest.raises(TimeoutError), outer.start(), deadlines(10.0).start() as within:
        await hang()
    assert not within.passed


def test_a_deadline_needs_a_task() -> None:
    loop = asyncio.new_event_loop()
    try:
        owner = Deadlines(5.0, loop)
        failures: list[Exception] = []

        def start() -> None:
            try:
                owner.start()
            except RuntimeError as error:
                failures.append(error)

        loop.call_soon(start)
        loop.call_soon(loop.stop)
        loop.run_forever()
        assert str(failures[0]) == "a call must be made inside a task"
    finally:
        loop.close()


@virtual
async def test_a_timeout_of_its_own_ends_with_the_block() -> None:
    owner = deadlines(5.0)
    with owner.start(2.0) as deadline:
        await asyncio.sleep(1.0)
    await asyncio.sleep(5.0)
    assert not deadline.passed


@virtual
async def test_a_block_that_all_were_ended_with_is_not_cancelled_a_second_time() -> None:
    owner = deadlines(5.0)
    asyncio.get_running_loop().call_later(1.0, owner.expire_all)

    async def end_slowly() -> None:
        try:
            await hang()
        finally:
            await asyncio.sleep(5.0)

    with pytest.raises(TimeoutError), owner.start(2.0):
        await end_slowly()
