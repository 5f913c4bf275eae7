"""See what there is: one list for each cluster, and details of those topics whose settings need comparing."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from asyncdbaas import bulk
from asyncdbaas.catalogue import Catalogue
from asyncdbaas.clusters import list_clusters
from asyncdbaas.errors import AcceptedError, NotFoundError
from asyncdbaas.plan.comparing import Live, compare
from asyncdbaas.plan.model import Plan, Prune, Target
from asyncdbaas.plan.resolving import resolve
from asyncdbaas.session import AsyncSession
from asyncdbaas.topics import Topic, TopicCreate, get_topic, list_topics
from asyncdbaas.types import UNSET

__all__ = ["list_by_name", "look", "plan_topics", "read_details"]


async def plan_topics(
    session: AsyncSession, catalogue: Catalogue, *, cluster: str | None = None, prune: Prune | None = None
) -> Plan:
    """Find the catalogue's clusters, see what there is, and return the plan that brings it to the catalogue.

    `cluster` is a name or id: topics that name no cluster go there, and of those that name one, only that cluster's
    are taken. It sends one request for the clusters, one for each cluster, and one for each existing topic for which
    the catalogue declares settings. CatalogueError names all that does not fit the clusters.
    """
    targets = resolve(catalogue, await list_clusters(session), cluster=cluster)
    return compare(targets, await look(session, targets), prune=prune)


async def look(session: AsyncSession, targets: Iterable[Target]) -> Live:
    """Return the topics that there are on the targets' clusters, by the cluster's id, by name."""
    targets = list(targets)
    lists = await bulk.map_all(lambda target: list_by_name(session, target.cluster.id), targets)
    live = {target.cluster.id: topics for target, topics in zip(targets, lists, strict=True)}
    unread = [
        (target.cluster.id, wanted.topic.name)
        for target in targets
        for wanted in target.topics
        if _needs_details(wanted.topic, live[target.cluster.id].get(wanted.topic.name))
    ]
    for (cluster_id, name), topic in zip(unread, await read_details(session, unread), strict=True):
        if topic is not None:
            live[cluster_id][name] = topic
    return live


async def list_by_name(session: AsyncSession, cluster_id: str) -> dict[str, Topic]:
    """List the topics of a cluster, by name."""
    return {topic.name: topic for topic in await list_topics(session, cluster_id)}


async def read_details(session: AsyncSession, topics: Iterable[tuple[str, str]]) -> list[Topic | None]:
    """Read topics by their cluster's id and their name; None for one that does not show, as happens to new ones."""

    async def read(topic: tuple[str, str]) -> Topic | None:
        try:
            # The partitions are the bulk of it, and only their number is compared.
            return attrs.evolve(await get_topic(session, *topic), partitions=[])
        except (NotFoundError, AcceptedError):
            return None

    return await bulk.map_all(read, topics)


def _needs_details(wanted: TopicCreate, live: Topic | None) -> bool:
    if live is None:
        return False
    unread = wanted.config is not UNSET and live.config is None
    return unread or (wanted.partition_count is not UNSET and live.partition_count is None)
