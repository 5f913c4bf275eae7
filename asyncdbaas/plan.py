"""Bring topic catalogues to clusters: find what is missing, and create it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from difflib import get_close_matches
from enum import StrEnum

import attrs

from . import bulk
from .catalogue import Catalogue, CatalogueError, CatalogueTopic, Problem
from .errors import AuthenticationError, DBaaSError, InvalidInputError, PermissionDeniedError, UnprocessableError
from .session import AsyncSession
from .topics import Topic, TopicState, create_topic, list_topics
from .types import UNSET

__all__ = [
    "ClusterRef",
    "Outcome",
    "Result",
    "Target",
    "create_missing",
    "find_cluster",
    "list_cluster_refs",
    "resolve",
]


@attrs.frozen(kw_only=True)
class ClusterRef:
    """What a plan needs to know of a cluster."""

    id: str
    name: str
    engine: str
    num_nodes: int | None = None


@attrs.frozen(kw_only=True)
class Target:
    """A cluster and the topics that it should have."""

    cluster: ClusterRef
    topics: tuple[CatalogueTopic, ...]


class Result(StrEnum):
    """What became of a topic."""

    CREATED = "created"
    THERE = "already there"
    FAILED = "failed"


@attrs.frozen(kw_only=True)
class Outcome:
    """What became of one topic of a catalogue; a failure has its reason."""

    cluster: ClusterRef
    topic: CatalogueTopic
    result: Result
    reason: str = ""


async def list_cluster_refs(session: AsyncSession) -> list[ClusterRef]:
    """List all clusters, of every engine."""
    return await session.request("GET", "/v2/databases", list[ClusterRef], key="databases")


def find_cluster(clusters: Iterable[ClusterRef], wanted: str) -> ClusterRef:
    """Return the Kafka cluster with this name or id; InvalidInputError if there is none."""
    by_name = {cluster.name: cluster for cluster in clusters}
    by_key = {cluster.id: cluster for cluster in by_name.values()} | by_name
    found = by_key.get(wanted)
    if found is None:
        kafka = [name for name, cluster in by_name.items() if cluster.engine == "kafka"]
        close = get_close_matches(wanted, kafka, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"Kafka clusters here: {', '.join(kafka[:10]) or 'none'}"
        raise InvalidInputError(f"there is no cluster {wanted!r}; {hint}")
    if found.engine != "kafka":
        raise InvalidInputError(f"cluster {wanted!r} is {found.engine}, and topics need Kafka")
    return found


def resolve(catalogue: Catalogue, clusters: Iterable[ClusterRef], *, chosen: ClusterRef | None = None) -> list[Target]:
    """Sort the topics of a catalogue by their clusters.

    Topics that name no cluster go to the `chosen` one; of those that name one, only the chosen one's are taken.
    CatalogueError names all problems at once: no such cluster, not Kafka, more replicas than the cluster has nodes,
    the same topic under the cluster's name and under its id.
    """
    clusters = list(clusters)
    problems: list[Problem] = []
    found: dict[str | None, ClusterRef | None] = {}
    wanted: dict[ClusterRef, dict[str, CatalogueTopic]] = {}
    for topic in catalogue.topics:
        if chosen is not None and topic.cluster not in (None, chosen.name, chosen.id):
            continue
        if topic.cluster not in found:
            found[topic.cluster] = chosen or _find_for(topic, clusters, problems)
        cluster = found[topic.cluster]
        if cluster is not None:
            _check_fit(topic, cluster, wanted.setdefault(cluster, {}), problems)
            wanted[cluster][topic.topic.name] = topic
    if chosen is not None and not wanted:
        file = catalogue.topics[0].file if catalogue.topics else ""
        problems.append(Problem(file=file, line=0, message=f"holds no topics for cluster {chosen.name!r}"))
    if problems:
        raise CatalogueError(problems)
    return [Target(cluster=cluster, topics=tuple(topics.values())) for cluster, topics in wanted.items()]


def _find_for(topic: CatalogueTopic, clusters: list[ClusterRef], problems: list[Problem]) -> ClusterRef | None:
    """Find the cluster of the first topic that names it."""
    if topic.cluster is None:
        message = "no cluster is named for this topic, or those like it: write `cluster:`, or choose one"
        problems.append(Problem(file=topic.file, line=topic.line, topic=topic.topic.name, message=message))
        return None
    try:
        return find_cluster(clusters, topic.cluster)
    except InvalidInputError as error:
        problems.append(Problem(file=topic.file, line=topic.line, key="cluster", message=str(error)))
        return None


def _check_fit(
    topic: CatalogueTopic, cluster: ClusterRef, others: Mapping[str, CatalogueTopic], problems: list[Problem]
) -> None:
    name, factor = topic.topic.name, topic.topic.replication_factor
    if name in others:
        message = f"the same topic of cluster {cluster.name!r} stands in line {others[name].line}"
        problems.append(Problem(file=topic.file, line=topic.line, topic=name, key="name", message=message))
    if factor is not UNSET and cluster.num_nodes is not None and factor > cluster.num_nodes:
        message = f"{factor} is more than cluster {cluster.name!r} has nodes, {cluster.num_nodes}"
        problem = Problem(file=topic.file, line=topic.line, topic=name, key="replication_factor", message=message)
        problems.append(problem)


async def create_missing(session: AsyncSession, targets: Iterable[Target]) -> AsyncGenerator[Outcome, None]:
    """Create the topics that do not exist, over all clusters at once, and yield each topic's outcome as it comes.

    One list for each cluster tells what exists; one more, at the end, tells what became of those creates whose
    outcome is unknown, or whose name had been taken meanwhile. An answer that refuses the token is raised.
    """
    wanted = [_Want(target.cluster, topic) for target in targets for topic in target.topics]
    there = await _list_all(session, wanted)
    missing: list[_Want] = []
    for want in wanted:
        live = there[want.cluster].get(want.topic.topic.name)
        if live is None:
            missing.append(want)
        else:
            yield _outcome_of_present(want, live)
    doubtful: list[tuple[_Want, DBaaSError]] = []
    async for want, error in bulk.as_completed(_creator(session), missing):
        if isinstance(error, (AuthenticationError, PermissionDeniedError)):
            raise error
        if error is None:
            yield want.outcome(Result.CREATED)
        elif isinstance(error, UnprocessableError) or getattr(error, "outcome_unknown", False):
            doubtful.append((want, error))
        else:
            yield want.outcome(Result.FAILED, str(error))
    there = await _list_all(session, [want for want, _ in doubtful])
    for want, error in doubtful:
        yield _outcome_of_doubtful(want, error, there[want.cluster].get(want.topic.topic.name))


@attrs.frozen
class _Want:
    cluster: ClusterRef
    topic: CatalogueTopic

    def outcome(self, result: Result, reason: str = "") -> Outcome:
        return Outcome(cluster=self.cluster, topic=self.topic, result=result, reason=reason)


def _creator(session: AsyncSession) -> Callable[[_Want], Awaitable[DBaaSError | None]]:
    """Return a function that creates a topic and returns what went wrong."""

    async def create(want: _Want) -> DBaaSError | None:
        try:
            await create_topic(session, want.cluster.id, want.topic.topic)
        except DBaaSError as error:
            return error
        return None

    return create


async def _list_all(session: AsyncSession, wanted: Iterable[_Want]) -> dict[ClusterRef, dict[str, Topic]]:
    async def fetch(cluster: ClusterRef) -> dict[str, Topic]:
        return {topic.name: topic for topic in await list_topics(session, cluster.id)}

    clusters = list(dict.fromkeys(want.cluster for want in wanted))
    return dict(zip(clusters, await bulk.map_all(fetch, clusters), strict=True))


def _outcome_of_present(want: _Want, live: Topic) -> Outcome:
    if live.state is TopicState.DELETING:
        return want.outcome(Result.FAILED, "a topic of this name is still being deleted; run again in a minute")
    return want.outcome(Result.THERE)


def _outcome_of_doubtful(want: _Want, error: DBaaSError, live: Topic | None) -> Outcome:
    if live is None:
        return want.outcome(Result.FAILED, str(error))
    return _outcome_of_present(want, live) if isinstance(error, UnprocessableError) else want.outcome(Result.CREATED)
