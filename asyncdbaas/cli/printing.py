"""Print results: tables for people, Markdown for merge requests, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final

from asyncdbaas.cli import markdown
from asyncdbaas.cli.progress import duration
from asyncdbaas.cli.tables import Row, table
from asyncdbaas.cli.terminal import counted, note, out, safe, width
from asyncdbaas.cli.views import (
    RESULT_LABELS,
    change_rows,
    cluster_rows,
    counts_line,
    difference_rows,
    notes_line,
    result_rows,
)
from asyncdbaas.clusters import Cluster
from asyncdbaas.plan import Difference, Forecast, Outcome, Plan, Report
from asyncdbaas.plan.documents import (
    CLUSTER_KEYS,
    clusters_document,
    differences_document,
    plan_document,
    report_document,
    settings_data,
)

__all__ = ["Printer", "forecast_line"]

_CHANGE_HEADER: Final = ("", "kind", "name", "change")
_DIFFERENCE_HEADER: Final = ("cluster", "kind", "name", "difference")
_FAILURE_HEADER: Final = ("cluster", "kind", "name", "why")
_CLUSTER_HEADER: Final = [key.removeprefix("num_") for key in CLUSTER_KEYS]


class Printer:
    """Print results in one of the formats; `brief` leaves out what only adds something."""

    def __init__(self, style: str, *, brief: bool = False) -> None:
        self._style = style
        self._brief = brief

    def plan(self, plan: Plan, forecast: Forecast) -> None:
        """Print a plan and what applying it takes."""
        if self._style == "json":
            self.data(plan_document(plan, forecast))
        elif self._style == "markdown":
            out(markdown.plan_text(plan, " ".join([*settings_lines(plan), forecast_line(forecast)]), brief=self._brief))
        else:
            if notes := notes_line(plan.metadata):
                out(safe(notes))
            self.changes(plan)
            out(f"{counts_line(plan.counts)}." + ("" if plan.writes or plan.problems else " Nothing to do."))
            for line in settings_lines(plan):
                out(line)
            if plan.writes:
                out(forecast_line(forecast))

    def changes(self, plan: Plan) -> None:
        """Print what a plan changes, cluster by cluster, for people."""
        for cluster, changes in plan.by_cluster().items():
            rows = change_rows(changes, brief=self._brief)
            out(f"{safe(cluster.name)}: {counts_line(plan.counts_of(changes))}")
            if rows:
                out(_text_table(_CHANGE_HEADER, rows))

    def differences(self, found: Sequence[Difference]) -> None:
        """Print how live objects differ from a catalogue."""
        summary = f"{counted(len(found), 'difference')}."
        rows = [self._table(_DIFFERENCE_HEADER, difference_rows(found))] if found else []
        if self._style == "json":
            self.data(differences_document(found))
        elif self._style == "markdown":
            self._parts([f"**{summary}**", *rows])
        else:
            self._parts([*rows, summary])

    def outcomes(self, outcomes: Sequence[Outcome], report: Report | None) -> None:
        """Print the results of the changes; the report is missing if the work was interrupted."""
        failures = [outcome for outcome in outcomes if outcome.is_failure]
        if self._style == "json":
            self.data(report_document(outcomes, report))
            for outcome in failures:
                note(_failure(outcome))
            return
        header, rows = result_rows(outcomes)
        parts = [self._table(header, rows)]
        if failures:
            cells = [Row(cells=_failure_cells(outcome), style={"fg": "red"}) for outcome in failures]
            parts.append(self._table(_FAILURE_HEADER, cells))
        if report is not None:
            parts.append(_times_line(report))
        self._parts(parts)

    def clusters(self, clusters: Sequence[Cluster]) -> None:
        """Print clusters, without anything secret."""
        if self._style == "json":
            self.data(clusters_document(clusters))
        else:
            out(self._table(_CLUSTER_HEADER, cluster_rows(clusters)))

    def data(self, data: object) -> None:
        """Print data for programs. It is ASCII, so that no terminal and no encoding is in its way."""
        out(json.dumps(data, indent=2))

    def _table(self, header: Sequence[str], rows: Iterable[Row]) -> str:
        return markdown.table(header, rows) if self._style == "markdown" else _text_table(header, rows)

    def _parts(self, parts: Iterable[str]) -> None:
        out(("\n\n" if self._style == "markdown" else "\n").join(parts))


def _text_table(header: Sequence[str], rows: Iterable[Row]) -> str:
    return "\n".join(table(header, rows, width=width()))


def forecast_line(forecast: Forecast) -> str:
    """Return what applying a plan takes."""
    left = "" if forecast.quota_left is None else f" ({forecast.quota_left} left in this hour)"
    if not forecast.requests:
        return f"Nothing to send{left}."
    waiting = f", the last one after {duration(forecast.seconds)}" if forecast.seconds >= 1 else ""
    return f"{counted(forecast.requests, 'request')} to send{left}{waiting}."


def settings_lines(plan: Plan) -> list[str]:
    """Return how many settings are from memory or were not read; nothing if all were read."""
    data = settings_data(plan)
    read = data["read"]
    said: list[str] = []
    if data["remembered"]:
        said.append(f"{data['remembered']} from memory, the oldest {duration(data['oldest_seconds'])} old")
    if data["unread"]:
        said.append(f"{data['unread']} not read")
    return [f"Settings of topics: {', '.join([f'{read} read', *said])}."] if said else []


def _failure_cells(outcome: Outcome) -> tuple[str, ...]:
    change = outcome.change
    return (change.cluster.name, change.kind, change.name, f"{RESULT_LABELS[outcome.result]}: {outcome.reason}")


def _failure(outcome: Outcome) -> str:
    change = outcome.change
    return f"{RESULT_LABELS[outcome.result]}: {change.name} on {change.cluster.name}: {outcome.reason}"


def _times_line(report: Report) -> str:
    times = report.times
    return (
        f"{counted(report.requests, 'request')} in {times.total:.1f} s: "
        f"{times.rate_limit:.1f} s waiting for the rate limit, {times.sending:.1f} s sending, "
        f"{times.retries:.1f} s before retries, {times.other:.1f} s other."
    )
