"""Backups: the first one begins when a cluster is online, then one each day. Seven are kept."""

from __future__ import annotations

from typing import Final

from asyncdbaas.emulator.clock import rfc3339
from asyncdbaas.emulator.errors import not_yet
from asyncdbaas.emulator.records import Backup, Cluster, Record
from asyncdbaas.emulator.resources import configs
from asyncdbaas.emulator.routing import Answer, Call, Resource
from asyncdbaas.emulator.state import State

resource: Final = Resource()

_DAY: Final = 86400.0
_KEPT: Final = 7


@resource.get("/{}/backups")
def list_backups(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle GET /v2/databases/{id}/backups; refused with 412 before the first one is done."""
    cluster = state.usable(cluster_id, "list backups", "backups")
    done = finished(state, cluster)
    if not done:
        raise not_yet("list backups", "cluster has no backup yet")
    config = configs.current(cluster)
    body: Record = {
        "backups": [_view(cluster, backup) for backup in done],
        "scheduled_backup_time": {
            "backup_hour": config.get("backup_hour", 0),
            "backup_minute": config.get("backup_minute", 0),
            "backup_interval_hours": 24,
        },
    }
    last = cluster["backups"][-1]
    if last is not done[-1]:
        passed = (state.clock.now() - last["began_at"]) / (last["done_at"] - last["began_at"])
        body["backup_progress"] = str(int(100 * passed))
    return Answer(200, body)


def finished(state: State, cluster: Cluster) -> list[Backup]:
    """Return the backups that are done."""
    now = state.clock.now()
    return [backup for backup in cluster["backups"] if backup["done_at"] <= now]


@resource.action
def backup_begins(state: State, at: float, cluster_id: str) -> None:
    """Begin a backup, and schedule the next day's."""
    cluster = state.clusters.get(cluster_id)
    if cluster is None or cluster["deleting"]:
        return
    size = round(0.03 + state.ids.fraction("backup", cluster_id) / 100, 8)
    backup: Backup = {
        "created_at": rfc3339(at),
        "size_gigabytes": size,
        "began_at": at,
        "done_at": at + state.delays.backup,
    }
    cluster["backups"] = [*cluster["backups"], backup][-_KEPT:]
    state.schedule(at + _DAY, backup_begins, cluster_id)


def _view(cluster: Cluster, backup: Backup) -> Record:
    shown: Record = {"created_at": backup["created_at"], "size_gigabytes": backup["size_gigabytes"]}
    return shown | {"incremental": False} if cluster["engine"] == "mysql" else shown
