"""The rate-limit windows, and the clock that they go by."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncdbaas.emulator import Clock, Emulator
from asyncdbaas.emulator.limits import TokenLimits

MINUTE: Final = 60.0
HOUR: Final = 3600.0


@given(
    gaps=st.lists(st.sampled_from([0.0, 1.0, 7.0, 30.0, 59.0, 60.0, 61.0, 600.0, 3600.0]), max_size=80),
    per_minute=st.integers(1, 4),
    per_hour=st.integers(1, 12),
)
def test_a_request_is_admitted_exactly_if_both_windows_have_room(
    gaps: list[float], per_minute: int, per_hour: int
) -> None:
    clock = Clock.stepped(epoch=0)
    limits = TokenLimits(clock, per_minute, per_hour)
    admitted: list[float] = []
    for gap in gaps:
        clock.advance(seconds=gap)
        now = clock.now()
        minute, hour = ([at for at in admitted if at > now - span] for span in (MINUTE, HOUR))
        verdict = limits.arrive()
        assert verdict.admitted == (len(minute) < per_minute and len(hour) < per_hour)
        burst = len(hour) < per_hour and len(minute) >= per_minute
        assert verdict.headers.get("retry-after") == (str(int(minute[0] + MINUTE - now)) if burst else None)
        if verdict.admitted:
            admitted.append(now)
            hour.append(now)
        assert verdict.headers["ratelimit-remaining"] == str(per_hour - len(hour) if verdict.admitted else 0)
        assert verdict.headers["ratelimit-reset"] == str(int(hour[0] + HOUR))
        assert verdict.headers["ratelimit-limit"] == str(per_hour)


@given(scale=st.floats(0.5, 1000), wait=st.floats(0.001, 60))
def test_waiting_for_the_stated_time_is_enough_at_any_scale(scale: float, wait: float) -> None:
    source = [0.0]
    clock = Clock(scale, source=lambda: source[0], epoch=0)
    limits = TokenLimits(clock, 1, 10)
    limits.arrive()
    source[0] += (MINUTE - wait) / scale
    refused = limits.arrive()
    if not refused.admitted:
        source[0] += float(refused.headers["retry-after"])
        assert limits.arrive().admitted


def test_every_token_has_windows_of_its_own() -> None:
    emulator = Emulator(clock=Clock.stepped(), per_minute=1)
    for token in (emulator.token, emulator.add_token()):
        headers = {"authorization": f"bearer {token}"}
        assert [emulator.handle("GET", "/v2/databases", headers).status for _ in range(2)] == [200, 429]


def test_unknown_routes_and_errors_are_counted_and_refusals_are_not() -> None:
    emulator = Emulator(clock=Clock.stepped(), per_hour=3)
    headers = {"authorization": f"Bearer {emulator.token}"}
    paths = ("/nothing", "/v2/databases/x", "/v2/databases", "/v2/databases")
    answers = [emulator.handle("GET", path, headers) for path in paths]
    assert [answer.status for answer in answers] == [404, 404, 200, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    anonymous = emulator.handle("GET", "/v2/databases", {})
    assert (anonymous.status, anonymous.headers["ratelimit-remaining"]) == (401, "3")


def test_a_scaled_clock_runs_as_much_faster_and_headers_have_the_clients_time() -> None:
    source = [100.0]
    clock = Clock(60, source=lambda: source[0], epoch=1000)
    source[0] += 1
    assert clock.now() == 1060
    assert clock.wall_span(60) == 1
    assert clock.wall_time(1060 + 120) == 1003
    clock.advance(hours=1)
    assert clock.now() == 4660
    assert clock.wall_time(4660) == 1001


def test_any_function_can_be_the_time() -> None:
    seconds = [5.0]
    emulator = Emulator(clock=lambda: seconds[0], time_scale=10)
    before = emulator.clock.now()
    seconds[0] += 2
    assert emulator.clock.now() == pytest.approx(before + 20)


def test_the_clock_cannot_go_back_nor_leave_the_calendar() -> None:
    clock = Clock.stepped()
    for seconds in (-1, 1e12, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="only go forward"):
            clock.advance(seconds=seconds)
    with pytest.raises(ValueError, match="must be from 0 to"):
        Clock(-1)


def test_a_change_of_scale_lets_no_time_jump() -> None:
    source = [100.0]
    clock = Clock(60, source=lambda: source[0], epoch=1000)
    source[0] += 1
    clock.set_scale(0)
    assert clock.now() == 1060
    source[0] += 1
    assert clock.now() == 1060
    clock.set_scale(2)
    source[0] += 1
    assert (clock.now(), clock.wall_time(1062)) == (1062, 1003)
    for scale in (-1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="scale must be from 0 to"):
            clock.set_scale(scale)


async def test_a_sleeper_goes_by_the_new_scale() -> None:
    source = [0.0]
    clock = Clock(0.001, source=lambda: source[0])
    sleeping = asyncio.create_task(clock.sleep(10))
    await asyncio.sleep(0)
    source[0] += 1
    clock.set_scale(20)
    source[0] += 1
    await sleeping


async def test_a_sleeper_on_a_stepped_clock_wakes_when_it_is_time_and_can_be_cancelled() -> None:
    clock = Clock.stepped()
    early, late = asyncio.create_task(clock.sleep(10)), asyncio.create_task(clock.sleep(20))
    await asyncio.sleep(0)
    await asyncio.to_thread(clock.advance, seconds=10)
    await early
    assert not late.done()
    late.cancel()
    with pytest.raises(asyncio.CancelledError):
        await late
    clock.advance(seconds=100)
    await clock.sleep(0)
