"""Make many calls at once, with a bound on those in flight and an outcome for each.

    created = await bulk.map_all(lambda topic: topics.create_topic(session, cluster_id, topic), wanted)

A plain `asyncio.gather` over the endpoint functions is just as safe, because the session paces every call. Use this
module if there are too many items to start at once, or if each failure matters.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from itertools import islice
from typing import Final, TypeVar

from asyncdbaas._checks import check_count, kind_of
from asyncdbaas.errors import DBaaSError, InvalidInputError

__all__ = ["as_completed", "map_all", "settle"]

Item = TypeVar("Item")
Result = TypeVar("Result")

# The quota of a minute. More calls in flight would only wait.
_LIMIT: Final = 250


async def map_all(
    function: Callable[[Item], Awaitable[Result]], items: Iterable[Item], *, limit: int = _LIMIT
) -> list[Result]:
    """Call a function for each item and return the results in the order of the items.

    At most `limit` calls run at once. The first failure cancels them, starts no more, and is raised.
    """
    results: dict[int, Result] = {}
    async with aclosing(_outcomes(function, items, limit)) as outcomes:
        async for index, _, outcome in outcomes:
            if isinstance(outcome, DBaaSError):
                raise outcome
            results[index] = outcome
    return [results[index] for index in range(len(results))]


async def settle(
    function: Callable[[Item], Awaitable[Result]], items: Iterable[Item], *, limit: int = _LIMIT
) -> list[Result | DBaaSError]:
    """Call a function for each item and return every outcome, in the order of the items.

    At most `limit` calls run at once. An outcome is a result or a DBaaSError. Any other exception, such as a
    cancellation or a bug, cancels the rest and is raised.
    """
    async with aclosing(_outcomes(function, items, limit)) as outcomes:
        settled = {index: outcome async for index, _, outcome in outcomes}
    return [settled[index] for index in range(len(settled))]


async def as_completed(
    function: Callable[[Item], Awaitable[Result]], items: Iterable[Item], *, limit: int = _LIMIT
) -> AsyncGenerator[tuple[Item, Result | DBaaSError], None]:
    """Call a function for each item and yield each item with its outcome, in the order in which the calls end.

    At most `limit` items are taken from the iterable at a time, so a generator of a million items needs the memory of
    `limit` calls. Leaving the loop early cancels the running calls; inside `contextlib.aclosing(...)` it also waits for
    them to end.
    """
    async with aclosing(_outcomes(function, items, limit)) as outcomes:
        async for _, item, outcome in outcomes:
            yield item, outcome


async def _outcomes(
    function: Callable[[Item], Awaitable[Result]], items: Iterable[Item], limit: int
) -> AsyncGenerator[tuple[int, Item, Result | DBaaSError], None]:
    _check(function, items, limit)

    async def call(index: int, item: Item) -> tuple[int, Item, Result | DBaaSError]:
        try:
            return index, item, await function(item)
        except DBaaSError as error:
            return index, item, error

    def finish(task: asyncio.Task[tuple[int, Item, Result | DBaaSError]]) -> None:
        running.discard(task)
        finished.append(task)
        arrival.set()

    numbered = enumerate(items)
    running: set[asyncio.Task[tuple[int, Item, Result | DBaaSError]]] = set()
    finished: deque[asyncio.Task[tuple[int, Item, Result | DBaaSError]]] = deque()
    arrival = asyncio.Event()
    try:
        while True:
            for index, item in islice(numbered, min(limit, sys.maxsize) - len(running)):
                task = asyncio.create_task(call(index, item))
                running.add(task)
                task.add_done_callback(finish)
            if not running and not finished:
                return
            await arrival.wait()
            arrival.clear()
            while finished:
                yield finished.popleft().result()
    finally:
        for task in running:
            task.cancel()
        # Also those that have ended: asyncio logs an exception that nobody retrieves.
        await asyncio.gather(*running, *finished, return_exceptions=True)


def _check(function: object, items: object, limit: int) -> None:
    if not callable(function):
        raise InvalidInputError(f"function must be a function of one item, not {kind_of(function)}")
    if not isinstance(items, Iterable):
        raise InvalidInputError(f"items must be iterable, not {kind_of(items)}")
    check_count(limit, "limit")
