"""Client and service in one world, seed by seed; see `invariants.py` for what must hold in each."""

from __future__ import annotations

import hashlib
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from simulate import report, simulate

from asyncdbaas import RateLimiter
from asyncdbaas.ratelimit.windows import NEVER

pytestmark = pytest.mark.unobserved

# How many run with the other tests; `.ci/run` runs 1,000, `simulate.py` as many as you like.
SEEDS = 48
BLOCKS = 12


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Leave out the emulator's complaints about clients that go away in the middle of a response."""
    caplog.set_level(logging.CRITICAL, "aiohttp.server")


@pytest.mark.parametrize("block", range(BLOCKS))
def test_no_seed_breaks_an_invariant(block: int, request: pytest.FixtureRequest) -> None:
    one: int | None = request.config.getoption("--seed", default=None)
    count: int = request.config.getoption("--seeds", default=None) or SEEDS
    seeds = range(block, count, BLOCKS) if one is None else [one] if block == 0 else []
    uvloop = bool(request.config.getoption("--uvloop", default=False))
    broken = [report(run) for run in (simulate(seed, uvloop=uvloop) for seed in seeds) if run.problems]
    assert not broken, "\n\n".join(broken)


def test_seeds_run_on_uvloop_too() -> None:
    pytest.importorskip("uvloop")
    broken = [report(run) for run in (simulate(seed, uvloop=True) for seed in range(SEEDS // 8)) if run.problems]
    assert not broken, "\n\n".join(broken)


class SkippingLimiter(RateLimiter):
    """A limiter that reads the clock again to set its timer, and skips what is due by then, as it once did."""

    def _advance(self, now: float) -> None:
        super()._advance(now)
        if not self._queue:
            return
        quota, later = self._quota, self._clock()
        opens = [window.responses[0] + window.span for window in (quota.minute, quota.hour) if window.responses]
        times = (quota.paused_until, quota._probe_at, *opens)
        self._timer.set(NEVER, later)
        self._timer.set(min((when for when in times if when > later), default=NEVER), later)


@pytest.mark.parametrize("uvloop", [False, True], ids=["asyncio", "uvloop"])
def test_the_seeds_notice_a_limiter_that_reads_the_clock_twice(*, uvloop: bool) -> None:
    """The first few that are drawn for it do; `.ci/run` runs a hundred of them on asyncio and thirty on uvloop."""
    if uvloop:
        pytest.importorskip("uvloop")
    runs = [simulate(seed, uvloop=uvloop, make_limiter=SkippingLimiter) for seed in range(9, SEEDS, 10)]
    assert any("would admit one" in problem for run in runs for problem in run.problems)


def test_a_seed_replays_exactly_also_in_another_process() -> None:
    seeds = 5
    here = [line for seed in range(seeds) for line in simulate(seed).trace]
    again = [line for seed in range(seeds) for line in simulate(seed).trace]
    assert here == again
    command = [sys.executable, str(Path(__file__).with_name("simulate.py")), "--seeds", str(seeds), "--trace"]
    elsewhere = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    assert _digest(elsewhere[:-1]) == _digest(here)


def _digest(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@pytest.mark.long
def test_the_seeds_meet_every_kind_of_trouble() -> None:
    """What is never drawn is never tested."""
    runs = [simulate(seed) for seed in range(40)]
    drawn = [run.scenario for run in runs]
    assert {scenario.profile for scenario in drawn} == {"calm", "uneven", "stormy"}
    assert any(scenario.other_clients for scenario in drawn)
    assert any(scenario.closes_at for scenario in drawn)
    assert any(scenario.borrowed for scenario in drawn)
    assert {scenario.timers for scenario in drawn} == {"exact", "off", "jumpy"}
    lines = [line for run in runs for line in run.trace]
    for word in (" 429 ", " 412 ", "CancelledError", "RequestTimeoutError", "reset", "SessionStateError", "201"):
        assert any(word in line for line in lines), word
