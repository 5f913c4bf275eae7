"""Clusters: list, get, create, delete."""

from __future__ import annotations

import re
from copy import deepcopy
from types import MappingProxyType
from typing import Final

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.clock import timestamp
from asyncdbaas.emulator.engines import ENGINES, can
from asyncdbaas.emulator.errors import unprocessable
from asyncdbaas.emulator.records import Cluster, Kind, Placement, Record
from asyncdbaas.emulator.resources import autoscale, databases, firewall, settings, users
from asyncdbaas.emulator.resources.backups import backup_begins, finished
from asyncdbaas.emulator.resources.cluster_view import view
from asyncdbaas.emulator.resources.maintenance import DAYS
from asyncdbaas.emulator.routing import Answer, Call, Resource
from asyncdbaas.emulator.sizes import base_storage_mib
from asyncdbaas.emulator.state import State

resource: Final = Resource()

_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_SCOPES: Final = MappingProxyType(
    {"tags": "tag:create", "private_network_uuid": "vpc:read", "project_id": "project:assign_resource"}
)
"""Scopes that fields of an order need."""
_MAX_STORAGE_MIB: Final = 30 * 1024 * 1024


@resource.get("")
def list_clusters(state: State, call: Call) -> Answer:
    """Handle GET /v2/databases."""
    if call.query.get("tag_name"):
        call.require("tag:read")
    tag = call.query.get("tag_name")
    listed = [
        view(state, cluster, call)
        for cluster in state.listed(state.clusters.values())
        if (cluster["primary"] is None or state.quirks.replicas_listed) and (not tag or tag in (cluster["tags"] or ()))
    ]
    return Answer(200, {"databases": listed})


@resource.get("/{}")
def get_cluster(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle GET /v2/databases/{id}."""
    return Answer(200, {"database": view(state, state.cluster(cluster_id), call)})


@resource.post("")
def create_cluster(state: State, call: Call) -> Answer:
    """Handle POST /v2/databases; with `dry_run` only the checks are made."""
    require_scopes(call)
    cluster = new_cluster(state, call.body)
    if not fields.boolean(call.body, "dry_run"):
        add_cluster(state, cluster)
        state.after(state.delays.create, cluster_online, cluster["id"])
    return Answer(201, {"database": view(state, cluster, call, created=True)})


@resource.delete("/{}")
def delete_cluster(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle DELETE /v2/databases/{id}; the cluster stays readable, and keeps its name, for a while."""
    remove_cluster(state, state.cluster(cluster_id))
    return Answer(204)


def require_scopes(call: Call) -> None:
    """Refuse an order with fields that the token lacks the scope for."""
    for name, scope in _SCOPES.items():
        if call.body.get(name):
            call.require(scope)


def add_cluster(state: State, cluster: Cluster) -> None:
    """Add a new cluster, or replica, to the state."""
    state.clusters[cluster["id"]] = cluster
    state.log(cluster, "cluster_create")


def remove_cluster(state: State, cluster: Cluster) -> None:
    """Begin to delete a cluster and its replicas."""
    replicas = [other for other in state.clusters.values() if other["primary"] == cluster["id"]]
    for doomed in (cluster, *replicas):
        if not doomed["deleting"]:
            doomed["deleting"] = True
            state.log(doomed, "cluster_delete")
            state.after(state.delays.delete, cluster_gone, doomed["id"])


@resource.action
def cluster_online(state: State, at: float, cluster_id: str) -> None:
    """Bring a new cluster online, and begin its first backup if its engine has backups."""
    cluster = state.clusters.get(cluster_id)
    if cluster is not None:
        cluster["status"] = "online"
        if can(cluster["engine"], "backups") and cluster["primary"] is None:
            state.schedule(at, backup_begins, cluster_id)


@resource.action
def cluster_gone(state: State, at: float, cluster_id: str) -> None:
    """Remove a deleted cluster, and free its name."""
    state.clusters.pop(cluster_id, None)


def new_cluster(state: State, body: Record, *, any_engine: bool = False) -> Cluster:
    """Check a create body, and return the record of the cluster. It is not added to the state.

    `any_engine` also accepts engines that can no longer be ordered (redis).
    """
    name = fields.string(body, "name")
    require_name(state, name)
    engine = fields.string(body, "engine")
    if engine not in ENGINES or not state.offer.has(engine) or not (any_engine or can(engine, "creation")):
        raise unprocessable("invalid engine")
    source = _source(state, engine, body)
    version = fields.string(body, "version") or (source["version"] if source else state.offer.default_version(engine))
    if not state.offer.has_version(engine, version, state.clock.now()) and not (
        source and version == source["version"]
    ):
        raise unprocessable("invalid cluster engine version")
    placed = _placement(state, body, engine)
    kind: Kind = {"name": name, "engine": engine, "version": version}
    cluster = blank_cluster(state, body, kind, placed, state.shown_after(state.delays.visible))
    cluster["rules"] = firewall.checked_rules(state, cluster, body)
    cluster["autoscale"] = autoscale.ordered(body)
    cluster["service_cnames"] = settings.checked_names(fields.record(body, "do_settings"))
    if source is not None:
        cluster["status"], cluster["dbs"] = "forking", deepcopy(source["dbs"])
    return cluster


def require_name(state: State, name: str) -> None:
    """Refuse a malformed name, and the name of a cluster or replica, even of one that is being deleted."""
    if not _NAME.fullmatch(name):
        raise unprocessable("invalid cluster name")
    if any(cluster["name"] == name for cluster in state.clusters.values()):
        raise unprocessable("cluster name is not available")


def blank_cluster(state: State, body: Record, kind: Kind, placed: Placement, visible_at: float) -> Cluster:
    """Make the record of a new cluster or replica, which can be read from `visible_at` on."""
    cluster_id, engine = state.ids.uuid("cluster", kind["name"]), kind["engine"]
    return {
        "id": cluster_id,
        "status": "creating",
        "created_at": state.clock.now(),
        "visible_at": visible_at,
        "listed_at": max(visible_at, state.shown_after(state.delays.listed)),
        "deleting": False,
        "busy": False,
        "primary": None,
        **kind,
        **placed,
        "storage_size_mib": storage(body, engine, placed["size"]),
        "tags": fields.strings(body, "tags") or None,
        "private_network_uuid": fields.uuid(body, "private_network_uuid") or state.ids.fixed_uuid(placed["region"]),
        "project_id": fields.uuid(body, "project_id") or state.ids.fixed_uuid("project"),
        "maintenance_window": {"day": DAYS[int(cluster_id[:8], 16) % 7], "hour": "21:00:00", "pending": False},
        "authority": None,
        "users": users.default_users(state, cluster_id, engine),
        "users_busy_until": 0.0,
        "dbs": databases.default_databases(engine),
        "config": {},
        "rules": [],
        "autoscale": None,
        "service_cnames": [],
        "topics": {},
        "topics_made": 0,
        "topic_names": {},
        "pools": {},
        "sinks": {},
        "subjects": {},
        "schemas_made": 0,
        "schema_level": "BACKWARD",
        "indexes": {},
        "backups": [],
        "events": [],
        "migration": None,
    }


def storage(body: Record, engine: str, size: str, low: int = 0) -> int:
    """Read `storage_size_mib`, the total. Absent, null and 0 give the storage of the size, or `low` if that is more."""
    base = max(base_storage_mib(engine, size), low)
    wanted = fields.integer(body, "storage_size_mib") or base
    if base and not base <= wanted <= _MAX_STORAGE_MIB:
        raise unprocessable("invalid storage size")
    return wanted if base else 0


def require_layout(state: State, engine: str, num_nodes: int, size: str) -> None:
    """Refuse a number of nodes that is not on offer, or a size that is not on offer for it."""
    if not state.offer.has_nodes(engine, num_nodes):
        raise unprocessable("invalid node count")
    if not size or not state.offer.has_size(engine, num_nodes, size):
        raise unprocessable("invalid size")


def _placement(state: State, body: Record, engine: str) -> Placement:
    """Check region, number of nodes and size."""
    region, size = fields.string(body, "region"), fields.string(body, "size")
    num_nodes = fields.integer(body, "num_nodes")
    if not region or not state.offer.has_region(engine, region):
        raise unprocessable("invalid region")
    require_layout(state, engine, num_nodes, size)
    return {"region": region, "size": size, "num_nodes": num_nodes}


def _source(state: State, engine: str, body: Record) -> Cluster | None:
    """Return the cluster whose backup is to be restored, if any. `database_name` is the name of that cluster."""
    if body.get("backup_restore") is None:
        return None
    wanted = fields.record(body, "backup_restore")
    name, created_at = fields.required(wanted, "database_name"), fields.time(wanted, "backup_created_at")
    source = next((other for other in state.clusters.values() if other["name"] == name), None)
    if source is None or source["engine"] != engine:
        raise unprocessable("invalid backup_restore: no such cluster of this engine")
    if not any(created_at in (None, timestamp(backup["created_at"])) for backup in finished(state, source)):
        raise unprocessable("invalid backup_restore: no such backup")
    return source
