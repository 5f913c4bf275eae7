"""Rows that show plans, differences, outcomes and clusters; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, Final, cast

from asyncdbaas.catalogue import NO_METADATA, Metadata
from asyncdbaas.catalogue.kafka import kafka_changes
from asyncdbaas.cli.tables import Row
from asyncdbaas.clusters import Cluster
from asyncdbaas.plan import Action, Change, Difference, Outcome, Result
from asyncdbaas.plan.documents import CLUSTER_KEYS, declared_values, notes_data

__all__ = [
    "ACTION_LABELS",
    "RESULT_LABELS",
    "SIGNS",
    "change_rows",
    "cluster_rows",
    "counts_line",
    "describe",
    "difference_rows",
    "notes_line",
    "result_rows",
    "shown_changes",
]

ACTION_LABELS: Final[Mapping[Action, str]] = {action: action.value for action in Action} | {
    Action.KEEP: "in sync",
    Action.REFUSE: "refused",
}
RESULT_LABELS: Final[Mapping[Result, str]] = {result: result.value for result in Result} | {
    Result.KEPT: "already there",
    Result.NO_EFFECT: "no effect",
    Result.NOT_SENT: "not sent",
}
SIGNS: Final = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-", Action.REFUSE: "!"}
_STYLES: Final[Mapping[Action, dict[str, Any]]] = {
    Action.CREATE: {"fg": "green"},
    Action.UPDATE: {"fg": "yellow"},
    Action.DELETE: {"fg": "red"},
    Action.REFUSE: {"fg": "red", "bold": True},
}
# What can do harm comes last, next to the question.
_ORDER: Final = (Action.CREATE, Action.UPDATE, Action.DELETE, Action.REFUSE)
_BRIEF: Final = (Action.DELETE, Action.REFUSE)
# A schema can be longer than a screen; JSON shows all of it.
_LONGEST: Final = 80
_ALWAYS: Final = (Result.CREATED, Result.KEPT, Result.FAILED)


def counts_line(counts: Counter[Action]) -> str:
    """Return how many objects there are for each action."""
    return (
        ", ".join(f"{count} {ACTION_LABELS[action]}" for action in Action if (count := counts[action])) or "no objects"
    )


def shown_changes(changes: Iterable[Change], *, brief: bool) -> list[Change]:
    """Return the changes to show, in the order in which to show them."""
    changes = list(changes)
    if brief:
        changes = [change for change in changes if change.action in _BRIEF or change.losses]
    return [change for action in _ORDER for change in changes if change.action is action]


def change_rows(changes: Iterable[Change], *, brief: bool) -> list[Row]:
    """Return a row for each change."""
    return [
        Row(
            cells=(SIGNS[change.action], change.kind, change.name, describe(change)),
            style=_STYLES[Action.DELETE if change.losses else change.action],
        )
        for change in shown_changes(changes, brief=brief)
    ]


def describe(change: Change, *, notes: Container[str] | None = None) -> str:
    """Return what a change does: all that a create declares, or old and new value of what an update changes.

    `notes` are the notes of the catalogue to show; by default all.
    """
    said = change.reason or _pairs(change.changed)
    if change.action is Action.CREATE:
        said = ", ".join(f"{key} {_text(value)}" for key, value in declared_values(change).items()) or "the defaults"
    if change.losses:
        said += f"; takes away {', '.join(change.losses)}"
    shown = notes_line(getattr(change.wanted, "metadata", NO_METADATA), notes)
    return f"{said} ({shown})" if shown else said


def notes_line(metadata: Metadata, keys: Container[str] | None = None) -> str:
    """Return the notes of a catalogue on one line; with `keys` only these."""
    notes = {key: note for key, note in notes_data(metadata).items() if keys is None or key in keys}
    return ", ".join(f"{key}: {_text(note)}" for key, note in notes.items())


def _pairs(changed: Mapping[str, tuple[Any, Any]]) -> str:
    return ", ".join(_pair(key, live, declared) for key, (live, declared) in kafka_changes(changed).items())


def _pair(key: str, live: Any, declared: Any) -> str:
    """Show live and declared value; of lists, what comes and what goes."""
    if live == declared:  # a level that is inherited, from a registry whose own level changes
        return f"{key} {_text(declared)}, not inherited"
    if not isinstance(declared, list):
        return f"{key} {_text(live)} -> {_text(declared)}"
    there, wanted = cast("list[str]", live or []), cast("list[str]", declared)
    signed = [f"-{item}" for item in there if item not in wanted] + [f"+{item}" for item in wanted if item not in there]
    return f"{key} {', '.join(signed)}"


def difference_rows(rows: Iterable[Difference]) -> list[Row]:
    """Return a row for each difference."""
    return [Row(cells=(row.cluster, row.kind, row.name, _pairs(row.keys) or row.difference)) for row in rows]


def result_rows(outcomes: Sequence[Outcome]) -> tuple[tuple[str, ...], list[Row]]:
    """Return the header and the rows of the table that counts results, one row for each cluster."""
    by_cluster: dict[str, Counter[Result]] = {}
    for outcome in outcomes:
        by_cluster.setdefault(outcome.change.cluster.name, Counter())[outcome.result] += 1
    shown = [result for result in Result if result in _ALWAYS or any(counts[result] for counts in by_cluster.values())]
    header = ("cluster", *(RESULT_LABELS[result] for result in shown))
    rows = [Row(cells=(name, *(str(counts[result]) for result in shown))) for name, counts in by_cluster.items()]
    return header, rows


def cluster_rows(clusters: Iterable[Cluster]) -> list[Row]:
    """Return a row for each cluster."""
    return [
        Row(cells=tuple("" if (value := getattr(cluster, key)) is None else str(value) for key in CLUSTER_KEYS))
        for cluster in clusters
    ]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(map(str, cast("Iterable[object]", value))) or "none"
    if isinstance(value, Mapping):
        return " ".join(f"{key}={item}" for key, item in cast("Mapping[str, object]", value).items())
    text = "unknown" if value is None else " ".join(str(value).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
