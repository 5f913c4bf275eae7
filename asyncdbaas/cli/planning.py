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
    Difference,
    Memory,
    Names,
    OnConflict,
    Plan,
    PlanEvent,
    Prune,
    Reading,
    Report,
    apply,
    differences,
    fetch,
    forecast,
    load_memory,
    load_plan,
    make_plan,
    refresh,
    resolve,
    saved_plan,
)
from asyncdbaas.plan.files import OutputFile
from asyncdbaas.plan.names import ALL_NAMES
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
    names: Names
    prune: Prune | None = None
    costs: Costs | None = None


@attrs.frozen(kw_only=True)
class Costs:
    """How many settings a plan reads."""

    settings: str
    since: tuple[Path, ...]
    cache: Path | None
    max_age: float
    max_reads: int | None


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
    memory: Memory | None


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
        keep_catalogues(request.sources, out)
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


def keep_catalogues(sources: Sources, out: Path | None) -> None:
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

        async def compare(session: AsyncSession) -> list[Difference]:
            targets = resolve(catalogue, await list_clusters(session), chosen=clusters, names=request.names)
            live = await fetch(session, targets, on_event=progress.on_event)
            return differences(targets, live, names=request.names)

        found = worker.run(compare, progress)
    Printer(style).differences(found)
    return PENDING if found else 0


def default_clusters(catalogue: Catalogue, clusters: tuple[str, ...], connection: Connection) -> tuple[str, ...]:
    """Return the clusters to choose: on an emulator of its own, a catalogue that names none gets one."""
    nameless = all(topic.cluster is None for topic in catalogue.topics)
    return (_EMULATED_NAME,) if connection.emulator and not clusters and nameless else clusters


def _planned(request: Request, connection: Connection) -> _Planned:
    file = plan_file(request.sources)
    if file is not None:
        return _planned_before(file, request)
    catalogue = read_sources(request.sources)
    clusters = default_clusters(catalogue, request.clusters, connection)
    reading = _reading(request)

    async def planner(session: AsyncSession, on_event: OnEvent) -> Plan:
        return await make_plan(
            session, catalogue, clusters=clusters, prune=request.prune, reading=reading, on_event=on_event
        )

    prepare = catalogue_world(catalogue, clusters)
    return _Planned(planner=planner, prepare=prepare, is_saved=False, memory=reading.memory)


def _planned_before(file: Path, request: Request) -> _Planned:
    costs = request.costs
    if request.clusters or request.prune is not None or request.names != ALL_NAMES:
        raise click.UsageError("a saved plan holds its clusters, its objects and what it may delete; give none of them")
    saved = load_plan(file)
    memory = None if costs is None or costs.cache is None else _memory(costs.cache, costs)

    async def planner(session: AsyncSession, on_event: OnEvent) -> Plan:
        return await refresh(session, saved, on_event=on_event)

    return _Planned(planner=planner, prepare=saved_world(saved), is_saved=True, memory=memory)


def _reading(request: Request) -> Reading:
    costs = request.costs
    if costs is None:
        return Reading(names=request.names)
    if costs.cache is not None:
        keep_catalogues(request.sources, costs.cache)
    since = read_sources(attrs.evolve(request.sources, files=costs.since)) if costs.since else None
    memory = None if costs.cache is None else _memory(costs.cache, costs)
    return Reading(names=request.names, settings=costs.settings == "all", since=since, memory=memory)


def _memory(path: Path, costs: Costs) -> Memory:
    with OutputFile(path, overwrite=True):
        pass  # a folder that takes no file is told before the work
    memory, warning = load_memory(path, max_age=costs.max_age, max_reads=costs.max_reads)
    if warning:
        note(f"warning: {warning}")
    return memory


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
