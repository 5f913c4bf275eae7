"""Topics: partitions, replication and settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from asyncdbaas._core.http import seg
from asyncdbaas._topic_settings import PARTITIONING, PARTITIONS, REPLICAS, TOPIC_SETTINGS
from asyncdbaas.catalogue import CatalogueTopic
from asyncdbaas.catalogue.kafka import (
    SettingError,
    factor_below_insync,
    metric_name,
    read_value,
    same_value,
    settings_of,
    values_of,
)
from asyncdbaas.catalogue.writing import topic_values
from asyncdbaas.errors import AcceptedError, NotFoundError
from asyncdbaas.plan.kinds.base import Assessment, Kind, Write
from asyncdbaas.plan.model import Action, ClusterRef
from asyncdbaas.session import AsyncSession
from asyncdbaas.topics import (
    Topic,
    TopicConfig,
    TopicCreate,
    TopicState,
    TopicUpdate,
    create_topic,
    delete_topic,
    get_topic,
    list_topics,
    update_topic,
)
from asyncdbaas.types import UNSET, Unset

__all__ = ["TOPICS"]


class _Topics(Kind[CatalogueTopic, Topic]):
    """Kafka topics."""

    name = "topic"
    field = "topics"
    is_reread = True
    has_details = True

    def values(self, entry: CatalogueTopic) -> dict[str, Any]:
        return topic_values(entry.topic)

    def problems(self, entry: CatalogueTopic, cluster: ClusterRef) -> Iterable[tuple[str, str]]:
        if entry.topic.name.startswith("_"):
            yield "name", "names that begin with _ are reserved for Kafka and are never changed"
        factor = entry.topic.replication_factor
        if factor is not UNSET and cluster.num_nodes is not None and factor > cluster.num_nodes:
            yield (
                "replication_factor",
                f"{factor} is more than the nodes of cluster {cluster.name!r}, {cluster.num_nodes}",
            )

    async def fetch(self, session: AsyncSession, cluster_id: str) -> dict[str, Topic]:
        """List the topics, without their settings.

        The list may be older than a deletion by this session, so it reads again what the list shows of those topics.
        """
        live = {topic.name: topic for topic in await list_topics(session, cluster_id)}
        if session.deletions:
            paths = {name: f"/v2/databases/{cluster_id}/topics/{seg(name, 'name')}" for name in live}
            for name in [name for name, path in paths.items() if path in session.deletions]:
                topic = await self.read(session, cluster_id, live.pop(name), None)
                if topic is not None:
                    live[name] = topic
                    if not self.is_deleting(topic):
                        session.deletions.discard(paths[name])  # it was created again
        return live

    def is_incomplete(self, entry: CatalogueTopic, live: Topic) -> bool:
        wanted = entry.topic
        lacks_settings = wanted.config is not UNSET and live.config is None
        return lacks_settings or (wanted.partition_count is not UNSET and live.partition_count is None)

    async def read(
        self, session: AsyncSession, cluster_id: str, live: Topic, entry: CatalogueTopic | None
    ) -> Topic | None:
        del entry
        try:
            # Partitions take most of the memory, and only their number is compared.
            return attrs.evolve(await get_topic(session, cluster_id, live.name), partitions=[])
        except (NotFoundError, AcceptedError):
            return None

    def is_deleting(self, live: Topic) -> bool:
        return live.state is TopicState.DELETING

    def is_protected(self, name: str, live: Topic) -> bool:
        del live
        return name.startswith("_")

    def collision_key(self, name: str) -> str:
        return metric_name(name)

    def differences(self, entry: CatalogueTopic, live: Topic) -> dict[str, tuple[Any, Any]]:
        found: dict[str, tuple[Any, Any]] = {}
        for key, declared in values_of(entry.topic).items():
            there = getattr(live if key in PARTITIONING else live.config, key, None)
            if there != declared and not same_value(key, there, declared):
                found[key] = (None if there is UNSET else there, declared)
        return found

    def assess(self, changed: Mapping[str, tuple[Any, Any]]) -> Assessment:
        there, declared = changed.get("partition_count", (None, None))
        if there is None or declared >= there:
            return Assessment()
        refusal = f"it has {there} partitions, and the catalogue declares {declared}: their number can only grow"
        return Assessment(refusal=refusal)

    def entry_of(self, live: Topic, cluster: str) -> CatalogueTopic:
        """Return the entry of a live topic; values that a catalogue cannot hold are left out."""
        return CatalogueTopic(topic=_topic_create(live), cluster=cluster)

    async def send(self, session: AsyncSession, cluster_id: str, write: Write) -> Topic | None:
        """Create, change or delete a topic; a delete takes all its messages."""
        if write.action is Action.CREATE:
            return await create_topic(session, cluster_id, write.entry.topic)
        if write.action is Action.UPDATE:
            update = _update(write.entry.topic, write.changed)
            return await update_topic(session, cluster_id, write.name, update, live=write.live)
        await delete_topic(session, cluster_id, write.name)
        return None


TOPICS: Final = _Topics()


def _update(wanted: TopicCreate, changed: Mapping[str, object]) -> TopicUpdate:
    """Return the request that makes these keys as declared.

    If a setting changes, all declared ones are sent: whether the service keeps the others is not documented.
    """
    return TopicUpdate(
        partition_count=wanted.partition_count if "partition_count" in changed else UNSET,
        replication_factor=wanted.replication_factor if "replication_factor" in changed else UNSET,
        config=wanted.config if changed.keys() - PARTITIONING.keys() else UNSET,
    )


def _topic_create(topic: Topic) -> TopicCreate:
    factor = _within(topic.replication_factor, *REPLICAS)
    config = {name: value for name, value in settings_of(topic.config).items() if _is_writable(name, value)}
    if factor_below_insync(config, factor) is not None:
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
    """Return whether a catalogue takes the value: the service may know some that this library does not."""
    try:
        read = read_value(TOPIC_SETTINGS[name], str(value))
    except SettingError:
        return False
    return same_value(name, read, value)
