"""Connection pools of PostgreSQL clusters."""

from __future__ import annotations

from typing import Final

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.connections import pool_connection
from asyncdbaas.emulator.engines import memory_gb
from asyncdbaas.emulator.errors import not_found, unprocessable
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.resources.cluster_view import shown_password
from asyncdbaas.emulator.routing import Answer, Call, Route
from asyncdbaas.emulator.state import Actions, State

_SUPPORTED: Final = ("pg", "advanced_pg")
_MODES: Final = ("session", "transaction", "statement")


def list_pools(state: State, call: Call, cluster_id: str) -> Answer:
    """Answer GET /v2/databases/{id}/pools."""
    cluster = state.cluster(cluster_id, *_SUPPORTED)
    return Answer(
        200, {"pools": [_view(state, cluster, pool, call) for pool in state.listed(cluster["pools"].values())]}
    )


def get_pool(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Answer GET /v2/databases/{id}/pools/{name}."""
    cluster = state.cluster(cluster_id, *_SUPPORTED)
    return Answer(200, {"pool": _view(state, cluster, _pool(cluster, name), call)})


def create_pool(state: State, call: Call, cluster_id: str) -> Answer:
    """Answer POST /v2/databases/{id}/pools."""
    cluster = state.usable(cluster_id, "create connection pool", *_SUPPORTED)
    name = fields.string(call.body, "name")
    if not 3 <= len(name) <= 60:
        raise unprocessable("invalid connection pool name: must be between 3 and 60 characters")
    if name in cluster["pools"]:
        raise unprocessable("connection pool name is not available")
    checked = _checked(state, cluster, call.body, name)
    cluster["pools"][name] = {"name": name, "listed_at": state.listed_at(), **checked}
    return Answer(201, {"pool": _view(state, cluster, cluster["pools"][name], call)})


def update_pool(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Answer PUT /v2/databases/{id}/pools/{name}: mode, size and database are needed again."""
    cluster = state.usable(cluster_id, "update connection pool", *_SUPPORTED)
    _pool(cluster, name).update(_checked(state, cluster, call.body, name))
    return Answer(204)


def delete_pool(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Answer DELETE /v2/databases/{id}/pools/{name}."""
    cluster = state.usable(cluster_id, "delete connection pool", *_SUPPORTED)
    _pool(cluster, name)
    del cluster["pools"][name]
    return Answer(204)


def _checked(state: State, cluster: Record, body: Record, name: str) -> Record:
    mode, size = fields.choice(body, "mode", _MODES), fields.integer(body, "size")
    database, user = fields.string(body, "db"), fields.string(body, "user")
    budget = 25 * memory_gb(cluster["size"]) - 3
    taken = sum(pool["size"] for pool in cluster["pools"].values() if pool["name"] != name)
    if size < 1 or taken + size > budget:
        raise unprocessable(f"invalid connection pool size: {budget - taken} of {budget} connections are left")
    source = state.source(cluster)
    if database not in source["dbs"]:
        raise unprocessable("invalid connection pool database")
    if user and user not in source["users"]:
        raise unprocessable("invalid connection pool user")
    return {"mode": mode, "size": size, "db": database, "user": user}


def _pool(cluster: Record, name: str) -> Record:
    pool: Record | None = cluster["pools"].get(name)
    if pool is None:
        raise not_found("connection pool")
    return pool


def _view(state: State, cluster: Record, pool: Record, call: Call) -> Record:
    user = state.source(cluster)["users"].get(pool["user"])
    password = shown_password(state, cluster, call)
    if user is not None and password is not None:
        password = user["password"]
    shown = {
        **{key: pool[key] for key in ("name", "mode", "size", "db", "user")},
        "connection": pool_connection(cluster, "", pool, password),
        "private_connection": pool_connection(cluster, "private-", pool, password),
    }
    if cluster["num_nodes"] > 1:
        shown["standby_connection"] = pool_connection(cluster, "replica-", pool, password)
        shown["standby_private_connection"] = pool_connection(cluster, "private-replica-", pool, password)
    return shown


ROUTES: Final = (
    Route("GET", "/v2/databases/{}/pools", "list_pools", list_pools),
    Route("POST", "/v2/databases/{}/pools", "create_pool", create_pool, takes_body=True),
    Route("GET", "/v2/databases/{}/pools/{}", "get_pool", get_pool),
    Route("PUT", "/v2/databases/{}/pools/{}", "update_pool", update_pool, takes_body=True),
    Route("DELETE", "/v2/databases/{}/pools/{}", "delete_pool", delete_pool),
)
ACTIONS: Final[Actions] = {}
