"""The settings of a Kafka topic."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeAlias

from asyncdbaas.emulator.errors import bad_request, unprocessable

Record: TypeAlias = dict[str, Any]

UINT64_MAX: Final = 2**64 - 1
_INT64_ROUNDED: Final = 9223372036854776000  # the service's own default: 2^63 after a trip through a float

_FORMATS: Final = tuple(
    "0.8.0 0.8.1 0.8.2 0.9.0 0.10.0-IV0 0.10.0-IV1 0.10.1-IV0 0.10.1-IV1 0.10.1-IV2 0.10.2-IV0 0.11.0-IV0 0.11.0-IV1 "
    "0.11.0-IV2 1.0-IV0 1.1-IV0 2.0-IV0 2.0-IV1 2.1-IV0 2.1-IV1 2.1-IV2 2.2-IV0 2.2-IV1 2.3-IV0 2.3-IV1 2.4-IV0 "
    "2.4-IV1 2.5-IV0 2.6-IV0 2.7-IV0 2.7-IV1 2.7-IV2 2.8-IV0 2.8-IV1 3.0-IV0 3.0-IV1 3.1-IV0 3.2-IV0 3.3-IV0 3.3-IV1 "
    "3.3-IV2 3.3-IV3".split()
)


class Setting(NamedTuple):
    """One setting: its default (whose type is the setting's), its range or its values."""

    default: Any
    low: int = 0
    high: int = UINT64_MAX
    values: tuple[str, ...] = ()


SETTINGS: Final = {
    "cleanup_policy": Setting("delete", values=("delete", "compact", "compact_delete")),
    "compression_type": Setting(
        "producer", values=("producer", "gzip", "snappy", "lz4", "Iz4", "zstd", "uncompressed")
    ),
    "delete_retention_ms": Setting(86400000),
    "file_delete_delay_ms": Setting(60000),
    "flush_messages": Setting(_INT64_ROUNDED),
    "flush_ms": Setting(_INT64_ROUNDED),
    "index_interval_bytes": Setting(4096),
    "max_compaction_lag_ms": Setting(_INT64_ROUNDED),
    "max_message_bytes": Setting(1048588),
    "message_down_conversion_enable": Setting(True),
    "message_format_version": Setting("3.0-IV1", values=_FORMATS),
    "message_timestamp_difference_max_ms": Setting(_INT64_ROUNDED),
    "message_timestamp_type": Setting("create_time", values=("create_time", "log_append_time")),
    "min_cleanable_dirty_ratio": Setting(0.5, high=1),
    "min_compaction_lag_ms": Setting(0),
    "min_insync_replicas": Setting(1, low=1),
    "preallocate": Setting(False),
    "retention_bytes": Setting(-1, low=-1),
    "retention_ms": Setting(604800000, low=-1),
    "segment_bytes": Setting(209715200, low=14),
    "segment_index_bytes": Setting(10485760),
    "segment_jitter_ms": Setting(0),
    "segment_ms": Setting(604800000, low=1),
}


def checked_config(config: Record, replication_factor: int) -> Record:
    """Check the settings sent; null stands for "not set"."""
    given = {name: _checked(name, value) for name, value in config.items() if value is not None}
    if given.get("min_insync_replicas", 1) > replication_factor:
        raise unprocessable("invalid min_insync_replicas: must not be greater than the replication factor")
    if given.get("compression_type") == "Iz4":  # the description's misprint of lz4
        given["compression_type"] = "lz4"
    return given


def _checked(name: str, value: Any) -> Any:
    setting = SETTINGS.get(name)
    if setting is None:
        raise bad_request(f'json: unknown field "{name}"')
    if isinstance(setting.default, float) and type(value) is int:
        value = float(value) if abs(value) < 2**53 else value
    if type(value) is not type(setting.default):
        raise bad_request(f'json: cannot unmarshal value into field "{name}" of type {type(setting.default).__name__}')
    if setting.values and value not in setting.values:
        raise unprocessable(f"invalid {name}")
    if type(value) in (int, float) and not setting.low <= value <= setting.high:
        raise unprocessable(f"invalid {name}: must be between {setting.low} and {setting.high}")
    return value
