"""`kafka apply`: make a plan, ask, and apply it."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final

import click

from asyncdbaas.cli.connect import Connection
from asyncdbaas.cli.credentials import Credentials
from asyncdbaas.cli.planning import Request, make, planned_by
from asyncdbaas.cli.printing import Printer, forecast_line
from asyncdbaas.cli.progress import Progress
from asyncdbaas.cli.running import Worker, working
from asyncdbaas.cli.terminal import INTERRUPTED, counted, is_terminal, note, refuse
from asyncdbaas.plan import Action, Change, OnConflict, Outcome, Plan, PlanEvent, Report, Result, apply, forecast
from asyncdbaas.session import AsyncSession

__all__ = ["apply_plan"]

_MOST_NAMES: Final = 10
_IN_DOUBT: Final = "interrupted: its request was sent and may be applied"
# Seconds between two lists, and for how long an earlier object of the same name may block a new one.
_INTERVAL: Final = 5.0
_PATIENCE: Final = 300.0


def apply_plan(
    request: Request,
    connection: Connection,
    *,
    style: str,
    yes: bool,
    wait: bool,
    on_conflict: str,
    credentials: Path | None,
) -> int:
    """Make a plan, ask, and apply it."""
    printer = Printer(style)
    planned = planned_by(request, connection)
    with working(connection, planned.prepare) as worker:
        made = make(planned, worker)
        if made.problems:
            printer.plan(made, forecast(worker.session, made))
            return refuse(made.problems)
        new_users = _prepared(made, credentials)
        _ask(made, printer, is_agreed=yes or connection.emulator, is_saved=planned.is_saved)
        if made.writes:
            note(forecast_line(forecast(worker.session, made)))
        progress = Progress(total=len(made.changes))

        def on_event(event: PlanEvent) -> None:
            progress.on_event(event)
            if new_users is not None:
                new_users.on_event(event)

        step = partial(
            apply,
            plan=made,
            on_event=on_event,
            on_conflict=OnConflict(on_conflict),
            wait=wait,
            interval=_INTERVAL / connection.scale,
            timeout=_PATIENCE / connection.scale,
            memory=planned.memory,
        )
        return _run(worker, step, progress, printer, new_users)


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
        raise click.ClickException(f"this would {said}; review it with `plan`, then pass --yes")
    printer.changes(made)
    click.confirm(f"{said.capitalize()}?", abort=True, err=True)


def _run(
    worker: Worker,
    step: Callable[[AsyncSession], Awaitable[Report]],
    progress: Progress,
    printer: Printer,
    credentials: Credentials | None,
) -> int:
    """Apply a plan and print the outcomes."""
    try:
        report = worker.run(step, progress)
    except KeyboardInterrupt:
        printer.outcomes([*progress.outcomes, *map(_unknown, progress.in_doubt)], None)
        note(_interruption(progress))
        return INTERRUPTED
    printer.outcomes(report.outcomes, report)
    problems = [] if credentials is None else credentials.problems
    for problem in problems:
        note(f"error: {problem}")
    return int(bool(report.failures or problems))


def _unknown(change: Change) -> Outcome:
    return Outcome(change=change, result=Result.FAILED, reason=_IN_DOUBT, outcome_unknown=True)


def _interruption(progress: Progress) -> str:
    names = [change.name for change in progress.in_doubt]
    more = "" if len(names) <= _MOST_NAMES else f" and {len(names) - _MOST_NAMES} more"
    doubt = (
        f" Requests for these were sent and may be applied: {', '.join(names[:_MOST_NAMES])}{more}." if names else ""
    )
    return f"Interrupted.{doubt} The same command finishes the rest."
