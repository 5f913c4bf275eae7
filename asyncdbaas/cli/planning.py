"""`kafka plan`, `kafka apply` and `kafka diff`: make plans, show them, ask, and apply them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import attrs
import click

from asyncdbaas.catalogue import Catalogue
from asyncdbaas.cli.connect import Connection, catalogue_world, saved_world
from asyncdbaas.cli.printing import Printer, forecast_line
from asyncdbaas.cli.progress import Progress
from asyncdbaas.cli.reading import Sources, plan_file, read_sources
from asyncdbaas.cli.running import Worker, working
from asyncdbaas.cli.terminal import INTERRUPTED, is_terminal, note, refuse
from asyncdbaas.clusters import list_clusters
from asyncdbaas.emulator import Emulator
from asyncdbaas.plan import (
    Action,
    OnConflict,
    Plan,
    PlanEvent,
    Prune,
    Report,
    apply,
    differences,
    forecast,
    load_plan,
    look,
    plan_topics,
    refresh,
    resolve,
    saved_plan,
)
from asyncdbaas.plan.files import OutputFile
from asyncdbaas.session import AsyncSession

__all__ = ["PENDING", "Applying", "Request", "apply_plan", "show_differences", "show_plan"]

PENDING: Final = 2
_EMULATED_NAME: Final = "events"
_MOST_NAMES: Final = 10
# Seconds between two lists, and for how long a topic may be in its own way.
_INTERVAL: Final = 5.0
_PATIENCE: Final = 300.0

OnEvent = Callable[[PlanEvent], None]
Planner = Callable[[AsyncSession, OnEvent], Coroutine[Any, Any, Plan]]


@attrs.frozen(kw_only=True)
class Request:
    """Which catalogue a command works with, for which clusters, and what it may delete."""

    sources: Sources
    clusters: tuple[str, ...]
    prune: Prune | None = None


@attrs.frozen(kw_only=True)
class Applying:
    """How a plan is applied."""

    yes: bool
    wait: bool
    on_conflict: str


@attrs.frozen(kw_only=True)
class _Planned:
    """What makes a plan, and what an emulator needs for it."""

    planner: Planner
    prepare: Callable[[Emulator], None]
    is_saved: bool


def show_plan(
    request: Request,
    connection: Connection,
    *,
    style: str,
    brief: bool = False,
    out: Path | None = None,
    overwrite: bool = False,
) -> int:
    """Make a plan, print it, and save it if that is asked for."""
    printer = Printer(style, brief=brief)
    with ExitStack() as stack:
        _keep_catalogues(request.sources, out)
        output = None if out is None else stack.enter_context(OutputFile(out, overwrite=overwrite))
        planned = _planned(request, connection)
        worker = stack.enter_context(working(connection, planned.prepare))
        made = _make(planned, worker)
        printer.plan(made, forecast(worker.session, made))
        if made.problems:
            return refuse(made.problems)
        if output is not None:
            output.write(saved_plan(made).encode())
        return PENDING if made.writes else 0


def _keep_catalogues(sources: Sources, out: Path | None) -> None:
    """Raise UsageError if the output would replace one of the catalogues: a slip of the shell's completion."""
    if out is not None and any(file.exists() and out.exists() and file.samefile(out) for file in sources.files):
        raise click.UsageError(f"{out} is one of the catalogues; name a new file")


def apply_plan(request: Request, connection: Connection, applying: Applying, *, style: str) -> int:
    """Make a plan, ask, and apply it."""
    printer = Printer(style)
    planned = _planned(request, connection)
    with working(connection, planned.prepare) as worker:
        made = _make(planned, worker)
        if made.problems:
            printer.plan(made, forecast(worker.session, made))
            return refuse(made.problems)
        _ask(made, printer, is_agreed=applying.yes or connection.emulator, is_saved=planned.is_saved)
        return _carry_out(made, worker, printer, connection, applying)


def show_differences(request: Request, connection: Connection, *, style: str) -> int:
    """Print in what the live topics differ from a catalogue."""
    catalogue = read_sources(request.sources)
    clusters = default_clusters(catalogue, request.clusters, connection)
    with working(connection, catalogue_world(catalogue, clusters)) as worker:
        progress = Progress()
        found = worker.run(lambda session: _compare(session, catalogue, clusters), progress)
    Printer(style).differences(found)
    return PENDING if found else 0


def default_clusters(catalogue: Catalogue, clusters: tuple[str, ...], connection: Connection) -> tuple[str, ...]:
    """Return the clusters to choose: on an emulator of its own, a catalogue that names none gets one."""
    nameless = all(topic.cluster is None for topic in catalogue.topics)
    return (_EMULATED_NAME,) if connection.emulator and not clusters and nameless else clusters


def _planned(request: Request, connection: Connection) -> _Planned:
    file = plan_file(request.sources)
    if file is not None:
        if request.clusters or request.prune is not None:
            raise click.UsageError("a saved plan holds its clusters and what it may delete; give neither")
        saved = load_plan(file)
        return _Planned(planner=lambda session, _: refresh(session, saved), prepare=saved_world(saved), is_saved=True)
    catalogue = read_sources(request.sources)
    clusters = default_clusters(catalogue, request.clusters, connection)

    async def planner(session: AsyncSession, on_event: OnEvent) -> Plan:
        return await plan_topics(session, catalogue, clusters=clusters, prune=request.prune, on_event=on_event)

    return _Planned(planner=planner, prepare=catalogue_world(catalogue, clusters), is_saved=False)


def _make(planned: _Planned, worker: Worker) -> Plan:
    progress = Progress()
    return worker.run(lambda session: planned.planner(session, progress.on_event), progress)


def _ask(made: Plan, printer: Printer, *, is_agreed: bool, is_saved: bool) -> None:
    """Ask before anything is written. A saved plan has been reviewed, so unattended runs need no `--yes` for it."""
    writes = [f"{action} {made.counts[action]}" for action in Action if action.is_write and made.counts[action]]
    if is_agreed or not writes:
        return
    if not (is_terminal(sys.stdin) and is_terminal(sys.stdout)):
        if is_saved:
            return
        raise click.ClickException(f"this would {' and '.join(writes)} topics: review it with `plan`, then give --yes")
    printer.changes(made)
    click.confirm(f"{' and '.join(writes)} topics?".capitalize(), abort=True, err=True)


def _carry_out(made: Plan, worker: Worker, printer: Printer, connection: Connection, applying: Applying) -> int:
    progress = Progress(total=len(made.changes))
    if made.writes:
        note(forecast_line(forecast(worker.session, made)))

    async def step(session: AsyncSession) -> Report:
        return await apply(
            session,
            made,
            on_event=progress.on_event,
            on_conflict=OnConflict(applying.on_conflict),
            wait=applying.wait,
            interval=_INTERVAL / connection.scale,
            timeout=_PATIENCE / connection.scale,
        )

    try:
        report = worker.run(step, progress)
    except KeyboardInterrupt:
        printer.outcomes(progress.outcomes, None)
        note(_interruption(progress))
        return INTERRUPTED
    printer.outcomes(report.outcomes, report)
    return int(bool(report.failures))


def _interruption(progress: Progress) -> str:
    names = [change.name for change in progress.in_doubt]
    more = "" if len(names) <= _MOST_NAMES else f" and {len(names) - _MOST_NAMES} more"
    doubt = f" Requests for these had left and may be applied: {', '.join(names[:_MOST_NAMES])}{more}." if names else ""
    return f"Interrupted.{doubt} The same command finishes the rest."


async def _compare(session: AsyncSession, catalogue: Catalogue, clusters: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return a row for each topic that is missing, extra or different."""
    targets = resolve(catalogue, await list_clusters(session), chosen=clusters)
    live = await look(session, targets)
    rows: list[dict[str, Any]] = []
    for target in targets:
        there, wanted = live[target.cluster.id], {topic.topic.name: topic.topic for topic in target.topics}
        for name in sorted(there.keys() | wanted.keys()):
            row = {"cluster": target.cluster.name, "kind": "topic", "name": name}
            if name not in there:
                rows.append({**row, "difference": "missing"})
            elif name not in wanted:
                rows.append({**row, "difference": "extra"})
            elif changed := differences(wanted[name], there[name]):
                keys = {key: {"live": value, "declared": declared} for key, (value, declared) in changed.items()}
                rows.append({**row, "difference": "different", "keys": keys})
    return rows
