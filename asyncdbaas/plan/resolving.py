"""Sort a catalogue's entries by the clusters that they are declared for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from asyncdbaas._checks import check_text, kind_of
from asyncdbaas._endpoint import similar_names
from asyncdbaas.catalogue import Catalogue, CatalogueError, Problem
from asyncdbaas.catalogue.kafka import SAME_IN_METRICS
from asyncdbaas.catalogue.model import Entry
from asyncdbaas.clusters import Cluster, ClusterStatus, Engine
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.plan.kinds import KINDS, Kind
from asyncdbaas.plan.model import ClusterRef, Target
from asyncdbaas.plan.names import ALL_NAMES, Names

__all__ = ["check_names", "find_cluster", "named_cluster", "resolve"]

_UNFINISHED: Final = (ClusterStatus.CREATING, ClusterStatus.FORKING)
_MOST_NAMES: Final = 10


def named_cluster(clusters: Iterable[Cluster], wanted: str, *, engine: Engine | None = None) -> Cluster:
    """Return the cluster with this name or id.

    Raise InvalidInputError if several have the name, or none; then with similar names, of clusters with `engine` if
    given.
    """
    check_text(wanted, "the name or id of a cluster")
    clusters = list({cluster.id: cluster for cluster in clusters}.values())  # a list may repeat one
    found = [cluster for cluster in clusters if wanted in (cluster.name, cluster.id)]
    if len(found) == 1:
        return found[0]
    if found:
        raise InvalidInputError(f"{len(found)} clusters are named {wanted!r}; use the id of one of them")
    offered = [cluster.name for cluster in clusters if engine in (None, cluster.engine)]
    similar = similar_names(wanted, offered)
    kind = "clusters" if engine is None else f"{engine.capitalize()} clusters"
    hint = f"did you mean {similar[0]!r}?" if similar else f"{kind} here: {', '.join(offered[:_MOST_NAMES]) or 'none'}"
    raise InvalidInputError(f"there is no cluster {wanted!r}; {hint}")


def find_cluster(clusters: Iterable[Cluster], wanted: str) -> ClusterRef:
    """Return the Kafka cluster with this name or id.

    Raise InvalidInputError if there is none, if it is of another engine, or if it is still being created.
    """
    found = named_cluster(clusters, wanted, engine=Engine.KAFKA)
    if found.engine is not Engine.KAFKA:
        raise InvalidInputError(f"cluster {wanted!r} is {found.engine}, and topics need Kafka")
    if found.status in _UNFINISHED:
        raise InvalidInputError(f"cluster {wanted!r} is still {found.status}; wait until it is online")
    return ClusterRef(id=found.id, name=found.name, num_nodes=found.num_nodes)


def resolve(
    catalogue: Catalogue, clusters: Iterable[Cluster], *, chosen: Sequence[str] = (), names: Names = ALL_NAMES
) -> list[Target]:
    """Sort the entries of a catalogue by their clusters.

    `chosen` are names or ids: entries that name no cluster go to all of them, and of those that name one, only those of
    these clusters are taken. `names` takes only some of the entries. CatalogueError lists all problems at once: no such
    cluster, not Kafka, more replicas than the cluster has nodes, the same topic twice. Raise InvalidInputError if one
    of `chosen` is wrong.

    Args:
        catalogue: The catalogue.
        clusters: The live clusters.
        chosen: Names or ids of clusters.
        names: Which entries to take.
    """
    check_names(chosen)
    resolver = _Resolver(catalogue, list(clusters), chosen)
    matches = names.matcher()
    for kind in KINDS:
        for entry in kind.entries(catalogue):
            if matches(entry.name):
                resolver.add(kind, entry)
    return resolver.targets()


def check_names(clusters: Sequence[str]) -> None:
    """Reject one string, whose letters would be the names, and what cannot be names."""
    if isinstance(clusters, str) or not isinstance(clusters, Sequence):
        raise InvalidInputError(f"clusters must be a list of names or ids, such as ['events'], not {kind_of(clusters)}")
    for name in clusters:
        check_text(name, "clusters: a name")


class _Resolver:
    def __init__(self, catalogue: Catalogue, clusters: list[Cluster], chosen: Iterable[str]) -> None:
        self._catalogue = catalogue
        self._clusters = clusters
        self._chosen = list(dict.fromkeys(find_cluster(clusters, name) for name in chosen))
        self._found: dict[str | None, list[ClusterRef]] = {}
        # By cluster and kind, by the key that must be unique.
        self._declared: dict[ClusterRef, dict[str, dict[str, Any]]] = {}
        self._problems: list[Problem] = []

    def add(self, kind: Kind[Any, Any], entry: Entry) -> None:
        if entry.cluster not in self._found:
            self._found[entry.cluster] = self._find(kind, entry)
        for cluster in self._found[entry.cluster]:
            declared = self._declared.setdefault(cluster, {}).setdefault(kind.field, {})
            self._check(kind, entry, cluster, declared)
            declared.setdefault(kind.collision_key(entry.name), entry)

    def targets(self) -> list[Target]:
        for cluster in self._chosen:
            if cluster not in self._declared:
                file = next((entry.file for entry in self._catalogue.entries), "the catalogue")
                self._problems.append(Problem(file=file, message=f"declares nothing for cluster {cluster.name!r}"))
        if self._problems:
            raise CatalogueError(self._problems)
        return [
            Target(cluster=cluster, **{field: tuple(entries.values()) for field, entries in kinds.items()})
            for cluster, kinds in self._declared.items()
        ]

    def _find(self, kind: Kind[Any, Any], entry: Entry) -> list[ClusterRef]:
        """Return the clusters of an entry."""
        if self._chosen:
            return [cluster for cluster in self._chosen if entry.cluster in (None, cluster.name, cluster.id)]
        if entry.cluster is None:
            message = f"no cluster is named for this {kind.name}; write `cluster:` in the file, or pass --cluster NAME"
            self._problem(entry, "", message)
            return []
        try:
            return [find_cluster(self._clusters, entry.cluster)]
        except InvalidInputError as error:
            line = self._catalogue.cluster_lines.get((entry.file, entry.cluster), entry.line)
            self._problems.append(Problem(file=entry.file, line=line, key="cluster", message=str(error)))
            return []

    def _check(self, kind: Kind[Any, Any], entry: Entry, cluster: ClusterRef, declared: dict[str, Any]) -> None:
        first = declared.get(kind.collision_key(entry.name))
        if first is not None:
            place = f"{first.file}:{first.line}"
            message = f"the same {kind.name} of cluster {cluster.name!r} is declared in {place}"
            if first.name != entry.name:
                message = f"collides with {first.name} in {place}: {SAME_IN_METRICS}"
            self._problem(entry, "name", message)
        for key, message in kind.problems(entry, cluster):
            self._problem(entry, key, message)

    def _problem(self, entry: Entry, key: str, message: str) -> None:
        problem = Problem(file=entry.file, line=entry.line, name=entry.name, key=key, message=message)
        self._problems.append(problem)
