"""Tenants' clusters with Litestar: `uvicorn litestar_app:app`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from litestar import Litestar, Request, Response, delete, get, put
from litestar.datastructures import State
from litestar.params import FromPath
from tenants import Progress, Tenants, open_tenants

from asyncdbaas import DBaaSError
from asyncdbaas.web import problem


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncGenerator[None]:
    async with open_tenants() as app.state.tenants:
        yield


def failed(_: Request, error: DBaaSError) -> Response[bytes]:
    status, headers, body = problem(error)
    return Response(body, status_code=status, headers=headers, media_type=headers["content-type"])


@put("/tenants/{name:str}", status_code=202)
async def create(name: FromPath[str], state: State) -> Progress:
    return await tenants_of(state).create(name)


@get("/tenants/{name:str}")
async def progress(name: FromPath[str], state: State) -> Progress:
    return tenants_of(state).progress(name)


@delete("/tenants/{name:str}")
async def delete_tenant(name: FromPath[str], state: State) -> None:
    await tenants_of(state).delete(name)


@get("/clusters/{cluster_id:str}")
async def look(cluster_id: FromPath[str], state: State) -> Progress:
    return await tenants_of(state).look(cluster_id)


def tenants_of(state: State) -> Tenants:
    tenants: Tenants = state.tenants
    return tenants


app = Litestar([create, progress, delete_tenant, look], lifespan=[lifespan], exception_handlers={DBaaSError: failed})
