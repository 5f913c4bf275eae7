"""Backups of PostgreSQL and MySQL clusters. To restore one, create a cluster with `backup_restore`."""

from __future__ import annotations

import attrs

from asyncdbaas._core.model import Model
from asyncdbaas._endpoint import cluster_path
from asyncdbaas.session import AsyncSession
from asyncdbaas.types import Id, ListOf, Timestamp, null_lists

__all__ = ["Backup", "BackupSchedule", "Backups", "list_backups"]


@attrs.frozen(kw_only=True, slots=False, repr=False)
class Backup(Model):
    """One backup."""

    created_at: Timestamp | None = None
    """Identifies the backup when a cluster is restored from it."""
    size_gigabytes: float | None = None
    incremental: bool | None = None
    """MySQL: whether it only has the changes since the last one."""


@attrs.frozen(kw_only=True, slots=False, repr=False)
class BackupSchedule(Model):
    """Times at which backups are taken."""

    backup_hour: int | None = None
    """UTC."""
    backup_minute: int | None = None
    backup_interval_hours: int | None = None


@attrs.frozen(kw_only=True, slots=False, repr=False)
class Backups(Model):
    """The backups of a cluster, and when the next one is due."""

    backups: ListOf[Backup]
    scheduled_backup_time: BackupSchedule | None = None
    backup_progress: str | None = None
    """Progress of the running backup in percent, such as `36`; missing if none is running."""

    def __attrs_post_init__(self) -> None:
        null_lists(self, "backups")


async def list_backups(session: AsyncSession, cluster_id: Id) -> Backups:
    """List the backups of a cluster, with their schedule.

    Raise PreconditionError on a new cluster until its first backup exists: try again. Raise UnprocessableError where
    the engine has no backups, as Redis and Valkey. Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_list_backups
    """
    return await session.request("GET", cluster_path(cluster_id, "backups"), Backups)
