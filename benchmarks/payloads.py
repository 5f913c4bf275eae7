"""What the loopback server answers: the shapes of real answers, with invented values."""

from __future__ import annotations

import json
from typing import Any, Final

__all__ = ["CLUSTER_ID", "TOKEN", "created", "topic_config", "topic_list"]

CLUSTER_ID: Final = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
TOKEN: Final = "dop_v1_" + "0" * 64


def topic_config() -> dict[str, Any]:
    """Return every setting of a topic, as a topic read back shows it."""
    return {
        "cleanup_policy": "delete",
        "compression_type": "producer",
        "delete_retention_ms": 86400000,
        "file_delete_delay_ms": 60000,
        "flush_messages": 9223372036854776000,
        "flush_ms": 9223372036854776000,
        "index_interval_bytes": 4096,
        "max_compaction_lag_ms": 9223372036854776000,
        "max_message_bytes": 1048588,
        "message_down_conversion_enable": True,
        "message_format_version": "3.0-IV1",
        "message_timestamp_difference_max_ms": 9223372036854776000,
        "message_timestamp_type": "create_time",
        "min_cleanable_dirty_ratio": 0.5,
        "min_compaction_lag_ms": 0,
        "min_insync_replicas": 1,
        "preallocate": False,
        "retention_bytes": -1,
        "retention_ms": 604800000,
        "segment_bytes": 209715200,
        "segment_index_bytes": 10485760,
        "segment_jitter_ms": 0,
        "segment_ms": 604800000,
    }


def created() -> bytes:
    """Return the answer to the creation of a topic with three partitions."""
    partition = {"size": 0, "in_sync_replicas": 2, "earliest_offset": 0, "consumer_groups": None}
    topic = {
        "name": "orders",
        "state": "configuring",
        "replication_factor": 2,
        "partitions": [{"id": number, **partition} for number in range(3)],
        "config": topic_config(),
    }
    return _json({"topic": topic})


def topic_list(count: int) -> bytes:
    """Return a list of topics as the service shows them there: four fields each."""
    topics = [
        {"name": f"team-{n % 40}.orders.v{n}", "state": "active", "replication_factor": 2, "partition_count": 3 + n % 9}
        for n in range(count)
    ]
    return _json({"topics": topics})


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
