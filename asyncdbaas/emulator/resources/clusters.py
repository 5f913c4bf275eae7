"""Clusters: list, get, create, delete."""

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.clock import rfc3339
from asyncdbaas.emulator.connections import connection, host, web_connection
from asyncdbaas.emulator.engines import ENGINES, Engine, base_storage_mib
from asyncdbaas.emulator.errors import unprocessable
from asyncdbaas.emulator.routing import Answer, Call, Route
from asyncdbaas.emulator.world import World

Record: TypeAlias = dict[str, Any]

_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def list_clusters(world: World, call: Call) -> Answer:
    """Answer GET /v2/databases."""
    tag = call.query.get("tag_name")
    visible = (
        cluster
        for cluster in world.clusters.values()
        if cluster["primary"] is None and (tag is None or tag in (cluster["tags"] or ()))
    )
    return Answer(200, {"databases": [view(world, cluster, call) for cluster in visible]})


def get_cluster(world: World, call: Call, cluster_id: str) -> Answer:
    """Answer GET /v2/databases/{id}."""
    return Answer(200, {"database": view(world, world.cluster(cluster_id), call)})


def create_cluster(world: World, call: Call) -> Answer:
    """Answer POST /v2/databases; with ``dry_run`` only the checks are made."""
    cluster = new_cluster(world, call.body)
    answer = Answer(201, {"database": view(world, cluster, call, created=True)})
    if not fields.boolean(call.body, "dry_run"):
        world.clusters[cluster["id"]] = cluster
        world.schedule(world.delays.create, "cluster_online", cluster["id"])
    return answer


def delete_cluster(world: World, call: Call, cluster_id: str) -> Answer:
    """Answer DELETE /v2/databases/{id}; the cluster goes on answering, and holding its name, for a while."""
    cluster = world.cluster(cluster_id)
    if not cluster["deleting"]:
        cluster["deleting"] = True
        world.schedule(world.delays.delete, "cluster_gone", cluster["id"])
    return Answer(204)


def cluster_online(world: World, at: float, cluster_id: str) -> None:
    """Bring a new cluster online."""
    cluster = world.clusters.get(cluster_id)
    if cluster is not None:
        cluster["status"] = "online"


def cluster_gone(world: World, at: float, cluster_id: str) -> None:
    """Remove a deleted cluster, and free its name."""
    world.clusters.pop(cluster_id, None)


def new_cluster(world: World, body: Record) -> Record:
    """Check a create body, and make the cluster's record, which nobody holds yet."""
    name = fields.string(body, "name")
    if not _NAME.fullmatch(name):
        raise unprocessable("invalid cluster name")
    engine_name = fields.string(body, "engine")
    engine = ENGINES.get(engine_name)
    if engine is None or not engine.creatable:
        raise unprocessable("invalid engine")
    version = fields.string(body, "version") or engine.versions[-1].name
    if engine.version(version) is None:
        raise unprocessable("invalid cluster engine version")
    placed = _placement(body, engine)
    if any(cluster["name"] == name for cluster in world.clusters.values()):
        raise unprocessable("cluster name is not available")
    return _record(world, body, name, engine_name, version, placed)


def _placement(body: Record, engine: Engine) -> Record:
    """Check region, number of nodes and size."""
    region, size = fields.string(body, "region"), fields.string(body, "size")
    num_nodes = fields.integer(body, "num_nodes")
    if region not in engine.regions:
        raise unprocessable("invalid region")
    if num_nodes not in engine.layouts:
        raise unprocessable("invalid node count")
    if size not in engine.layouts[num_nodes]:
        raise unprocessable("invalid size")
    return {"region": region, "size": size, "num_nodes": num_nodes}


def _record(world: World, body: Record, name: str, engine: str, version: str, placed: Record) -> Record:
    cluster_id = world.seeds.uuid("cluster", name)
    offer = ENGINES[engine]
    return {
        "id": cluster_id,
        "name": name,
        "engine": engine,
        "version": version,
        "status": "creating",
        "created_at": world.clock.now(),
        "visible_at": 0.0,
        "deleting": False,
        "primary": None,
        **placed,
        "storage_size_mib": storage(body, engine, placed["size"]),
        "tags": fields.strings(body, "tags") or None,
        "private_network_uuid": fields.string(body, "private_network_uuid")
        or world.seeds.uuid("vpc", placed["region"]),
        "project_id": fields.string(body, "project_id") or world.seeds.uuid("project"),
        "maintenance_window": {"day": _DAYS[int(cluster_id[:8], 16) % 7], "hour": "21:00:00", "pending": False},
        "password": world.seeds.password("cluster", cluster_id),
        "users": {},
        "dbs": {offer.default_database: {}} if offer.default_database else {},
        "topics": {},
    }


def storage(body: Record, engine: str, size: str, low: int | None = None) -> int:
    """Read ``storage_size_mib``, the total; absent, null and 0 give what comes with the size."""
    base = max(base_storage_mib(engine, size), low or 0)
    wanted = fields.integer(body, "storage_size_mib") or base
    if base and not base <= wanted <= 30 * 1024 * 1024:
        raise unprocessable("invalid storage size")
    return wanted if base else 0


def view(world: World, cluster: Record, call: Call | None = None, *, created: bool = False) -> Record:
    """Return a cluster as the API shows it to the caller's token."""
    shown: Record = {
        key: cluster[key]
        for key in (
            "id", "name", "engine", "version", "num_nodes", "region", "status", "size", "tags", "private_network_uuid",
            "project_id",
        )
    }  # fmt: skip
    engine = ENGINES[cluster["engine"]]
    version = engine.version(cluster["version"])
    shown["semantic_version"] = version.semantic if version else cluster["version"]
    if version and version.end_of_life:
        shown["version_end_of_life"] = version.end_of_life
    if version and version.end_of_availability:
        shown["version_end_of_availability"] = version.end_of_availability
    shown["created_at"] = rfc3339(cluster["created_at"])
    shown["read_only"] = cluster["primary"] is not None
    if cluster["storage_size_mib"]:
        shown["storage_size_mib"] = cluster["storage_size_mib"]
    ready = cluster["status"] != "creating"
    shown["users"] = [{"name": engine.default_user, "role": "primary"}] if ready else None
    shown["db_names"] = list(cluster["dbs"]) if ready else None
    shown["maintenance_window"] = cluster["maintenance_window"] if ready else None
    shown["metrics_endpoints"] = [{"host": host(cluster), "port": 9273}] if cluster["engine"] != "mongodb" else []
    password = _shown_password(cluster, call, created)
    shown["connection"] = connection(cluster, password=password)
    shown["private_connection"] = connection(cluster, "private-", password=password)
    if cluster["engine"] == "opensearch":
        shown["ui_connection"] = web_connection(cluster, 443, password)
    if cluster["engine"] == "kafka":
        shown["schema_registry_connection"] = web_connection(cluster, 20835, password)
    return shown


def _shown_password(cluster: Record, call: Call | None, created: bool) -> str | None:
    """Return the password, or None where the service leaves it out (scope; MongoDB after the create)."""
    if call is not None and not call.may("database:view_credentials"):
        return None
    if cluster["engine"] == "mongodb" and not created:
        return None
    password: str = cluster["password"]
    return password


ROUTES: Final = (
    Route("GET", "/v2/databases", "list_clusters", list_clusters),
    Route("POST", "/v2/databases", "create_cluster", create_cluster, takes_body=True),
    Route("GET", "/v2/databases/{}", "get_cluster", get_cluster),
    Route("DELETE", "/v2/databases/{}", "delete_cluster", delete_cluster),
)
ACTIONS: Final = {"cluster_online": cluster_online, "cluster_gone": cluster_gone}
