"""Kafka topics of a cluster."""

from __future__ import annotations

import re
from typing import Any, Final

import attrs

from asyncdbaas._checks import kind_of
from asyncdbaas._core.model import Model
from asyncdbaas._endpoint import changes, cluster_path, created, delete, list_all, payload
from asyncdbaas._models import CompressionType
from asyncdbaas.errors import AcceptedError, InvalidInputError, SettingsLostError
from asyncdbaas.session import AsyncSession
from asyncdbaas.types import UNSET, EnumOrStr, Id, ListOf, OpenEnum, Unset, new_list, null_lists, take_strings

__all__ = [
    "CleanupPolicy",
    "CompressionType",
    "ConsumerGroup",
    "Partition",
    "TimestampType",
    "Topic",
    "TopicConfig",
    "TopicCreate",
    "TopicState",
    "TopicUpdate",
    "create_topic",
    "delete_topic",
    "get_topic",
    "list_topics",
    "update_topic",
]

# Kafka's own rule; the service has no other.
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")
# No broker can hold more; the service shows it as 9223372036854776000.
_NO_LIMIT: Final = 2**63 - 1
_FOREIGN: Final = re.compile(r"[^A-Za-z0-9._-]")


class TopicState(OpenEnum):
    """State of a topic."""

    ACTIVE = "active"
    CONFIGURING = "configuring"
    DELETING = "deleting"
    UNKNOWN = "unknown"


class CleanupPolicy(OpenEnum):
    """Policy for old log segments. Kafka itself writes the last one `compact,delete`."""

    DELETE = "delete"
    COMPACT = "compact"
    COMPACT_DELETE = "compact_delete"


class TimestampType(OpenEnum):
    """Timestamp that a message carries. Kafka itself writes `CreateTime` and `LogAppendTime`."""

    CREATE_TIME = "create_time"
    LOG_APPEND_TIME = "log_append_time"


@attrs.frozen(kw_only=True, slots=False, repr=False, field_transformer=take_strings)
class TopicConfig(Model):
    """Settings of a topic. What is unset keeps the service's default. In results, some or all can be missing.

    The service shows "no limit" as 9223372036854776000, the largest 64-bit integer after rounding.
    """

    cleanup_policy: EnumOrStr[CleanupPolicy] | Unset = UNSET
    """Drop old segments (`delete`, the default), keep the last value of each key (`compact`), or both."""
    compression_type: EnumOrStr[CompressionType] | Unset = UNSET
    """Default `producer`."""
    delete_retention_ms: int | Unset = UNSET
    """How long the marker of a deleted key stays, in milliseconds. Default 86400000, a day."""
    file_delete_delay_ms: int | Unset = UNSET
    """Time before a dropped file is removed from the disk, in milliseconds. Default 60000."""
    flush_messages: int | Unset = UNSET
    """Messages after which a partition is flushed to disk. Default: no limit."""
    flush_ms: int | Unset = UNSET
    """Longest time that a message stays in memory only, in milliseconds. Default: no limit."""
    index_interval_bytes: int | Unset = UNSET
    """Bytes between two entries of the offset index. Default 4096."""
    max_compaction_lag_ms: int | Unset = UNSET
    """Longest time that a message stays uncompacted, in milliseconds; for `compact`. Default: no limit."""
    max_message_bytes: int | Unset = UNSET
    """Largest batch that is accepted, in bytes after compression. Default 1048588."""
    message_down_conversion_enable: bool | Unset = UNSET
    """Convert messages for old consumers; without it they get UNSUPPORTED_VERSION. Default true."""
    message_format_version: str | Unset = UNSET
    """Format of stored messages, such as `3.0-IV1`, the default; without effect on brokers from 3.0 on."""
    message_timestamp_difference_max_ms: int | Unset = UNSET
    """Largest distance between a message's timestamp and its arrival, in milliseconds. Not in the vendor's
    description, but in its examples and in its Go client."""
    message_timestamp_type: EnumOrStr[TimestampType] | Unset = UNSET
    """Default `create_time`."""
    min_cleanable_dirty_ratio: float | Unset = UNSET
    """Share of duplicates, 0.0 to 1.0, from which a log is compacted. Default 0.5."""
    min_compaction_lag_ms: int | Unset = UNSET
    """Shortest time that a message stays uncompacted, in milliseconds. Default 0."""
    min_insync_replicas: int | Unset = UNSET
    """Replicas that must have a write before it is acknowledged; at least 1, the default."""
    preallocate: bool | Unset = UNSET
    """Reserve the disk space of a new segment at once. Default false."""
    retention_bytes: int | Unset = UNSET
    """Size of a partition from which old segments are dropped, in bytes. Default -1: no limit."""
    retention_ms: int | Unset = UNSET
    """How long a message is kept, in milliseconds; -1 means forever. Default 604800000, a week."""
    segment_bytes: int | Unset = UNSET
    """Size of one segment file, in bytes, at least 14. Default 209715200."""
    segment_index_bytes: int | Unset = UNSET
    """Size of a segment's index, in bytes. Not in the vendor's description, but in its examples and Go client."""
    segment_jitter_ms: int | Unset = UNSET
    """Largest random deduction from `segment_ms`, in milliseconds. Default 0."""
    segment_ms: int | Unset = UNSET
    """Age at which a segment is closed even if it is not full, in milliseconds, at least 1. Default 604800000."""


@attrs.frozen(kw_only=True, slots=False, repr=False)
class ConsumerGroup(Model):
    """Position of a consumer group in a partition."""

    name: str | None = None
    """The group's name, whichever of its two keys the service used."""
    group_name: str | None = None
    """The same name under the key of the vendor's description; its responses use `name`."""
    offset: int | None = None

    def __attrs_post_init__(self) -> None:
        if self.name is None:
            object.__setattr__(self, "name", self.group_name)


@attrs.frozen(kw_only=True, slots=False, repr=False)
class Partition(Model):
    """One partition of a topic."""

    id: int | None = None
    size: int | None = None
    """Bytes."""
    in_sync_replicas: int | None = None
    """Nodes that have the newest data."""
    earliest_offset: int | None = None
    """Lowest offset of any consumer group."""
    consumer_groups: ListOf[ConsumerGroup] = attrs.field(factory=new_list)

    def __attrs_post_init__(self) -> None:
        null_lists(self, "consumer_groups")


@attrs.frozen(kw_only=True, slots=False, repr=False)
class Topic(Model):
    """A topic, as `list_topics` (short) or `get_topic` (with partitions and settings) shows it."""

    name: str
    state: TopicState | None = None
    replication_factor: int | None = None
    """Nodes that hold each partition."""
    partition_count: int | None = None
    """Number of partitions; counted from `partitions` if the service does not give it."""
    partitions: ListOf[Partition] = attrs.field(factory=new_list)
    """Empty in most lists."""
    config: TopicConfig | None = None
    """Missing in lists."""

    def __attrs_post_init__(self) -> None:
        # Not null_lists(): bulk creation reads these two, and without the function a call takes about 1 % less time.
        if self.partitions is None:  # pyright: ignore[reportUnnecessaryComparison] -- see ListOf
            object.__setattr__(self, "partitions", [])
        if self.partition_count is None and self.partitions:
            object.__setattr__(self, "partition_count", len(self.partitions))


def _check_name(_: object, __: object, name: str) -> None:
    if isinstance(name, str) and _NAME.fullmatch(name) and name not in (".", ".."):
        return
    found = _FOREIGN.search(name) if isinstance(name, str) else None
    if found:
        reason = f"{found.group()!a} at position {found.start()} is none of them"
    else:
        reason = f"it has {len(name)}" if isinstance(name, str) else f"it is {kind_of(name)}"
    raise InvalidInputError(
        f"topic name must be 1 to 249 of the characters A-Z a-z 0-9 . _ - and not . or ..; {reason}"
    )


@attrs.frozen(kw_only=True, slots=False, repr=False)
class TopicCreate(Model):
    """A topic to create."""

    name: str = attrs.field(validator=_check_name)
    """1 to 249 letters, digits, dots, underscores and hyphens, as Kafka requires."""
    partition_count: int | Unset = UNSET
    """3 to 2048; default 3."""
    replication_factor: int | Unset = UNSET
    """2 to the number of the cluster's nodes; default 2."""
    config: TopicConfig | Unset = UNSET
    """Settings; the others get the service's defaults."""


@attrs.frozen(kw_only=True, slots=False, repr=False)
class TopicUpdate(Model):
    """Changes to a topic; what is unset stays as it is."""

    partition_count: int | Unset = UNSET
    """Can only grow. The new number is visible some time after the response."""
    replication_factor: int | Unset = UNSET
    config: TopicConfig | Unset = UNSET


async def list_topics(session: AsyncSession, cluster_id: Id) -> list[Topic]:
    """List the topics of a Kafka cluster, without their settings and usually without their partitions.

    Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_list_kafka_topics
    """
    return await list_all(session, cluster_path(cluster_id, "topics"), Topic, "topics")


async def get_topic(session: AsyncSession, cluster_id: Id, name: str) -> Topic:
    """Read one topic, with its partitions and settings.

    A topic just created may raise NotFoundError, or AcceptedError, for some seconds. Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_get_kafka_topic
    """
    return await session.request("GET", cluster_path(cluster_id, "topics", name), Topic, key="topic")


async def create_topic(session: AsyncSession, cluster_id: Id, topic: TopicCreate) -> Topic:
    """Create a topic and return it while it is still `configuring`.

        topic = await create_topic(session, cluster_id, TopicCreate(name="orders", partition_count=6))

    The call may block for 20 s. The service may also accept the request without a topic in its response; then the
    result has only its name and `configuring`. If the outcome is unknown (`error.outcome_unknown`), the request is not
    sent again: check with `list_topics`. Raise UnprocessableError if the name is taken, the cluster is not Kafka, or a
    value is out of range. Scope `database:create`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_create_kafka_topic
    """
    path = cluster_path(cluster_id, "topics")
    try:
        made = await session.request("POST", path, Topic, key="topic", body=payload(topic, TopicCreate, "topic"))
    except AcceptedError:
        made = Topic(name=topic.name, state=TopicState.CONFIGURING)
    created(session, path, topic.name)
    return made


async def update_topic(
    session: AsyncSession, cluster_id: Id, name: str, update: TopicUpdate, *, live: Topic | None = None
) -> Topic:
    """Change a topic's partitions, replication or settings and return it.

    It is not documented whether the service keeps settings that a request does not name. So this function reads the
    topic, sends all its settings with the changes, and checks the response: SettingsLostError if another setting
    changed. To save the read, pass `live`, the topic as `get_topic` has just returned it.

    More partitions take effect after the response; until then the old number is visible. Raise UnprocessableError if
    there would be fewer. Scopes `database:read` and `database:update`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_update_kafka_topic

    Args:
        session: An open session.
        cluster_id: Id of the cluster.
        name: Name of the topic.
        update: The values to change.
        live: The topic as it is now, if you have just read it.
    """
    path = cluster_path(cluster_id, "topics", name)
    changes(update, TopicUpdate, "update")
    before = await get_topic(session, cluster_id, name) if live is None else live
    after = await session.request("PUT", path, Topic, key="topic", body=_completed(update, before))
    if lost := _lost(before, update, after):
        raise SettingsLostError(
            f"topic {name} was updated, but other settings changed: {lost}", method="PUT", path=path
        )
    return after


def _completed(update: TopicUpdate, live: Topic) -> TopicUpdate:
    """Add all settings that should stay. The partition count is left out: a pending increase may not be visible yet."""
    factor = update.replication_factor
    if factor is UNSET and live.replication_factor is not None:
        factor = live.replication_factor
    settings = _settings(live.config) | _settings(update.config)
    return attrs.evolve(update, replication_factor=factor, config=TopicConfig(**settings) if settings else UNSET)


def _settings(config: TopicConfig | Unset | None) -> dict[str, Any]:
    return (
        {} if not config else {key: value for key, value in attrs.asdict(config).items() if value not in (UNSET, None)}
    )


def _lost(before: Topic, update: TopicUpdate, after: Topic) -> str:
    """Name the settings that an update did not name and that the response shows with another value."""
    there, now = _settings(before.config), _settings(after.config)
    kept = there.keys() & now.keys() - _settings(update.config).keys()
    return ", ".join(f"{key} is {now[key]}, was {there[key]}" for key in sorted(kept) if _differ(there[key], now[key]))


def _differ(one: object, other: object) -> bool:
    """Compare two values of a setting; "no limit" has several."""
    has_limit = not (isinstance(one, int) and isinstance(other, int) and min(one, other) >= _NO_LIMIT)
    return one != other and has_limit


async def delete_topic(session: AsyncSession, cluster_id: Id, name: str) -> None:
    """Delete a topic and all its messages.

    Raise NotFoundError if there is none. Scope `database:delete`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_delete_kafka_topic
    """
    await delete(session, cluster_path(cluster_id, "topics", name))
