"""`kafka plan` and `kafka diff`: make plans, and show them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

import attrs
import click

from asyncdbaas.catalogue import Catalogue
from asyncdbaas.cli.catalogues import Sources, check_is_new
from asyncdbaas.cli.connect import Connection, prepare_for_catalogue, prepare_for_plan
from asyncdbaas.cli.printing import Printer
from asyncdbaas.cli.progress import Progress
from asyncdbaas.cli.running import Worker, working
from asyncdbaas.cli.terminal import note, refuse
from asyncdbaas.clusters import list_clusters
from asyncdbaas.emulator import Emulator
from asyncdbaas.plan import (
    Difference,
    Memory,
    Names,
    Plan,
    Prune,
    Reading,
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

__all__ = [
    "PENDING",
    "Costs",
    "Planned",
    "Request",
    "default_clusters",
    "make",
    "planned_by",
    "show_differences",
    "show_plan",
]

PENDING: Final = 2
_EMULATED_NAME: Final = "events"


@attrs.frozen(kw_only=True)
class Request:
    """Options of a plan: the catalogue, the clusters, and permission to delete."""

    sources: Sources
    clusters: tuple[str, ...]
    names: Names
    prune: Prune | None
    costs: Costs

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The files, folders and patterns that are read."""
        return (*self.sources.files, *self.costs.since)


@attrs.frozen(kw_only=True)
class Costs:
    """Options for the number of settings that a plan reads."""

    settings: str
    since: tuple[Path, ...]
    cache: Path | None
    max_age: float
    max_reads: int | None


@attrs.frozen(kw_only=True)
class Planned:
    """Function that makes a plan, and what an emulator needs for it."""

    planner: Callable[..., Awaitable[Plan]]
    """Takes a session, and `on_event`."""
    prepare: Callable[[Emulator], None]
    is_saved: bool
    memory: Memory | None
    names: Names


def show_plan(
    request: Request,
    connection: Connection,
    *,
    style: str,
    brief: bool = False,
    out: Path | None = None,
    overwrite: bool = False,
) -> int:
    """Make a plan, print it, and with `out` save it."""
    printer = Printer(style, brief=brief)
    with ExitStack() as stack:
        check_is_new(out, request.inputs)
        output = None if out is None else stack.enter_context(OutputFile(out, overwrite=overwrite))
        planned = planned_by(request, connection)
        worker = stack.enter_context(working(connection, planned.prepare))
        made = make(planned, worker)
        if output is not None and not made.problems:
            output.write(saved_plan(made).encode())  # it may fail, and then nothing but the error is printed
        printer.plan(made, forecast(worker.session, made))
        if made.problems:
            return refuse(made.problems)
        return PENDING if made.writes else 0


def show_differences(
    sources: Sources, clusters: tuple[str, ...], names: Names, connection: Connection, *, style: str
) -> int:
    """Print how the live objects differ from a catalogue."""
    catalogue = sources.read()
    clusters = default_clusters(catalogue, clusters, connection)
    with working(connection, prepare_for_catalogue(catalogue, clusters)) as worker:
        progress = Progress()

        async def compare(session: AsyncSession) -> list[Difference]:
            targets = resolve(catalogue, await list_clusters(session), chosen=clusters, names=names)
            live = await fetch(session, targets, on_event=progress.on_event)
            return differences(targets, live, names=names)

        found = worker.run(compare, progress)
    Printer(style).differences(found)
    return PENDING if found else 0


def default_clusters(catalogue: Catalogue, clusters: tuple[str, ...], connection: Connection) -> tuple[str, ...]:
    """Return the clusters to choose: on an emulator of its own, a catalogue that names none gets one."""
    nameless = all(entry.cluster is None for entry in catalogue.entries)
    return (_EMULATED_NAME,) if connection.emulator and not clusters and nameless else clusters


def planned_by(request: Request, connection: Connection) -> Planned:
    """Read the catalogues, or the saved plan, that a command names."""
    file = request.sources.plan_file()
    if file is not None:
        return _planned_before(file, request)
    catalogue, costs = request.sources.read(), request.costs
    clusters = default_clusters(catalogue, request.clusters, connection)
    since = attrs.evolve(request.sources, files=costs.since).read() if costs.since else None
    reading = Reading(names=request.names, settings=costs.settings == "all", since=since, memory=_memory(request))

    planner = partial(make_plan, catalogue=catalogue, clusters=clusters, prune=request.prune, reading=reading)
    prepare = prepare_for_catalogue(catalogue, clusters)
    return Planned(planner=planner, prepare=prepare, is_saved=False, memory=reading.memory, names=request.names)


def _planned_before(file: Path, request: Request) -> Planned:
    if request.clusters or request.prune is not None or request.names != ALL_NAMES:
        raise click.UsageError("a saved plan has its own clusters, names and deletions; pass no options for them")
    saved = load_plan(file)
    memory = _memory(request)
    return Planned(
        planner=partial(refresh, saved=saved),
        prepare=prepare_for_plan(saved),
        is_saved=True,
        memory=memory,
        names=request.names,
    )


def _memory(request: Request) -> Memory | None:
    costs = request.costs
    if costs.cache is None:
        return None
    check_is_new(costs.cache, request.inputs)
    with OutputFile(costs.cache, overwrite=True):
        pass  # a folder that is not writable is reported before the work
    memory, warning = load_memory(costs.cache, max_age=costs.max_age, max_reads=costs.max_reads)
    if warning:
        note(f"warning: {warning}")
    return memory


def make(planned: Planned, worker: Worker) -> Plan:
    """Make the plan, and show how far the reading has come."""
    progress = Progress()
    made = worker.run(partial(planned.planner, on_event=progress.on_event), progress)
    if planned.names != ALL_NAMES and not made.changes:
        note("warning: --only and --except match no object of the catalogue")
    return made
