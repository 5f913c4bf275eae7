"""A control plane on FastAPI that gives each tenant a PostgreSQL cluster.

`QUOTA_URL=redis://localhost:6379 uvicorn --factory control_plane:create_app --workers 4`

The service holds the state: every worker answers every request, and a repeated PUT completes what a restart cut off.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import aiojobs
from fastapi import FastAPI, Request, Response

from asyncdbaas import AsyncSession, DBaaSError, SharedRateLimiter, clusters, databases, ensure, web
from asyncdbaas.waiters import Waiters


def new_session() -> AsyncSession:
    """Return a worker's session. With a store for it, the workers share the token's quota."""
    url = os.environ.get("QUOTA_URL")
    return AsyncSession(max_wait=5.0, rate_limiter=SharedRateLimiter(url) if url else None)


class Tenants:
    """What the routes do. A visitor's request waits 5 s for the quota at most, a job as long as it takes."""

    def __init__(self, session: AsyncSession, jobs: aiojobs.Scheduler, interval: float) -> None:
        self._session = session
        self._background = session.with_options(max_wait=None, priority="bulk")
        self._waiters = Waiters(self._background, interval=interval)
        self._jobs = jobs

    async def create(self, name: str) -> None:
        await self._jobs.spawn(self._provision(name))

    async def _provision(self, name: str) -> None:
        wanted = clusters.ClusterCreate(name=name, engine="pg", region="nyc3", size="db-s-1vcpu-2gb", num_nodes=1)
        cluster = await ensure.ensure_cluster(self._background, wanted)
        await self._waiters.cluster_online(cluster.id)
        await ensure.ensure_database(self._background, cluster.id, "app")

    async def state(self, name: str) -> dict[str, str | bool | None]:
        cluster = await clusters.find_cluster(self._session, name)
        found = await databases.list_databases(self._session, cluster.id)
        return {"cluster": cluster.status, "ready": any(database.name == "app" for database in found)}


def create_app(session: Callable[[], AsyncSession] = new_session, *, interval: float = 10.0) -> FastAPI:
    """Return the application; the parameters are for tests."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[dict[str, Tenants]]:
        async with session() as opened, aiojobs.Scheduler() as jobs:
            yield {"tenants": Tenants(opened, jobs, interval)}

    app = FastAPI(lifespan=lifespan)

    @app.exception_handler(DBaaSError)
    async def failed(_: Request, error: DBaaSError) -> Response:
        status, headers, body = web.problem(error)
        return Response(body, status, headers)

    @app.put("/tenants/{name}", status_code=202)
    async def create(name: str, request: Request) -> None:
        await tenants_of(request).create(name)

    @app.get("/tenants/{name}")
    async def state(name: str, request: Request) -> dict[str, str | bool | None]:
        return await tenants_of(request).state(name)

    return app


def tenants_of(request: Request) -> Tenants:
    tenants: Tenants = request.state.tenants
    return tenants
