"""`asyncdbaas topics`: catalogues of Kafka topics."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Final

import click

from asyncdbaas.catalogue import (
    Catalogue,
    CatalogueError,
    CatalogueTopic,
    Problem,
    catalogue_schema,
    parse_catalogue,
    read_catalogue,
    write_catalogue,
)
from asyncdbaas.catalogue.reading import decode_catalogue
from asyncdbaas.cli.connect import Connection, catalogue_world, demo_world, saved_world
from asyncdbaas.cli.options import Selection, connected, json_option, selecting
from asyncdbaas.cli.printing import Printer, forecast_line, refuse
from asyncdbaas.cli.progress import Tally
from asyncdbaas.cli.running import Worker, working
from asyncdbaas.clusters import ClusterStatus, Engine, list_clusters
from asyncdbaas.emulator import Emulator
from asyncdbaas.plan import (
    Action,
    OnConflict,
    Plan,
    Report,
    export,
    export_into,
    find_cluster,
    forecast,
    load_plan,
    look,
    plan_topics,
    refresh,
    resolve,
    save_plan,
)
from asyncdbaas.plan import apply as apply_plan
from asyncdbaas.plan import differences as compare_topic
from asyncdbaas.session import AsyncSession

__all__ = ["INTERRUPTED", "topics"]

INTERRUPTED: Final = 130  # what a shell makes of SIGINT
_PENDING: Final = 2
_EMULATED_NAME: Final = "events"
_MOST_NAMES: Final = 10
# What stands near the start of a saved plan, and of nothing else.
_PLAN_MARK: Final = b'"asyncdbaas-plan/'
# Seconds between two looks, and for which a topic may stand in its own way.
_INTERVAL: Final = 5.0
_PATIENCE: Final = 300.0

Planner = Callable[[AsyncSession], Coroutine[Any, Any, Plan]]


@click.group()
def topics() -> None:
    """Kafka topics, by catalogue: files that say which topics there should be."""


@topics.command()
@selecting
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Save the plan, for `topics apply`.")
@connected
@json_option
def plan(*, selection: Selection, connection: Connection, out: Path | None, as_json: bool) -> int:
    """Show what `apply` would do, without doing it.

    FILE is a catalogue: .yaml, .json or .csv. Exit code 0 if there is nothing to do, 2 if there is, 1 if it is refused.

    \b
    Examples:
      asyncdbaas topics plan topics.yaml --cluster events
      asyncdbaas topics plan topics.yaml --prune --prefix staging. --out plan.json
    """
    planner, prepare = _planner(selection, connection)
    with working(connection, prepare) as worker:
        return _show(worker.run(planner, Tally()), worker, Printer(as_json=as_json), out)


@topics.command()
@selecting
@click.option("--dry-run", is_flag=True, help="Show the plan only, as `topics plan` does.")
@click.option("--yes", is_flag=True, help="Change and delete existing topics without asking.")
@click.option("--wait", is_flag=True, help="Go on until the topics are active, with all their partitions.")
@click.option(
    "--on-conflict",
    type=click.Choice([choice.value for choice in OnConflict]),
    default=OnConflict.FAIL.value,
    show_default=True,
    help="For a topic that somebody else creates meanwhile, with other settings.",
)
@connected
@json_option
def apply(
    *,
    selection: Selection,
    connection: Connection,
    dry_run: bool,
    yes: bool,
    wait: bool,
    on_conflict: str,
    as_json: bool,
) -> int:
    """Create and change the topics of clusters so that they are as FILE says.

    FILE is a catalogue (.yaml, .json or .csv), or a plan that `topics plan --out` saved. Nothing is ever deleted but
    with --prune. Exit code 0 if everything is as FILE says, 1 if not.

    \b
    Examples:
      asyncdbaas topics apply topics.yaml --emulator
      asyncdbaas topics apply topics.yaml --cluster events --yes
      asyncdbaas topics apply plan.json
    """
    planner, prepare = _planner(selection, connection)
    printer = Printer(as_json=as_json)
    with working(connection, prepare) as worker:
        made = worker.run(planner, Tally())
        if dry_run or made.problems:
            return _show(made, worker, printer, None)
        _ask(made, printer, is_agreed=yes or connection.emulator)
        return _carry_out(made, worker, printer, connection, wait=wait, on_conflict=OnConflict(on_conflict))


@topics.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--cluster", metavar="NAME|ID", help="For topics that name no cluster; of the others, only its own.")
@connected
@json_option
def diff(*, files: tuple[Path, ...], cluster: str | None, connection: Connection, as_json: bool) -> int:
    """Compare FILE with what there is, in both directions.

    Unlike `plan` it shows the topics that FILE does not name, too. Exit code 0 if there is no difference, 2 if there
    is one.

    \b
    Example:
      asyncdbaas topics diff topics.yaml --cluster events
    """
    catalogue = _read(files)
    chosen = _default_cluster(catalogue, cluster, connection)
    with working(connection, catalogue_world(catalogue, chosen)) as worker:
        found = worker.run(lambda session: _compare(session, catalogue, chosen), Tally())
    Printer(as_json=as_json).differences(found)
    return _PENDING if found else 0


@topics.command(name="export")
@click.option("--cluster", "clusters", metavar="NAME|ID", multiple=True, help="May be repeated. Default: all of Kafka.")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="A new file; its suffix counts.")
@click.option("--format", "suffix", type=click.Choice(["yaml", "json", "csv"]), default="yaml", show_default=True)
@click.option(
    "--update",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A YAML catalogue: change in it only what has changed, and keep its comments.",
)
@click.option("--settings/--no-settings", default=True, help="Read the settings too: one request for each topic.")
@connected
def export_command(
    *,
    clusters: tuple[str, ...],
    connection: Connection,
    out: Path | None,
    suffix: str,
    update: Path | None,
    settings: bool,
) -> None:
    """Write the catalogue of what there is; `topics plan` finds nothing to do for it.

    \b
    Examples:
      asyncdbaas topics export --cluster events
      asyncdbaas topics export --no-settings -o topics.csv
      asyncdbaas topics export --update topics.yaml
    """
    if update is not None:
        _check_update(update, clusters, is_alone=out is None and settings)
        _update(update, next(iter(clusters), None), connection)
        return
    if out is not None and out.exists():
        raise click.UsageError(f"{out} exists; name a new file, or bring it up to date with --update")
    with working(connection, demo_world) as worker:
        catalogue = worker.run(lambda session: _export(session, clusters, settings=settings), Tally())
    if not catalogue.topics:
        raise click.ClickException("there are no topics to write down")
    text = write_catalogue(catalogue, suffix=f".{suffix}" if out is None else out.suffix.lower())
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")


def _check_update(file: Path, clusters: Sequence[str], *, is_alone: bool) -> None:
    if file.suffix.lower() not in (".yaml", ".yml"):
        raise click.UsageError(
            f"{file} holds no comments to keep, so --update is for YAML only; write a new file with -o"
        )
    if not is_alone or len(clusters) > 1:
        raise click.UsageError("--update goes with one --cluster at most, and neither with -o nor with --no-settings")


def _update(file: Path, cluster: str | None, connection: Connection) -> None:
    """Bring a catalogue up to date, whole or not at all."""
    before = file.read_bytes()
    text = decode_catalogue(before, file=str(file))
    catalogue = parse_catalogue(text, file=str(file))
    chosen = _default_cluster(catalogue, cluster, connection)
    with working(connection, catalogue_world(catalogue, chosen)) as worker:
        after = worker.run(lambda session: export_into(session, text, file=str(file), cluster=chosen), Tally())
    if file.read_bytes() != before:
        raise click.ClickException(f"{file} has been changed meanwhile, and was left as it is; try again")
    if after != text:
        _replace(file.resolve(), before.removesuffix(text.encode()) + after.encode())


def _replace(file: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        shutil.copymode(file, name)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@topics.command()
def schema() -> None:
    """Print the JSON Schema of catalogues, for editors.

    \b
    Example, with the YAML language server:
      asyncdbaas topics schema > catalogue.schema.json
      # yaml-language-server: $schema=catalogue.schema.json
    """
    click.echo(catalogue_schema(), nl=False)


def _planner(selection: Selection, connection: Connection) -> tuple[Planner, Callable[[Emulator], None]]:
    """Return what makes the plan, and what an emulator needs for it."""
    if len(selection.files) == 1 and _is_saved_plan(selection.files[0]):
        if selection.cluster is not None or selection.prune is not None:
            raise click.UsageError("a saved plan holds its clusters and what it may delete; give neither")
        saved = load_plan(selection.files[0])
        return lambda session: refresh(session, saved), saved_world(saved)
    catalogue = _read(selection.files)
    chosen = _default_cluster(catalogue, selection.cluster, connection)
    world = catalogue_world(catalogue, chosen)
    return lambda session: plan_topics(session, catalogue, cluster=chosen, prune=selection.prune), world


def _default_cluster(catalogue: Catalogue, cluster: str | None, connection: Connection) -> str | None:
    """Return the cluster to choose: on an emulator of its own, a catalogue that names none gets one."""
    nameless = all(topic.cluster is None for topic in catalogue.topics)
    return _EMULATED_NAME if connection.emulator and cluster is None and nameless else cluster


def _is_saved_plan(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return _PLAN_MARK in stream.read(256)
    except OSError:
        return False  # reading it as a catalogue says what is wrong


def _read(files: Sequence[Path]) -> Catalogue:
    """Read catalogues as one, and tell all that is wrong with any of them."""
    topics: list[CatalogueTopic] = []
    problems: list[Problem] = []
    for file in files:
        try:
            topics += read_catalogue(file).topics
        except CatalogueError as error:
            problems += error.problems
    if problems:
        raise CatalogueError(problems)
    return Catalogue(topics=tuple(topics))


def _show(made: Plan, worker: Worker, printer: Printer, out: Path | None) -> int:
    printer.plan(made, forecast(worker.session, made))
    if made.problems:
        return refuse(made.problems)
    if out is not None:
        save_plan(made, out)
    return _PENDING if made.writes else 0


def _ask(made: Plan, printer: Printer, *, is_agreed: bool) -> None:
    """Ask before existing topics are changed or deleted."""
    harm = [f"{action} {count}" for action in (Action.UPDATE, Action.DELETE) if (count := made.counts[action])]
    if is_agreed or not harm:
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.ClickException(
            f"this would {' and '.join(harm)} existing topics: look with `plan`, then give --yes"
        )
    printer.changes(made)
    click.confirm(f"{' and '.join(harm)} existing topics?", abort=True)


def _carry_out(
    made: Plan, worker: Worker, printer: Printer, connection: Connection, *, wait: bool, on_conflict: OnConflict
) -> int:
    tally = Tally()
    tally.total = len(made.changes)
    if made.writes:
        click.echo(forecast_line(forecast(worker.session, made)), err=True)

    async def step(session: AsyncSession) -> Report:
        interval, patience = _INTERVAL / connection.scale, _PATIENCE / connection.scale
        return await apply_plan(
            session,
            made,
            on_event=tally.on_event,
            on_conflict=on_conflict,
            wait=wait,
            interval=interval,
            timeout=patience,
        )

    try:
        report = worker.run(step, tally)
    except KeyboardInterrupt:
        printer.outcomes(tally.outcomes, None)
        click.echo(_interruption(tally), err=True)
        return INTERRUPTED
    printer.outcomes(report.outcomes, report)
    return int(bool(report.failures))


def _interruption(tally: Tally) -> str:
    names = [change.name for change in tally.in_doubt]
    more = "" if len(names) <= _MOST_NAMES else f" and {len(names) - _MOST_NAMES} more"
    doubt = f" These were on their way and may be done, too: {', '.join(names[:_MOST_NAMES])}{more}." if names else ""
    return f"Interrupted.{doubt} The same command finishes the rest."


async def _compare(session: AsyncSession, catalogue: Catalogue, cluster: str | None) -> list[dict[str, Any]]:
    """Return a row for each topic that is missing, extra or different."""
    targets = resolve(catalogue, await list_clusters(session), cluster=cluster)
    live = await look(session, targets)
    rows: list[dict[str, Any]] = []
    for target in targets:
        there, wanted = live[target.cluster.id], {topic.topic.name: topic.topic for topic in target.topics}
        for name in sorted(there.keys() | wanted.keys()):
            row = {"cluster": target.cluster.name, "topic": name}
            if name not in there:
                rows.append({**row, "difference": "missing"})
            elif name not in wanted:
                rows.append({**row, "difference": "extra"})
            elif changed := compare_topic(wanted[name], there[name]):
                keys = {key: {"there": value, "in_file": declared} for key, (value, declared) in changed.items()}
                rows.append({**row, "difference": "different", "keys": keys})
    return rows


async def _export(session: AsyncSession, names: Sequence[str], *, settings: bool) -> Catalogue:
    clusters = await list_clusters(session)
    unfinished = (ClusterStatus.CREATING, ClusterStatus.FORKING)
    every = [cluster.id for cluster in clusters if cluster.engine is Engine.KAFKA and cluster.status not in unfinished]
    return await export(session, [find_cluster(clusters, name) for name in names or every], settings=settings)
