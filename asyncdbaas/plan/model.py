"""What a plan is, as plain data."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import attrs

from asyncdbaas.catalogue import CatalogueTopic, Problem
from asyncdbaas.catalogue.kafka import settings_of
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.topics import Topic, TopicState

__all__ = ["WRITES", "Action", "Change", "ClusterRef", "Plan", "PlanError", "Prune", "Target"]


class PlanError(InvalidInputError):
    """A plan is refused before anything is written; `problems` holds all the reasons."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@attrs.frozen(kw_only=True)
class ClusterRef:
    """What a plan needs to know of a cluster."""

    id: str
    name: str
    num_nodes: int | None = None


@attrs.frozen(kw_only=True)
class Target:
    """A cluster and the topics that it should have, each name once."""

    cluster: ClusterRef
    topics: tuple[CatalogueTopic, ...]


def _check_prefix(_: object, __: object, prefix: str) -> None:
    if not isinstance(prefix, str) or not prefix:
        raise InvalidInputError("a prune needs a prefix: it deletes topics, so it must be told which ones may go")
    if prefix.startswith("_"):
        raise InvalidInputError(f"prefix must not be {prefix!r}: topics that begin with _ are never touched")


def _check_max_deletes(_: object, __: object, max_deletes: int) -> None:
    if max_deletes < 1:
        raise InvalidInputError(f"max_deletes must be at least 1, not {max_deletes}")


@attrs.frozen(kw_only=True)
class Prune:
    """Leave to delete topics that no catalogue names; without it nothing is ever deleted."""

    prefix: str = attrs.field(validator=_check_prefix)
    """Only topics whose names begin with this may go, on clusters for which the catalogue names topics."""
    max_deletes: int = attrs.field(default=10, validator=_check_max_deletes)
    """If there would be more, over all clusters, the plan is refused."""


class Action(StrEnum):
    """What a plan does with a topic."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    KEEP = "in sync"
    REFUSE = "refused"
    """It stands in the way of the whole plan."""


WRITES: Final = (Action.CREATE, Action.UPDATE, Action.DELETE)


@attrs.frozen(kw_only=True)
class Change:
    """What a plan does with one topic, and why."""

    cluster: ClusterRef
    name: str
    action: Action
    wanted: CatalogueTopic | None = None
    """None if no catalogue names the topic."""
    live: Topic | None = None
    """What was seen of it; None if it did not exist."""
    changed: Mapping[str, tuple[Any, Any]] = attrs.field(factory=dict[str, tuple[Any, Any]])
    """For an update: what there is, and what there should be, for each key that differs."""
    reason: str = ""
    """Of a refusal."""

    @property
    def problem(self) -> Problem:
        """A refusal, for people."""
        file, line = (self.wanted.file, self.wanted.line) if self.wanted else (f"cluster {self.cluster.name}", 0)
        return Problem(file=file, line=line, name=self.name, message=self.reason)


@attrs.frozen(kw_only=True)
class Plan:
    """All that has to be done so that clusters have what a catalogue names; `apply` does it."""

    targets: tuple[Target, ...]
    changes: tuple[Change, ...]
    """In the order of the catalogue, cluster by cluster, each with its deletions at the end."""
    prune: Prune | None = None

    @property
    def counts(self) -> Counter[Action]:
        """How many topics there are for each action."""
        return Counter(change.action for change in self.changes)

    @property
    def writes(self) -> list[Change]:
        """The changes for which something has to be sent."""
        return [change for change in self.changes if change.action in WRITES]

    @property
    def problems(self) -> list[Problem]:
        """Why the plan is refused; empty if it is not."""
        return [change.problem for change in self.changes if change.action is Action.REFUSE]

    @property
    def fingerprint(self) -> str:
        """A hash over all that was seen and decided on; another one means that the world has moved."""
        seen = [[change.cluster.id, change.cluster.num_nodes, change.name, _facts(change)] for change in self.changes]
        return hashlib.sha256(json.dumps(seen, default=str, sort_keys=True).encode()).hexdigest()


def _facts(change: Change) -> object:
    """Return what a decision rested on; whether a topic is still `configuring` is no part of it."""
    live = change.live
    if live is None or live.state is TopicState.DELETING:
        return None
    there = settings_of(live.config)
    wanted = settings_of(change.wanted.topic.config if change.wanted else None)
    return [live.partition_count, live.replication_factor, {key: there.get(key) for key in wanted}]
