"""A cluster as the API shows it."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Any, Final, cast

from asyncdbaas.emulator.clock import rfc3339
from asyncdbaas.emulator.connections import METRICS_PORT, connection, host, web_connection
from asyncdbaas.emulator.engines import ENGINES, can
from asyncdbaas.emulator.offer import semantic
from asyncdbaas.emulator.records import Cluster, Record
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


_SCOPES: Final = MappingProxyType(
    {"tags": "tag:read", "private_network_uuid": "vpc:read", "project_id": "project:read"}
)
"""Scopes that fields need to be shown."""


def plain(cluster: Cluster, names: Iterable[str], call: Call | None) -> Record:
    """Return those fields of a cluster that the caller's token may see."""
    shown = (name for name in names if call is None or name not in _SCOPES or call.may(_SCOPES[name]))
    fields = cast("dict[str, Any]", cluster)
    return {name: fields[name] for name in shown}


def view(state: State, cluster: Cluster, call: Call | None = None, *, created: bool = False) -> Record:
    """Return a cluster as the caller's token may see it. Without a call, everything is shown.

    `created` marks the response to the create, the only one with a MongoDB password.
    """
    password = shown_password(state, cluster, call, created=created)
    source = state.primary_of(cluster)
    shown = plain(cluster, _PLAIN, call)
    shown["semantic_version"] = semantic(cluster["version"])
    shown |= state.offer.dates(cluster["engine"], cluster["version"])
    shown["created_at"] = rfc3339(cluster["created_at"])
    shown["read_only"] = cluster["primary"] is not None
    if cluster["status"] in ("creating", "forking"):
        shown |= {"users": None, "db_names": None, "maintenance_window": None}
    else:
        shown["users"] = [users.view(cluster, user, call) for user in state.listed(source["users"].values())]
        shown["db_names"] = [database["name"] for database in state.listed(source["dbs"].values())]
        shown["maintenance_window"] = cluster["maintenance_window"]
    has_metrics = can(cluster["engine"], "metrics")
    shown["metrics_endpoints"] = [{"host": host(cluster), "port": METRICS_PORT}] if has_metrics else []
    return shown | _connections(state, cluster, password) | _optional(cluster)


def shown_password(state: State, cluster: Cluster, call: Call | None, *, created: bool = False) -> str | None:
    """Return the default user's password, or None if the service omits it (missing scope; MongoDB after the create)."""
    if call is not None and not call.may("database:view_credentials"):
        return None
    if can(cluster["engine"], "mongodb users") and call is not None and not created:
        return None
    password: str = state.primary_of(cluster)["users"][ENGINES[cluster["engine"]].default_user]["password"]
    return password


def _connections(state: State, cluster: Cluster, password: str | None) -> Record:
    zero = state.quirks.kafka_port_zero
    shown: Record = {
        "connection": connection(cluster, "", password, kafka_port_zero=zero),
        "private_connection": connection(cluster, "private-", password, kafka_port_zero=zero),
    }
    if cluster["num_nodes"] > 1 and can(cluster["engine"], "standby"):
        shown["standby_connection"] = connection(cluster, "replica-", password)
        shown["standby_private_connection"] = connection(cluster, "private-replica-", password)
    if can(cluster["engine"], "indexes"):
        shown["ui_connection"] = web_connection(cluster, 443, password)
    if can(cluster["engine"], "topics"):
        shown["schema_registry_connection"] = web_connection(cluster, 20835, password)
    return shown


def _optional(cluster: Cluster) -> Record:
    shown: Record = {}
    if cluster["storage_size_mib"]:
        shown["storage_size_mib"] = cluster["storage_size_mib"]
    if cluster["autoscale"]:
        shown["autoscale"] = {"storage": cluster["autoscale"]}
        shown["storage_autoscale"] = cluster["autoscale"]
    if cluster["service_cnames"]:
        shown["do_settings"] = {"service_cnames": cluster["service_cnames"]}
    return shown
