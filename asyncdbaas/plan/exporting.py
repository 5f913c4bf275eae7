"""Make catalogues of the live topics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from asyncdbaas import bulk
from asyncdbaas._topic_settings import PARTITIONS, REPLICAS, TOPIC_SETTINGS
from asyncdbaas.catalogue import Catalogue, CatalogueTopic, CatalogueUpdate, parse_catalogue, update_catalogue
from asyncdbaas.catalogue.kafka import SettingError, read_value, same_value, settings_of
from asyncdbaas.clusters import list_clusters
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.plan.fetching import list_by_name, read_details
from asyncdbaas.plan.model import ClusterRef
from asyncdbaas.plan.resolving import resolve
from asyncdbaas.session import AsyncSession
from asyncdbaas.topics import Topic, TopicConfig, TopicCreate, TopicState
from asyncdbaas.types import UNSET, Unset

__all__ = ["catalogue_of", "export", "export_into"]


async def export(session: AsyncSession, clusters: Iterable[ClusterRef], *, settings: bool = True) -> Catalogue:
    """Return a catalogue of the live topics of clusters; a plan from it has nothing to do.

    It costs one request for each cluster and, with `settings`, one for each topic. Topics that begin with `_`, or are
    being deleted, are left out.
    """
    clusters = list(clusters)
    lists = await bulk.map_all(lambda cluster: list_by_name(session, cluster.id), clusters)
    live = [
        (cluster, topic)
        for cluster, topics in zip(clusters, lists, strict=True)
        for name, topic in sorted(topics.items())
        if not name.startswith("_") and topic.state is not TopicState.DELETING
    ]
    if settings:
        details = await read_details(session, [(cluster.id, topic.name) for cluster, topic in live])
        live = [(cluster, detail or topic) for (cluster, topic), detail in zip(live, details, strict=True)]
    return catalogue_of(live)


async def export_into(
    session: AsyncSession,
    text: str,
    *,
    file: str,
    clusters: Sequence[str] = (),
    remove_missing: bool = False,
    variables: Mapping[str, str] | None = None,
) -> CatalogueUpdate:
    """Return the text of a YAML catalogue, brought up to date with the live topics of the clusters that it names.

    Its comments, order, anchors and spelling stay. It costs one request more than `export` of the clusters.

    Args:
        session: An open session.
        text: The whole text.
        file: Name of the file, for messages.
        clusters: as for `make_plan`.
        remove_missing: Remove topics that do not exist. By default they stay: they may not have been applied yet.
        variables: Values of `${NAME}` in the text.
    """
    declared = parse_catalogue(text, file=file, variables=variables)
    targets = resolve(declared, await list_clusters(session), chosen=clusters)
    if len(targets) > 1 and any(entry.cluster is None for target in targets for entry in target.topics):
        raise InvalidInputError(f"{file} has topics that name no cluster, so it can be updated from one cluster only")
    live = await export(session, [target.cluster for target in targets])
    names = {entry.cluster: target.cluster.name for target in targets for entry in target.topics}
    return update_catalogue(text, live, names, file=file, remove_missing=remove_missing, variables=variables)


def catalogue_of(live: Iterable[tuple[ClusterRef, Topic]]) -> Catalogue:
    """Return a catalogue of live topics; values that a catalogue cannot hold are left out, and so not compared."""
    return Catalogue(
        topics=tuple(CatalogueTopic(topic=_topic_create(topic), cluster=cluster.name) for cluster, topic in live)
    )


def _topic_create(topic: Topic) -> TopicCreate:
    factor = _within(topic.replication_factor, *REPLICAS)
    config = {name: value for name, value in settings_of(topic.config).items() if _is_writable(name, value)}
    if config.get("min_insync_replicas", 1) > (2 if factor is UNSET else factor):
        del config["min_insync_replicas"]
    return TopicCreate(
        name=topic.name,
        partition_count=_within(topic.partition_count, *PARTITIONS),
        replication_factor=factor,
        config=TopicConfig(**config) if config else UNSET,
    )


def _within(number: int | None, low: int, high: int) -> int | Unset:
    return number if number is not None and low <= number <= high else UNSET


def _is_writable(name: str, value: Any) -> bool:
    """Tell whether a catalogue takes the value: the service may know some that this library does not."""
    try:
        read = read_value(TOPIC_SETTINGS[name], str(value))
    except SettingError:
        return False
    return same_value(name, read, value)
