"""What `topics apply` does."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Final

import click
from rich.console import Console

from asyncdbaas.catalogue import Catalogue, CatalogueError
from asyncdbaas.plan import Result, create_missing, find_cluster, list_cluster_refs, resolve
from asyncdbaas.session import AsyncSession
from asyncdbaas.types import UNSET

from .connect import open_emulated
from .progress import Tally, print_summary, shown

__all__ = ["INTERRUPTED", "apply_catalogue", "refuse"]

INTERRUPTED: Final = 130  # what a shell makes of SIGINT
_EMULATED_NAME: Final = "events"


def apply_catalogue(catalogue: Catalogue, cluster: str | None, session: AsyncSession | None) -> int:
    """Create what is missing, tell about it, and return the exit code; without a session it uses an emulator."""
    tally = Tally()
    if session is None and cluster is None and any(topic.cluster is None for topic in catalogue.topics):
        cluster = _EMULATED_NAME
    opened = _emulate(catalogue, cluster) if session is None else session
    try:
        asyncio.run(_run(opened, catalogue, cluster, tally))
    except CatalogueError as error:
        return refuse(error)
    except KeyboardInterrupt:
        print_summary(tally, Console())
        click.echo("Interrupted. What was on its way may exist, too; the same command finishes the rest.", err=True)
        return INTERRUPTED
    print_summary(tally, Console())
    return int(any(outcome.result is Result.FAILED for outcome in tally.outcomes))


def refuse(error: CatalogueError) -> int:
    """Print all problems of a catalogue and return the exit code."""
    click.echo(str(error), err=True)
    count = len(error.problems)
    click.echo(f"{count} problem{'s' * (count > 1)}; nothing was sent that changes anything.", err=True)
    return 1


async def _run(
    opened: AbstractAsyncContextManager[AsyncSession], catalogue: Catalogue, cluster: str | None, tally: Tally
) -> None:
    async with opened as session:
        clusters = await list_cluster_refs(session)
        chosen = None if cluster is None else find_cluster(clusters, cluster)
        targets = resolve(catalogue, clusters, chosen=chosen)
        tally.begin(sum(len(target.topics) for target in targets), session.rate_limiter)
        async with shown(tally, Console(stderr=True)):
            async for outcome in create_missing(session, targets):
                tally.outcomes.append(outcome)


def _emulate(catalogue: Catalogue, cluster: str | None) -> AbstractAsyncContextManager[AsyncSession]:
    names = {topic.cluster for topic in catalogue.topics} | {cluster}
    factors = [topic.topic.replication_factor for topic in catalogue.topics]
    replicas = max((factor for factor in factors if factor is not UNSET), default=0)
    return open_emulated(sorted(name for name in names if name is not None), replicas)
