"""Keys of a catalogue: their spellings, and what to write in place of a wrong one."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

from asyncdbaas._topic_settings import TOPIC_SETTINGS
from asyncdbaas.catalogue.kafka import canonical_name

__all__ = ["KAFKA_ONLY", "explain_kafka_only", "explain_unknown", "field_name", "is_extension", "right_key"]

_ALIASES: Final = {"partitions": "partition_count"}

# https://kafka.apache.org/documentation/#topicconfigs: settings that the service's TopicConfig lacks, each with the
# defaults that Kafka has had.
KAFKA_ONLY: Final[Mapping[str, tuple[str, ...]]] = {
    "compression_gzip_level": ("-1",),
    "compression_lz4_level": ("9",),
    "compression_zstd_level": ("3",),
    "follower_replication_throttled_replicas": ("",),
    "leader_replication_throttled_replicas": ("",),
    "local_retention_bytes": ("-2",),
    "local_retention_ms": ("-2",),
    "message_timestamp_after_max_ms": ("3600000", "9223372036854775807"),
    "message_timestamp_before_max_ms": ("9223372036854775807",),
    "remote_log_copy_disable": ("false",),
    "remote_log_delete_on_disable": ("false",),
    "remote_storage_enable": ("false",),
    "unclean_leader_election_enable": ("false",),
}

# Other tools' names for what a catalogue calls otherwise.
_RIGHT_KEYS: Final[Mapping[str, str]] = {
    "acls": "acl",
    "configs": "config",
    "configuration": "config",
    "num_partitions": "partition_count",
    "num_replicas": "replication_factor",
    "number_of_partitions": "partition_count",
    "partitions_count": "partition_count",
    "partitions_number": "partition_count",
    "path": "file",
    "permissions": "acl",
    "replica_count": "replication_factor",
    "replicas": "replication_factor",
    "replication": "replication_factor",
    "rights": "acl",
    "schema_type": "type",
    "settings": "config",
    "subject_name": "subject",
    "text": "schema",
    "topic": "name",
    "topic_config": "config",
    "topic_name": "name",
    "user": "name",
    "username": "name",
}
_UNITS: Final[Mapping[str, tuple[str, str]]] = {
    "days": ("ms", "d"),
    "hours": ("ms", "h"),
    "minutes": ("ms", "m"),
    "seconds": ("ms", "s"),
    "kb": ("bytes", "KiB"),
    "mb": ("bytes", "MiB"),
    "gb": ("bytes", "GiB"),
    "kib": ("bytes", "KiB"),
    "mib": ("bytes", "MiB"),
    "gib": ("bytes", "GiB"),
}
_UNIT_NAMES: Final = {"ms": "milliseconds", "bytes": "bytes"}
_WORD_BREAK: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[\s_.-]+")
# More names than these are no help in a message.
_MAX_NAMES: Final = 12
# Longer keys are no misspelling, and comparing them takes long.
_MAX_NAME: Final = 60


@lru_cache(maxsize=4096)  # the same few keys stand in every entry
def field_name(spelled: str) -> str:
    """Return the canonical spelling of a key."""
    name = canonical_name(spelled)
    return _ALIASES.get(name, name)


def is_extension(spelled: str) -> bool:
    """Return whether a key is one of the user's own (`x-...`)."""
    return spelled.startswith("x-")


def explain_unknown(spelled: str, known: Collection[str]) -> str:
    """Return what to write in place of a key that is not one of the known ones."""
    name, right = _snake_case(spelled), right_key(spelled)
    if right in known:
        return f"is unknown; did you mean {right}?"
    if right in TOPIC_SETTINGS and "config" in known:
        return "is a setting of a topic; put it below config"
    if right in ("name", "partition_count", "replication_factor") and "retention_ms" in known:
        return f"is not a setting; write {right} above config, beside the topic's name"
    if (unit := _unit_hint(name, known)) is not None:
        return f"is unknown; {unit}"
    close = get_close_matches(name, known, n=1) if len(name) <= _MAX_NAME else None
    if close:
        return f"is unknown; did you mean {close[0]}?"
    return "is unknown" + (f"; known keys: {', '.join(sorted(known))}" if len(known) <= _MAX_NAMES else "")


def right_key(spelled: str) -> str:
    """Return the key that is probably meant: in small letters, or for another tool's name."""
    name = _snake_case(spelled)
    return _ALIASES.get(name, _RIGHT_KEYS.get(name, name))


def explain_kafka_only(spelled: str) -> str:
    """Return why a setting that only Kafka has cannot have its value."""
    default = KAFKA_ONLY[canonical_name(spelled)][0] or "nothing"
    return (
        "Kafka has this setting, but DigitalOcean's service does not offer it: "
        f"only Kafka's default, {default}, is accepted"
    )


def _snake_case(spelled: str) -> str:
    return canonical_name("_".join(part for part in _WORD_BREAK.split(spelled.strip()) if part).lower())


def _unit_hint(name: str, known: Collection[str]) -> str | None:
    """Return what to write for `retention.hours` and the like."""
    stem, _, last = name.rpartition("_")
    if last not in _UNITS:
        return None
    unit, short = _UNITS[last]
    for candidate in (f"{stem}_{unit}", f"{stem.removeprefix('log_')}_{unit}"):
        if candidate in TOPIC_SETTINGS:
            place = "" if candidate in known else " below config"
            key = TOPIC_SETTINGS[candidate].kafka_name
            return f"write {key}{place}, in {_UNIT_NAMES[unit]} or with the unit {short}, such as {key}: 24{short}"
    return None
