"""Compare declared and live objects; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from asyncdbaas._topic_settings import PARTITIONING
from asyncdbaas.catalogue.kafka import SAME_IN_METRICS
from asyncdbaas.catalogue.model import Entry
from asyncdbaas.plan.kinds import KINDS, SCHEMAS, TOPICS, Kind
from asyncdbaas.plan.kinds.registries import REGISTRIES
from asyncdbaas.plan.model import Action, Change, ClusterRef, LiveState, Plan, Prune, Source, Target

__all__ = ["compare"]


def compare(targets: Iterable[Target], live: LiveState, *, prune: Prune | None = None) -> Plan:
    """Make the plan that brings the live objects in sync with the targets.

    Only what a catalogue declares is compared, and values that mean the same are the same. What cannot be done is
    refused, each with its reason: fewer partitions, names that collide, more deletions than `prune` allows.
    """
    targets = tuple(targets)
    changes: list[Change] = []
    for target in targets:
        made = [change for kind in KINDS for change in _changes(target, kind, live, prune)]
        changes += _with_inherited_levels(made)
    return Plan(targets=targets, changes=tuple(_within(changes, prune)), prune=prune, oldest_memory=live.oldest)


def _changes(target: Target, kind: Kind[Any, Any], live: LiveState, prune: Prune | None) -> list[Change]:
    cluster, entries = target.cluster, kind.entries(target)
    found = live.of(cluster.id, kind.name)
    taken = {kind.collision_key(name): name for name in found}
    changes: list[Change] = []
    for entry in entries:
        name = entry.name
        source = live.sources.get((cluster.id, name), Source.READ) if kind is TOPICS else Source.READ
        change = _change(cluster, kind, entry, found.get(name), source)
        is_new = change.action is Action.CREATE
        if is_new and (other := taken.get(kind.collision_key(name), name)) != name:
            reason = f"the name collides with {other}, which exists: {SAME_IN_METRICS}"
            change = attrs.evolve(change, action=Action.REFUSE, reason=reason)
        changes.append(change)
    if prune is not None and kind.name in prune.kinds:
        changes += _deletions(target, kind, found, prune)
    return changes


def _with_inherited_levels(changes: list[Change]) -> list[Change]:
    """Set declared levels of subjects if the level of their registry changes: they may be inherited from it."""
    if not any(change.kind == REGISTRIES.name and change.action is Action.UPDATE for change in changes):
        return changes
    return [
        attrs.evolve(change, action=Action.UPDATE, changed={"compatibility": (level, level)} | dict(change.changed))
        if change.kind == SCHEMAS.name
        and change.action in (Action.KEEP, Action.UPDATE)
        and (level := SCHEMAS.values(change.wanted).get("compatibility"))
        else change
        for change in changes
    ]


def _change(cluster: ClusterRef, kind: Kind[Any, Any], entry: Entry, live: Any, source: Source) -> Change:
    fields: dict[str, Any] = {"action": Action.CREATE}
    if live is not None and not kind.is_deleting(live):
        fields = _compared(kind, entry, live, source)
    return Change(cluster=cluster, kind=kind.name, name=entry.name, wanted=entry, live=live, **fields)


def _compared(kind: Kind[Any, Any], entry: Entry, live: Any, source: Source) -> dict[str, Any]:
    """Return the fields of the change of an object that exists."""
    changed = kind.differences(entry, live)
    if source is Source.UNREAD:
        changed = {key: pair for key, pair in changed.items() if key in PARTITIONING}
    if not changed:
        return {"action": Action.KEEP, "source": source}
    found = kind.assess(changed)
    if found.refusal:
        return {"action": Action.REFUSE, "reason": found.refusal}
    return {"action": Action.UPDATE, "changed": changed, "losses": found.losses, "source": source}


def _deletions(target: Target, kind: Kind[Any, Any], found: Mapping[str, Any], prune: Prune) -> list[Change]:
    declared = {entry.name for entry in kind.entries(target)}
    is_chosen = prune.names.matcher()
    return [
        Change(cluster=target.cluster, kind=kind.name, name=name, action=Action.DELETE, live=live)
        for name, live in sorted(found.items())
        if name.startswith(prune.prefix)
        and name not in declared
        and is_chosen(name)
        and not kind.is_protected(name, live)
        and not kind.is_deleting(live)
    ]


def _within(changes: list[Change], prune: Prune | None) -> list[Change]:
    """Refuse all deletions if there are more than allowed."""
    deletions = [change for change in changes if change.action is Action.DELETE]
    if prune is None or len(deletions) <= prune.max_deletes:
        return changes
    reason = f"{len(deletions)} objects would be deleted, and only {prune.max_deletes} may be (max_deletes)"
    return [
        attrs.evolve(change, action=Action.REFUSE, reason=reason) if change.action is Action.DELETE else change
        for change in changes
    ]
