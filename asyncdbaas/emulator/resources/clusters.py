"""Clusters: list, get, create, delete."""

from __future__ import annotations

import re
from typing import Final

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.engines import ENGINES, Engine, base_storage_mib
from asyncdbaas.emulator.errors import unprocessable
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.resources import autoscale, databases, firewall, settings, users
from asyncdbaas.emulator.resources.cluster_view import view
from asyncdbaas.emulator.routing import Answer, Call, Route
from asyncdbaas.emulator.state import Actions, State

BACKED_UP: Final = ("pg", "advanced_pg", "mysql", "advanced_mysql", "mongodb")

_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MAX_STORAGE_MIB: Final = 30 * 1024 * 1024


def list_clusters(state: State, call: Call) -> Answer:
    """Answer GET /v2/databases."""
    tag, now = call.query.get("tag_name"), state.clock.now()
    listed = [
        view(state, cluster, call)
        for cluster in state.listed(state.clusters.values())
        if cluster["visible_at"] <= now
        and (cluster["primary"] is None or state.quirks.replicas_listed)
        and (not tag or tag in (cluster["tags"] or ()))
    ]
    return Answer(200, {"databases": listed})


def get_cluster(state: State, call: Call, cluster_id: str) -> Answer:
    """Answer GET /v2/databases/{id}."""
    return Answer(200, {"database": view(state, state.cluster(cluster_id), call)})


def create_cluster(state: State, call: Call) -> Answer:
    """Answer POST /v2/databases; with `dry_run` only the checks are made."""
    cluster = new_cluster(state, call.body)
    if not fields.boolean(call.body, "dry_run"):
        add_cluster(state, cluster)
        state.after(state.delays.create, "cluster_online", cluster["id"])
    return Answer(201, {"database": view(state, cluster, call, created=True)})


def delete_cluster(state: State, call: Call, cluster_id: str) -> Answer:
    """Answer DELETE /v2/databases/{id}; the cluster goes on answering, and holding its name, for a while."""
    remove_cluster(state, state.cluster(cluster_id))
    return Answer(204)


def add_cluster(state: State, cluster: Record) -> None:
    """Take a new cluster, or replica, into the state."""
    state.clusters[cluster["id"]] = cluster
    state.log(cluster, "cluster_create")


def remove_cluster(state: State, cluster: Record) -> None:
    """Begin to delete a cluster and its replicas."""
    replicas = [other for other in state.clusters.values() if other["primary"] == cluster["id"]]
    for doomed in (cluster, *replicas):
        if not doomed["deleting"]:
            doomed["deleting"] = True
            state.log(doomed, "cluster_delete")
            state.after(state.delays.delete, "cluster_gone", doomed["id"])


def cluster_online(state: State, at: float, cluster_id: str) -> None:
    """Bring a new cluster online; where there are backups, the first one begins."""
    cluster = state.clusters.get(cluster_id)
    if cluster is not None:
        cluster["status"] = "online"
        if cluster["engine"] in BACKED_UP and cluster["primary"] is None:
            state.schedule(at, "backup_begins", cluster_id)


def cluster_gone(state: State, at: float, cluster_id: str) -> None:
    """Remove a deleted cluster, and free its name."""
    state.clusters.pop(cluster_id, None)


def new_cluster(state: State, body: Record, *, hidden_engines: bool = False) -> Record:
    """Check a create body, and make the cluster's record, which nobody holds yet.

    `hidden_engines` admits those that can no longer be ordered (redis).
    """
    name = fields.string(body, "name")
    require_name(state, name)
    engine_name = fields.string(body, "engine")
    engine = ENGINES.get(engine_name)
    if engine is None or not (engine.creatable or hidden_engines):
        raise unprocessable("invalid engine")
    version = fields.string(body, "version") or engine.versions[-1].name
    if engine.version(version) is None:
        raise unprocessable("invalid cluster engine version")
    placed = _placement(body, engine)
    cluster = blank_cluster(state, body, {"name": name, "engine": engine_name, "version": version, **placed})
    cluster["rules"] = firewall.checked_rules(state, cluster, body)
    cluster["autoscale"] = autoscale.ordered(body)
    cluster["service_cnames"] = settings.checked_names(fields.record(body, "do_settings"))
    if body.get("backup_restore") is not None:
        _restore(state, cluster, fields.record(body, "backup_restore"))
    return cluster


def require_name(state: State, name: str) -> None:
    """Refuse a name that is not well-formed, or that a cluster or replica has, even one that is being deleted."""
    if not _NAME.fullmatch(name):
        raise unprocessable("invalid cluster name")
    if any(cluster["name"] == name for cluster in state.clusters.values()):
        raise unprocessable("cluster name is not available")


def blank_cluster(state: State, body: Record, given: Record) -> Record:
    """Make the record of a new cluster or replica; `given` are name, engine, version and placement."""
    cluster_id, offer = state.ids.uuid("cluster", given["name"]), ENGINES[given["engine"]]
    cluster: Record = {
        "id": cluster_id,
        "status": "creating",
        "created_at": state.clock.now(),
        "visible_at": state.clock.now() + state.delays.visible if state.delays.visible else 0.0,
        "listed_at": state.listed_at(),
        "deleting": False,
        "busy": False,
        "primary": None,
        **given,
        "storage_size_mib": storage(body, given["engine"], given["size"]),
        "tags": fields.strings(body, "tags") or None,
        "private_network_uuid": fields.string(body, "private_network_uuid") or state.ids.fixed_uuid(given["region"]),
        "project_id": fields.string(body, "project_id") or state.ids.fixed_uuid("project"),
        "maintenance_window": {"day": _DAYS[int(cluster_id[:8], 16) % 7], "hour": "21:00:00", "pending": False},
        "authority": None,
        "users": {offer.default_user: users.default_user(state, cluster_id, given["engine"])},
        "dbs": databases.default_databases(given["engine"]),
        "config": {},
        "rules": [],
        "autoscale": None,
        "service_cnames": [],
    }
    empty: Record = {"topics": {}, "pools": {}, "sinks": {}, "subjects": {}, "indexes": {}}
    return cluster | empty | {"backups": [], "events": [], "migration": None}


def storage(body: Record, engine: str, size: str, low: int = 0) -> int:
    """Read `storage_size_mib`, the total; absent, null and 0 give what comes with the size, and at least `low`."""
    base = max(base_storage_mib(engine, size), low)
    wanted = fields.integer(body, "storage_size_mib") or base
    if base and not base <= wanted <= _MAX_STORAGE_MIB:
        raise unprocessable("invalid storage size")
    return wanted if base else 0


def _placement(body: Record, engine: Engine) -> Record:
    """Check region, number of nodes and size."""
    region, size = fields.string(body, "region"), fields.string(body, "size")
    num_nodes = fields.integer(body, "num_nodes")
    if region not in engine.regions:
        raise unprocessable("invalid region")
    require_layout(engine, num_nodes, size)
    return {"region": region, "size": size, "num_nodes": num_nodes}


def require_layout(engine: Engine, num_nodes: int, size: str) -> None:
    """Refuse a number of nodes, or a size for it, that the engine does not offer."""
    if num_nodes not in engine.layouts:
        raise unprocessable("invalid node count")
    if size not in engine.layouts[num_nodes]:
        raise unprocessable("invalid size")


def _restore(state: State, cluster: Record, wanted: Record) -> None:
    """Fork a cluster from another's backup; `database_name` is the source cluster's name."""
    name, created_at = fields.required(wanted, "database_name"), fields.string(wanted, "backup_created_at")
    source = next((other for other in state.clusters.values() if other["name"] == name), None)
    done = [backup for backup in source["backups"] if backup["done_at"] <= state.clock.now()] if source else []
    if source is None or source["engine"] != cluster["engine"]:
        raise unprocessable("invalid backup_restore: no such cluster of this engine")
    if not any(created_at in ("", backup["created_at"]) for backup in done):
        raise unprocessable("invalid backup_restore: no such backup")
    cluster["status"] = "forking"
    cluster["dbs"] = {name: {**database} for name, database in source["dbs"].items()}


ROUTES: Final = (
    Route("GET", "/v2/databases", "list_clusters", list_clusters),
    Route("POST", "/v2/databases", "create_cluster", create_cluster, takes_body=True),
    Route("GET", "/v2/databases/{}", "get_cluster", get_cluster),
    Route("DELETE", "/v2/databases/{}", "delete_cluster", delete_cluster),
)
ACTIONS: Final[Actions] = {"cluster_online": cluster_online, "cluster_gone": cluster_gone}
