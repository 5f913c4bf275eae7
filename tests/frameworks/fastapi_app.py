"""Tenants' clusters with FastAPI: `uvicorn fastapi_app:app`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from tenants import Progress, Tenants, open_tenants

from asyncdbaas import DBaaSError
from asyncdbaas.web import problem


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncGenerator[dict[str, Tenants]]:
    async with open_tenants() as tenants:
        yield {"tenants": tenants}


app = FastAPI(lifespan=lifespan)


@app.exception_handler(DBaaSError)
async def failed(_: Request, error: DBaaSError) -> Response:
    status, headers, body = problem(error)
    return Response(body, status, headers)


@app.put("/tenants/{name}", status_code=202)
async def create(name: str, request: Request) -> Progress:
    return await tenants_of(request).create(name)


@app.get("/tenants/{name}")
async def progress(name: str, request: Request) -> Progress:
    return tenants_of(request).progress(name)


@app.delete("/tenants/{name}", status_code=204)
async def delete(name: str, request: Request) -> None:
    await tenants_of(request).delete(name)


@app.get("/clusters/{cluster_id}")
async def look(cluster_id: str, request: Request) -> Progress:
    return await tenants_of(request).look(cluster_id)


def tenants_of(request: Request) -> Tenants:
    tenants: Tenants = request.state.tenants
    return tenants
