"""Online migrations from a database elsewhere.

No connection is made. A source in `.invalid` counts as unreachable: the migration is accepted and then ends as `error`.
Another cluster of the service is a source like any other.
"""

from __future__ import annotations

from typing import Final

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.clock import rfc3339
from asyncdbaas.emulator.errors import not_found, not_yet
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.routing import Answer, Call, Resource
from asyncdbaas.emulator.state import State

resource: Final = Resource()

_RUNNING: Final = ("running", "syncing")
_UNREACHABLE: Final = ".invalid"


@resource.get("/{}/online-migration")
def get_migration(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle GET /v2/databases/{id}/online-migration: the latest one, unwrapped."""
    migration = state.cluster(cluster_id, "migrations")["migration"]
    if migration is None:
        raise not_found("online migration")
    return Answer(200, migration)


@resource.put("/{}/online-migration")
def start_migration(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle PUT /v2/databases/{id}/online-migration."""
    cluster = state.idle(cluster_id, "start online migration", "migrations")
    host = _checked_source(call.body)
    if cluster["migration"] is not None and cluster["migration"]["status"] in _RUNNING:
        raise not_yet("start online migration", f"online migration is {cluster['migration']['status']}")
    migration_id = state.ids.uuid("migration", cluster["id"])
    created_at = rfc3339(state.clock.now())
    cluster["migration"] = {"id": migration_id, "status": "running", "created_at": created_at}
    outcomes = ("error",) if host.endswith(_UNREACHABLE) else ("syncing", "done")
    for number, status in enumerate(outcomes, 1):
        state.after(number * state.delays.migration, migration_moves, cluster["id"], migration_id, status)
    return Answer(200, cluster["migration"])


@resource.delete("/{}/online-migration/{}")
def stop_migration(state: State, call: Call, cluster_id: str, migration_id: str) -> Answer:
    """Handle DELETE /v2/databases/{id}/online-migration/{migration}."""
    migration = state.cluster(cluster_id, "migrations")["migration"]
    if migration is None or migration["id"] != migration_id:
        raise not_found("online migration")
    if migration["status"] in _RUNNING:
        migration["status"] = "canceled"
    return Answer(204)


@resource.action
def migration_moves(state: State, at: float, cluster_id: str, migration_id: str, status: str) -> None:
    """Move a running migration to its next status."""
    cluster = state.clusters.get(cluster_id)
    migration = cluster and cluster["migration"]
    if migration and migration["id"] == migration_id and migration["status"] in _RUNNING:
        migration["status"] = status


def _checked_source(body: Record) -> str:
    """Check the source, and return its host."""
    source = fields.required_record(body, "source")
    host = fields.required(source, "host")
    fields.between(fields.integer(source, "port"), "source port", 1, 65535)
    for name in ("dbname", "username", "password"):
        fields.string(source, name)
    fields.boolean(body, "disable_ssl")
    fields.strings(body, "ignore_dbs")
    return host
