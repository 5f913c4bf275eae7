"""Data classes of a plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import attrs

from asyncdbaas._checks import check_count
from asyncdbaas._documented import Documented
from asyncdbaas.catalogue import (
    NO_METADATA,
    CatalogueRegistry,
    CatalogueSchema,
    CatalogueTopic,
    CatalogueUser,
    Metadata,
    Problem,
)
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.plan.names import ALL_NAMES, Names

__all__ = ["WRITES", "Action", "Change", "ClusterRef", "LiveState", "Plan", "PlanError", "Prune", "Source", "Target"]


class PlanError(InvalidInputError):
    """A plan was refused before anything was sent; `problems` lists the reasons."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@attrs.frozen(kw_only=True)
class ClusterRef(Documented):
    """The cluster of a change."""

    id: str
    name: str
    num_nodes: int | None = None


@attrs.frozen(kw_only=True)
class Target(Documented):
    """A cluster and what is declared for it, each name of a kind once."""

    cluster: ClusterRef
    topics: tuple[CatalogueTopic, ...] = ()
    users: tuple[CatalogueUser, ...] = ()
    registries: tuple[CatalogueRegistry, ...] = ()
    schemas: tuple[CatalogueSchema, ...] = ()


# A registry is its cluster's own, and is never deleted.
_PRUNABLE: Final = ("topic", "user", "schema")


def _check_prefix(_: object, __: object, prefix: str) -> None:
    if not isinstance(prefix, str) or not prefix:
        raise InvalidInputError("a prune needs a prefix: it only deletes objects whose names begin with it")
    if prefix.startswith("_"):
        raise InvalidInputError(
            f"prefix must not be {prefix!r}: names that begin with _ are reserved for Kafka and are never changed"
        )


def _check_kinds(_: object, __: object, kinds: Sequence[str]) -> None:
    if isinstance(kinds, str) or not isinstance(kinds, Sequence) or any(kind not in _PRUNABLE for kind in kinds):
        raise InvalidInputError(f"kinds must be a list of {', '.join(_PRUNABLE)}")


def _check_max_deletes(_: object, __: object, max_deletes: int) -> None:
    check_count(max_deletes, "max_deletes")


@attrs.frozen(kw_only=True)
class Prune(Documented):
    """Permission to delete what no catalogue lists. Without it nothing is deleted."""

    prefix: str = attrs.field(validator=_check_prefix)
    """Only objects whose names begin with this are deleted, on clusters for which the catalogue lists something."""
    kinds: tuple[str, ...] = attrs.field(default=("topic",), validator=_check_kinds)
    """Kinds of objects that are deleted: `topic`, `user`, `schema`."""
    names: Names = ALL_NAMES
    """Only objects with these names are deleted."""
    max_deletes: int = attrs.field(default=10, validator=_check_max_deletes)
    """A plan with more deletions than this, over all clusters, is refused."""


class Source(StrEnum):
    """Source of the live settings of a topic."""

    READ = "read"
    REMEMBERED = "remembered"
    """From a memory."""
    UNREAD = "unread"
    """They were not read, and not compared."""


@attrs.frozen(kw_only=True)
class LiveState:
    """Live objects by cluster, kind and name, and where their settings come from."""

    objects: Mapping[tuple[str, str], Mapping[str, Any]]
    """By the cluster's id and the name of the kind."""
    sources: Mapping[tuple[str, str], Source] = attrs.field(factory=dict[tuple[str, str], Source])
    """By the cluster's id and the topic's name, for topics whose settings were not read."""
    oldest: float | None = None
    """Age in seconds of the oldest settings that came from a memory."""

    def of(self, cluster_id: str, kind: str) -> Mapping[str, Any]:
        """Return the objects of one kind by name; none if they were not fetched."""
        return self.objects.get((cluster_id, kind), {})


class Action(StrEnum):
    """Action of a plan on an object."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    KEEP = "keep"
    """It is in sync with the catalogue."""
    REFUSE = "refuse"
    """It cannot be done, so the whole plan is refused."""

    @property
    def is_write(self) -> bool:
        """Whether something must be sent."""
        return self in WRITES


WRITES: Final = (Action.CREATE, Action.UPDATE, Action.DELETE)


@attrs.frozen(kw_only=True)
class Change(Documented):
    """Action of a plan on one object, and the reason."""

    cluster: ClusterRef
    kind: str = "topic"
    """Kind of the object."""
    name: str
    action: Action
    wanted: Any = None
    """The `Entry` of the catalogue; None if no catalogue lists the object."""
    live: Any = None
    """The live object when the plan was made; None if it did not exist."""
    changed: Mapping[str, tuple[Any, Any]] = attrs.field(factory=dict[str, tuple[Any, Any]])
    """For an update: the live and the declared value of each key that differs."""
    losses: tuple[str, ...] = ()
    """For an update: rights that it takes away."""
    source: Source = Source.READ
    """Where the live settings come from."""
    reason: str = ""
    """Why the change is refused."""

    @property
    def problem(self) -> Problem:
        """The refusal as a problem, with the place of the entry."""
        file, line = (self.wanted.file, self.wanted.line) if self.wanted else (f"cluster {self.cluster.name}", 0)
        return Problem(file=file, line=line, name=self.name, message=self.reason)


@attrs.frozen(kw_only=True)
class Plan(Documented):
    """The changes that bring clusters in sync with a catalogue; `apply` sends them."""

    targets: tuple[Target, ...]
    changes: tuple[Change, ...]
    """In the order of the catalogue, cluster by cluster, each with its deletions at the end."""
    prune: Prune | None = None
    oldest_memory: float | None = None
    """Age in seconds of the oldest settings that came from a memory."""
    metadata: Metadata = NO_METADATA
    """The notes of the whole catalogue."""

    @property
    def counts(self) -> Counter[Action]:
        """Number of changes by action."""
        return self.counts_of(self.changes)

    @staticmethod
    def counts_of(changes: Iterable[Change]) -> Counter[Action]:
        """Return the number of changes by action, for some of them."""
        return Counter(change.action for change in changes)

    def by_cluster(self) -> dict[ClusterRef, list[Change]]:
        """Return the changes of each cluster."""
        found: dict[ClusterRef, list[Change]] = {target.cluster: [] for target in self.targets}
        for change in self.changes:
            found.setdefault(change.cluster, []).append(change)
        return found

    @property
    def writes(self) -> list[Change]:
        """The changes that send something."""
        return [change for change in self.changes if change.action.is_write]

    @property
    def problems(self) -> list[Problem]:
        """Why the plan is refused; empty if it can be applied."""
        return [change.problem for change in self.changes if change.action is Action.REFUSE]
