"""What the example applications share: one database cluster for each tenant, without any web framework."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiojobs

from asyncdbaas import AsyncSession, DBaaSError, NotFoundError, RateLimiter, RetryPolicy
from asyncdbaas.clusters import ClusterCreate, Engine, delete_cluster, get_cluster
from asyncdbaas.ensure import ensure_cluster
from asyncdbaas.waiters import Waiters

__all__ = ["Tenants", "open_tenants"]

Progress = dict[str, str]


class Tenants:
    """Create a cluster for each tenant, wait for it in the background, report on it, and delete it."""

    def __init__(self, session: AsyncSession, jobs: aiojobs.Scheduler) -> None:
        self._session = session
        self._jobs = jobs
        self._waiters = Waiters(session, interval=0.1)
        self._progress: dict[str, Progress] = {}

    async def create(self, name: str) -> Progress:
        """Create a tenant's cluster, once however often it is asked for; a client that goes away cannot stop it."""
        return await self._jobs.shield(self._create(name))

    async def _create(self, name: str) -> Progress:
        wanted = ClusterCreate(name=name, engine=Engine.PG, region="nyc3", size="db-s-1vcpu-2gb", num_nodes=1)
        async with self._session.lock(name):
            if name not in self._progress:
                cluster = await ensure_cluster(self._session, wanted)
                self._progress[name] = {"id": cluster.id, "state": str(cluster.status)}
                await self._jobs.spawn(self._watch(name))
        return self._progress[name]

    async def _watch(self, name: str) -> None:
        progress = self._progress[name]
        try:
            cluster = await self._waiters.cluster_online(progress["id"])
            progress["state"] = str(cluster.status)
        except DBaaSError as error:
            progress["state"] = f"failed: {error}"

    def progress(self, name: str) -> Progress:
        """Tell how far a tenant's cluster is."""
        if name not in self._progress:
            raise NotFoundError(f"no tenant {name}", status=404, method="GET", path=f"/tenants/{name}")
        return self._progress[name]

    async def delete(self, name: str) -> None:
        """Delete a tenant's cluster."""
        cluster_id = self.progress(name)["id"]
        await self._jobs.shield(delete_cluster(self._session, cluster_id))
        self._progress.pop(name, None)

    async def look(self, cluster_id: str) -> Progress:
        """Ask the service for a cluster."""
        cluster = await get_cluster(self._session, cluster_id)
        return {"id": cluster.id, "state": str(cluster.status)}


@asynccontextmanager
async def open_tenants() -> AsyncGenerator[Tenants]:
    """Open what the application needs for as long as it serves."""
    # As the tests set up the emulator: 100 times as fast as the service, and with room for the load.
    limiter = RateLimiter(per_minute=100_000, per_hour=100_000, minute=0.6, hour=36.0)
    async with (
        AsyncSession(max_wait=0.2, rate_limiter=limiter, retry=RetryPolicy(base_delay=0.0)) as session,
        aiojobs.Scheduler(wait_timeout=1.0) as jobs,
    ):
        yield Tenants(session, jobs)
    sys.stdout.write("the tenants are closed\n")
    sys.stdout.flush()
