"""Read-only replicas. A replica is a cluster of its own that knows its primary; names are unique across both."""

from __future__ import annotations

from copy import deepcopy
from typing import Final

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.clock import rfc3339
from asyncdbaas.emulator.connections import connection
from asyncdbaas.emulator.errors import not_found, not_yet, unprocessable
from asyncdbaas.emulator.records import Cluster, Kind, Placement, Record
from asyncdbaas.emulator.resources import clusters, settings
from asyncdbaas.emulator.resources.backups import backup_begins, finished
from asyncdbaas.emulator.resources.cluster_view import plain, shown_password
from asyncdbaas.emulator.routing import Answer, Call, Resource
from asyncdbaas.emulator.sizes import memory_gb
from asyncdbaas.emulator.state import State

resource: Final = Resource()

_PLAIN: Final = ("id", "name", "region", "size", "status", "private_network_uuid")


@resource.get("/{}/replicas")
def list_replicas(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle GET /v2/databases/{id}/replicas."""
    replicas = state.listed(_replicas(state, state.cluster(cluster_id, "replicas")))
    return Answer(200, {"replicas": [_view(state, replica, call) for replica in replicas]})


@resource.get("/{}/replicas/{}")
def get_replica(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Handle GET /v2/databases/{id}/replicas/{name}; 404 for a while after the create."""
    return Answer(200, {"replica": _view(state, _replica(state, cluster_id, name), call)})


@resource.post("/{}/replicas")
def create_replica(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle POST /v2/databases/{id}/replicas; refused with 412 before the first backup is done."""
    primary = state.writable(cluster_id, "create replica", "replicas")
    clusters.require_scopes(call)
    placed = _placement(state, call.body, primary)
    name = fields.string(call.body, "name")
    clusters.require_name(state, name)
    if not finished(state, primary):
        raise not_yet("create replica", "cluster has no backup yet")
    kind: Kind = {"name": name, "engine": primary["engine"], "version": primary["version"]}
    visible_at = state.shown_after(state.delays.replica_visible)
    replica = clusters.blank_cluster(state, call.body, kind, placed, visible_at)
    replica["status"], replica["primary"] = "forking", primary["id"]
    replica["service_cnames"] = settings.checked_names(fields.record(call.body, "do_settings"))
    clusters.add_cluster(state, replica)
    state.after(state.delays.replica, clusters.cluster_online, replica["id"])
    return Answer(201, {"replica": _view(state, replica, call)})


@resource.delete("/{}/replicas/{}")
def delete_replica(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Handle DELETE /v2/databases/{id}/replicas/{name}; it stays readable for a while, as a cluster does."""
    clusters.remove_cluster(state, _replica(state, cluster_id, name))
    return Answer(204)


@resource.put("/{}/replicas/{}/promote", takes_body=False)
def promote_replica(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Handle PUT /v2/databases/{id}/replicas/{name}/promote: from now on it is a cluster without a primary."""
    replica = state.idle(_replica(state, cluster_id, name)["id"], "promote replica")
    source = state.primary_of(replica)
    replica["users"], replica["dbs"] = deepcopy(source["users"]), deepcopy(source["dbs"])
    replica["primary"] = None
    state.log(replica, "cluster_master_promotion")
    state.after(0.0, backup_begins, replica["id"])
    return Answer(204)


def _placement(state: State, body: Record, primary: Cluster) -> Placement:
    size = fields.string(body, "size") or primary["size"]
    region = fields.string(body, "region") or primary["region"]
    if not state.offer.has_region(primary["engine"], region):
        raise unprocessable("invalid region")
    clusters.require_layout(state, primary["engine"], 1, size)
    if memory_gb(size) < memory_gb(primary["size"]):
        raise unprocessable("invalid size: a replica cannot be smaller than its primary")
    return {"region": region, "size": size, "num_nodes": 1}


def _replicas(state: State, primary: Cluster) -> list[Cluster]:
    return [cluster for cluster in state.clusters.values() if cluster["primary"] == primary["id"]]


def _replica(state: State, cluster_id: str, name: str) -> Cluster:
    primary, now = state.cluster(cluster_id, "replicas"), state.clock.now()
    for replica in _replicas(state, primary):
        if replica["name"] == name and replica["visible_at"] <= now:
            return replica
    raise not_found("replica")


def _view(state: State, replica: Cluster, call: Call) -> Record:
    password = shown_password(state, replica, call)
    shown = plain(replica, _PLAIN, call)
    shown["created_at"] = rfc3339(replica["created_at"])
    shown |= {"tags": replica["tags"] or []} if call.may("tag:read") else {}
    shown["connection"] = connection(replica, "", password)
    shown["private_connection"] = connection(replica, "private-", password)
    shown["storage_size_mib"] = replica["storage_size_mib"]
    if replica["service_cnames"]:
        shown["do_settings"] = {"service_cnames": replica["service_cnames"]}
    return shown
