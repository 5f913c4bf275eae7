"""CPU time of one create, against the same call written by hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Final, TypeAlias

import aiohttp

from .canned_server import serving
from .measure import Contender, Timings, interleave
from .peers import Create, bare, ours
from .report import Figure, Report, Table

__all__ = ["run"]

IN_FLIGHT: Final = (1, 8, 64, 256)
Open: TypeAlias = Callable[[str, int], AbstractAsyncContextManager[Create]]
CLIENTS: Final[Mapping[str, Open]] = {"asyncdbaas": ours, "bare aiohttp": bare}


def run(*, quick: bool) -> Report:
    """Measure creates by plain `gather`, with 1 to 256 in flight."""
    calls, rounds = (100, 3) if quick else (500, 60)
    with serving() as url:
        found = {in_flight: asyncio.run(_measure(url, in_flight, calls, rounds)) for in_flight in IN_FLIGHT}
    rows = [_row(in_flight, timings, busy) for in_flight, (timings, busy) in found.items()]
    columns = ["in flight", "asyncdbaas us", "bare us", "ratio (quartiles)", "wall us", "bare wall us", "server busy"]
    notes = [f"{calls} creates a sample, {rounds} samples each, in turn; server busy: its CPU time over wall time"]
    ratio = found[64][0].ratio("asyncdbaas", "bare aiohttp")
    return Report(
        scenario="cpu",
        tables=[Table(title="client CPU per create", columns=columns, rows=rows, notes=notes)],
        figures=[
            Figure(name="CPU per create over bare aiohttp, 64 in flight", value=ratio, unit="x", target=1.15, stretch=1)
        ],
        data={str(in_flight): _data(timings) for in_flight, (timings, _) in found.items()},
    )


def _row(in_flight: int, timings: Timings, busy: float) -> list[str]:
    return [
        str(in_flight),
        f"{timings.cpu_us('asyncdbaas'):.0f}",
        f"{timings.cpu_us('bare aiohttp'):.0f}",
        timings.spread("asyncdbaas", "bare aiohttp"),
        f"{timings.wall_us('asyncdbaas'):.0f}",
        f"{timings.wall_us('bare aiohttp'):.0f}",
        f"{busy:.0%}",
    ]


def _data(timings: Timings) -> dict[str, float]:
    return {name: timings.cpu_us(name) for name in timings.samples}


async def _measure(url: str, in_flight: int, calls: int, rounds: int) -> tuple[Timings, float]:
    async with AsyncExitStack() as stack:
        clients = {name: await stack.enter_async_context(open_(url, in_flight)) for name, open_ in CLIENTS.items()}
        before, start = await _server_cpu(url), time.perf_counter()
        timings = await interleave(
            {name: _fan_out(create, calls, in_flight) for name, create in clients.items()}, rounds=rounds, calls=calls
        )
        return timings, (await _server_cpu(url) - before) / (time.perf_counter() - start)


def _fan_out(create: Create, calls: int, in_flight: int) -> Contender:
    async def one_by_one() -> None:
        for number in range(calls):
            await create(f"topic-{number}")

    async def all_at_once() -> None:
        await asyncio.gather(*(create(f"topic-{number}") for number in range(calls)))

    return one_by_one if in_flight == 1 else all_at_once


async def _server_cpu(url: str) -> float:
    async with aiohttp.ClientSession() as http, http.get(f"{url}/_cpu") as response:
        return float(await response.text())
