"""`asyncdbaas clusters`: the commands and their options. The work is imported when a command runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from asyncdbaas.cli.options import connected, format_option, once

if TYPE_CHECKING:
    from asyncdbaas.cli.connect import Connection

__all__ = ["clusters"]


@click.group()
def clusters() -> None:
    """List clusters of all engines, and wait for them."""


@clusters.command(name="list")
@once("--tag", help="Only clusters with this tag.")
@connected
@format_option
def list_command(*, tag: str | None, connection: Connection, style: str) -> int:
    """List the clusters.

    \b
    Examples:
      asyncdbaas clusters list
      asyncdbaas clusters list --format json | jq -r '.clusters[].id'
    """
    from asyncdbaas.cli.waiting import show_clusters

    return show_clusters(tag, connection, style=style)


@clusters.command()
@click.argument("names", metavar="NAME|ID...", nargs=-1, required=True)
@click.option("--deleted", is_flag=True, help="Wait until they are gone, not until they are online.")
@once("--size", help="Wait until they have this size, too, as after a resize.")
@once(
    "--nodes",
    "num_nodes",
    type=click.IntRange(min=1),
    help="Wait until they have this number of nodes, too, as after a resize.",
)
@once("--region", help="Wait until they are in this region, too, as after a migration.")
@once("--interval", type=float, default=10.0, show_default=True, help="Seconds between two requests.")
@once("--timeout", type=float, default=1800.0, show_default=True, help="Seconds after which to give up.")
@connected
@format_option
def wait(*, names: tuple[str, ...], connection: Connection, style: str, **options: Any) -> int:
    """Wait until clusters are online.

    All of them share one request per interval. Exit code 1 if one vanishes, or the wait times out.

    \b
    Examples:
      asyncdbaas clusters wait events
      asyncdbaas clusters wait events --size db-s-4vcpu-8gb --nodes 6
      asyncdbaas clusters wait old-events --deleted
    """
    from asyncdbaas.cli.waiting import wait_for

    return wait_for(names, connection, style=style, **options)
