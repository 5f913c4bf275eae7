"""Plans, reports and errors as plain data, for JSON; `output.schema.json` describes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any, Final

import attrs

from asyncdbaas.catalogue import NO_METADATA, Catalogue, CatalogueTopic, Metadata, Problem
from asyncdbaas.catalogue.kafka import kafka_changes
from asyncdbaas.clusters import Cluster
from asyncdbaas.plan.diffing import Difference
from asyncdbaas.plan.events import Forecast, Outcome, Report, Result, Times
from asyncdbaas.plan.kinds import KIND_OF, KINDS
from asyncdbaas.plan.model import Action, Change, Plan, Source
from asyncdbaas.types import UNSET

__all__ = [
    "CLUSTER_KEYS",
    "change_data",
    "clusters_document",
    "declared_values",
    "differences_document",
    "error_document",
    "notes_data",
    "output_schema",
    "plan_document",
    "report_document",
    "settings_data",
    "validation_document",
]

_FORMAT: Final = "asyncdbaas-output/1"
"""It changes whenever a program that reads the documents could be wrong about them."""
CLUSTER_KEYS: Final = ("name", "engine", "status", "version", "num_nodes", "size", "region", "id")


def plan_document(plan: Plan, forecast: Forecast) -> dict[str, Any]:
    """Return a plan: counts, the forecast of applying it, all changes, and why it is refused."""
    return _document("plan") | {
        "notes": notes_data(plan.metadata),
        "counts": _counts(plan.counts),
        "clusters": [
            {"cluster": cluster.name, "id": cluster.id, "counts": _counts(plan.counts_of(changes))}
            for cluster, changes in plan.by_cluster().items()
        ],
        "forecast": {
            "requests": forecast.requests,
            "seconds": round(forecast.seconds, 3),
            "quota_left": forecast.quota_left,
        },
        "settings": settings_data(plan),
        "changes": [change_data(change) for change in plan.changes if change.action is not Action.KEEP],
        "problems": [attrs.asdict(problem) for problem in plan.problems],
    }


def report_document(outcomes: Sequence[Outcome], report: Report | None) -> dict[str, Any]:
    """Return the outcomes of a plan's changes; the report is missing if the work was interrupted."""
    counts = Counter(outcome.result for outcome in outcomes)
    return _document("report") | {
        "is_complete": report is not None,
        "counts": {result.value: counts[result] for result in Result},
        "requests": None if report is None else report.requests,
        "times": None if report is None else _times_data(report.times),
        "outcomes": [_outcome_data(outcome) for outcome in outcomes if outcome.result is not Result.KEPT],
    }


def differences_document(rows: Iterable[Difference]) -> dict[str, Any]:
    """Return the differences between live objects and a catalogue."""
    return _document("differences") | {"differences": [_difference_data(row) for row in rows]}


def clusters_document(clusters: Iterable[Cluster]) -> dict[str, Any]:
    """Return clusters, without anything secret."""
    return _document("clusters") | {
        "clusters": [{key: getattr(cluster, key) for key in CLUSTER_KEYS} for cluster in clusters]
    }


def validation_document(catalogue: Catalogue) -> dict[str, Any]:
    """Return how much a valid catalogue declares."""
    return _document("validation") | {"counts": {kind.name: len(kind.entries(catalogue)) for kind in KINDS}}


def error_document(message: str, problems: Iterable[Problem] = ()) -> dict[str, Any]:
    """Return why a command failed, with all problems of a catalogue or plan."""
    return _document("error") | {"message": message, "problems": [attrs.asdict(problem) for problem in problems]}


def change_data(change: Change) -> dict[str, Any]:
    """Return a change."""
    data: dict[str, Any] = {
        "cluster": change.cluster.name,
        "kind": change.kind,
        "name": change.name,
        "action": change.action.value,
    }
    if declared := declared_values(change):
        data["declared"] = declared
    if change.changed:
        changed = kafka_changes(change.changed)
        data["changed"] = {key: {"from": live, "to": wanted} for key, (live, wanted) in changed.items()}
    if change.losses:
        data["losses"] = list(change.losses)
    if change.reason:
        data["reason"] = change.reason
    return data | notes_data(getattr(change.wanted, "metadata", NO_METADATA))


def settings_data(plan: Plan) -> dict[str, Any]:
    """Return how many topics' settings were read, remembered and not read, and how old the oldest is, in seconds."""
    sources = Counter(
        change.source
        for change in plan.changes
        if isinstance(change.wanted, CatalogueTopic) and change.wanted.topic.config is not UNSET and change.live
    )
    oldest = None if plan.oldest_memory is None else round(plan.oldest_memory)
    return {source.value: sources[source] for source in Source} | {"oldest_seconds": oldest}


def notes_data(metadata: Metadata) -> dict[str, Any]:
    """Return the notes that a catalogue has for people."""
    notes = {"description": metadata.description, "owner": metadata.owner, "labels": dict(metadata.labels)}
    return {key: note for key, note in notes.items() if note} | dict(metadata.extensions)


def declared_values(change: Change) -> dict[str, Any]:
    """Return what the catalogue declares for an object, in the spelling of catalogues."""
    return {} if change.wanted is None else KIND_OF[change.kind].values(change.wanted)


def output_schema() -> str:
    """Return the JSON Schema of all documents."""
    return files("asyncdbaas.plan").joinpath("output.schema.json").read_text(encoding="utf-8")


def _difference_data(row: Difference) -> dict[str, Any]:
    data: dict[str, Any] = {"cluster": row.cluster, "kind": row.kind, "name": row.name, "difference": row.difference}
    if row.keys:
        keys = kafka_changes(row.keys)
        data["keys"] = {key: {"live": live, "declared": declared} for key, (live, declared) in keys.items()}
    return data


def _document(kind: str) -> dict[str, Any]:
    return {"format": _FORMAT, "type": kind}


def _counts(counts: Counter[Action]) -> dict[str, int]:
    return {action.value: counts[action] for action in Action}


def _outcome_data(outcome: Outcome) -> dict[str, Any]:
    change = outcome.change
    named = {"cluster": change.cluster.name, "kind": change.kind, "name": change.name}
    told = {"result": outcome.result.value, "reason": outcome.reason, "outcome_unknown": outcome.outcome_unknown}
    return named | told


def _times_data(times: Times) -> dict[str, float]:
    return {part: round(seconds, 3) for part, seconds in (*attrs.asdict(times).items(), ("total", times.total))}
