"""Databases inside a cluster."""

from __future__ import annotations

from typing import Final

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.engines import ENGINES
from asyncdbaas.emulator.errors import unprocessable
from asyncdbaas.emulator.records import Database
from asyncdbaas.emulator.routing import Answer, Call, Resource
from asyncdbaas.emulator.state import State, found

resource: Final = Resource()


@resource.get("/{}/dbs")
def list_databases(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle GET /v2/databases/{id}/dbs."""
    cluster = state.primary_of(state.cluster(cluster_id, "databases"))
    return Answer(200, {"dbs": [{"name": database["name"]} for database in state.listed(cluster["dbs"].values())]})


@resource.get("/{}/dbs/{}")
def get_database(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Handle GET /v2/databases/{id}/dbs/{name}."""
    found(state.primary_of(state.cluster(cluster_id, "databases"))["dbs"], name, "database")
    return Answer(200, {"db": {"name": name}})


@resource.post("/{}/dbs")
def create_database(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle POST /v2/databases/{id}/dbs."""
    cluster = state.writable(cluster_id, "create database", "databases")
    name = fields.new_name(call.body, "database", cluster["dbs"])
    cluster["dbs"][name] = {"name": name, "listed_at": state.shown_after(state.delays.listed)}
    return Answer(201, {"db": {"name": name}})


@resource.delete("/{}/dbs/{}")
def delete_database(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Handle DELETE /v2/databases/{id}/dbs/{name}; the default database stays."""
    cluster = state.writable(cluster_id, "delete database", "databases")
    found(cluster["dbs"], name, "database")
    if name == ENGINES[cluster["engine"]].default_database:
        raise unprocessable("the default database cannot be deleted")
    del cluster["dbs"][name]
    return Answer(204)


def default_databases(engine: str) -> dict[str, Database]:
    """Make the databases that every cluster of an engine has from the start."""
    name = ENGINES[engine].default_database
    return {name: {"name": name, "listed_at": 0.0}} if name else {}
