"""Memory of `bulk` over a long lazy input: it must not grow with the number of items."""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any, Final

from asyncdbaas import bulk
from benchmarks.canned_server import serving
from benchmarks.child import ROOT
from benchmarks.measure import rss
from benchmarks.peers import Client, ours
from benchmarks.report import Figure, Report, Table

__all__ = ["run"]

LIMIT: Final = 250
# `settle` keeps an outcome for each item, so that its calls return None here.
WAYS: Final = ("as_completed", "settle")


def run(*, quick: bool) -> Report:
    """Measure real creates over HTTP, each way in a process of its own, once by RSS and once by tracemalloc."""
    items, ways = (2_000, WAYS[:1]) if quick else (100_000, WAYS)
    with serving() as url:
        found = {(way, how): _grown(url, way, how, items) for way in ways for how in ("rss", "tracemalloc")}
    rows = [[way, *(f"{found[way, how] / 2**20:.2f}" for how in ("rss", "tracemalloc"))] for way in ways]
    notes = [f"{items} creates from a generator, limit={LIMIT}; growth after the first {4 * LIMIT} have ended"]
    columns = ["way", "RSS, MiB", "Python objects, MiB"]
    return Report(
        scenario="bulk",
        tables=[Table(title="growth of peak memory over a long bulk", columns=columns, rows=rows, notes=notes)],
        figures=[
            Figure(name=f"bulk.{way} of {items}: growth ({how})", value=grown / 2**20, unit="MiB", target=20)
            for (way, how), grown in found.items()
        ],
        data={f"{way} {how}": grown for (way, how), grown in found.items()},
    )


def _grown(url: str, way: str, how: str, items: int) -> int:
    command = [sys.executable, "-m", "benchmarks.bulk", url, way, how, str(items)]
    answer: int = json.loads(subprocess.run(command, check=True, capture_output=True, cwd=ROOT).stdout)
    return answer


class _Gauge:
    """Watches the peak of memory from when the first calls have ended."""

    def __init__(self, how: str, items: int) -> None:
        self._read: Callable[[], int] = rss if how == "rss" else _traced
        self._left = items
        self._start = items - 4 * LIMIT
        self._base = 0
        self.grown = 0

    def count(self) -> None:
        """Note that a call has ended; look at every fiftieth, since looking takes time."""
        self._left -= 1
        if self._left == self._start:
            self._base = self._read()
        elif self._left < self._start and self._left % 50 == 0:
            self.grown = max(self.grown, self._read() - self._base)


def _traced() -> int:
    return tracemalloc.get_traced_memory()[0]


async def _work(url: str, way: str, how: str, items: int) -> int:
    gauge = _Gauge(how, items)
    async with ours(url, 64) as client:
        await {"as_completed": _as_completed, "settle": _settle}[way](client, gauge, items)
    return gauge.grown


def _names(items: int) -> Iterator[str]:
    return (f"topic-{number}" for number in range(items))


async def _as_completed(client: Client, gauge: _Gauge, items: int) -> None:
    async for _ in bulk.as_completed(client.create, _names(items), limit=LIMIT):
        gauge.count()


async def _settle(client: Client, gauge: _Gauge, items: int) -> None:
    async def call(name: str) -> None:
        await client.create(name)
        gauge.count()

    await bulk.settle(call, _names(items), limit=LIMIT)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("url", "way", "how"):
        parser.add_argument(name)
    parser.add_argument("items", type=int)
    arguments: Any = parser.parse_args()
    if arguments.how == "tracemalloc":
        tracemalloc.start()
    print(asyncio.run(_work(arguments.url, arguments.way, arguments.how, arguments.items)))
