"""Compare what a catalogue names with what there is; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from asyncdbaas.catalogue import CatalogueTopic
from asyncdbaas.catalogue.kafka import same_value, settings_of
from asyncdbaas.plan.model import Action, Change, ClusterRef, Plan, Prune, Target
from asyncdbaas.topics import Topic, TopicCreate, TopicState, TopicUpdate
from asyncdbaas.types import UNSET

__all__ = ["Live", "compare", "differences", "shrinking", "update_for"]

Live = Mapping[str, Mapping[str, Topic]]
"""The topics that there are: by the cluster's id, by name."""

_SHAPE: Final = ("partition_count", "replication_factor")


def compare(targets: Iterable[Target], live: Live, *, prune: Prune | None = None) -> Plan:
    """Make the plan that brings what there is to what the targets name.

    Only what a catalogue declares is compared, and values that mean the same are the same. What cannot be done is
    refused, each with its reason: fewer partitions, more deletions than `prune` allows.
    """
    targets = tuple(targets)
    changes: list[Change] = []
    for target in targets:
        there = live[target.cluster.id]
        changes += [_change(target.cluster, topic, there.get(topic.topic.name)) for topic in target.topics]
        if prune is not None:
            changes += _deletions(target, there, prune)
    return Plan(targets=targets, changes=tuple(_within(changes, prune)), prune=prune)


def differences(wanted: TopicCreate, live: Topic) -> dict[str, tuple[Any, Any]]:
    """Return what there is and what is wanted, for each declared key that differs; unknown counts as different."""
    found: dict[str, tuple[Any, Any]] = {}
    for key in _SHAPE:
        there, declared = getattr(live, key), getattr(wanted, key)
        if declared is not UNSET and there != declared:
            found[key] = (there, declared)
    if wanted.config is not UNSET:
        for key, declared in settings_of(wanted.config).items():
            there = getattr(live.config, key, None)
            there = None if there is UNSET else there
            if there != declared and not same_value(key, there, declared):
                found[key] = (there, declared)
    return found


def shrinking(changed: Mapping[str, tuple[Any, Any]]) -> str:
    """Return why an update of these keys cannot be made, as it would take partitions away; empty if it would not."""
    there, declared = changed.get("partition_count", (None, None))
    if there is None or declared >= there:
        return ""
    return f"it has {there} partitions, and the catalogue names {declared}: their number can only grow"


def update_for(wanted: TopicCreate, changed: Iterable[str]) -> TopicUpdate:
    """Return the request that makes these keys what is wanted.

    If a setting changes, all declared ones are sent: whether the service keeps the others is not documented.
    """
    changed = set(changed)
    return TopicUpdate(
        partition_count=wanted.partition_count if "partition_count" in changed else UNSET,
        replication_factor=wanted.replication_factor if "replication_factor" in changed else UNSET,
        config=wanted.config if changed - set(_SHAPE) else UNSET,
    )


def _change(cluster: ClusterRef, wanted: CatalogueTopic, live: Topic | None) -> Change:
    name = wanted.topic.name
    if live is None or live.state is TopicState.DELETING:
        return Change(cluster=cluster, name=name, action=Action.CREATE, wanted=wanted, live=live)
    changed = differences(wanted.topic, live)
    if not changed:
        return Change(cluster=cluster, name=name, action=Action.KEEP, wanted=wanted, live=live)
    if reason := shrinking(changed):
        return Change(cluster=cluster, name=name, action=Action.REFUSE, wanted=wanted, live=live, reason=reason)
    return Change(cluster=cluster, name=name, action=Action.UPDATE, wanted=wanted, live=live, changed=changed)


def _deletions(target: Target, there: Mapping[str, Topic], prune: Prune) -> list[Change]:
    named = {topic.topic.name for topic in target.topics}
    return [
        Change(cluster=target.cluster, name=name, action=Action.DELETE, live=topic)
        for name, topic in sorted(there.items())
        if name.startswith(prune.prefix)
        and not name.startswith("_")
        and name not in named
        and topic.state is not TopicState.DELETING
    ]


def _within(changes: list[Change], prune: Prune | None) -> list[Change]:
    """Refuse all deletions if there are more than allowed."""
    doomed = [change for change in changes if change.action is Action.DELETE]
    if prune is None or len(doomed) <= prune.max_deletes:
        return changes
    reason = f"{len(doomed)} topics would be deleted, and only {prune.max_deletes} may be (max_deletes)"
    return [_refused(change, reason) if change.action is Action.DELETE else change for change in changes]


def _refused(change: Change, reason: str) -> Change:
    return Change(cluster=change.cluster, name=change.name, action=Action.REFUSE, live=change.live, reason=reason)
