"""Databases inside a cluster."""

from __future__ import annotations

import re
from typing import Final

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.engines import ENGINES
from asyncdbaas.emulator.errors import not_found, unprocessable
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.routing import Answer, Call, Route
from asyncdbaas.emulator.state import Actions, State

_SUPPORTED: Final = ("pg", "advanced_pg", "mysql", "advanced_mysql", "mongodb")
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f]{1,63}")


def list_databases(state: State, call: Call, cluster_id: str) -> Answer:
    """Answer GET /v2/databases/{id}/dbs."""
    cluster = state.source(state.cluster(cluster_id, *_SUPPORTED))
    return Answer(200, {"dbs": [{"name": database["name"]} for database in state.listed(cluster["dbs"].values())]})


def get_database(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Answer GET /v2/databases/{id}/dbs/{name}."""
    _require(state.source(state.cluster(cluster_id, *_SUPPORTED)), name)
    return Answer(200, {"db": {"name": name}})


def create_database(state: State, call: Call, cluster_id: str) -> Answer:
    """Answer POST /v2/databases/{id}/dbs."""
    cluster = state.writable(cluster_id, "create database", *_SUPPORTED)
    name = fields.required(call.body, "name")
    if not _NAME.fullmatch(name):
        raise unprocessable("invalid database name")
    if name in cluster["dbs"]:
        raise unprocessable("database name is not available")
    cluster["dbs"][name] = {"name": name, "listed_at": state.listed_at()}
    return Answer(201, {"db": {"name": name}})


def delete_database(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Answer DELETE /v2/databases/{id}/dbs/{name}; the default database stays."""
    cluster = state.writable(cluster_id, "delete database", *_SUPPORTED)
    _require(cluster, name)
    if name == ENGINES[cluster["engine"]].default_database:
        raise unprocessable("the default database cannot be deleted")
    del cluster["dbs"][name]
    return Answer(204)


def default_databases(engine: str) -> dict[str, Record]:
    """Make the databases that every cluster of an engine has from the start."""
    name = ENGINES[engine].default_database
    return {name: {"name": name, "listed_at": 0.0}} if name else {}


def _require(cluster: Record, name: str) -> None:
    if name not in cluster["dbs"]:
        raise not_found("database")


ROUTES: Final = (
    Route("GET", "/v2/databases/{}/dbs", "list_databases", list_databases),
    Route("POST", "/v2/databases/{}/dbs", "create_database", create_database, takes_body=True),
    Route("GET", "/v2/databases/{}/dbs/{}", "get_database", get_database),
    Route("DELETE", "/v2/databases/{}/dbs/{}", "delete_database", delete_database),
)
ACTIONS: Final[Actions] = {}
