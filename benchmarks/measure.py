"""Time contenders side by side: A B, B A, A B ... in one process, so that noise meets all of them alike."""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import attrs

__all__ = ["Contender", "Sample", "Timings", "interleave", "rss"]

Contender = Callable[[], Awaitable[None]]
"""Does the work once."""


@attrs.frozen(kw_only=True)
class Sample:
    """Seconds for one round of work."""

    cpu: float
    wall: float


@attrs.frozen
class Timings:
    """Every contender's samples; the n-th of each was taken within the same round."""

    samples: Mapping[str, Sequence[Sample]]
    calls: int
    """How many calls one sample is made of."""

    @property
    def rounds(self) -> int:
        """How many samples each contender has."""
        return min(map(len, self.samples.values()))

    def cpu_us(self, name: str) -> float:
        """Return the median CPU time of one call, in microseconds."""
        return statistics.median(sample.cpu for sample in self.samples[name]) / self.calls * 1e6

    def wall_us(self, name: str) -> float:
        """Return the median wall time of one call, in microseconds."""
        return statistics.median(sample.wall for sample in self.samples[name]) / self.calls * 1e6

    def ratios(self, name: str, base: str) -> list[float]:
        """Return the CPU time over that of `base`, round by round, sorted."""
        return sorted(
            ours.cpu / theirs.cpu for ours, theirs in zip(self.samples[name], self.samples[base], strict=True)
        )

    def ratio(self, name: str, base: str) -> float:
        """Return the median of the ratios."""
        return statistics.median(self.ratios(name, base))

    def spread(self, name: str, base: str) -> str:
        """Show the median ratio and the quartiles around it."""
        low, middle, high = statistics.quantiles(self.ratios(name, base), n=4, method="inclusive")
        return f"{middle:.3f} ({low:.3f} - {high:.3f})"


async def interleave(contenders: Mapping[str, Contender], *, rounds: int, calls: int) -> Timings:
    """Let the contenders work in turn, each round in the other direction, after one round that does not count."""
    samples: dict[str, list[Sample]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name in list(contenders) if number % 2 else reversed(list(contenders)):
            sample = await _time(contenders[name])
            if number:
                samples[name].append(sample)
    return Timings(samples, calls)


async def _time(work: Contender) -> Sample:
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    await work()
    return Sample(cpu=time.process_time() - cpu, wall=time.perf_counter() - wall)


def rss() -> int:
    """Return this process's resident memory in bytes."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
