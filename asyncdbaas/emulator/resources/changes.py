"""Changes of a cluster that take their time: resize, migrate, upgrade."""

from __future__ import annotations

from typing import Final

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.engines import ENGINES, memory_gb
from asyncdbaas.emulator.errors import unprocessable
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.resources.clusters import require_layout, storage
from asyncdbaas.emulator.resources.maintenance import begin_maintenance
from asyncdbaas.emulator.routing import Answer, Call, Route
from asyncdbaas.emulator.state import Actions, State


def resize_cluster(state: State, call: Call, cluster_id: str) -> Answer:
    """Answer PUT /v2/databases/{id}/resize; for a while the cluster still reads `online` with its old size."""
    cluster = state.idle(cluster_id, "update cluster")
    size, num_nodes = fields.required(call.body, "size"), fields.integer(call.body, "num_nodes")
    if cluster["primary"] is not None and num_nodes != 1:
        raise unprocessable("invalid node count")
    require_layout(ENGINES[cluster["engine"]], num_nodes, size)
    if memory_gb(size) < memory_gb(cluster["size"]):
        raise unprocessable("invalid size: a cluster cannot be made smaller")
    total = storage(call.body, cluster["engine"], size, cluster["storage_size_mib"])
    changes = {"size": size, "num_nodes": num_nodes, "storage_size_mib": total}
    _begin(state, cluster, "resizing", state.delays.resize, changes)
    return Answer(202)


def migrate_cluster(state: State, call: Call, cluster_id: str) -> Answer:
    """Answer PUT /v2/databases/{id}/migrate: to another region, or to another VPC of the same one."""
    cluster = state.idle(cluster_id, "migrate cluster")
    region = fields.required(call.body, "region")
    if region not in ENGINES[cluster["engine"]].regions:
        raise unprocessable("invalid region")
    network = fields.string(call.body, "private_network_uuid") or state.ids.fixed_uuid(region)
    changes = {"region": region, "private_network_uuid": network}
    _begin(state, cluster, "migrating", state.delays.migrate, changes)
    return Answer(202)


def upgrade_cluster(state: State, call: Call, cluster_id: str) -> Answer:
    """Answer PUT /v2/databases/{id}/upgrade: to a later major version; the cluster reads `online` all the time."""
    cluster = state.idle(cluster_id, "upgrade cluster")
    versions = [version.name for version in ENGINES[cluster["engine"]].versions]
    if fields.required(call.body, "version") not in versions[versions.index(cluster["version"]) + 1 :]:
        raise unprocessable("invalid cluster engine version")
    begin_maintenance(state, cluster)
    state.after(state.delays.maintenance, "change_done", cluster["id"], {"version": call.body["version"]})
    return Answer(204)


def change_starts(state: State, at: float, cluster_id: str, status: str) -> None:
    """Let a change that was accepted show in the status."""
    if cluster := state.clusters.get(cluster_id):
        cluster["status"] = status


def change_done(state: State, at: float, cluster_id: str, changes: Record) -> None:
    """End a change: the new values show, and the cluster is free for the next one."""
    if cluster := state.clusters.get(cluster_id):
        cluster.update(changes | {"status": "online", "busy": False})
        state.log(cluster, "cluster_update", at)


def _begin(state: State, cluster: Record, status: str, duration: float, changes: Record) -> None:
    cluster["busy"] = True
    state.after(state.delays.change_start, "change_starts", cluster["id"], status)
    state.after(state.delays.change_start + duration, "change_done", cluster["id"], changes)


ROUTES: Final = (
    Route("PUT", "/v2/databases/{}/resize", "resize_cluster", resize_cluster, takes_body=True),
    Route("PUT", "/v2/databases/{}/migrate", "migrate_cluster", migrate_cluster, takes_body=True),
    Route("PUT", "/v2/databases/{}/upgrade", "upgrade_cluster", upgrade_cluster, takes_body=True),
)
ACTIONS: Final[Actions] = {"change_starts": change_starts, "change_done": change_done}
