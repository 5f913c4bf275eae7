"""Tests of `provisioning.py`, as an application would have them: with the fixtures that come with the package."""

from __future__ import annotations

import asyncio

import pytest
from provisioning import Provisioner

from asyncdbaas import AsyncSession, ServerError, clusters, databases, pools, users
from asyncdbaas.emulator import Delays, Emulator, Faults
from asyncdbaas.waiters import Waiters

CLUSTER = clusters.ClusterCreate(name="tenants", engine="pg", region="nyc3", size="db-s-1vcpu-2gb", num_nodes=1)


@pytest.fixture
def provisioner(dbaas_session: AsyncSession) -> Provisioner:
    return Provisioner(dbaas_session, CLUSTER, Waiters(dbaas_session, interval=0.01))


async def test_a_tenant_can_connect_through_a_pool(provisioner: Provisioner) -> None:
    tenant = await provisioner.provision("acme")
    assert tenant.user.password
    assert tenant.pool.connection is not None
    assert (tenant.pool.db, tenant.pool.user, tenant.pool.connection.database) == ("acme", "acme", "acme")


@pytest.mark.dbaas(delays=Delays(create=120), time_scale=1000)
async def test_many_first_tenants_share_one_new_cluster(provisioner: Provisioner, dbaas_emulator: Emulator) -> None:
    tenants = await asyncio.gather(*(provisioner.provision(f"tenant-{number}") for number in range(10)))
    assert len({tenant.user.name for tenant in tenants}) == 10
    assert dbaas_emulator.requests.operations["create_cluster"] == 1


async def test_a_setup_that_failed_halfway_is_completed_by_the_next_call(
    provisioner: Provisioner, dbaas_faults: Faults
) -> None:
    dbaas_faults.add("create_pool", "unavailable", times=5)  # as often as the session tries
    with pytest.raises(ServerError):
        await provisioner.provision("acme")
    assert (await provisioner.provision("acme")).pool.name == "acme"


async def test_a_create_whose_response_is_lost_is_not_retried(
    provisioner: Provisioner, dbaas_emulator: Emulator, dbaas_faults: Faults
) -> None:
    dbaas_faults.add("create_user", "server_error", applied=True)
    assert (await provisioner.provision("acme")).user.name == "acme"
    assert dbaas_emulator.requests.operations["create_user"] == 1


async def test_a_larger_pool_replaces_the_smaller_one(provisioner: Provisioner) -> None:
    await provisioner.provision("acme")
    assert (await provisioner.provision("acme", connections=8)).pool.size == 8


async def test_a_tenant_that_leaves_leaves_nothing_behind(
    provisioner: Provisioner, dbaas_session: AsyncSession
) -> None:
    await provisioner.provision("acme")
    await provisioner.deprovision("acme")
    cluster = await clusters.find_cluster(dbaas_session, "tenants")
    names = [database.name for database in await databases.list_databases(dbaas_session, cluster.id)]
    names += [user.name for user in await users.list_users(dbaas_session, cluster.id)]
    assert "acme" not in names
    assert await pools.list_pools(dbaas_session, cluster.id) == []
