"""The commands."""

from __future__ import annotations

from pathlib import Path

import click

from asyncdbaas.catalogue import CatalogueError, read_catalogue
from asyncdbaas.errors import DBaaSError
from asyncdbaas.session import AsyncSession

from .apply import INTERRUPTED, apply_catalogue, refuse

__all__ = ["root", "run"]


def run() -> int:
    """Run the command line and return its exit code."""
    try:
        code = root.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return 1
    except click.Abort:
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except DBaaSError as error:
        click.echo(f"error: {error}", err=True)
        return 1
    return code if isinstance(code, int) else 0


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="asyncdbaas")
def root() -> None:
    """Work with DigitalOcean's Managed Databases. The token is read from DIGITALOCEAN_TOKEN."""


@root.group()
def topics() -> None:
    """Kafka topics, by catalogue."""


@topics.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--cluster", metavar="NAME|UUID", help="The cluster, for topics that name none; else chooses one of them."
)
@click.option("--emulator", is_flag=True, help="Try it on a local emulator, with no account and no token.")
@click.option(
    "--api-url",
    envvar="DIGITALOCEAN_API_URL",
    default="https://api.digitalocean.com",
    show_default=True,
    help="Another address of the service.",
)
def apply(file: Path, cluster: str | None, emulator: bool, api_url: str) -> int:
    r"""Create the topics of the catalogue FILE (.yaml, .json or .csv) that do not exist.

    Nothing is changed or deleted. Exit code 0 if every topic of the file exists afterwards, 1 if not.

    \b
    Examples:
      asyncdbaas topics apply topics.yaml --emulator
      asyncdbaas topics apply topics.yaml --cluster events
    """
    try:
        catalogue = read_catalogue(file)
    except CatalogueError as error:
        return refuse(error)
    session = None if emulator else AsyncSession(base_url=api_url)
    return apply_catalogue(catalogue, cluster, session)
