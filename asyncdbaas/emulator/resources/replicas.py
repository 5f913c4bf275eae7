"""Read-only replicas: clusters of their own, with the same name space, that know their primary."""

from __future__ import annotations

from typing import Final

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.clock import rfc3339
from asyncdbaas.emulator.connections import connection
from asyncdbaas.emulator.engines import ENGINES, memory_gb
from asyncdbaas.emulator.errors import not_found, not_yet, unprocessable
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.resources import clusters, settings
from asyncdbaas.emulator.resources.backups import finished
from asyncdbaas.emulator.resources.cluster_view import shown_password
from asyncdbaas.emulator.routing import Answer, Call, Route
from asyncdbaas.emulator.state import Actions, State

_SUPPORTED: Final = ("pg", "advanced_pg", "mysql", "advanced_mysql")


def list_replicas(state: State, call: Call, cluster_id: str) -> Answer:
    """Answer GET /v2/databases/{id}/replicas."""
    primary, now = state.cluster(cluster_id, *_SUPPORTED), state.clock.now()
    visible = [replica for replica in state.listed(_replicas(state, primary)) if replica["visible_at"] <= now]
    return Answer(200, {"replicas": [_view(state, replica, call) for replica in visible]})


def get_replica(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Answer GET /v2/databases/{id}/replicas/{name}; 404 for a while after the create."""
    return Answer(200, {"replica": _view(state, _replica(state, cluster_id, name), call)})


def create_replica(state: State, call: Call, cluster_id: str) -> Answer:
    """Answer POST /v2/databases/{id}/replicas; refused with 412 before the first backup is done."""
    primary = state.writable(cluster_id, "create replica", *_SUPPORTED)
    placed = _placement(call.body, primary)
    name = fields.string(call.body, "name")
    clusters.require_name(state, name)
    if not finished(state, primary):
        raise not_yet("create replica", "cluster has no backup yet")
    given = {"name": name, "engine": primary["engine"], "version": primary["version"], **placed}
    replica = clusters.blank_cluster(state, call.body, given)
    replica |= {
        "status": "forking",
        "primary": primary["id"],
        "visible_at": state.clock.now() + state.delays.replica_visible,
        "service_cnames": settings.checked_names(fields.record(call.body, "do_settings")),
    }
    clusters.add_cluster(state, replica)
    state.after(state.delays.replica, "cluster_online", replica["id"])
    return Answer(201, {"replica": _view(state, replica, call)})


def delete_replica(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Answer DELETE /v2/databases/{id}/replicas/{name}; it goes on answering for a while, as a cluster does."""
    clusters.remove_cluster(state, _replica(state, cluster_id, name))
    return Answer(204)


def promote_replica(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Answer PUT /v2/databases/{id}/replicas/{name}/promote: from now on it is a cluster without a primary."""
    replica = state.idle(_replica(state, cluster_id, name)["id"], "promote replica")
    source = state.source(replica)
    replica["users"] = {user: dict(record) for user, record in source["users"].items()}
    replica["dbs"] = {name: {**database} for name, database in source["dbs"].items()}
    replica["primary"] = None
    state.log(replica, "cluster_master_promotion")
    state.after(0.0, "backup_begins", replica["id"])
    return Answer(204)


def _placement(body: Record, primary: Record) -> Record:
    size = fields.string(body, "size") or primary["size"]
    region = fields.string(body, "region") or primary["region"]
    engine = ENGINES[primary["engine"]]
    if region not in engine.regions:
        raise unprocessable("invalid region")
    clusters.require_layout(engine, 1, size)
    if memory_gb(size) < memory_gb(primary["size"]):
        raise unprocessable("invalid size: a replica cannot be smaller than its primary")
    return {"region": region, "size": size, "num_nodes": 1}


def _replicas(state: State, primary: Record) -> list[Record]:
    return [cluster for cluster in state.clusters.values() if cluster["primary"] == primary["id"]]


def _replica(state: State, cluster_id: str, name: str) -> Record:
    primary, now = state.cluster(cluster_id, *_SUPPORTED), state.clock.now()
    for replica in _replicas(state, primary):
        if replica["name"] == name and replica["visible_at"] <= now:
            return replica
    raise not_found("replica")


def _view(state: State, replica: Record, call: Call) -> Record:
    password = shown_password(state, replica, call)
    shown = {key: replica[key] for key in ("id", "name", "region", "size", "status", "private_network_uuid")}
    shown["created_at"] = rfc3339(replica["created_at"])
    shown["tags"] = replica["tags"] or []
    shown["connection"] = connection(replica, "", password)
    shown["private_connection"] = connection(replica, "private-", password)
    shown["storage_size_mib"] = replica["storage_size_mib"]
    if replica["service_cnames"]:
        shown["do_settings"] = {"service_cnames": replica["service_cnames"]}
    return shown


ROUTES: Final = (
    Route("GET", "/v2/databases/{}/replicas", "list_replicas", list_replicas),
    Route("POST", "/v2/databases/{}/replicas", "create_replica", create_replica, takes_body=True),
    Route("GET", "/v2/databases/{}/replicas/{}", "get_replica", get_replica),
    Route("DELETE", "/v2/databases/{}/replicas/{}", "delete_replica", delete_replica),
    Route("PUT", "/v2/databases/{}/replicas/{}/promote", "promote_replica", promote_replica),
)
ACTIONS: Final[Actions] = {}
