"""`asyncdbaas clusters`: see them, and wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import click

from asyncdbaas.cli.connect import Connection, demo_world
from asyncdbaas.cli.options import connected, json_option
from asyncdbaas.cli.printing import Printer
from asyncdbaas.cli.progress import Tally
from asyncdbaas.cli.running import working
from asyncdbaas.clusters import Cluster, list_clusters
from asyncdbaas.plan.resolving import named_cluster
from asyncdbaas.session import AsyncSession
from asyncdbaas.waiters import Event, StateSeen, Waiters

__all__ = ["clusters"]


@click.group()
def clusters() -> None:
    """Clusters of all engines."""


@clusters.command(name="list")
@click.option("--tag", help="Only those with this tag.")
@connected
@json_option
def list_command(*, tag: str | None, connection: Connection, as_json: bool) -> None:
    """List the clusters.

    \b
    Examples:
      asyncdbaas clusters list
      asyncdbaas clusters list --json | jq -r '.[].id'
    """
    with working(connection, demo_world) as worker:
        found = worker.run(lambda session: list_clusters(session, tag_name=tag), Tally())
    Printer(as_json=as_json).clusters(found)


@clusters.command()
@click.argument("names", metavar="NAME|ID...", nargs=-1, required=True)
@click.option("--deleted", is_flag=True, help="Wait until they are gone, not until they are online.")
@click.option("--size", help="Wait until they have this size, too; give it after a resize.")
@click.option("--nodes", type=int, help="Wait until they have so many nodes, too; give it after a resize.")
@click.option("--region", help="Wait until they are in this region, too; give it after a migration.")
@click.option("--interval", type=float, default=10.0, show_default=True, help="Seconds between two requests.")
@click.option("--timeout", type=float, default=1800.0, show_default=True, help="Seconds after which to give up.")
@connected
@json_option
def wait(
    *,
    names: tuple[str, ...],
    deleted: bool,
    size: str | None,
    nodes: int | None,
    region: str | None,
    interval: float,
    timeout: float,
    connection: Connection,
    as_json: bool,
) -> None:
    """Wait until clusters are online; all of them share one request a round.

    Exit code 1 if one vanishes, or the time is up.

    \b
    Examples:
      asyncdbaas clusters wait events
      asyncdbaas clusters wait events --size db-s-4vcpu-8gb --nodes 6
      asyncdbaas clusters wait old-events --deleted
    """

    async def step(session: AsyncSession) -> list[Cluster | None]:
        scale = connection.scale
        ids = await _ids(session, names)
        tell = _teller(dict(zip(ids, names, strict=True)))
        waiters = Waiters(session, interval=interval / scale, timeout=timeout / scale, on_event=tell)
        if deleted:
            return await asyncio.gather(*(waiters.cluster_deleted(cluster_id) for cluster_id in ids))
        return await asyncio.gather(
            *(waiters.cluster_online(cluster_id, size=size, num_nodes=nodes, region=region) for cluster_id in ids)
        )

    with working(connection, demo_world) as worker:
        found = worker.run(step, Tally())
    Printer(as_json=as_json).clusters([cluster for cluster in found if cluster is not None])


async def _ids(session: AsyncSession, names: tuple[str, ...]) -> list[str]:
    there = await list_clusters(session)
    return [named_cluster(there, name).id for name in names]


def _teller(names: Mapping[str, str]) -> Callable[[Event], None]:
    """Return a function that tells of a cluster's states under the name that the user gave it."""

    def tell(event: Event) -> None:
        if isinstance(event, StateSeen):
            key = event.what.removeprefix("cluster ")
            name = names.get(key, key)
            strange = "" if event.is_known else ", a state that this version does not know,"
            click.echo(f"{name}: {event.state}{strange} after {event.seconds:.0f} s", err=True)

    return tell
