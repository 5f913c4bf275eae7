"""The 23 settings of a Kafka topic: one table for the catalogue, the plan and the JSON Schema.

Ranges and defaults are those of the service's description. The upper bound of integers is 2**63 - 1, the largest number
that a broker can hold. The service has no bound of its own, and shows "no limit" as 9223372036854776000, which is 2**63
after rounding to a float.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

import attrs

MAX_INTEGER: Final = 2**63 - 1
PARTITIONS: Final = (3, 2048)
# The limit is the number of nodes, and no layout has more than 15.
REPLICAS: Final = (2, 15)
DEFAULT_REPLICAS: Final = 2
PARTITIONING: Final = {"partition_count": PARTITIONS, "replication_factor": REPLICAS}
"""Ranges of what a topic has beside its settings."""


@attrs.frozen(kw_only=True)
class Setting:
    """Type, range and default of one setting."""

    name: str
    """The service's spelling, such as `retention_ms`."""
    kafka_name: str
    """Kafka's spelling, such as `retention.ms`."""
    kind: Literal["integer", "number", "boolean", "text", "choice"]
    default: int | float | bool | str
    """Value of a topic that does not set it. A cluster's own configuration can differ."""
    description: str
    low: int = 0
    high: int = MAX_INTEGER
    choices: tuple[str, ...] = ()
    """In the service's spelling."""

    @property
    def unit(self) -> Literal["ms", "bytes", ""]:
        """Unit of an integer."""
        if self.name.endswith("_ms"):
            return "ms"
        return "bytes" if self.name.endswith("_bytes") else ""


def _integer(name: str, default: int, description: str, *, low: int = 0) -> Setting:
    return Setting(
        name=name,
        kafka_name=name.replace("_", "."),
        kind="integer",
        default=default,
        low=low,
        description=description,
    )


def _choice(name: str, choices: str, description: str) -> Setting:
    """Make a setting with these values; the first one is the default."""
    words = tuple(choices.split())
    return Setting(
        name=name,
        kafka_name=name.replace("_", "."),
        kind="choice",
        default=words[0],
        choices=words,
        description=description,
    )


_ALL: Final = (
    _choice(
        "cleanup_policy",
        "delete compact compact_delete",
        "Drop old segments (delete), keep the last value of each key (compact), or both.",
    ),
    _choice(
        "compression_type",
        "producer gzip snappy lz4 zstd uncompressed",
        "How messages are stored; producer keeps what the producer chose.",
    ),
    _integer("delete_retention_ms", 86_400_000, "How long the marker of a deleted key stays."),
    _integer("file_delete_delay_ms", 60_000, "Time before a dropped file is removed from the disk."),
    _integer("flush_messages", MAX_INTEGER, "Messages after which a partition is flushed to disk."),
    _integer("flush_ms", MAX_INTEGER, "Longest time that a message stays in memory only."),
    _integer("index_interval_bytes", 4096, "Bytes between two entries of the offset index."),
    _integer("max_compaction_lag_ms", MAX_INTEGER, "Longest time that a message stays uncompacted; for compact."),
    _integer("max_message_bytes", 1_048_588, "Largest batch that is accepted, after compression."),
    Setting(
        name="message_down_conversion_enable",
        kafka_name="message.downconversion.enable",
        kind="boolean",
        default=True,
        description="Convert messages for old consumers; without it they get UNSUPPORTED_VERSION.",
    ),
    Setting(
        name="message_format_version",
        kafka_name="message.format.version",
        kind="text",
        default="3.0-IV1",
        description="Format of stored messages, such as 3.0-IV1; without effect on brokers from 3.0 on.",
    ),
    _integer(
        "message_timestamp_difference_max_ms",
        MAX_INTEGER,
        "Largest difference between a message's timestamp and its arrival.",
    ),
    _choice("message_timestamp_type", "create_time log_append_time", "Which time a message carries."),
    Setting(
        name="min_cleanable_dirty_ratio",
        kafka_name="min.cleanable.dirty.ratio",
        kind="number",
        default=0.5,
        high=1,
        description="Share of duplicates, 0 to 1, from which a log is compacted.",
    ),
    _integer("min_compaction_lag_ms", 0, "Shortest time that a message stays uncompacted."),
    _integer("min_insync_replicas", 1, "Replicas that must have a write before it is acknowledged.", low=1),
    Setting(
        name="preallocate",
        kafka_name="preallocate",
        kind="boolean",
        default=False,
        description="Reserve the disk space of a new segment at once.",
    ),
    _integer("retention_bytes", -1, "Size of a partition from which old segments are dropped; -1: no limit.", low=-1),
    _integer("retention_ms", 604_800_000, "How long a message is kept; -1: without limit.", low=-1),
    _integer("segment_bytes", 209_715_200, "Size of one segment file.", low=14),
    _integer("segment_index_bytes", 10_485_760, "Size of a segment's index."),
    _integer("segment_jitter_ms", 0, "Largest random deduction from segment.ms."),
    _integer("segment_ms", 604_800_000, "Age at which a segment is closed even if it is not full.", low=1),
)

TOPIC_SETTINGS: Final[Mapping[str, Setting]] = MappingProxyType({setting.name: setting for setting in _ALL})
"""By the service's spelling."""
