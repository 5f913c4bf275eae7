"""The 71 operations below /v2/databases: which function sends which request.

The list is written out, so that an operation cannot get lost; the contract tests hold each line to be true.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

import attrs

FUNCTIONS: Final = {
    "autoscale.get_autoscale": "GET /v2/databases/{cluster_id}/autoscale",
    "autoscale.update_autoscale": "PUT /v2/databases/{cluster_id}/autoscale",
    "backups.list_backups": "GET /v2/databases/{cluster_id}/backups",
    "clusters.list_clusters": "GET /v2/databases",
    "clusters.get_cluster": "GET /v2/databases/{cluster_id}",
    "clusters.create_cluster": "POST /v2/databases",
    "clusters.delete_cluster": "DELETE /v2/databases/{cluster_id}",
    "clusters.resize_cluster": "PUT /v2/databases/{cluster_id}/resize",
    "clusters.migrate_cluster": "PUT /v2/databases/{cluster_id}/migrate",
    "clusters.upgrade_cluster": "PUT /v2/databases/{cluster_id}/upgrade",
    "clusters.get_ca": "GET /v2/databases/{cluster_id}/ca",
    "configs.get_config": "GET /v2/databases/{cluster_id}/config",
    "configs.update_config": "PATCH /v2/databases/{cluster_id}/config",
    "databases.list_databases": "GET /v2/databases/{cluster_id}/dbs",
    "databases.get_database": "GET /v2/databases/{cluster_id}/dbs/{name}",
    "databases.create_database": "POST /v2/databases/{cluster_id}/dbs",
    "databases.delete_database": "DELETE /v2/databases/{cluster_id}/dbs/{name}",
    "events.list_events": "GET /v2/databases/{cluster_id}/events",
    "eviction_policy.get_eviction_policy": "GET /v2/databases/{cluster_id}/eviction_policy",
    "eviction_policy.set_eviction_policy": "PUT /v2/databases/{cluster_id}/eviction_policy",
    "firewall.list_firewall_rules": "GET /v2/databases/{cluster_id}/firewall",
    "firewall.replace_firewall_rules": "PUT /v2/databases/{cluster_id}/firewall",
    "indexes.list_indexes": "GET /v2/databases/{cluster_id}/indexes",
    "indexes.delete_index": "DELETE /v2/databases/{cluster_id}/indexes/{name}",
    "logsinks.list_logsinks": "GET /v2/databases/{cluster_id}/logsink",
    "logsinks.get_logsink": "GET /v2/databases/{cluster_id}/logsink/{sink_id}",
    "logsinks.create_logsink": "POST /v2/databases/{cluster_id}/logsink",
    "logsinks.update_logsink": "PUT /v2/databases/{cluster_id}/logsink/{sink_id}",
    "logsinks.delete_logsink": "DELETE /v2/databases/{cluster_id}/logsink/{sink_id}",
    "maintenance.update_maintenance_window": "PUT /v2/databases/{cluster_id}/maintenance",
    "maintenance.install_update": "PUT /v2/databases/{cluster_id}/install_update",
    "metrics.get_metrics_credentials": "GET /v2/databases/metrics/credentials",
    "metrics.update_metrics_credentials": "PUT /v2/databases/metrics/credentials",
    "migrations.get_migration": "GET /v2/databases/{cluster_id}/online-migration",
    "migrations.start_migration": "PUT /v2/databases/{cluster_id}/online-migration",
    "migrations.stop_migration": "DELETE /v2/databases/{cluster_id}/online-migration/{migration_id}",
    "options.get_options": "GET /v2/databases/options",
    "pools.list_pools": "GET /v2/databases/{cluster_id}/pools",
    "pools.get_pool": "GET /v2/databases/{cluster_id}/pools/{name}",
    "pools.create_pool": "POST /v2/databases/{cluster_id}/pools",
    "pools.update_pool": "PUT /v2/databases/{cluster_id}/pools/{name}",
    "pools.delete_pool": "DELETE /v2/databases/{cluster_id}/pools/{name}",
    "replicas.list_replicas": "GET /v2/databases/{cluster_id}/replicas",
    "replicas.get_replica": "GET /v2/databases/{cluster_id}/replicas/{name}",
    "replicas.create_replica": "POST /v2/databases/{cluster_id}/replicas",
    "replicas.delete_replica": "DELETE /v2/databases/{cluster_id}/replicas/{name}",
    "replicas.promote_replica": "PUT /v2/databases/{cluster_id}/replicas/{name}/promote",
    "schemas.list_schemas": "GET /v2/databases/{cluster_id}/schema-registry",
    "schemas.get_schema": "GET /v2/databases/{cluster_id}/schema-registry/{subject}",
    "schemas.create_schema": "POST /v2/databases/{cluster_id}/schema-registry",
    "schemas.delete_schema": "DELETE /v2/databases/{cluster_id}/schema-registry/{subject}",
    "schemas.get_schema_version": "GET /v2/databases/{cluster_id}/schema-registry/{subject}/versions/{version}",
    "schemas.get_compatibility": "GET /v2/databases/{cluster_id}/schema-registry/config",
    "schemas.set_compatibility": "PUT /v2/databases/{cluster_id}/schema-registry/config",
    "schemas.get_subject_compatibility": "GET /v2/databases/{cluster_id}/schema-registry/config/{subject}",
    "schemas.set_subject_compatibility": "PUT /v2/databases/{cluster_id}/schema-registry/config/{subject}",
    "settings.get_settings": "GET /v2/databases/{cluster_id}/do_settings",
    "settings.update_settings": "PUT /v2/databases/{cluster_id}/do_settings",
    "sql_mode.get_sql_mode": "GET /v2/databases/{cluster_id}/sql_mode",
    "sql_mode.set_sql_mode": "PUT /v2/databases/{cluster_id}/sql_mode",
    "topics.list_topics": "GET /v2/databases/{cluster_id}/topics",
    "topics.get_topic": "GET /v2/databases/{cluster_id}/topics/{name}",
    "topics.create_topic": "POST /v2/databases/{cluster_id}/topics",
    "topics.update_topic": "PUT /v2/databases/{cluster_id}/topics/{name}",
    "topics.delete_topic": "DELETE /v2/databases/{cluster_id}/topics/{name}",
    "users.list_users": "GET /v2/databases/{cluster_id}/users",
    "users.get_user": "GET /v2/databases/{cluster_id}/users/{name}",
    "users.create_user": "POST /v2/databases/{cluster_id}/users",
    "users.update_user": "PUT /v2/databases/{cluster_id}/users/{name}",
    "users.delete_user": "DELETE /v2/databases/{cluster_id}/users/{name}",
    "users.reset_user_auth": "POST /v2/databases/{cluster_id}/users/{name}/reset_auth",
}
MODULES: Final = sorted({name.partition(".")[0] for name in FUNCTIONS})
_LINK: Final = re.compile(r"#operation/(databases_\w+)")


@attrs.frozen(kw_only=True)
class Operation:
    """One operation and the function that sends it."""

    name: str
    """Module and function, such as `topics.create_topic`."""
    method: str
    path: str
    """With its variable parts in braces."""
    function: Callable[..., Any]

    @property
    def id(self) -> str:
        """Give the vendor's name of the operation, from the link in the docstring."""
        (link,) = _LINK.finditer(inspect.getdoc(self.function) or "")
        return link[1]

    @property
    def parts(self) -> list[str]:
        """Give the names of the path's variable parts."""
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]


def operation(name: str) -> Operation:
    """Find an operation by the name of its function, such as `topics.create_topic`."""
    module, _, function = name.partition(".")
    method, path = FUNCTIONS[name].split()
    found = getattr(import_module(f"asyncdbaas.{module}"), function)
    return Operation(name=name, method=method, path=path, function=found)


def operations() -> list[Operation]:
    """Return all of them."""
    return [operation(name) for name in FUNCTIONS]
