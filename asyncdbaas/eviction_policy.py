"""Eviction policy of a Redis or Valkey cluster: what happens when its memory is full."""

from __future__ import annotations

from typing import Self

from asyncdbaas._checks import check_text
from asyncdbaas._endpoint import cluster_path
from asyncdbaas.session import AsyncSession
from asyncdbaas.types import Id, OpenEnum

__all__ = ["EvictionPolicy", "get_eviction_policy", "set_eviction_policy"]


class EvictionPolicy(OpenEnum):
    """Choice of the keys that are evicted to make room for new ones.

    Written with underscores here and with hyphens (`allkeys-lru`) in the cluster's configuration; both spellings
    give the same member.
    """

    NOEVICTION = "noeviction"
    """None: writes fail when memory is full."""
    ALLKEYS_LRU = "allkeys_lru"
    """The least recently used of all keys."""
    ALLKEYS_RANDOM = "allkeys_random"
    VOLATILE_LRU = "volatile_lru"
    """The least recently used of the keys that expire."""
    VOLATILE_RANDOM = "volatile_random"
    """Any of the keys that expire."""
    VOLATILE_TTL = "volatile_ttl"
    """The key that expires soonest."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if isinstance(value, str) and "-" in value:
            return cls(value.replace("-", "_"))
        return super()._missing_(value)


async def get_eviction_policy(session: AsyncSession, cluster_id: Id) -> EvictionPolicy:
    """Read the eviction policy of a Redis or Valkey cluster.

    Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_get_evictionPolicy
    """
    return await session.request(
        "GET", cluster_path(cluster_id, "eviction_policy"), EvictionPolicy, key="eviction_policy"
    )


async def set_eviction_policy(session: AsyncSession, cluster_id: Id, policy: EvictionPolicy | str) -> None:
    """Set the eviction policy of a Redis or Valkey cluster; hyphens are sent as underscores.

    Scope `database:update`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_update_evictionPolicy
    """
    await session.request(
        "PUT",
        cluster_path(cluster_id, "eviction_policy"),
        body={"eviction_policy": EvictionPolicy(check_text(policy, "eviction policy"))},
    )
