"""Settings of Kafka clusters; those of a single topic are in `asyncdbaas.topics`."""

from __future__ import annotations

import attrs

from asyncdbaas._models import CompressionType
from asyncdbaas.configs._base import EngineConfig
from asyncdbaas.types import UNSET, EnumOrStr, OpenEnum, Unset, take_strings

__all__ = ["KafkaCleanupPolicy", "KafkaConfig", "KafkaTimestampType"]


class KafkaCleanupPolicy(OpenEnum):
    """Policy for old log segments. A topic's own settings write the last one `compact_delete`."""

    DELETE = "delete"
    """They are dropped."""
    COMPACT = "compact"
    """The last value of each key is kept."""
    COMPACT_DELETE = "compact,delete"
    """Both."""


class KafkaTimestampType(OpenEnum):
    """Timestamp that a message carries. A topic's own settings write `create_time` and `log_append_time`."""

    CREATE_TIME = "CreateTime"
    """The producer's."""
    LOG_APPEND_TIME = "LogAppendTime"
    """The broker's."""


@attrs.frozen(kw_only=True, slots=False, repr=False, field_transformer=take_strings)
class KafkaConfig(EngineConfig):
    """Settings of a Kafka cluster. What is unset is not sent, and stays as it is.

    The upper bound 9223372036854776000 is 2**63 - 1, as the vendor's description rounds it.
    """

    auto_create_topics_enable: bool | Unset = UNSET
    """Create topics on first use. Default false."""
    compression_type: EnumOrStr[CompressionType] | Unset = UNSET
    """How messages are stored where a topic does not say."""
    connections_max_idle_ms: int | Unset = UNSET
    """Milliseconds after which an idle connection is closed; 1000 to 3600000."""
    default_replication_factor: int | Unset = UNSET
    """Replication factor of automatically created topics; 1 to 10."""
    group_initial_rebalance_delay_ms: int | Unset = UNSET
    """Milliseconds for which a new group waits for more consumers before its first rebalance; 0 to 300000. Default
    3000; 0 makes tests start faster."""
    group_max_session_timeout_ms: int | Unset = UNSET
    """Longest session timeout that a consumer may ask for, in milliseconds; 0 to 1800000."""
    group_min_session_timeout_ms: int | Unset = UNSET
    """Shortest session timeout that a consumer may ask for, in milliseconds; 0 to 60000. Long sessions leave time
    between heartbeats, but failures are found later."""
    log_cleaner_delete_retention_ms: int | Unset = UNSET
    """Milliseconds for which the marker of a deleted key stays; 0 to 315569260000."""
    log_cleaner_max_compaction_lag_ms: int | Unset = UNSET
    """Longest time that a message stays uncompacted, in milliseconds; 30000 to 9223372036854776000. For compacted logs
    only."""
    log_cleaner_min_cleanable_ratio: float | Unset = UNSET
    """Share of a log that has to be dirty before it is compacted; 0.2 to 0.9. A high share wastes space; to have
    compaction sooner, set `log_cleaner_max_compaction_lag_ms` too."""
    log_cleaner_min_compaction_lag_ms: int | Unset = UNSET
    """Shortest time that a message stays uncompacted, in milliseconds; 0 to 9223372036854776000. For compacted logs
    only."""
    log_cleanup_policy: EnumOrStr[KafkaCleanupPolicy] | Unset = UNSET
    """What happens to old segments where a topic does not say."""
    log_flush_interval_messages: int | Unset = UNSET
    """Messages after which a partition is flushed to disk; 1 to 9223372036854776000."""
    log_flush_interval_ms: int | Unset = UNSET
    """Milliseconds for which a message may stay only in memory; 0 to 9223372036854776000. Unset, Kafka's
    `log.flush.scheduler.interval.ms` counts."""
    log_index_interval_bytes: int | Unset = UNSET
    """Bytes between two entries of the offset index; 0 to 104857600."""
    log_index_size_max_bytes: int | Unset = UNSET
    """Largest offset index, in bytes; 1048576 to 104857600."""
    log_message_downconversion_enable: bool | Unset = UNSET
    """Convert messages for consumers that ask in an older format."""
    log_message_timestamp_difference_max_ms: int | Unset = UNSET
    """Largest distance between a message's timestamp and its arrival, in milliseconds; 0 to 9223372036854776000."""
    log_message_timestamp_type: EnumOrStr[KafkaTimestampType] | Unset = UNSET
    """Which time a message carries where a topic does not say."""
    log_preallocate: bool | Unset = UNSET
    """Reserve the disk space of a new segment at once."""
    log_retention_bytes: int | Unset = UNSET
    """Size of a log from which old messages are deleted, in bytes; -1 to 9223372036854776000, where -1 means no
    limit."""
    log_retention_hours: int | Unset = UNSET
    """Hours after which a log file is deleted; -1 to 2147483647, where -1 means never. `log_retention_ms` wins over
    it."""
    log_retention_ms: int | Unset = UNSET
    """Milliseconds after which a log file is deleted; -1 to 9223372036854776000, where -1 means never."""
    log_roll_jitter_ms: int | Unset = UNSET
    """Largest random deduction from `log_roll_ms`, in milliseconds; 0 to 9223372036854776000. Unset, Kafka's
    `log.roll.jitter.hours` counts."""
    log_roll_ms: int | Unset = UNSET
    """Milliseconds after which a new segment is begun, even if the old is not full; 1 to 9223372036854776000."""
    log_segment_bytes: int | Unset = UNSET
    """Largest segment file, in bytes; 10485760 to 1073741824."""
    log_segment_delete_delay_ms: int | Unset = UNSET
    """Milliseconds between dropping a file and removing it from the disk; 0 to 3600000."""
    max_connections_per_ip: int | Unset = UNSET
    """Connections from one address; 256 to 2147483647. Default 2147483647."""
    max_incremental_fetch_session_cache_slots: int | Unset = UNSET
    """Incremental fetch sessions that a broker keeps; 1000 to 10000."""
    message_max_bytes: int | Unset = UNSET
    """Largest message that is taken, in bytes; 0 to 100001200."""
    min_insync_replicas: int | Unset = UNSET
    """Replicas that must have a write sent with `acks=all` before it counts as done; 1 to 7."""
    num_partitions: int | Unset = UNSET
    """Partitions of automatically created topics; 1 to 1000."""
    offsets_retention_minutes: int | Unset = UNSET
    """Minutes for which consumer offsets are kept; 1 to 2147483647."""
    producer_purgatory_purge_interval_requests: int | Unset = UNSET
    """Requests after which the producer purgatory is purged; 10 to 10000. Default 1000."""
    replica_fetch_max_bytes: int | Unset = UNSET
    """Bytes that a replica fetches of each partition; 1048576 to 104857600. Default 1048576. A larger first batch is
    fetched anyway."""
    replica_fetch_response_max_bytes: int | Unset = UNSET
    """Bytes of a whole response to a replica; 10485760 to 1048576000. Default 10485760. A larger first batch is sent
    anyway."""
    schema_registry: bool | Unset = UNSET
    """Run a schema registry, which the module `schemas` talks to. Only on plans with dedicated CPUs, General Purpose.
    Default false."""
    socket_request_max_bytes: int | Unset = UNSET
    """Largest request, in bytes; 10485760 to 209715200. Default 104857600."""
    transaction_remove_expired_transaction_cleanup_interval_ms: int | Unset = UNSET
    """Milliseconds between two removals of expired transactions (`transactional.id.expiration.ms`); 600000 to 3600000.
    Default 3600000."""
    transaction_state_log_segment_bytes: int | Unset = UNSET
    """Segment size of the transaction topic, in bytes; 1048576 to 2147483647. Default 104857600. Small ones are
    compacted and loaded faster."""
