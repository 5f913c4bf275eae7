"""Sort a catalogue's entries by the clusters that they are declared for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Final

from asyncdbaas.catalogue import Catalogue, CatalogueError, CatalogueTopic, Problem
from asyncdbaas.clusters import Cluster, ClusterStatus, Engine
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.plan.model import ClusterRef, Target
from asyncdbaas.types import UNSET

__all__ = ["find_cluster", "named_cluster", "resolve"]

_UNFINISHED: Final = (ClusterStatus.CREATING, ClusterStatus.FORKING)
_MOST_NAMES: Final = 10


def named_cluster(clusters: Iterable[Cluster], wanted: str, *, engine: Engine | None = None) -> Cluster:
    """Return the cluster with this name or id.

    InvalidInputError if there is none, with the names near to it; with `engine`, only of clusters that have it.
    """
    by_name = {cluster.name: cluster for cluster in clusters}
    found = by_name.get(wanted) or next((cluster for cluster in by_name.values() if cluster.id == wanted), None)
    if found is not None:
        return found
    offered = [name for name, cluster in by_name.items() if engine in (None, cluster.engine)]
    close = get_close_matches(wanted, offered, n=1)
    kind = "clusters" if engine is None else f"{engine.capitalize()} clusters"
    hint = f"did you mean {close[0]!r}?" if close else f"{kind} here: {', '.join(offered[:_MOST_NAMES]) or 'none'}"
    raise InvalidInputError(f"there is no cluster {wanted!r}; {hint}")


def find_cluster(clusters: Iterable[Cluster], wanted: str) -> ClusterRef:
    """Return the Kafka cluster with this name or id.

    InvalidInputError if there is none, if it is of another engine, or if it is still being created.
    """
    found = named_cluster(clusters, wanted, engine=Engine.KAFKA)
    if found.engine is not Engine.KAFKA:
        raise InvalidInputError(f"cluster {wanted!r} is {found.engine}, and topics need Kafka")
    if found.status in _UNFINISHED:
        raise InvalidInputError(f"cluster {wanted!r} is still {found.status}: wait until it is online")
    return ClusterRef(id=found.id, name=found.name, num_nodes=found.num_nodes)


def resolve(catalogue: Catalogue, clusters: Iterable[Cluster], *, chosen: Sequence[str] = ()) -> list[Target]:
    """Sort the topics of a catalogue by their clusters.

    `chosen` are names or ids: topics that name no cluster go to all of them, and of those that name one, only those of
    these clusters are taken. CatalogueError lists all problems at once: no such cluster, not Kafka, more replicas than
    the cluster has nodes, the same topic twice. InvalidInputError if one of `chosen` is wrong.
    """
    resolver = _Resolver(list(clusters), chosen)
    for topic in catalogue.topics:
        resolver.add(topic)
    return resolver.targets(catalogue)


class _Resolver:
    def __init__(self, clusters: list[Cluster], chosen: Iterable[str]) -> None:
        self._clusters = clusters
        self._chosen = list(dict.fromkeys(find_cluster(clusters, name) for name in chosen))
        self._found: dict[str | None, list[ClusterRef]] = {}
        self._wanted: dict[ClusterRef, dict[str, CatalogueTopic]] = {}
        self._problems: list[Problem] = []

    def add(self, topic: CatalogueTopic) -> None:
        if topic.cluster not in self._found:
            self._found[topic.cluster] = self._find(topic)
        for cluster in self._found[topic.cluster]:
            self._check(topic, cluster)
            self._wanted.setdefault(cluster, {}).setdefault(topic.topic.name, topic)

    def targets(self, catalogue: Catalogue) -> list[Target]:
        for cluster in self._chosen:
            if cluster not in self._wanted:
                file = catalogue.topics[0].file if catalogue.topics else "the catalogue"
                message = f"has no topics for cluster {cluster.name!r}"
                self._problems.append(Problem(file=file, line=0, message=message))
        if self._problems:
            raise CatalogueError(self._problems)
        return [Target(cluster=cluster, topics=tuple(topics.values())) for cluster, topics in self._wanted.items()]

    def _find(self, topic: CatalogueTopic) -> list[ClusterRef]:
        """Find the clusters of the first topic that names them so."""
        if self._chosen:
            return [cluster for cluster in self._chosen if topic.cluster in (None, cluster.name, cluster.id)]
        if topic.cluster is None:
            message = "no cluster is named for this topic, or those like it: write `cluster:`, or choose one"
            self._problem(topic, "", message)
            return []
        try:
            return [find_cluster(self._clusters, topic.cluster)]
        except InvalidInputError as error:
            self._problem(topic, "cluster", str(error))
            return []

    def _check(self, topic: CatalogueTopic, cluster: ClusterRef) -> None:
        name, factor = topic.topic.name, topic.topic.replication_factor
        first = self._wanted.get(cluster, {}).get(name)
        if first is not None:
            message = f"the same topic of cluster {cluster.name!r} is declared in {first.file}:{first.line}"
            self._problem(topic, "name", message)
        if name.startswith("_"):
            self._problem(topic, "name", "topics that begin with _ are Kafka's own and never touched")
        if factor is not UNSET and cluster.num_nodes is not None and factor > cluster.num_nodes:
            message = f"{factor} is more than the nodes of cluster {cluster.name!r}, {cluster.num_nodes}"
            self._problem(topic, "replication_factor", message)

    def _problem(self, topic: CatalogueTopic, key: str, message: str) -> None:
        name = "" if key == "cluster" else topic.topic.name
        self._problems.append(Problem(file=topic.file, line=topic.line, name=name, key=key, message=message))
