"""Tenants' clusters with Quart: `hypercorn quart_app:app`."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from quart import Quart, current_app
from quart.typing import ResponseReturnValue
from tenants import Tenants, open_tenants

from asyncdbaas import DBaaSError
from asyncdbaas.web import problem

app = Quart(__name__)


@app.while_serving
async def lifespan() -> AsyncGenerator[None]:
    async with open_tenants() as app.extensions["tenants"]:
        yield


@app.errorhandler(DBaaSError)
async def failed(error: DBaaSError) -> ResponseReturnValue:
    status, headers, body = problem(error)
    return body, status, headers


@app.put("/tenants/<name>")
async def create(name: str) -> ResponseReturnValue:
    return await tenants().create(name), 202


@app.get("/tenants/<name>")
async def progress(name: str) -> ResponseReturnValue:
    return tenants().progress(name)


@app.delete("/tenants/<name>")
async def delete(name: str) -> ResponseReturnValue:
    await tenants().delete(name)
    return "", 204


@app.get("/clusters/<cluster_id>")
async def look(cluster_id: str) -> ResponseReturnValue:
    return await tenants().look(cluster_id)


def tenants() -> Tenants:
    found: Tenants = current_app.extensions["tenants"]
    return found
