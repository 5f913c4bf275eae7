"""Changes of a cluster: resize, migrate, upgrade, convert."""

from __future__ import annotations

from typing import Final, cast

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.engines import can
from asyncdbaas.emulator.errors import unprocessable
from asyncdbaas.emulator.offer import is_newer
from asyncdbaas.emulator.records import Cluster, ClusterChange
from asyncdbaas.emulator.resources.clusters import require_layout, storage
from asyncdbaas.emulator.resources.maintenance import begin_maintenance
from asyncdbaas.emulator.routing import Answer, Call, Resource
from asyncdbaas.emulator.sizes import memory_gb
from asyncdbaas.emulator.state import State

resource: Final = Resource()


@resource.put("/{}/resize")
def resize_cluster(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle PUT /v2/databases/{id}/resize; for a while the cluster still reads `online` with its old size.

    Only Kafka clusters can get a smaller size. Storage may shrink down to what comes with the size.
    """
    cluster = state.idle(cluster_id, "update cluster")
    size, num_nodes = fields.required(call.body, "size"), fields.integer(call.body, "num_nodes")
    if cluster["primary"] is not None and num_nodes != 1:
        raise unprocessable("invalid node count")
    require_layout(state, cluster["engine"], num_nodes, size)
    if memory_gb(size) < memory_gb(cluster["size"]) and not can(cluster["engine"], "smaller sizes"):
        raise unprocessable("invalid size: a cluster cannot be made smaller")
    keeps_storage = not fields.integer(call.body, "storage_size_mib")
    total = storage(call.body, cluster["engine"], size, cluster["storage_size_mib"] if keeps_storage else 0)
    changes: ClusterChange = {"size": size, "num_nodes": num_nodes, "storage_size_mib": total}
    _begin(state, cluster, "resizing", state.delays.resize, changes)
    return Answer(202)


@resource.put("/{}/migrate")
def migrate_cluster(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle PUT /v2/databases/{id}/migrate: to another region, or to another VPC of the same one."""
    cluster = state.idle(cluster_id, "migrate cluster")
    region = fields.required(call.body, "region")
    if not state.offer.has_region(cluster["engine"], region):
        raise unprocessable("invalid region")
    network = fields.uuid(call.body, "private_network_uuid") or state.ids.fixed_uuid(region)
    changes: ClusterChange = {"region": region, "private_network_uuid": network}
    _begin(state, cluster, "migrating", state.delays.migrate, changes)
    return Answer(202)


@resource.put("/{}/upgrade")
def upgrade_cluster(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle PUT /v2/databases/{id}/upgrade: to a later version.

    The cluster shows it after `Delays.upgrade`, reads `online` all the time, and is busy for `Delays.maintenance`.
    """
    cluster = state.idle(cluster_id, "upgrade cluster")
    version = fields.required(call.body, "version")
    offered = state.offer.has_version(cluster["engine"], version, state.clock.now())
    if not offered or not is_newer(version, cluster["version"]):
        raise unprocessable("invalid cluster engine version")
    begin_maintenance(state, cluster, max(state.delays.upgrade, state.delays.maintenance))
    state.after(state.delays.upgrade, upgraded, cluster["id"], version)
    return Answer(204)


@resource.patch("/{}/cluster_type")
def convert_cluster(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle PATCH /v2/databases/{id}/cluster_type, which turns redis into valkey.

    The vendor's pages document it; it is not one of the 71 operations of the description.
    """
    cluster = state.idle(cluster_id, "convert cluster")
    convert(state, cluster, fields.required(call.body, "cluster_type"))
    return Answer(204)


def convert(state: State, cluster: Cluster, engine: str) -> None:
    """Change the engine in place: version, default user's name and names of settings follow."""
    if (cluster["engine"], engine) != ("redis", "valkey"):
        raise unprocessable(f"invalid cluster_type: {cluster['engine']} cannot be converted to {engine}")
    cluster["engine"] = engine
    cluster["version"] = state.offer.default_version(engine) if state.offer.has(engine) else "8"
    cluster["config"] = {name.replace("redis_", "valkey_", 1): value for name, value in cluster["config"].items()}
    state.log(cluster, "cluster_update")


@resource.action
def change_starts(state: State, at: float, cluster_id: str, status: str) -> None:
    """Show an accepted change in the status."""
    if cluster := state.clusters.get(cluster_id):
        cluster["status"] = status


@resource.action
def upgraded(state: State, at: float, cluster_id: str, version: str) -> None:
    """Show the new version of a cluster that is still busy with its upgrade."""
    if cluster := state.clusters.get(cluster_id):
        cluster["version"] = version
        state.log(cluster, "cluster_update", at)


@resource.action
def change_done(state: State, at: float, cluster_id: str, changes: ClusterChange) -> None:
    """End a change: show the new values, and accept the next change."""
    if cluster := state.clusters.get(cluster_id):
        cluster.update(cast("Cluster", changes))
        cluster["status"], cluster["busy"] = "online", False
        state.log(cluster, "cluster_update", at)


def _begin(state: State, cluster: Cluster, status: str, duration: float, changes: ClusterChange) -> None:
    cluster["busy"] = True
    state.after(state.delays.change_start, change_starts, cluster["id"], status)
    state.after(state.delays.change_start + duration, change_done, cluster["id"], changes)
