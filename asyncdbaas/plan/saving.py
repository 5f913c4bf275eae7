"""Plans in files: made now, looked at, and carried out later if the world has not moved."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Final, cast

import attrs

from asyncdbaas._core.codec import encode
from asyncdbaas._core.decoding import MismatchError, reader
from asyncdbaas.catalogue import CatalogueTopic, Problem
from asyncdbaas.clusters import list_clusters
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.plan.comparing import compare
from asyncdbaas.plan.looking import look
from asyncdbaas.plan.model import Change, ClusterRef, Plan, PlanError, Prune, Target
from asyncdbaas.plan.resolving import find_cluster
from asyncdbaas.session import AsyncSession
from asyncdbaas.topics import TopicCreate

__all__ = ["SavedPlan", "change_data", "load_plan", "refresh", "save_plan"]

_FORMAT: Final = "asyncdbaas-plan/1"
_LARGEST_FILE: Final = 200 * 2**20


@attrs.frozen(kw_only=True)
class _SavedTopic:
    topic: TopicCreate
    file: str
    line: int


@attrs.frozen(kw_only=True)
class _SavedTarget:
    cluster: ClusterRef
    topics: list[_SavedTopic]


@attrs.frozen(kw_only=True)
class SavedPlan:
    """A plan as it stands in a file: what is wanted, and the fingerprint of what there was."""

    format: str
    fingerprint: str
    prune: Prune | None
    targets: list[_SavedTarget]
    changes: list[Any]
    """For people; a plan is made anew from `targets`, and refused if it comes out otherwise."""
    checksum: str = ""
    """Over all the rest, to notice an edited file."""


def save_plan(plan: Plan, path: str | os.PathLike[str]) -> None:
    """Write a plan to a file, as JSON; `load_plan` and `refresh` bring it back."""
    saved = SavedPlan(
        format=_FORMAT,
        fingerprint=plan.fingerprint,
        prune=plan.prune,
        targets=[_saved_target(target) for target in plan.targets],
        changes=[change_data(change) for change in plan.writes],
    )
    document = {"format": _FORMAT} | json.loads(encode(attrs.evolve(saved, checksum=_checksum(saved))))
    Path(path).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def load_plan(path: str | os.PathLike[str]) -> SavedPlan:
    """Read a plan from a file. PlanError if it is none, of another version, or has been edited."""
    file = os.fspath(path)
    try:
        content = Path(file).read_bytes()
        fields = json.loads(content)
    except OSError as error:
        raise _refusal(file, error.strerror or str(error)) from None
    except (ValueError, RecursionError):
        raise _refusal(file, "is no saved plan: it is not JSON") from None
    version = cast("dict[str, Any]", fields).get("format") if isinstance(fields, dict) else None
    if version != _FORMAT:
        raise _refusal(file, f"is no saved plan of this version: its format is {version!r}, not {_FORMAT!r}")
    try:
        saved = reader(SavedPlan, None)(content)
    except (MismatchError, InvalidInputError) as error:
        raise _refusal(file, f"is damaged: {error}") from None
    if saved.checksum != _checksum(saved):
        raise _refusal(file, "has been edited since it was saved: make the plan anew")
    return saved


async def refresh(session: AsyncSession, saved: SavedPlan) -> Plan:
    """Look again at what there is, and return the saved plan, ready to be carried out.

    PlanError if it would be another one today: a topic or a cluster has changed, come or gone since.
    """
    clusters = {cluster.id: cluster for cluster in await list_clusters(session)}
    gone = [target.cluster.name for target in saved.targets if target.cluster.id not in clusters]
    if gone:
        raise _refusal("the plan", f"is stale: cluster {', '.join(gone)} is gone since; make it anew")
    targets = [
        Target(
            cluster=find_cluster(clusters.values(), target.cluster.id),
            topics=tuple(
                CatalogueTopic(topic=topic.topic, file=topic.file, line=topic.line) for topic in target.topics
            ),
        )
        for target in saved.targets
    ]
    plan = compare(targets, await look(session, targets), prune=saved.prune)
    if plan.fingerprint != saved.fingerprint:
        raise _refusal("the plan", "is stale: topics have changed since it was made; make it anew")
    return plan


def change_data(change: Change) -> dict[str, Any]:
    """Return a change as plain data, for JSON."""
    data: dict[str, Any] = {"cluster": change.cluster.name, "topic": change.name, "action": change.action}
    if change.changed:
        data["changed"] = {key: {"from": there, "to": wanted} for key, (there, wanted) in change.changed.items()}
    if change.reason:
        data["reason"] = change.reason
    return data


def _saved_target(target: Target) -> _SavedTarget:
    topics = [_SavedTopic(topic=topic.topic, file=topic.file, line=topic.line) for topic in target.topics]
    return _SavedTarget(cluster=target.cluster, topics=topics)


def _checksum(saved: SavedPlan) -> str:
    return hashlib.sha256(encode(attrs.evolve(saved, checksum=""))).hexdigest()


def _refusal(file: str, message: str) -> PlanError:
    return PlanError([Problem(file=file, line=0, message=message)])
