"""`kafka apply`: make a plan, ask, and apply it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import attrs
import click

from asyncdbaas.cli.connect import Connection
from asyncdbaas.cli.credentials import Credentials
from asyncdbaas.cli.planning import Planned, Request, make, planned_by
from asyncdbaas.cli.printing import Printer, forecast_line
from asyncdbaas.cli.progress import Progress
from asyncdbaas.cli.running import Worker, working
from asyncdbaas.cli.terminal import INTERRUPTED, counted, is_terminal, note, refuse
from asyncdbaas.plan import Action, OnConflict, Plan, PlanEvent, Report, apply, forecast
from asyncdbaas.session import AsyncSession

__all__ = ["Applying", "apply_plan"]

_MOST_NAMES: Final = 10
# Seconds between two lists, and for how long an object may be in its own way.
_INTERVAL: Final = 5.0
_PATIENCE: Final = 300.0


@attrs.frozen(kw_only=True)
class Applying:
    """Options for applying a plan."""

    yes: bool
    wait: bool
    on_conflict: str
    credentials: Path | None
    style: str


def apply_plan(request: Request, connection: Connection, applying: Applying) -> int:
    """Make a plan, ask, and apply it."""
    printer = Printer(applying.style)
    planned = planned_by(request, connection)
    with working(connection, planned.prepare) as worker:
        made = make(planned, worker)
        if made.problems:
            printer.plan(made, forecast(worker.session, made))
            return refuse(made.problems)
        credentials = _prepared(made, applying.credentials)
        _ask(made, printer, is_agreed=applying.yes or connection.emulator, is_saved=planned.is_saved)
        return _Run(worker, connection, applying, planned, credentials).apply(made, printer)


def _prepared(made: Plan, folder: Path | None) -> Credentials | None:
    """Return the folder for credentials, ready to take those of the plan's new users."""
    users = sum(change.kind == "user" and change.action is Action.CREATE for change in made.changes)
    if folder is not None:
        credentials = Credentials(folder)
        credentials.prepare(made)
        return credentials
    if users:
        which = counted(users, "new user")
        note(f"The service makes passwords, which are not shown ({which}); --credentials DIR writes them to files.")
    return None


def _ask(made: Plan, printer: Printer, *, is_agreed: bool, is_saved: bool) -> None:
    """Ask before anything is written. A saved plan has been reviewed, so unattended runs need no `--yes` for it."""
    writes = [f"{action} {made.counts[action]}" for action in Action if action.is_write and made.counts[action]]
    if is_agreed or not writes:
        return
    losses = sum(len(change.losses) for change in made.changes)
    harm = f", and take away {counted(losses, 'right')}" if losses else ""
    objects = "object" if len(made.writes) == 1 else "objects"
    said = f"{' and '.join(writes)} {objects}{harm}"
    if not (is_terminal(sys.stdin) and is_terminal(sys.stdout)):
        if is_saved:
            return
        raise click.ClickException(f"this would {said}: review it with `plan`, then give --yes")
    printer.changes(made)
    click.confirm(f"{said.capitalize()}?", abort=True, err=True)


class _Run:
    """One apply, from the forecast to the report."""

    def __init__(
        self,
        worker: Worker,
        connection: Connection,
        applying: Applying,
        planned: Planned,
        credentials: Credentials | None,
    ) -> None:
        self._worker = worker
        self._scale = connection.scale
        self._applying = applying
        self._memory = planned.memory
        self._credentials = credentials

    def apply(self, made: Plan, printer: Printer) -> int:
        """Apply the plan and print the outcomes."""
        progress = Progress(total=len(made.changes))
        if made.writes:
            note(forecast_line(forecast(self._worker.session, made)))
        try:
            report = self._worker.run(lambda session: self._apply(session, made, progress), progress)
        except KeyboardInterrupt:
            printer.outcomes(progress.outcomes, None)
            note(_interruption(progress))
            return INTERRUPTED
        printer.outcomes(report.outcomes, report)
        problems = [] if self._credentials is None else self._credentials.problems
        for problem in problems:
            note(f"error: {problem}")
        return int(bool(report.failures or problems))

    async def _apply(self, session: AsyncSession, made: Plan, progress: Progress) -> Report:
        def on_event(event: PlanEvent) -> None:
            progress.on_event(event)
            if self._credentials is not None:
                self._credentials.on_event(event)

        return await apply(
            session,
            made,
            on_event=on_event,
            on_conflict=OnConflict(self._applying.on_conflict),
            wait=self._applying.wait,
            interval=_INTERVAL / self._scale,
            timeout=_PATIENCE / self._scale,
            memory=self._memory,
        )


def _interruption(progress: Progress) -> str:
    names = [change.name for change in progress.in_doubt]
    more = "" if len(names) <= _MOST_NAMES else f" and {len(names) - _MOST_NAMES} more"
    doubt = (
        f" Requests for these were sent and may be applied: {', '.join(names[:_MOST_NAMES])}{more}." if names else ""
    )
    return f"Interrupted.{doubt} The same command finishes the rest."
