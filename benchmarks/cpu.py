"""CPU time of one create, against the same call with other clients."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from typing import Any, Final

import aiohttp
import attrs

from benchmarks.canned_server import serving
from benchmarks.measure import Contender, Timings, interleave
from benchmarks.optional import optional
from benchmarks.peers import CLIENTS, Client, Open, bare, ours
from benchmarks.report import Figure, Report, Table

__all__ = ["Found", "figures", "measure", "run", "table"]

IN_FLIGHT: Final = (1, 8, 64, 256)


@attrs.frozen
class Found:
    """Measurement with one number of calls in flight."""

    in_flight: int
    timings: Timings
    server_busy: float
    """CPU time of the server over wall time: far below 1, or the server would be what is measured."""


def run(*, quick: bool) -> Report:
    """Measure creates by plain `gather`, with 1 to 256 in flight."""
    calls, rounds = (20, 2) if quick else (200, 40)
    found = measure(CLIENTS, calls, rounds)
    with_uvloop = measure(
        {"asyncdbaas": ours, "bare aiohttp": bare}, calls, rounds, (64,), run_loop=optional("uvloop").run
    )
    at_64 = next(one.timings for one in found if one.in_flight == 64)
    return Report(
        scenario="cpu",
        tables=[table("client CPU per create", found), table("the same with uvloop", with_uvloop)],
        figures=[
            *figures("create", at_64),
            Figure(
                name="CPU per create over pydo.aio, 64 in flight",
                value=at_64.ratio("asyncdbaas", "pydo.aio"),
                unit="x",
                target=0.2,
            ),
        ],
        data={str(one.in_flight): {name: one.timings.cpu_us(name) for name in CLIENTS} for one in found},
    )


def measure(
    clients: Mapping[str, Open],
    calls: int,
    rounds: int,
    in_flights: tuple[int, ...] = IN_FLIGHT,
    run_loop: Callable[[Coroutine[Any, Any, Found]], Found] = asyncio.run,
) -> list[Found]:
    """Measure samples of a number of creates each, against a server that does next to nothing."""
    with serving() as url:
        return [run_loop(_measure(url, in_flight, clients, calls, rounds)) for in_flight in in_flights]


def table(title: str, found: list[Found]) -> Table:
    """Lay the measurements out, a row for each client and number in flight."""
    calls, rounds = found[0].timings.calls, found[0].timings.rounds
    return Table(
        title=title,
        columns=["in flight, client", "CPU us", "over bare (quartiles)", "wall us", "server busy"],
        rows=[_row(one, name) for one in found for name in one.timings.samples],
        notes=[
            f"medians of {rounds} samples of {calls} creates for each client, taken in turn",
            "server busy: CPU time of the server over wall time, all clients together; it is not the bottleneck",
        ],
    )


def figures(what: str, timings: Timings) -> list[Figure]:
    """Return the figure that has a target: against the careful hand."""
    ratio = timings.ratio("asyncdbaas", "bare aiohttp")
    name = f"CPU per {what} over bare aiohttp, 64 in flight"
    return [Figure(name=name, value=ratio, unit="x", target=1.0, stretch=0.9)]


def _row(found: Found, name: str) -> list[str]:
    timings = found.timings
    return [
        f"{found.in_flight:>3}  {name}",
        f"{timings.cpu_us(name):.0f}",
        timings.spread(name, "bare aiohttp"),
        f"{timings.wall_us(name):.0f}",
        f"{found.server_busy:.0%}",
    ]


async def _measure(url: str, in_flight: int, clients: Mapping[str, Open], calls: int, rounds: int) -> Found:
    async with AsyncExitStack() as stack:
        opened = {name: await stack.enter_async_context(open_(url, in_flight)) for name, open_ in clients.items()}
        contenders = {name: _fan_out(client, calls, in_flight) for name, client in opened.items()}
        before, start = await _server_cpu(url), time.perf_counter()
        timings = await interleave(contenders, rounds=rounds, calls=calls)
        return Found(in_flight, timings, (await _server_cpu(url) - before) / (time.perf_counter() - start))


def _fan_out(client: Client, calls: int, in_flight: int) -> Contender:
    async def one_by_one() -> None:
        for number in range(calls):
            await client.create(f"topic-{number}")

    async def all_at_once() -> Any:
        await asyncio.gather(*(client.create(f"topic-{number}") for number in range(calls)))

    return one_by_one if in_flight == 1 else all_at_once


async def _server_cpu(url: str) -> float:
    async with aiohttp.ClientSession() as http, http.get(f"{url}/_cpu") as response:
        return float(await response.text())
