"""CPU time of one create in a fan-out of 10,000 by a single `gather`."""

from __future__ import annotations

from benchmarks import cpu
from benchmarks.peers import bare, ours
from benchmarks.report import Report

__all__ = ["run"]


def run(*, quick: bool) -> Report:
    """Measure fan-outs with 1 to 256 in flight; the thousands that wait are part of it."""
    calls, rounds = (200, 2) if quick else (10_000, 12)
    found = cpu.measure({"asyncdbaas": ours, "bare aiohttp": bare}, calls, rounds)
    at_64 = next(one.timings for one in found if one.in_flight == 64)
    return Report(
        scenario="fanout",
        tables=[cpu.table(f"client CPU per create in a fan-out of {calls}", found)],
        figures=cpu.figures(f"create of {calls}", at_64),
        data={str(one.in_flight): {name: one.timings.cpu_us(name) for name in one.timings.samples} for one in found},
    )
