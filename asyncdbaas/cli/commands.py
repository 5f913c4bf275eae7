"""The command line's root."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import click
from click.shell_completion import get_completion_class

from asyncdbaas.catalogue import CatalogueError
from asyncdbaas.cli.clusters import clusters
from asyncdbaas.cli.emulator import emulator
from asyncdbaas.cli.printing import refuse
from asyncdbaas.cli.topics import INTERRUPTED, topics
from asyncdbaas.errors import DBaaSError
from asyncdbaas.plan import PlanError

__all__ = ["root", "run"]

_NAME = "asyncdbaas"


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 2 changes are pending, 1 anything else.

    Without arguments it takes those of the process.
    """
    try:
        code = root.main(arguments, prog_name=_NAME, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return 1
    except (CatalogueError, PlanError) as error:
        return refuse(error.problems)
    except DBaaSError as error:
        click.echo(f"error: {error}", err=True)
        return 1
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    return code if isinstance(code, int) else 0


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name=_NAME)
@click.option("-v", "--verbose", is_flag=True, help="Log each request on the error output.")
def root(verbose: bool) -> None:
    """Work with DigitalOcean's Managed Databases; the token is read from DIGITALOCEAN_TOKEN.

    Every command takes --emulator to be tried without an account.
    """
    if verbose:
        logging.basicConfig(format="%(asctime)s %(message)s")
        logging.getLogger(_NAME).setLevel(logging.DEBUG)


@root.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that lets a shell complete commands and options.

    \b
    Examples:
      asyncdbaas completion bash >> ~/.bashrc
      asyncdbaas completion fish > ~/.config/fish/completions/asyncdbaas.fish
    """
    found = get_completion_class(shell)
    if found is not None:
        click.echo(found(root, {}, _NAME, "_ASYNCDBAAS_COMPLETE").source())


for command in (topics, clusters, emulator):
    root.add_command(command)
