"""CPU time of long lists: 10,000 topics, and 200 clusters with all that a cluster can have."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Final

from benchmarks.canned_server import serving
from benchmarks.measure import Contender, Timings, interleave
from benchmarks.peers import CLIENTS, Client
from benchmarks.report import Figure, Report, Table

__all__ = ["run"]

LISTS: Final[Mapping[str, Callable[[Client], Awaitable[object]]]] = {
    "10,000 topics": lambda client: client.list_topics(),
    "200 clusters": lambda client: client.list_clusters(),
}


def run(*, quick: bool) -> Report:
    """Fetch and decode each list with each client."""
    with serving() as url:
        found = {what: asyncio.run(_measure(url, fetch, 2 if quick else 30)) for what, fetch in LISTS.items()}
    return Report(
        scenario="lists",
        tables=[
            Table(
                title="client CPU per list, fetched and decoded (pydo.aio: into plain dictionaries)",
                columns=["list, client", "CPU ms", "over bare (quartiles)", "wall ms"],
                rows=[_row(what, name, timings) for what, timings in found.items() for name in CLIENTS],
                notes=[f"medians of {found['200 clusters'].rounds} samples of one call for each client, taken in turn"],
            )
        ],
        figures=[
            Figure(
                name=f"CPU per list of {what} over bare aiohttp",
                value=timings.ratio("asyncdbaas", "bare aiohttp"),
                unit="x",
            )
            for what, timings in found.items()
        ],
        data={what: {name: timings.cpu_us(name) for name in CLIENTS} for what, timings in found.items()},
    )


def _row(what: str, name: str, timings: Timings) -> list[str]:
    cpu, wall = timings.cpu_us(name) / 1000, timings.wall_us(name) / 1000
    return [f"{what}, {name}", f"{cpu:.2f}", timings.spread(name, "bare aiohttp"), f"{wall:.2f}"]


async def _measure(url: str, fetch: Callable[[Client], Awaitable[object]], rounds: int) -> Timings:
    async with AsyncExitStack() as stack:
        opened = {name: await stack.enter_async_context(open_(url, 1)) for name, open_ in CLIENTS.items()}
        return await interleave({name: _once(fetch, client) for name, client in opened.items()}, rounds=rounds, calls=1)


def _once(fetch: Callable[[Client], Awaitable[object]], client: Client) -> Contender:
    async def work() -> None:
        await fetch(client)

    return work
