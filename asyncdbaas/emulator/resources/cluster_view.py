"""A cluster as the API shows it."""

from __future__ import annotations

from typing import Final

from asyncdbaas.emulator.clock import rfc3339
from asyncdbaas.emulator.connections import METRICS_PORT, connection, host, web_connection
from asyncdbaas.emulator.engines import ENGINES
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.resources import users
from asyncdbaas.emulator.routing import Call
from asyncdbaas.emulator.state import State

_PLAIN: Final = (
    "id",
    "name",
    "engine",
    "version",
    "num_nodes",
    "region",
    "status",
    "size",
    "tags",
    "private_network_uuid",
    "project_id",
)
_WITH_STANDBY: Final = ("pg", "advanced_pg", "mysql", "advanced_mysql", "redis", "valkey", "mongodb")


def view(state: State, cluster: Record, call: Call | None = None, *, created: bool = False) -> Record:
    """Return a cluster as the caller's token may see it; no call sees everything.

    `created` marks the answer to the create, the only one with a MongoDB password.
    """
    password = shown_password(state, cluster, call, created=created)
    source = state.source(cluster)
    shown: Record = {key: cluster[key] for key in _PLAIN}
    shown |= _version(cluster)
    shown["created_at"] = rfc3339(cluster["created_at"])
    shown["read_only"] = cluster["primary"] is not None
    ready = cluster["status"] not in ("creating", "forking")
    shown["users"] = [users.view(cluster, user, call) for user in source["users"].values()] if ready else None
    shown["db_names"] = list(source["dbs"]) if ready else None
    shown["maintenance_window"] = cluster["maintenance_window"] if ready else None
    mongodb = cluster["engine"] == "mongodb"
    shown["metrics_endpoints"] = [] if mongodb else [{"host": host(cluster), "port": METRICS_PORT}]
    return shown | _connections(state, cluster, password) | _optional(cluster)


def shown_password(state: State, cluster: Record, call: Call | None, *, created: bool = False) -> str | None:
    """Return the default user's password, or None where the service leaves it out (scope; MongoDB after the create)."""
    if call is not None and not call.may("database:view_credentials"):
        return None
    if cluster["engine"] == "mongodb" and call is not None and not created:
        return None
    password: str = state.source(cluster)["users"][ENGINES[cluster["engine"]].default_user]["password"]
    return password


def _version(cluster: Record) -> Record:
    """Return what is said of the version; dates that do not exist are left out, not null."""
    version = ENGINES[cluster["engine"]].version(cluster["version"])
    if version is None:
        return {"semantic_version": cluster["version"]}
    dates = {
        "version_end_of_life": version.end_of_life,
        "version_end_of_availability": version.end_of_availability,
    }
    return {"semantic_version": version.semantic} | {key: date for key, date in dates.items() if date}


def _connections(state: State, cluster: Record, password: str | None) -> Record:
    zero = state.quirks.kafka_port_zero
    shown = {
        "connection": connection(cluster, "", password, kafka_port_zero=zero),
        "private_connection": connection(cluster, "private-", password, kafka_port_zero=zero),
    }
    if cluster["num_nodes"] > 1 and cluster["engine"] in _WITH_STANDBY:
        shown["standby_connection"] = connection(cluster, "replica-", password)
        shown["standby_private_connection"] = connection(cluster, "private-replica-", password)
    if cluster["engine"] == "opensearch":
        shown["ui_connection"] = web_connection(cluster, 443, password)
    if cluster["engine"] == "kafka":
        shown["schema_registry_connection"] = web_connection(cluster, 20835, password)
    return shown


def _optional(cluster: Record) -> Record:
    shown: Record = {}
    if cluster["storage_size_mib"]:
        shown["storage_size_mib"] = cluster["storage_size_mib"]
    if cluster["autoscale"]:
        shown["autoscale"] = {"storage": cluster["autoscale"]}
        shown["storage_autoscale"] = cluster["autoscale"]
    if cluster["service_cnames"]:
        shown["do_settings"] = {"service_cnames": cluster["service_cnames"]}
    return shown
