"""Fetch the live topics: one list request per cluster, plus one read per topic whose settings must be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import attrs

from asyncdbaas import bulk
from asyncdbaas._core.http import seg
from asyncdbaas._core.observers import guarded
from asyncdbaas.catalogue import Catalogue
from asyncdbaas.clusters import list_clusters
from asyncdbaas.errors import AcceptedError, NotFoundError
from asyncdbaas.plan.comparing import Live, compare
from asyncdbaas.plan.events import PlanEvent, forecast_requests
from asyncdbaas.plan.model import Plan, Prune, Target
from asyncdbaas.plan.resolving import resolve
from asyncdbaas.session import AsyncSession
from asyncdbaas.topics import Topic, TopicCreate, TopicState, get_topic, list_topics
from asyncdbaas.types import UNSET

__all__ = ["list_by_name", "look", "plan_topics", "read_details"]


async def plan_topics(
    session: AsyncSession,
    catalogue: Catalogue,
    *,
    clusters: Sequence[str] = (),
    prune: Prune | None = None,
    on_event: Callable[[PlanEvent], object] | None = None,
) -> Plan:
    """Find the catalogue's clusters, fetch their live topics, and return the plan that brings them in sync.

    `clusters` are names or ids: topics that name no cluster go to all of them, and of those that name one, only those
    of these clusters are taken. It sends one request for the clusters, one for each cluster, and one for each existing
    topic for which the catalogue declares settings. `on_event` is called with the forecast of these last ones.
    CatalogueError lists everything that does not fit the clusters.
    """
    targets = resolve(catalogue, await list_clusters(session), chosen=clusters)
    return compare(targets, await look(session, targets, on_event=on_event), prune=prune)


async def look(
    session: AsyncSession, targets: Iterable[Target], *, on_event: Callable[[PlanEvent], object] | None = None
) -> Live:
    """Return the live topics of the targets' clusters, by the cluster's id, by name."""
    targets = list(targets)
    lists = await bulk.map_all(lambda target: list_by_name(session, target.cluster.id), targets)
    live = {target.cluster.id: topics for target, topics in zip(targets, lists, strict=True)}
    unread = [
        (target.cluster.id, wanted.topic.name)
        for target in targets
        for wanted in target.topics
        if _needs_details(wanted.topic, live[target.cluster.id].get(wanted.topic.name))
    ]
    guarded(on_event)(forecast_requests(session, len(unread)))
    for (cluster_id, name), topic in zip(unread, await read_details(session, unread), strict=True):
        if topic is not None:
            live[cluster_id][name] = topic
    return live


async def list_by_name(session: AsyncSession, cluster_id: str) -> dict[str, Topic]:
    """List the topics of a cluster, by name. Those that the session deleted read `deleting`, whatever the list says."""
    path = f"/v2/databases/{cluster_id}/topics"
    live = {topic.name: topic for topic in await list_topics(session, cluster_id)}
    deleted = [name for name in live if session.deletions and f"{path}/{seg(name, 'name')}" in session.deletions]
    return live | {name: attrs.evolve(live[name], state=TopicState.DELETING) for name in deleted}


async def read_details(session: AsyncSession, topics: Iterable[tuple[str, str]]) -> list[Topic | None]:
    """Read topics by their cluster's id and their name; None for one that is not visible, as happens to new ones."""

    async def read(topic: tuple[str, str]) -> Topic | None:
        try:
            # Partitions take most of the memory, and only their number is compared.
            return attrs.evolve(await get_topic(session, *topic), partitions=[])
        except (NotFoundError, AcceptedError):
            return None

    return await bulk.map_all(read, topics)


def _needs_details(wanted: TopicCreate, live: Topic | None) -> bool:
    if live is None:
        return False
    unread = wanted.config is not UNSET and live.config is None
    return unread or (wanted.partition_count is not UNSET and live.partition_count is None)
