"""What commands print: tables for people on a terminal, JSON for programs elsewhere."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import attrs
import click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from asyncdbaas.catalogue import Problem
from asyncdbaas.catalogue.writing import topic_values
from asyncdbaas.cli.progress import duration
from asyncdbaas.clusters import Cluster
from asyncdbaas.plan import Action, Change, Forecast, Outcome, Plan, Report, Result, Times, change_data

__all__ = ["Printer", "refuse"]

_STYLES: Final = {
    Action.CREATE: "green",
    Action.UPDATE: "yellow",
    Action.DELETE: "red",
    Action.REFUSE: "bold red",
}
_SIGNS: Final = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-", Action.REFUSE: "!"}
# What can do harm comes last, next to the question; of what cannot, the beginning is enough.
_ORDER: Final = (Action.CREATE, Action.UPDATE, Action.DELETE, Action.REFUSE)
_MOST_CREATES: Final = 40
_ALWAYS: Final = (Result.CREATED, Result.KEPT, Result.FAILED)
_CLUSTER_KEYS: Final = ("name", "engine", "version", "status", "num_nodes", "size", "region", "id")


def refuse(problems: Sequence[Problem]) -> int:
    """Print all that is wrong, and return the exit code."""
    for problem in problems:
        click.echo(str(problem), err=True)
    count = len(problems)
    click.echo(f"{count} problem{'s' if count > 1 else ''}; nothing was changed.", err=True)
    return 1


class Printer:
    """Print results; `as_json` is the user's wish, else a terminal gets tables and everything else JSON."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json or not sys.stdout.isatty()
        self._console = Console()

    def plan(self, plan: Plan, forecast: Forecast) -> None:
        """Print a plan and what it will take."""
        if self.as_json:
            self.data(plan_data(plan, forecast))
            return
        self.changes(plan)
        self.line(_plan_line(plan))
        if plan.writes:
            self.line(forecast_line(forecast))

    def changes(self, plan: Plan) -> None:
        """Print what a plan changes, for people."""
        if plan.writes or plan.problems:
            self._console.print(_changes_table(plan))

    def differences(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Print how topics differ from a catalogue."""
        if self.as_json:
            self.data(rows)
            return
        table = Table("cluster", "topic", "difference", "there -> in the file")
        for row in rows:
            keys = row.get("keys", {})
            shown = ", ".join(f"{key} {pair['there']} -> {pair['in_file']}" for key, pair in keys.items())
            cells = (row["cluster"], row["topic"], row["difference"], shown)
            table.add_row(*(Text(cell) for cell in cells))
        if rows:
            self._console.print(table)
        self.line(f"{len(rows)} differences.")

    def outcomes(self, outcomes: Sequence[Outcome], report: Report | None) -> None:
        """Print what became of topics; the report is missing if the work was interrupted."""
        failures = [outcome for outcome in outcomes if outcome.is_failure]
        if not self.as_json:
            self._console.print(_outcomes_table(outcomes))
            if failures:
                self._console.print(_failures_table(failures))
            if report is not None:
                self.line(_times_line(report))
            return
        counts = Counter(outcome.result for outcome in outcomes)
        click.echo(", ".join(f"{result}: {counts[result]}" for result in Result if counts[result]), err=True)
        for outcome in failures:
            change = outcome.change
            click.echo(f"{outcome.result}: {change.name} on {change.cluster.name}: {outcome.reason}", err=True)
        spent = {} if report is None else {"requests": report.requests, "times": _times_data(report.times)}
        data = {"counts": {result: counts[result] for result in Result}} | spent
        self.data(data | {"failures": [_outcome_data(outcome) for outcome in failures]})

    def clusters(self, clusters: Sequence[Cluster]) -> None:
        """Print clusters, without anything secret."""
        rows = [_cluster_data(cluster) for cluster in clusters]
        if self.as_json:
            self.data(rows)
            return
        table = Table(*(Column(key, overflow="fold") for key in _CLUSTER_KEYS))
        for row in rows:
            table.add_row(*(Text("" if value is None else str(value)) for value in row.values()))
        self._console.print(table)

    def line(self, text: str) -> None:
        """Print a line for people."""
        self._console.print(Text(text))

    def data(self, data: object) -> None:
        """Print data for programs."""
        click.echo(json.dumps(data, indent=2))


def plan_data(plan: Plan, forecast: Forecast) -> dict[str, Any]:
    """Return a plan as plain data, for JSON."""
    return {
        "counts": {action: plan.counts[action] for action in Action},
        "forecast": {
            "requests": forecast.requests,
            "seconds": round(forecast.seconds, 3),
            "quota_left": forecast.quota_left,
        },
        "changes": [change_data(change) for change in plan.changes if change.action is not Action.KEEP],
    }


def forecast_line(forecast: Forecast) -> str:
    """Say what a plan will take."""
    left = "" if forecast.quota_left is None else f" ({forecast.quota_left} are left in this hour)"
    return f"{forecast.requests} requests to send{left}, the last one after {duration(forecast.seconds)}."


def _plan_line(plan: Plan) -> str:
    counts = ", ".join(f"{count} {action}" for action in Action if (count := plan.counts[action]))
    return f"{counts or 'no topics'}." + ("" if plan.writes or plan.problems else " Nothing to do.")


def _changes_table(plan: Plan) -> Table:
    table = Table("", "cluster", "topic", "change")
    for action in _ORDER:
        changes = [change for change in plan.changes if change.action is action]
        shown = changes[:_MOST_CREATES] if action is Action.CREATE else changes
        for change in shown:
            cells = (_SIGNS[action], change.cluster.name, change.name, _describe(change))
            table.add_row(*(Text(cell) for cell in cells), style=_STYLES[action])
        if len(shown) < len(changes):
            table.add_row(_SIGNS[action], "", f"and {len(changes) - len(shown)} more", "", style=_STYLES[action])
    return table


def _describe(change: Change) -> str:
    if change.action is Action.CREATE and change.wanted is not None:
        return ", ".join(f"{key} {value}" for key, value in topic_values(change.wanted.topic).items())
    return change.reason or ", ".join(f"{key} {there} -> {wanted}" for key, (there, wanted) in change.changed.items())


def _outcomes_table(outcomes: Sequence[Outcome]) -> Table:
    by_cluster: dict[str, Counter[Result]] = {}
    for outcome in outcomes:
        by_cluster.setdefault(outcome.change.cluster.name, Counter())[outcome.result] += 1
    shown = [result for result in Result if result in _ALWAYS or any(counts[result] for counts in by_cluster.values())]
    table = Table("cluster", *(str(result) for result in shown))
    for name, counts in by_cluster.items():
        table.add_row(name, *(str(counts[result]) for result in shown))
    return table


def _failures_table(failures: Iterable[Outcome]) -> Table:
    table = Table("cluster", "topic", "result", "why")
    for outcome in failures:
        change = outcome.change
        table.add_row(*(Text(cell) for cell in (change.cluster.name, change.name, outcome.result, outcome.reason)))
    return table


def _outcome_data(outcome: Outcome) -> dict[str, str]:
    change = outcome.change
    named = {"cluster": change.cluster.name, "topic": change.name}
    return {**named, "result": outcome.result, "reason": outcome.reason}


def _times_data(times: Times) -> dict[str, float]:
    return {part: round(seconds, 3) for part, seconds in (*attrs.asdict(times).items(), ("total", times.total))}


def _times_line(report: Report) -> str:
    times = report.times
    return (
        f"{report.requests} requests in {times.total:.1f} s: {times.rate_limit:.1f} s waiting for the rate limit, "
        f"{times.sending:.1f} s sending, {times.retries:.1f} s before retries, {times.other:.1f} s other."
    )


def _cluster_data(cluster: Cluster) -> dict[str, Any]:
    return {key: getattr(cluster, key) for key in _CLUSTER_KEYS}
