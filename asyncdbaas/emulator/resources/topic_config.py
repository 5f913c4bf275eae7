"""The settings of a Kafka topic."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from asyncdbaas.emulator.errors import bad_request, unprocessable
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.setting import Setting, boolean, integer, number, string

_UINT64_MAX: Final = 2**64 - 1
_INT64_MAX: Final = 2**63 - 1
_INT64_ROUNDED: Final = 9223372036854776000  # the service's own default: 2^63 after rounding to a float

_FORMATS: Final = (
    "0.8.0 0.8.1 0.8.2 0.9.0 0.10.0 0.10.0-IV0 0.10.0-IV1 0.10.1 0.10.1-IV0 0.10.1-IV1 0.10.1-IV2 0.10.2 0.10.2-IV0 "
    "0.11.0 0.11.0-IV0 0.11.0-IV1 0.11.0-IV2 1.0 1.0-IV0 1.1 1.1-IV0 2.0 2.0-IV0 2.0-IV1 2.1 2.1-IV0 2.1-IV1 2.1-IV2 "
    "2.2 2.2-IV0 2.2-IV1 2.3 2.3-IV0 2.3-IV1 2.4 2.4-IV0 2.4-IV1 2.5 2.5-IV0 2.6 2.6-IV0 2.7 2.7-IV0 2.7-IV1 2.7-IV2 "
    "2.8 2.8-IV0 2.8-IV1 3.0 3.0-IV0 3.0-IV1 3.1 3.1-IV0 3.2 3.2-IV0 3.3 3.3-IV0 3.3-IV1 3.3-IV2 3.3-IV3 "
    "3.4 3.4-IV0 3.5 3.5-IV0 3.5-IV1 3.5-IV2 3.6 3.6-IV0 3.6-IV1 3.6-IV2"
)
"""Formats in the description, and the short and later ones in Terraform's documentation."""

SETTINGS: Final[Mapping[str, Setting]] = MappingProxyType(
    {
        "cleanup_policy": string("delete", "delete", "compact", "compact_delete"),
        "compression_type": string("producer", "producer", "gzip", "snappy", "lz4", "Iz4", "zstd", "uncompressed"),
        "delete_retention_ms": integer(86400000, 0, _UINT64_MAX),
        "file_delete_delay_ms": integer(60000, 0, _UINT64_MAX),
        "flush_messages": integer(_INT64_ROUNDED, 0, _UINT64_MAX),
        "flush_ms": integer(_INT64_ROUNDED, 0, _UINT64_MAX),
        "index_interval_bytes": integer(4096, 0, _UINT64_MAX),
        "max_compaction_lag_ms": integer(_INT64_ROUNDED, 0, _UINT64_MAX),
        "max_message_bytes": integer(1048588, 0, _UINT64_MAX),
        "message_down_conversion_enable": boolean(True),
        "message_format_version": string("3.0-IV1", *_FORMATS.split()),
        "message_timestamp_difference_max_ms": integer(_INT64_ROUNDED, 0, _UINT64_MAX),
        "message_timestamp_type": string("create_time", "create_time", "log_append_time"),
        "min_cleanable_dirty_ratio": number(0.5, 0, 1),
        "min_compaction_lag_ms": integer(0, 0, _UINT64_MAX),
        "min_insync_replicas": integer(1, 1, _UINT64_MAX),
        "preallocate": boolean(False),
        "retention_bytes": integer(-1, -1, _INT64_MAX),
        "retention_ms": integer(604800000, -1, _INT64_MAX),
        "segment_bytes": integer(209715200, 14, _UINT64_MAX),
        "segment_index_bytes": integer(10485760, 0, _UINT64_MAX),
        "segment_jitter_ms": integer(0, 0, _UINT64_MAX),
        "unclean_leader_election_enable": boolean(None),  # documented for Terraform only
        "segment_ms": integer(604800000, 1, _UINT64_MAX),
    }
)


def checked_config(config: Record, replication_factor: int) -> Record:
    """Check the settings of a body. Null means "not set"."""
    given = {name: _checked(name, value) for name, value in config.items() if value is not None}
    if given.get("min_insync_replicas", 1) > replication_factor:
        raise unprocessable("invalid min_insync_replicas: must not be greater than the replication factor")
    return given


def _checked(name: str, value: Any) -> Any:
    setting = SETTINGS.get(name)
    if setting is None:
        raise bad_request(f'json: unknown field "{name}"')
    if not setting.of_type(value):
        raise bad_request(f'json: cannot unmarshal {type(value).__name__} into field "{name}" of type {setting.kind}')
    if problem := setting.problem(name, value):
        raise unprocessable(f"invalid topic config: {problem}")
    return "lz4" if value == "Iz4" else value  # the description misprints lz4 with a capital i
