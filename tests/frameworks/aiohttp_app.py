"""Tenants' clusters with aiohttp: `python -m aiohttp_app 8000`."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp.typedefs import Handler
from tenants import Tenants, open_tenants

from asyncdbaas import DBaaSError
from asyncdbaas.web import problem

TENANTS = web.AppKey("tenants", Tenants)


async def lifespan(app: web.Application) -> AsyncIterator[None]:
    async with open_tenants() as app[TENANTS]:
        yield


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except DBaaSError as error:
        status, headers, body = problem(error)
        return web.Response(status=status, headers=headers, body=body)


async def create(request: web.Request) -> web.Response:
    return web.json_response(await request.app[TENANTS].create(request.match_info["name"]), status=202)


async def progress(request: web.Request) -> web.Response:
    return web.json_response(request.app[TENANTS].progress(request.match_info["name"]))


async def delete(request: web.Request) -> web.Response:
    await request.app[TENANTS].delete(request.match_info["name"])
    return web.Response(status=204)


async def look(request: web.Request) -> web.Response:
    return web.json_response(await request.app[TENANTS].look(request.match_info["cluster_id"]))


def make() -> web.Application:
    app = web.Application(middlewares=[answer_problems])
    app.cleanup_ctx.append(lifespan)
    app.router.add_put("/tenants/{name}", create)
    app.router.add_get("/tenants/{name}", progress)
    app.router.add_delete("/tenants/{name}", delete)
    app.router.add_get("/clusters/{cluster_id}", look)
    return app


if __name__ == "__main__":
    web.run_app(make(), host="127.0.0.1", port=int(sys.argv[1]), access_log=None)
