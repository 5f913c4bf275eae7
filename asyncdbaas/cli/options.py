"""Options that several commands share. What they stand for is imported when a command runs, not before."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import click

from asyncdbaas.cli.terminal import safe

if TYPE_CHECKING:
    from asyncdbaas.cli.catalogues import Sources
    from asyncdbaas.cli.connect import Connection
    from asyncdbaas.cli.planning import Costs
    from asyncdbaas.plan import Names, Prune

__all__ = [
    "FILE",
    "FORMATS",
    "INPUT",
    "TIME_SCALE",
    "catalogue_files",
    "choosing",
    "clusters_option",
    "connected",
    "format_option",
    "once",
    "planning",
    "variables_option",
    "verbose",
    "writing",
]

Command = Callable[..., Any]
_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
FORMATS: Final = ("table", "markdown", "json")
_CATALOGUE_FORMATS: Final = ("yaml", "json", "csv")
FILE: Final = click.Path(path_type=Path, dir_okay=False)


class _Once(click.Option):
    """An option that can be given once: click takes the last of several without a word."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Make the parser collect all values."""
        self.multiple = not self.is_flag
        try:
            super().add_to_parser(parser, ctx)
        finally:
            self.multiple = False

    def consume_value(self, ctx: click.Context, opts: Mapping[str, Any]) -> tuple[Any, Any]:
        """Take the only value."""
        found = opts.get(self.name or "")
        if not isinstance(found, list):
            return super().consume_value(ctx, opts)
        values = cast("Sequence[Any]", found)
        if len(values) > 1:
            message = f"{self.opts[-1]} can be passed once, not {len(values)} times"
            raise click.BadOptionUsage(self.opts[-1], message, ctx)
        return super().consume_value(ctx, {**opts, self.name or "": values[0]})


class _Input(click.Path):
    """A file, folder or pattern to read. As a Path an empty name, of a script's unset variable, would be the folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("the name of a file must not be empty", param, ctx)
        return super().convert(value, param, ctx)


# What an emulator's clock takes.
TIME_SCALE: Final = click.FloatRange(min=0.001, max=1e9)
INPUT: Final = _Input(path_type=Path, allow_dash=True)
once: Final = partial(click.option, cls=_Once)
"""Declare an option that can be given once."""


class _SafeFormatter(logging.Formatter):
    """Log lines hold names and messages of the service."""

    def format(self, record: logging.LogRecord) -> str:
        return safe(super().format(record))


def log_requests(_: click.Context, __: click.Parameter, is_wanted: bool) -> None:
    """Log each request to standard error, if that is wanted."""
    logger = logging.getLogger("asyncdbaas")
    if is_wanted and logger.level != logging.DEBUG:
        handler = logging.StreamHandler()
        handler.setFormatter(_SafeFormatter("%(asctime)s %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)


verbose: Final = partial(
    click.option,
    "-v",
    "--verbose",
    is_flag=True,
    expose_value=False,
    callback=log_requests,
    help="Log each request to standard error.",
)


def connected(command: Command) -> Command:
    """Add the options that name the service to a command, as a `Connection`."""

    @click.option("--emulator", is_flag=True, help="Use a local emulator, started for this command; needs no account.")
    @once(
        "--api-url", metavar="URL", help="Address of the service. Default: DIGITALOCEAN_API_URL, else DigitalOcean's."
    )
    @once("--time-scale", type=TIME_SCALE, help="How fast an emulator's time runs.")
    @verbose()
    @wraps(command)
    def wrapper(emulator: bool, api_url: str | None, time_scale: float | None, **others: Any) -> Any:
        from asyncdbaas.cli.connect import Connection

        connection: Connection = Connection(emulator=emulator, api_url=api_url, time_scale=time_scale)
        return command(connection=connection, **others)

    return wrapper


format_option: Final = once(
    "--format", "style", type=click.Choice(FORMATS), default=FORMATS[0], show_default=True, help="Output format."
)


clusters_option: Final = click.option(
    "--cluster",
    "clusters",
    metavar="NAME|ID",
    multiple=True,
    help="Only this cluster; entries that name no cluster go to it. May be repeated.",
)


def _variables(_: click.Context, __: click.Parameter, given: Sequence[str]) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in given]
    for name, mark, _value in pairs:
        if not name or not mark:
            raise click.BadOptionUsage("--var", "--var takes NAME=VALUE")
    return {name: value for name, _, value in pairs}


variables_option: Final = click.option(
    "--var",
    "variables",
    metavar="NAME=VALUE",
    multiple=True,
    callback=_variables,
    help="A value for ${NAME} in FILE; others come from the environment, except secrets. May be repeated.",
)


def catalogue_files(command: Command) -> Command:
    """Add the catalogues to read, and their options, to a command, as `Sources`."""

    @click.argument("files", metavar="FILE...", nargs=-1, required=True, type=INPUT)
    @once(
        "--input-format",
        type=click.Choice(_CATALOGUE_FORMATS),
        default="yaml",
        show_default=True,
        help="Format of standard input (FILE -).",
    )
    @variables_option
    @wraps(command)
    def wrapper(files: tuple[Path, ...], input_format: str, variables: Mapping[str, str], **others: Any) -> Any:
        from asyncdbaas.cli.catalogues import Sources

        sources = Sources(files=files, input_format=input_format, variables=variables)
        return command(sources=sources, **others)

    return wrapper


def writing(command: Command) -> Command:
    """Add the options for the catalogue to write to a command, as `Output`."""

    @once("-o", "--out", type=FILE, help="A new file; the format follows from its suffix.")
    @click.option("--force", is_flag=True, help="Let --out overwrite a file.")
    @once(
        "--format",
        "suffix",
        type=click.Choice(_CATALOGUE_FORMATS),
        default="yaml",
        show_default=True,
        help="Format of standard output, and of a file without a suffix.",
    )
    @wraps(command)
    def wrapper(out: Path | None, force: bool, suffix: str, **others: Any) -> Any:
        from asyncdbaas.cli.catalogues import Output

        return command(output=Output(path=out, overwrite=force, suffix=suffix), **others)

    return wrapper


def choosing(command: Command) -> Command:
    """Add the options that choose objects by name to a command, as `Names`."""

    @click.option("--only", metavar="GLOB", multiple=True, help="Only objects whose names match. May be repeated.")
    @click.option(
        "--except", "exclude", metavar="GLOB", multiple=True, help="No objects whose names match. May be repeated."
    )
    @wraps(command)
    def wrapper(only: tuple[str, ...], exclude: tuple[str, ...], **others: Any) -> Any:
        from asyncdbaas.plan import Names

        return command(names=Names(only=only, exclude=exclude), **others)

    return wrapper


def _reading(command: Command) -> Command:
    """Add the options that limit how many settings a plan reads to a command, as `Costs`."""

    @once(
        "--settings",
        type=click.Choice(("all", "none")),
        default="all",
        show_default=True,
        help="Settings to read: one request for each topic. Without them partitions and replication are compared.",
    )
    @click.option(
        "--since",
        type=click.Path(path_type=Path, exists=True),
        multiple=True,
        help="An earlier version of FILE: read settings only of topics whose entry differs in it. May be repeated.",
    )
    @once("--cache", type=FILE, help="Remember clusters and settings in this file.")
    @once("--max-age", metavar="AGE", default="24h", show_default=True, help="Read again what is older: 90m, 24h, 7d.")
    @once("--max-reads", type=click.IntRange(min=0), help="With --cache: read at most this many, the stalest first.")
    @wraps(command)
    def wrapper(
        settings: str,
        since: tuple[Path, ...],
        cache: Path | None,
        max_age: str,
        max_reads: int | None,
        **others: Any,
    ) -> Any:
        from asyncdbaas.cli.planning import Costs

        if cache is None and max_reads is not None:
            raise click.UsageError("--max-reads needs --cache: it limits how many settings are read again")
        costs = Costs(settings=settings, since=since, cache=cache, max_age=_seconds(max_age), max_reads=max_reads)
        return command(costs=costs, **others)

    return wrapper


def _seconds(text: str) -> float:
    """Read an age such as `24h`."""
    number, unit = text[:-1], _UNITS.get(text[-1:])
    if unit is None or not number.isdecimal():
        raise click.BadParameter(f"{text!r} is not an age: write a number and s, m, h or d", param_hint="--max-age")
    return float(number) * unit


def _pruning(command: Command) -> Command:
    """Add the options that permit deletions to a command, as a `Prune`."""

    @click.option("--prune", is_flag=True, help="Delete objects that no FILE lists; needs --prefix.")
    @once("--prefix", help="With --prune: only objects whose names begin with this.")
    @click.option(
        "--prune-kind",
        "kinds",
        type=click.Choice(("topic", "user", "schema")),
        multiple=True,
        default=("topic",),
        show_default=True,
        help="With --prune: kinds of objects to delete. May be repeated.",
    )
    @once("--max-deletes", type=int, help="With --prune: refuse to delete more than this. Default 10.")
    @wraps(command)
    def wrapper(prune: bool, prefix: str | None, kinds: tuple[str, ...], max_deletes: int | None, **others: Any) -> Any:
        return command(prune=_permission(prune, prefix, kinds, max_deletes), **others)

    return wrapper


def _permission(prune: bool, prefix: str | None, kinds: tuple[str, ...], max_deletes: int | None) -> Prune | None:
    import attrs

    from asyncdbaas.plan import Prune

    if not prune:
        if prefix is not None or max_deletes is not None:
            raise click.UsageError("--prefix and --max-deletes need --prune: they limit what it deletes")
        return None
    if not prefix:
        raise click.UsageError("--prune needs --prefix: only objects whose names begin with it are deleted")
    made = Prune(prefix=prefix, kinds=kinds)
    return made if max_deletes is None else attrs.evolve(made, max_deletes=max_deletes)


def planning(command: Command) -> Command:
    """Add the options that say what to plan to a command, as `Request`."""

    @catalogue_files
    @clusters_option
    @choosing
    @_reading
    @_pruning
    @wraps(command)
    def wrapper(
        sources: Sources, clusters: tuple[str, ...], names: Names, costs: Costs, prune: Prune | None, **others: Any
    ) -> Any:
        from asyncdbaas.cli.planning import Request

        request = Request(sources=sources, clusters=clusters, names=names, prune=prune, costs=costs)
        return command(request=request, **others)

    return wrapper
