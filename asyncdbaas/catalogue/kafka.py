"""The settings of a topic in Kafka's spelling and in the service's."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, Final

from asyncdbaas.topics import CleanupPolicy, CompressionType, TimestampType, TopicConfig
from asyncdbaas.types import UNSET, Unset

__all__ = [
    "PARTITIONS",
    "REPLICAS",
    "SETTINGS",
    "Kind",
    "SettingError",
    "canonical_name",
    "kafka_name",
    "kafka_value",
    "read_value",
    "same_value",
    "settings_of",
    "unknown_name",
]

PARTITIONS: Final = (3, 2048)
# Up to the number of nodes; no layout has more than this.
REPLICAS: Final = (2, 15)
_UINT64: Final = 2**64 - 1

Kind = tuple[int, int] | type[bool] | type[float] | type[str] | type[StrEnum]

SETTINGS: Final[dict[str, Kind]] = {
    "cleanup_policy": CleanupPolicy,
    "compression_type": CompressionType,
    "delete_retention_ms": (0, _UINT64),
    "file_delete_delay_ms": (0, _UINT64),
    "flush_messages": (0, _UINT64),
    "flush_ms": (0, _UINT64),
    "index_interval_bytes": (0, _UINT64),
    "max_compaction_lag_ms": (0, _UINT64),
    "max_message_bytes": (0, _UINT64),
    "message_down_conversion_enable": bool,
    "message_format_version": str,
    "message_timestamp_difference_max_ms": (0, _UINT64),
    "message_timestamp_type": TimestampType,
    "min_cleanable_dirty_ratio": float,
    "min_compaction_lag_ms": (0, _UINT64),
    "min_insync_replicas": (1, _UINT64),
    "preallocate": bool,
    "retention_bytes": (-1, _UINT64),
    "retention_ms": (-1, _UINT64),
    "segment_bytes": (14, _UINT64),
    "segment_index_bytes": (0, _UINT64),
    "segment_jitter_ms": (0, _UINT64),
    "segment_ms": (1, _UINT64),
}
"""What each setting takes: whole numbers from-to, or a type."""

# The only one that is more than dots away from Kafka's.
_OTHER_NAMES: Final = {"message_downconversion_enable": "message_down_conversion_enable"}

_KAFKA_NAMES: Final = {"message_down_conversion_enable": "message.downconversion.enable"}
_KAFKA_VALUES: Final[dict[StrEnum, str]] = {
    CleanupPolicy.COMPACT_DELETE: "compact,delete",
    TimestampType.CREATE_TIME: "CreateTime",
    TimestampType.LOG_APPEND_TIME: "LogAppendTime",
}

# https://kafka.apache.org/documentation/#topicconfigs: what is there, and not in the service's TopicConfig.
_KAFKA_ONLY: Final = frozenset(
    {
        "compression_gzip_level",
        "compression_lz4_level",
        "compression_zstd_level",
        "follower_replication_throttled_replicas",
        "leader_replication_throttled_replicas",
        "local_retention_bytes",
        "local_retention_ms",
        "message_timestamp_after_max_ms",
        "message_timestamp_before_max_ms",
        "remote_log_copy_disable",
        "remote_log_delete_on_disable",
        "remote_storage_enable",
        "unclean_leader_election_enable",
    }
)
# An octal number in YAML 1.1 is a decimal one in YAML 1.2: a leading zero is refused, not guessed at.
_WHOLE: Final = re.compile(r"[+-]?(0|[1-9][0-9]*(_[0-9]+)*)")
_FRACTION: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_LONGEST_NUMBER: Final = 40
_EXACT: Final = 2**53
_CAPITAL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


class SettingError(ValueError):
    """A value that the setting does not take; the message says what it takes."""


def canonical_name(name: str) -> str:
    """Return the service's spelling of a name in Kafka's, such as retention_ms for retention.ms."""
    name = name.replace(".", "_").replace("-", "_")
    return _OTHER_NAMES.get(name, name)


def unknown_name(name: str, known: Collection[str]) -> str:
    """Say what is wrong with a name that is none of the known."""
    if canonical_name(name) in _KAFKA_ONLY:
        return "Kafka has this setting, but DigitalOcean's service does not offer it"
    if canonical_name(name) in SETTINGS:
        return "is a setting of a topic: put it below config"
    close = get_close_matches(canonical_name(name), known, n=1)
    if close:
        return f"is unknown; did you mean {close[0]}?"
    return "is unknown" + (f"; known are {', '.join(sorted(known))}" if len(known) < len(SETTINGS) else "")


def kafka_name(name: str) -> str:
    """Return Kafka's spelling of a setting."""
    return _KAFKA_NAMES.get(name, name.replace("_", "."))


def kafka_value(value: Any) -> Any:
    """Return Kafka's spelling of a setting's value."""
    return _KAFKA_VALUES.get(value, str(value)) if isinstance(value, StrEnum) else value


def settings_of(config: TopicConfig | Unset | None) -> dict[str, Any]:
    """Return the settings that a config has, by the service's names."""
    if config is None or config is UNSET:
        return {}
    values = [(name, getattr(config, name)) for name in SETTINGS]
    return {name: value for name, value in values if value is not UNSET and value is not None}


def same_value(name: str, one: object, other: object) -> bool:
    """Tell whether two values of a setting mean the same, however the service or Kafka spells them.

    The service shows "no limit" as 9223372036854776000, Kafka as 9223372036854775807: beyond 2**53 the service's
    numbers have been through a float.
    """
    if one == other:
        return True
    if isinstance(one, int) and isinstance(other, int):
        return min(one, other) > _EXACT and float(one) == float(other)
    try:
        return bool(read_value(SETTINGS[name], str(one)) == read_value(SETTINGS[name], str(other)))
    except (KeyError, SettingError):
        return False


def read_value(kind: Kind, text: str) -> Any:
    """Read a value that is written as text, in the service's spelling or in Kafka's."""
    if isinstance(kind, tuple):
        return _whole(text, *kind)
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise SettingError("must be true or false")
        return text.lower() == "true"
    if kind is float:
        return _share(text)
    if issubclass(kind, StrEnum):
        return _choice(kind, text)
    return text


def _whole(text: str, low: int, high: int) -> int:
    if not _WHOLE.fullmatch(text):
        raise SettingError("must be a whole number")
    if len(text) > _LONGEST_NUMBER or not low <= int(text) <= high:
        raise SettingError(f"must be from {low} to {high}")
    return int(text)


def _share(text: str) -> float:
    value = float(text) if _FRACTION.fullmatch(text) else math.nan
    if not 0.0 <= value <= 1.0:
        raise SettingError("must be a number from 0 to 1")
    return value


def _choice(kind: type[StrEnum], text: str) -> StrEnum:
    """Read `compact,delete`, `LogAppendTime` and `log_append_time` alike."""
    if text == "Iz4":  # the vendor's misprint of lz4
        return kind("lz4")
    words = _CAPITAL.sub("_", text).lower().replace(" ", "").split(",")
    if "_".join(sorted(words)) in list(kind):
        return kind("_".join(sorted(words)))
    raise SettingError(f"must be one of {', '.join(kind)}")
