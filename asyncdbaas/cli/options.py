"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import attrs
import click

from asyncdbaas.cli.connect import Connection
from asyncdbaas.plan import Prune

__all__ = ["Selection", "connected", "json_option", "selecting"]

Command = Callable[..., Any]


@attrs.frozen(kw_only=True)
class Selection:
    """What topics a user wants, and which may go."""

    files: tuple[Path, ...]
    cluster: str | None
    prune: Prune | None


def connected(command: Command) -> Command:
    """Give a command the options that say where the service is, as a `Connection`."""

    @click.option("--emulator", is_flag=True, help="Use a local emulator, started for this command; needs no account.")
    @click.option("--api-url", metavar="URL", help="Address of the service, else DIGITALOCEAN_API_URL.")
    @click.option("--time-scale", type=click.FloatRange(min=0, min_open=True), help="How fast an emulator's time runs.")
    @wraps(command)
    def wrapper(emulator: bool, api_url: str | None, time_scale: float | None, **others: Any) -> Any:
        connection = Connection(emulator=emulator, api_url=api_url, time_scale=time_scale)
        return command(connection=connection, **others)

    return wrapper


def selecting(command: Command) -> Command:
    """Give a command the arguments that say which topics it is about, as a `Selection`."""

    @click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
    @click.option("--cluster", metavar="NAME|ID", help="For topics that name no cluster; of the others, only its own.")
    @click.option("--prune", is_flag=True, help="Delete topics that no FILE names; needs --prefix.")
    @click.option("--prefix", help="With --prune: only topics whose names begin with this.")
    @click.option("--max-deletes", type=int, help="With --prune: refuse to delete more than this. Default 10.")
    @wraps(command)
    def wrapper(
        files: tuple[Path, ...],
        cluster: str | None,
        prune: bool,
        prefix: str | None,
        max_deletes: int | None,
        **others: Any,
    ) -> Any:
        rails = _rails(prune, prefix, max_deletes)
        return command(selection=Selection(files=files, cluster=cluster, prune=rails), **others)

    return wrapper


def json_option(command: Command) -> Command:
    """Give a command the option to print JSON on a terminal, too."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON; off a terminal that is the default.")(
        command
    )


def _rails(prune: bool, prefix: str | None, max_deletes: int | None) -> Prune | None:
    if not prune:
        if prefix is not None or max_deletes is not None:
            raise click.UsageError("--prefix and --max-deletes say what --prune may delete; give it, too")
        return None
    if not prefix:
        raise click.UsageError("--prune needs --prefix: it deletes topics, so it must be told which ones may go")
    return Prune(prefix=prefix) if max_deletes is None else Prune(prefix=prefix, max_deletes=max_deletes)
