"""Connection pools of PostgreSQL clusters."""

from __future__ import annotations

from typing import Final

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.connections import pool_connection
from asyncdbaas.emulator.errors import unprocessable
from asyncdbaas.emulator.records import Cluster, Pool, PoolSettings, Record
from asyncdbaas.emulator.resources.cluster_view import shown_password
from asyncdbaas.emulator.routing import Answer, Call, Resource
from asyncdbaas.emulator.sizes import memory_gb
from asyncdbaas.emulator.state import State, found

resource: Final = Resource()

_MODES: Final = ("session", "transaction", "statement")
_MOST_CONNECTIONS: Final = 997  # of a cluster with 64 GB and more
_MOST_POOLS: Final = 21


@resource.get("/{}/pools")
def list_pools(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle GET /v2/databases/{id}/pools."""
    cluster = state.cluster(cluster_id, "pools")
    return Answer(
        200, {"pools": [_view(state, cluster, pool, call) for pool in state.listed(cluster["pools"].values())]}
    )


@resource.get("/{}/pools/{}")
def get_pool(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Handle GET /v2/databases/{id}/pools/{name}."""
    cluster = state.cluster(cluster_id, "pools")
    return Answer(200, {"pool": _view(state, cluster, found(cluster["pools"], name, "connection pool"), call)})


@resource.post("/{}/pools")
def create_pool(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle POST /v2/databases/{id}/pools."""
    cluster = state.usable(cluster_id, "create connection pool", "pools")
    name = fields.string(call.body, "name")
    if not 3 <= len(name) <= 60:
        raise unprocessable("invalid connection pool name: must be between 3 and 60 characters")
    if name in cluster["pools"]:
        raise unprocessable("connection pool name is not available")
    if len(cluster["pools"]) >= _MOST_POOLS:
        raise unprocessable(f"too many connection pools: {_MOST_POOLS} are allowed")
    checked = _checked(state, cluster, call.body, name)
    cluster["pools"][name] = {"name": name, "listed_at": state.shown_after(state.delays.listed), **checked}
    return Answer(201, {"pool": _view(state, cluster, cluster["pools"][name], call)})


@resource.put("/{}/pools/{}")
def update_pool(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Handle PUT /v2/databases/{id}/pools/{name}. It replaces mode, size, database and user."""
    cluster = state.usable(cluster_id, "update connection pool", "pools")
    pool = found(cluster["pools"], name, "connection pool")
    cluster["pools"][name] = {**pool, **_checked(state, cluster, call.body, name)}
    return Answer(204)


@resource.delete("/{}/pools/{}")
def delete_pool(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Handle DELETE /v2/databases/{id}/pools/{name}."""
    cluster = state.usable(cluster_id, "delete connection pool", "pools")
    found(cluster["pools"], name, "connection pool")
    del cluster["pools"][name]
    return Answer(204)


def _checked(state: State, cluster: Cluster, body: Record, name: str) -> PoolSettings:
    mode, size = fields.choice(body, "mode", _MODES), fields.integer(body, "size")
    database, user = fields.string(body, "db"), fields.string(body, "user")
    budget = min(25 * memory_gb(cluster["size"]) - 3, _MOST_CONNECTIONS)
    taken = sum(pool["size"] for pool in cluster["pools"].values() if pool["name"] != name)
    if size < 1 or taken + size > budget:
        raise unprocessable(f"invalid connection pool size: {budget - taken} of {budget} connections are left")
    source = state.primary_of(cluster)
    if database not in source["dbs"]:
        raise unprocessable("invalid connection pool database")
    if user and user not in source["users"]:
        raise unprocessable("invalid connection pool user")
    return {"mode": mode, "size": size, "db": database, "user": user}


def _view(state: State, cluster: Cluster, pool: Pool, call: Call) -> Record:
    user = state.primary_of(cluster)["users"].get(pool["user"])
    password = shown_password(state, cluster, call)
    if user is not None and password is not None:
        password = user["password"]
    shown: Record = {
        **{name: value for name, value in pool.items() if name != "listed_at"},
        "connection": pool_connection(cluster, "", pool, password),
        "private_connection": pool_connection(cluster, "private-", pool, password),
    }
    if cluster["num_nodes"] > 1:
        shown["standby_connection"] = pool_connection(cluster, "replica-", pool, password)
        shown["standby_private_connection"] = pool_connection(cluster, "private-replica-", pool, password)
    return shown
