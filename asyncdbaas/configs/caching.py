"""Settings of Redis and Valkey clusters.

If the service converts a Redis cluster to Valkey, `redis_ssl` becomes `valkey_ssl`, and so on.
"""

from __future__ import annotations

from typing import Self

import attrs

from asyncdbaas.configs._base import EngineConfig
from asyncdbaas.types import UNSET, EnumOrStr, OpenEnum, Unset, take_strings

__all__ = ["AclChannels", "MaxmemoryPolicy", "Persistence", "RedisConfig", "ValkeyConfig"]


class MaxmemoryPolicy(OpenEnum):
    """Choice of the keys that are evicted when the memory is full.

    Written with hyphens here, as the server writes them, and with underscores by the module `eviction_policy`. Both
    are read. The vendor's description has underscores for Valkey's setting, but its Go and Terraform clients hyphens.
    """

    NOEVICTION = "noeviction"
    """None: writes are refused."""
    ALLKEYS_LRU = "allkeys-lru"
    """The least recently used."""
    ALLKEYS_RANDOM = "allkeys-random"
    """Any, at random."""
    VOLATILE_LRU = "volatile-lru"
    """The least recently used of those that expire."""
    VOLATILE_RANDOM = "volatile-random"
    """Any of those that expire, at random."""
    VOLATILE_TTL = "volatile-ttl"
    """Those that expire soonest."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        hyphened = value.replace("_", "-") if isinstance(value, str) else value
        return next((member for member in cls if member == hyphened), None) or super()._missing_(value)


class Persistence(OpenEnum):
    """Persistence of the data on disk."""

    OFF = "off"
    RDB = "rdb"


class AclChannels(OpenEnum):
    """Pub/sub channels that a user gets by default."""

    ALLCHANNELS = "allchannels"
    """All."""
    RESETCHANNELS = "resetchannels"
    """None."""


@attrs.frozen(kw_only=True, slots=False, repr=False, field_transformer=take_strings)
class RedisConfig(EngineConfig):
    """Settings of a Redis cluster. What is unset is not sent, and stays as it is."""

    redis_acl_channels_default: EnumOrStr[AclChannels] | Unset = UNSET
    """Pub/sub channels of a new user without an ACL. Unset, it counts as `allchannels`. The server's own
    `acl-pubsub-default` is another setting."""
    redis_io_threads: int | Unset = UNSET
    """I/O threads; 1 to 32."""
    redis_lfu_decay_time: int | Unset = UNSET
    """Minutes after which the access counters of LFU policies decay; 1 to 120. Default 1."""
    redis_lfu_log_factor: int | Unset = UNSET
    """How slowly the access counters of LFU policies saturate, a logarithm factor; 0 to 100. Default 10."""
    redis_maxmemory_policy: EnumOrStr[MaxmemoryPolicy] | Unset = UNSET
    """Choice of the keys that are evicted when the memory is full."""
    redis_notify_keyspace_events: str | Unset = UNSET
    """Events to publish, one letter each: K keyspace and E keyevent (one of them is required), g generic commands, $
    strings, l lists, s sets, h hashes, z sorted sets, t streams, d module keys, x expired, e evicted, m misses, n new
    keys, A for `g$lshztxed`; at most 32. Default "": none. The vendor's pattern takes only the letters of
    `KEg$lshzxeA`."""
    redis_number_of_databases: int | Unset = UNSET
    """Databases; 1 to 128. A change restarts Redis."""
    redis_persistence: EnumOrStr[Persistence] | Unset = UNSET
    """Dump all data every 10 minutes if a key has changed (`rdb`), or never (`off`): then a restart can lose data and
    the cluster cannot be forked. There is no append-only file."""
    redis_pubsub_client_output_buffer_limit: int | Unset = UNSET
    """Hard limit of a pub/sub client's output buffer, in MB; 32 to 512. The soft limit is a quarter of it. Mind the
    memory of the plan."""
    redis_ssl: bool | Unset = UNSET
    """Require TLS. Default true: port 25061 only; false opens port 25060 without TLS as well."""
    redis_timeout: int | Unset = UNSET
    """Seconds after which an idle connection is closed; 0 to 31536000. Default 300."""


@attrs.frozen(kw_only=True, slots=False, repr=False, field_transformer=take_strings)
class ValkeyConfig(EngineConfig):
    """Settings of a Valkey cluster. What is unset is not sent, and stays as it is.

    Change them while the cluster is `online`; the vendor's Terraform provider waits for that.
    """

    frequent_snapshots: bool | Unset = UNSET
    """Take local snapshots often, not for backups only. Default true. Without effect while `valkey_persistence` is
    `off`."""
    valkey_acl_channels_default: EnumOrStr[AclChannels] | Unset = UNSET
    """Pub/sub channels of a new user without an ACL. Unset, it counts as `allchannels`. The server's own
    `acl-pubsub-default` is another setting."""
    valkey_active_expire_effort: int | Unset = UNSET
    """How hard expired keys are looked for in the background; 1 to 10. Default 1. More frees memory sooner, but costs
    CPU and perhaps latency."""
    valkey_io_threads: int | Unset = UNSET
    """I/O threads; 1 to 32."""
    valkey_lfu_decay_time: int | Unset = UNSET
    """Minutes after which the access counters of LFU policies decay; 1 to 120. Default 1."""
    valkey_lfu_log_factor: int | Unset = UNSET
    """How slowly the access counters of LFU policies saturate, a logarithm factor; 0 to 100. Default 10."""
    valkey_maxmemory_policy: EnumOrStr[MaxmemoryPolicy] | Unset = UNSET
    """Choice of the keys that are evicted when the memory is full."""
    valkey_notify_keyspace_events: str | Unset = UNSET
    """Events to publish, one letter each: K keyspace and E keyevent (one of them is required), g generic commands, $
    strings, l lists, s sets, h hashes, z sorted sets, t streams, d module keys, x expired, e evicted, m misses, n new
    keys, A for `g$lshztxed`; at most 32. Default "": none. The vendor's pattern takes only the letters of
    `KEg$lshzxeA`."""
    valkey_number_of_databases: int | Unset = UNSET
    """Databases; 1 to 128. A change restarts Valkey."""
    valkey_persistence: EnumOrStr[Persistence] | Unset = UNSET
    """Dump all data every 10 minutes if a key has changed, and for backups (`rdb`), or never (`off`): then there are no
    backups, a restart can lose data and the cluster cannot be forked."""
    valkey_pubsub_client_output_buffer_limit: int | Unset = UNSET
    """Hard limit of a pub/sub client's output buffer, in MB; 32 to 512. The soft limit is a quarter of it. Mind the
    memory of the plan."""
    valkey_ssl: bool | Unset = UNSET
    """Require TLS. Default true."""
    valkey_timeout: int | Unset = UNSET
    """Seconds after which an idle connection is closed; 0 to 31536000. Default 300."""
