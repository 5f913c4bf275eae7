"""A service that gives each tenant a database, a user and a connection pool; `test_provisioning.py` tests it."""

from __future__ import annotations

import asyncio

import attrs

from asyncdbaas import AsyncSession, clusters, databases, ensure, pools, users
from asyncdbaas.plan import OnConflict
from asyncdbaas.waiters import Waiters


@attrs.frozen(kw_only=True)
class Tenant:
    """What a tenant's application needs to connect; `asyncdbaas.connect` makes a driver's arguments of it."""

    user: users.User
    pool: pools.Pool


class Provisioner:
    """Set up tenants on one PostgreSQL cluster, which is created when it is first needed.

    Every step creates what is missing and accepts what exists. If a setup fails halfway, call `provision` again.
    """

    def __init__(self, session: AsyncSession, cluster: clusters.ClusterCreate, waiters: Waiters | None = None) -> None:
        self._session = session
        self._cluster = cluster
        self._waiters = waiters or Waiters(session)

    async def provision(self, name: str, *, connections: int = 2) -> Tenant:
        """Set up a tenant, and return how to connect."""
        cluster = await self._cluster_online()
        user, _ = await asyncio.gather(
            ensure.ensure_user(self._session, cluster.id, users.UserCreate(name=name)),
            ensure.ensure_database(self._session, cluster.id, name),
        )
        wanted = pools.PoolCreate(name=name, mode="transaction", size=connections, db=name, user=name)
        pool = await ensure.ensure_pool(self._session, cluster.id, wanted, on_conflict=OnConflict.UPDATE)
        return Tenant(user=user, pool=pool)

    async def deprovision(self, name: str) -> None:
        """Delete what a tenant has. The user goes last, because the pool logs in as the user."""
        cluster = await self._cluster_online()
        await pools.delete_pool(self._session, cluster.id, name)
        await databases.delete_database(self._session, cluster.id, name)
        await users.delete_user(self._session, cluster.id, name)

    async def _cluster_online(self) -> clusters.Cluster:
        async with self._session.lock(self._cluster.name):  # of many first tenants, one creates the cluster
            cluster = await ensure.ensure_cluster(self._session, self._cluster)
        return await self._waiters.cluster_online(cluster.id)
