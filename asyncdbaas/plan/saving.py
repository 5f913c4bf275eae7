"""Plans in files: reviewed by people, and applied later unless the live state has changed."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

import attrs

from asyncdbaas._checks import check_file, check_instance
from asyncdbaas._core.codec import decode_exactly, encode
from asyncdbaas._core.observers import guarded
from asyncdbaas._topic_settings import PARTITIONING
from asyncdbaas.catalogue import Problem
from asyncdbaas.catalogue.files import FileError, read_file
from asyncdbaas.clusters import list_clusters
from asyncdbaas.plan.comparing import compare
from asyncdbaas.plan.documents import change_data
from asyncdbaas.plan.events import PlanEvent
from asyncdbaas.plan.fetching import Reading, fetch
from asyncdbaas.plan.files import OutputFile
from asyncdbaas.plan.kinds import KIND_OF
from asyncdbaas.plan.model import Change, Plan, PlanError, Prune, Source, Target
from asyncdbaas.plan.resolving import find_cluster
from asyncdbaas.session import AsyncSession

__all__ = ["SavedPlan", "fingerprint", "load_plan", "refresh", "save_plan", "saved_plan"]

_FORMAT: Final = "asyncdbaas-plan/2"
_ANY_FORMAT: Final = re.compile(r"asyncdbaas-plan/\d{1,9}")
_LARGEST_FILE: Final = 200 * 2**20


@attrs.frozen(kw_only=True)
class SavedPlan:
    """A plan read from a file: the declared objects, and the fingerprint of the live state."""

    format: str
    fingerprint: str
    prune: Prune | None
    targets: list[Target]
    unread: list[tuple[str, str]]
    """Topics, by their cluster's id and their name, whose settings the plan does not depend on."""
    changes: list[Any]
    """For people. The plan is made again from `targets`, and refused if it differs."""
    checksum: str = ""
    """A hash of everything else, to notice an edited file."""


def save_plan(plan: Plan, path: str | os.PathLike[str]) -> None:
    """Write a plan to a new file, as JSON; `load_plan` and `refresh` bring it back.

    Raise FileExistsError if there is a file of this name.
    """
    with OutputFile(Path(check_file(path, "path"))) as file:
        file.write(saved_plan(plan).encode())


def saved_plan(plan: Plan) -> str:
    """Return the text of a saved plan."""
    saved = SavedPlan(
        format=_FORMAT,
        fingerprint=fingerprint(plan),
        prune=plan.prune,
        targets=list(plan.targets),
        unread=[(change.cluster.id, change.name) for change in plan.changes if not _depends_on_settings(change)],
        changes=[change_data(change) for change in plan.writes],
    )
    document = {"format": _FORMAT} | json.loads(encode(attrs.evolve(saved, checksum=_checksum(saved))))
    return json.dumps(document, indent=1) + "\n"


def load_plan(path: str | os.PathLike[str]) -> SavedPlan:
    """Read a plan from a file. Raise PlanError if it is not one, of another version, or was edited."""
    file = check_file(path, "path")
    try:
        content = read_file(file, limit=_LARGEST_FILE)
        fields = json.loads(content)
    except FileError as error:
        raise _refusal(file, str(error)) from None
    except (ValueError, RecursionError):
        raise _refusal(file, "is not a saved plan: it is not JSON") from None
    version = cast("dict[str, Any]", fields).get("format") if isinstance(fields, dict) else None
    if version != _FORMAT:
        # Of another file nothing is shown: it may hold a secret.
        shown = f"{version!r}, " if isinstance(version, str) and _ANY_FORMAT.fullmatch(version) else ""
        raise _refusal(file, f"is not a saved plan of this version: its format is {shown}not {_FORMAT!r}")
    try:
        # Not tolerant as with responses: nothing in the file may be read as something else.
        saved = decode_exactly(content, SavedPlan)
    except ValueError as error:
        raise _refusal(file, f"is damaged: {error}") from None
    if saved.checksum != _checksum(saved):
        raise _refusal(file, "was edited after it was saved; make the plan again")
    return saved


async def refresh(
    session: AsyncSession, saved: SavedPlan, *, on_event: Callable[[PlanEvent], object] | None = None
) -> Plan:
    """Read the live state again, and return the saved plan, ready to be applied.

    Raise PlanError if the plan would differ: an object or a cluster was changed, created or deleted since.
    """
    guarded(on_event)  # reject anything but a function before a request is sent
    check_instance(saved, SavedPlan, "saved", "load_plan('plan.json')")
    clusters = {cluster.id: cluster for cluster in await list_clusters(session)}
    gone = [target.cluster.name for target in saved.targets if target.cluster.id not in clusters]
    if gone:
        raise _refusal(
            "the plan", f"cluster {', '.join(map(repr, gone))} no longer exists, so it is stale; make it again"
        )
    targets = [
        attrs.evolve(target, cluster=find_cluster(clusters.values(), target.cluster.id)) for target in saved.targets
    ]
    reading = Reading(unread=frozenset(saved.unread))
    live = await fetch(session, targets, prune=saved.prune, reading=reading, on_event=on_event)
    plan = compare(targets, live, prune=saved.prune)
    if fingerprint(plan) != saved.fingerprint:
        raise _refusal("the plan", "objects were changed since it was made, so it is stale; make it again")
    return plan


def fingerprint(plan: Plan) -> str:
    """Return a hash of the live state that a plan is based on. It changes when that state does."""
    seen = [[each.cluster.id, each.cluster.num_nodes, each.kind, each.name, _facts(each)] for each in plan.changes]
    return hashlib.sha256(json.dumps(seen, default=str, sort_keys=True).encode()).hexdigest()


def _facts(change: Change) -> object:
    """Return what the plan says of a live object; not whether a topic is still `configuring`."""
    if change.live is None or KIND_OF[change.kind].is_deleting(change.live):
        return None
    partitioning = [getattr(change.live, key, None) for key in PARTITIONING]
    return [partitioning, {key: live for key, (live, _) in change.changed.items()}]


def _depends_on_settings(change: Change) -> bool:
    """Return whether the plan would differ with other settings than those that were read or remembered."""
    return change.source is Source.READ or (change.source is Source.REMEMBERED and change.action.is_write)


def _checksum(saved: SavedPlan) -> str:
    return hashlib.sha256(encode(attrs.evolve(saved, checksum=""))).hexdigest()


def _refusal(file: str, message: str) -> PlanError:
    return PlanError([Problem(file=file, message=message)])
