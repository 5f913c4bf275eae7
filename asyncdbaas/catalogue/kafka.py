"""Names and values of topic settings, in Kafka's spelling and in the service's."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

from asyncdbaas._topic_settings import DEFAULT_REPLICAS, MAX_INTEGER, PARTITIONING, TOPIC_SETTINGS, Setting
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.topics import CleanupPolicy, CompressionType, TimestampType, TopicConfig, TopicCreate
from asyncdbaas.types import UNSET, Unset

__all__ = [
    "SAME_IN_METRICS",
    "SettingError",
    "canonical_name",
    "default_value",
    "factor_below_insync",
    "kafka_changes",
    "kafka_name",
    "kafka_value",
    "metric_name",
    "name_collisions",
    "read_value",
    "read_whole",
    "same_value",
    "settings_of",
    "values_of",
]

_SETTINGS: Final = attrgetter(*TOPIC_SETTINGS)
# By Kafka's names with underscores; one differs by more than dots.
_NAMES: Final = {setting.kafka_name.replace(".", "_"): name for name, setting in TOPIC_SETTINGS.items()}
_ENUMS: Final[Mapping[str, type[StrEnum]]] = {
    "cleanup_policy": CleanupPolicy,
    "compression_type": CompressionType,
    "message_timestamp_type": TimestampType,
}
_KAFKA_VALUES: Final[Mapping[StrEnum, str]] = {
    CleanupPolicy.COMPACT_DELETE: "compact,delete",
    TimestampType.CREATE_TIME: "CreateTime",
    TimestampType.LOG_APPEND_TIME: "LogAppendTime",
}
# An octal number in YAML 1.1 is a decimal one in YAML 1.2, so a leading zero is rejected.
_WHOLE: Final = re.compile(r"[+-]?(0|[1-9][0-9]*(_[0-9]+)*)")
_WITH_UNIT: Final = re.compile(r"([0-9]{1,19}) ?([A-Za-z]+)")
_FRACTION: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_UNITS: Final[Mapping[str, Mapping[str, int]]] = {
    "ms": {"ms": 1, "s": 1000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000},
    "bytes": {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40},
    "": {},
}
_EXAMPLES: Final = {"ms": ", or a time such as 36h or 7d", "bytes": ", or a size such as 512MiB", "": ""}
_MAX_DIGITS: Final = 40
_EXACT: Final = 2**53
# What "no limit", 2**63 - 1, becomes on its way through a float, exactly and as printed with 16 digits.
_ROUNDED: Final = (2**63, 9223372036854776000)
SAME_IN_METRICS: Final = "Kafka treats . and _ in topic names as the same"
_CAPITAL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


class SettingError(InvalidInputError):
    """A setting does not take this value; the message says what it takes."""


def canonical_name(name: str) -> str:
    """Return the service's spelling of a name in Kafka's, such as retention_ms for retention.ms."""
    name = name.replace(".", "_").replace("-", "_")
    return _NAMES.get(name, name)


def kafka_name(key: str) -> str:
    """Return Kafka's spelling of a setting; any other key as it is."""
    return TOPIC_SETTINGS[key].kafka_name if key in TOPIC_SETTINGS else key


def kafka_value(value: Any) -> Any:
    """Return Kafka's spelling of a setting's value; a number that no broker can hold becomes the largest one."""
    if isinstance(value, StrEnum):
        return _KAFKA_VALUES.get(value, str(value))
    return MAX_INTEGER if isinstance(value, int) and value in _ROUNDED else value


def kafka_changes(changed: Mapping[str, tuple[Any, Any]]) -> dict[str, tuple[Any, Any]]:
    """Return pairs of values by key, with settings in Kafka's spelling."""
    return {kafka_name(key): (kafka_value(one), kafka_value(other)) for key, (one, other) in changed.items()}


def default_value(name: str) -> Any:
    """Return the service's default of a setting, as `read_value` would."""
    default = TOPIC_SETTINGS[name].default
    return _ENUMS[name](str(default)) if name in _ENUMS else default


def values_of(topic: TopicCreate) -> dict[str, Any]:
    """Return what a topic declares, partitions, replicas and settings on one level, by the service's names."""
    values: dict[str, Any] = {}
    for key in PARTITIONING:
        if (value := getattr(topic, key)) is not UNSET:
            values[key] = value
    values.update(settings_of(topic.config))
    return values


def factor_below_insync(values: Mapping[str, Any], factor: int | Unset) -> int | None:
    """Return the replication factor, or the default for it, if min.insync.replicas is above it: no write would do."""
    factor = DEFAULT_REPLICAS if isinstance(factor, Unset) else factor
    return factor if values.get("min_insync_replicas", 1) > factor else None


def settings_of(config: TopicConfig | Unset | None) -> dict[str, Any]:
    """Return the settings that a config has, by the service's names."""
    if not isinstance(config, TopicConfig):
        return {}
    values = zip(TOPIC_SETTINGS, _SETTINGS(config), strict=True)
    return {name: value for name, value in values if value is not UNSET and value is not None}


def same_value(name: str, one: object, other: object) -> bool:
    """Return whether two values of a setting mean the same, however the service or Kafka spells them.

    The service shows "no limit" as 9223372036854776000, Kafka as 9223372036854775807: beyond 2**53 the service's
    numbers have been rounded to a float.
    """
    if one == other:
        return True
    if isinstance(one, int) and isinstance(other, int):
        return min(one, other) > _EXACT and float(one) == float(other)
    try:
        return bool(read_value(TOPIC_SETTINGS[name], str(one)) == read_value(TOPIC_SETTINGS[name], str(other)))
    except (KeyError, SettingError):
        return False


def metric_name(topic: str) -> str:
    """Return the name by which Kafka's metrics know a topic. Two topics of one cluster must not share it."""
    return topic.replace(".", "_")


def name_collisions(names: Iterable[str], others: Iterable[str]) -> dict[str, str]:
    """Return those of `names` that differ from one of `others` only in dots and underscores, each with that one.

    Kafka refuses to create such a topic, because its metrics would mix the two. A name does not collide with itself.
    """
    by_metric: dict[str, list[str]] = {}
    for other in others:
        by_metric.setdefault(metric_name(other), []).append(other)
    found: dict[str, str] = {}
    for name in names:
        collision = next((other for other in by_metric.get(metric_name(name), ()) if other != name), None)
        if collision is not None:
            found[name] = collision
    return found


def read_value(setting: Setting, text: str) -> Any:
    """Read a value that is written as text, in the service's spelling, in Kafka's, or with a unit (`7d`, `512MiB`)."""
    match setting.kind:
        case "integer":
            return _integer(setting, text)
        case "boolean":
            if text.lower() not in ("true", "false"):
                raise SettingError("must be true or false")
            return text.lower() == "true"
        case "number":
            return _share(text)
        case "choice":
            return _choice(_ENUMS[setting.name], text)
        case _:
            return text


def read_whole(text: str, low: int, high: int) -> int:
    """Read a whole number from `low` to `high`."""
    if not _WHOLE.fullmatch(text):
        raise SettingError("must be a whole number")
    if len(text) > _MAX_DIGITS or not low <= int(text) <= high:
        raise SettingError(f"must be from {low} to {high}")
    return int(text)


def _integer(setting: Setting, text: str) -> int:
    with_unit = _WITH_UNIT.fullmatch(text)
    if with_unit:
        factor = _UNITS[setting.unit].get(with_unit[2])
        if factor is None:
            raise SettingError(_unit_problem(setting, with_unit[2]))
        return read_whole(str(int(with_unit[1]) * factor), setting.low, setting.high)
    if not _WHOLE.fullmatch(text):
        unit = {"ms": " of milliseconds", "bytes": " of bytes", "": ""}[setting.unit]
        raise SettingError(f"must be a whole number{unit}{_EXAMPLES[setting.unit]}")
    if len(text) <= _MAX_DIGITS and int(text) in _ROUNDED and setting.high == MAX_INTEGER:
        return MAX_INTEGER
    return read_whole(text, setting.low, setting.high)


def _unit_problem(setting: Setting, unit: str) -> str:
    known = _UNITS[setting.unit]
    if not known:
        return "must be a whole number, without a unit"
    if setting.unit == "bytes" and unit.upper() in ("KB", "MB", "GB", "TB", "K", "M", "G", "T"):
        return f"the unit {unit} can mean two sizes; write {unit[0].upper()}iB, or the number of bytes"
    return f"the unit must be one of {', '.join(known)}"


def _share(text: str) -> float:
    value = float(text) if _FRACTION.fullmatch(text) else math.nan
    if not 0.0 <= value <= 1.0:
        raise SettingError("must be a number from 0 to 1")
    return value


@lru_cache(maxsize=256)
def _choice(kind: type[StrEnum], text: str) -> StrEnum:
    """Read `compact,delete`, `LogAppendTime` and `log_append_time` alike."""
    if text == "Iz4":  # the service's description misprints lz4
        return kind("lz4")
    words = _CAPITAL.sub("_", text).lower().replace(" ", "").split(",")
    if "_".join(sorted(words)) in list(kind):
        return kind("_".join(sorted(words)))
    raise SettingError(f"must be one of {', '.join(kind)}")
