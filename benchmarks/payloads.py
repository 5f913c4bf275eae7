"""What the loopback server answers: the shapes of real responses, with invented values."""

from __future__ import annotations

import json
from typing import Any, Final

__all__ = ["CLUSTER_ID", "TOKEN", "cluster_list", "created", "full_topic_list", "topic_list"]

CLUSTER_ID: Final = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
TOKEN: Final = "dop_v1_" + "0" * 64

_CONFIG: Final = {
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
    """Return the response to the creation of a topic with three partitions."""
    return _json({"topic": _topic("orders", "configuring")})


def topic_list(count: int) -> bytes:
    """Return a list of topics as the service shows them there: four fields each."""
    topics = [
        {"name": f"team-{n % 40}.orders.v{n}", "state": "active", "replication_factor": 2, "partition_count": 3 + n % 9}
        for n in range(count)
    ]
    return _json({"topics": topics})


def full_topic_list(count: int) -> bytes:
    """Return a list of topics that each have all that a topic can have."""
    return _json({"topics": [_topic(f"team-{n % 40}.orders.v{n}", "active") for n in range(count)]})


def cluster_list(count: int) -> bytes:
    """Return a list of clusters of two nodes, with every key that has been seen in a real response."""
    return _json({"databases": [_cluster(number) for number in range(count)]})


def _topic(name: str, state: str) -> dict[str, Any]:
    partition = {"size": 0, "in_sync_replicas": 2, "earliest_offset": 0, "consumer_groups": None}
    partitions = [{"id": number, **partition} for number in range(3)]
    return {"name": name, "state": state, "replication_factor": 2, "partitions": partitions, "config": _CONFIG}


def _cluster(number: int) -> dict[str, Any]:
    name = f"orders-{number}"
    return {
        "id": f"9cc10173-e9ea-4176-9dbc-{number:012x}",
        "name": name,
        "engine": "mysql",
        "version": "8",
        "semantic_version": "8.0.35",
        "connection": _connection(name),
        "private_connection": _connection(f"private-{name}"),
        "standby_connection": _connection(f"replica-{name}"),
        "standby_private_connection": _connection(f"private-replica-{name}"),
        "metrics_endpoints": [{"host": f"{name}.db.example.com", "port": 9273}],
        "users": [{"name": "doadmin", "role": "primary", "password": "not-a-secret"}],
        "db_names": ["defaultdb", "orders"],
        "num_nodes": 2,
        "region": "fra1",
        "status": "online",
        "created_at": "2026-02-03T10:23:13Z",
        "maintenance_window": {
            "day": "saturday",
            "hour": "13:00:00",
            "pending": True,
            "description": ["Update to MySQL 8.0.36"],
        },
        "size": "db-s-2vcpu-4gb",
        "tags": ["production", "orders"],
        "private_network_uuid": "d455e75d-4858-4eec-8c95-da2f0a5f93a7",
        "project_id": "2c92e1a1-7bb4-4a51-9b8a-0d5a5b8e7a11",
        "read_only": False,
        "storage_size_mib": 61440,
        "version_end_of_life": "2028-04-30T00:00:00Z",
        "version_end_of_availability": "2027-04-30T00:00:00Z",
    }


def _connection(name: str) -> dict[str, Any]:
    host = f"{name}-do-user-1234567-0.b.db.example.com"
    return {
        "protocol": "mysql",
        "uri": f"mysql://doadmin:not-a-secret@{host}:25060/defaultdb?ssl-mode=REQUIRED",
        "database": "defaultdb",
        "host": host,
        "port": 25060,
        "user": "doadmin",
        "password": "not-a-secret",
        "ssl": True,
    }


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
