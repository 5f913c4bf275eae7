"""Databases inside a cluster."""

from __future__ import annotations

import re
from typing import Final

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.engines import ENGINES
from asyncdbaas.emulator.errors import not_found, unprocessable
from asyncdbaas.emulator.records import Cluster, Database
from asyncdbaas.emulator.routing import Answer, Call, Resource
from asyncdbaas.emulator.state import State

resource: Final = Resource()

_NAME: Final = re.compile(r"[^\x00-\x1f\x7f]{1,63}")


@resource.get("/{}/dbs")
def list_databases(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle GET /v2/databases/{id}/dbs."""
    cluster = state.primary_of(state.cluster(cluster_id, "databases"))
    return Answer(200, {"dbs": [{"name": database["name"]} for database in state.listed(cluster["dbs"].values())]})


@resource.get("/{}/dbs/{}")
def get_database(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Handle GET /v2/databases/{id}/dbs/{name}."""
    _require(state.primary_of(state.cluster(cluster_id, "databases")), name)
    return Answer(200, {"db": {"name": name}})


@resource.post("/{}/dbs")
def create_database(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle POST /v2/databases/{id}/dbs."""
    cluster = state.writable(cluster_id, "create database", "databases")
    name = fields.required(call.body, "name")
    if not _NAME.fullmatch(name):
        raise unprocessable("invalid database name")
    if name in cluster["dbs"]:
        raise unprocessable("database name is not available")
    cluster["dbs"][name] = {"name": name, "listed_at": state.listed_at()}
    return Answer(201, {"db": {"name": name}})


@resource.delete("/{}/dbs/{}")
def delete_database(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Handle DELETE /v2/databases/{id}/dbs/{name}; the default database stays."""
    cluster = state.writable(cluster_id, "delete database", "databases")
    _require(cluster, name)
    if name == ENGINES[cluster["engine"]].default_database:
        raise unprocessable("the default database cannot be deleted")
    del cluster["dbs"][name]
    return Answer(204)


def default_databases(engine: str) -> dict[str, Database]:
    """Make the databases that every cluster of an engine has from the start."""
    name = ENGINES[engine].default_database
    return {name: {"name": name, "listed_at": 0.0}} if name else {}


def _require(cluster: Cluster, name: str) -> None:
    if name not in cluster["dbs"]:
        raise not_found("database")
