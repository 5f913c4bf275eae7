"""The eviction policy of a Redis or Valkey cluster."""

from __future__ import annotations

import pytest
from canned import Canned, Sent

from asyncdbaas import AsyncSession, InvalidInputError, eviction_policy
from asyncdbaas.emulator import Emulator
from asyncdbaas.eviction_policy import EvictionPolicy

CLUSTER = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
PATH = f"/v2/databases/{CLUSTER}/eviction_policy"


async def test_a_policy_that_was_set_is_read_back(emulator: Emulator, session: AsyncSession) -> None:
    cluster_id = emulator.add_cluster(engine="valkey")["id"]
    await eviction_policy.set_eviction_policy(session, cluster_id, EvictionPolicy.VOLATILE_TTL)
    assert await eviction_policy.get_eviction_policy(session, cluster_id) is EvictionPolicy.VOLATILE_TTL


@pytest.mark.parametrize("spelling", ["allkeys_lru", "allkeys-lru"])
async def test_hyphens_and_underscores_read_as_the_same_policy(canned: Canned, spelling: str) -> None:
    canned(200, {"eviction_policy": spelling})
    assert await eviction_policy.get_eviction_policy(canned.session, CLUSTER) is EvictionPolicy.ALLKEYS_LRU


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys_lru", EvictionPolicy.ALLKEYS_LRU])
async def test_a_policy_is_sent_with_underscores(canned: Canned, policy: EvictionPolicy | str) -> None:
    await eviction_policy.set_eviction_policy(canned.session, CLUSTER, policy)
    assert canned.sent == Sent("PUT", PATH, {"eviction_policy": "allkeys_lru"})


async def test_a_policy_that_is_new_is_no_error(canned: Canned) -> None:
    canned(200, '{"eviction_policy":"allkeys-lfu"}')
    policy = await eviction_policy.get_eviction_policy(canned.session, CLUSTER)
    assert policy == "allkeys_lfu"
    assert not policy.is_known


async def test_a_policy_that_is_no_string_is_rejected_by_name(canned: Canned) -> None:
    with pytest.raises(InvalidInputError, match="eviction policy must be a string, not list"):
        await eviction_policy.set_eviction_policy(canned.session, CLUSTER, ["noeviction"])  # type: ignore[arg-type]  # the point of the test
    assert canned.requests == []
