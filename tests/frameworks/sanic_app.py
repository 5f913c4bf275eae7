"""Tenants' clusters with Sanic: `sanic sanic_app:app`."""

from __future__ import annotations

from contextlib import AsyncExitStack

from sanic import HTTPResponse, Request, Sanic
from sanic.response import empty, json, raw
from tenants import Tenants, open_tenants

from asyncdbaas import DBaaSError
from asyncdbaas.web import problem

app = Sanic("tenants")


@app.before_server_start
async def open_session(app: Sanic) -> None:
    app.ctx.stack = AsyncExitStack()
    app.ctx.tenants = await app.ctx.stack.enter_async_context(open_tenants())


@app.after_server_stop
async def close_session(app: Sanic) -> None:
    await app.ctx.stack.aclose()


@app.exception(DBaaSError)
async def failed(_: Request, error: DBaaSError) -> HTTPResponse:
    status, headers, body = problem(error)
    return raw(body, status, headers, headers["content-type"])


@app.put("/tenants/<name>")
async def create(request: Request, name: str) -> HTTPResponse:
    return json(await tenants_of(request).create(name), 202)


@app.get("/tenants/<name>")
async def progress(request: Request, name: str) -> HTTPResponse:
    return json(tenants_of(request).progress(name))


@app.delete("/tenants/<name>")
async def delete(request: Request, name: str) -> HTTPResponse:
    await tenants_of(request).delete(name)
    return empty()


@app.get("/clusters/<cluster_id>")
async def look(request: Request, cluster_id: str) -> HTTPResponse:
    return json(await tenants_of(request).look(cluster_id))


def tenants_of(request: Request) -> Tenants:
    tenants: Tenants = request.app.ctx.tenants
    return tenants
