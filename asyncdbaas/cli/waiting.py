"""`clusters list` and `clusters wait`: list clusters, and wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from asyncdbaas._core.http import cluster_segment
from asyncdbaas.cli.connect import Connection, prepare_demo
from asyncdbaas.cli.printing import Printer
from asyncdbaas.cli.progress import Progress
from asyncdbaas.cli.running import working
from asyncdbaas.cli.terminal import note
from asyncdbaas.clusters import Cluster, list_clusters
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.plan.resolving import named_cluster
from asyncdbaas.session import AsyncSession
from asyncdbaas.waiters import StateSeen, Waiters, WaitEvent

__all__ = ["show_clusters", "wait_for"]


def show_clusters(tag: str | None, connection: Connection, *, style: str) -> int:
    """Print the clusters."""
    with working(connection, prepare_demo) as worker:
        found = worker.run(lambda session: list_clusters(session, tag_name=tag), Progress())
    Printer(style).clusters(found)
    return 0


def wait_for(
    names: tuple[str, ...],
    connection: Connection,
    *,
    style: str,
    deleted: bool,
    interval: float,
    timeout: float,
    **wanted: Any,
) -> int:
    """Wait until clusters are online and have the wanted size, nodes and region, or are deleted; print them."""
    scale = connection.scale

    async def step(session: AsyncSession) -> list[Cluster | None]:
        ids = await _ids(session, names)
        report = _reporter(dict(zip(ids, names, strict=True)))
        waiters = Waiters(session, interval=interval / scale, timeout=timeout / scale, on_event=report)
        wait = waiters.cluster_deleted if deleted else partial(waiters.cluster_online, **wanted)
        return await asyncio.gather(*map(wait, ids))

    with working(connection, prepare_demo) as worker:
        found = worker.run(step, Progress())
    Printer(style).clusters([cluster for cluster in found if cluster is not None])
    return 0


async def _ids(session: AsyncSession, names: tuple[str, ...]) -> list[str]:
    """Return the ids of clusters. One given by its id may be new, and not listed yet, or deleted already."""
    found = [] if all(map(_is_id, names)) else await list_clusters(session)
    return [name if _is_id(name) else named_cluster(found, name).id for name in names]


def _is_id(name: str) -> bool:
    try:
        return bool(cluster_segment(name))
    except InvalidInputError:
        return False


def _reporter(names: Mapping[str, str]) -> Callable[[WaitEvent], None]:
    """Return a function that prints a cluster's states, under the name that the user gave it."""

    def report(event: WaitEvent) -> None:
        if isinstance(event, StateSeen):
            key = event.what.removeprefix("cluster ")
            name = names.get(key, key)
            unknown = "" if event.is_known else ", a state that this version does not know,"
            note(f"{name}: {event.state}{unknown} after {event.seconds:.0f} s")

    return report
