"""Online migration: copy a database from elsewhere into a cluster while it is in use.

For PostgreSQL, MySQL, Redis and Valkey, and not between two of DigitalOcean's own clusters.
"""

from __future__ import annotations

import attrs

from asyncdbaas._core.model import Model
from asyncdbaas._endpoint import cluster_path, payload
from asyncdbaas._models import not_empty
from asyncdbaas.session import AsyncSession
from asyncdbaas.types import UNSET, Id, OpenEnum, Timestamp, Unset

__all__ = [
    "Migration",
    "MigrationSource",
    "MigrationStart",
    "MigrationStatus",
    "get_migration",
    "start_migration",
    "stop_migration",
]


class MigrationStatus(OpenEnum):
    """Status of a migration."""

    RUNNING = "running"
    SYNCING = "syncing"
    """Everything has been copied; changes of the source are copied continuously."""
    CANCELED = "canceled"
    ERROR = "error"
    """Also if the source could not be reached yet: starting it again may help."""
    DONE = "done"


@attrs.frozen(kw_only=True, slots=False, repr=False)
class Migration(Model):
    """The newest migration into a cluster; all None if the service knows of none yet."""

    id: str | None = None
    status: MigrationStatus | None = None
    created_at: Timestamp | None = None


@attrs.frozen(kw_only=True, slots=False, repr=False)
class MigrationSource(Model):
    """The database to copy; `password` does not show in `repr`."""

    host: str = attrs.field(validator=not_empty)
    port: int
    dbname: str | Unset = UNSET
    username: str | Unset = UNSET
    password: str | Unset = attrs.field(default=UNSET, repr=False)


@attrs.frozen(kw_only=True, slots=False, repr=False)
class MigrationStart(Model):
    """A migration to start."""

    source: MigrationSource
    disable_ssl: bool | Unset = UNSET
    """Connect to the source without TLS. Default false. (The vendor's description says the opposite.)"""
    ignore_dbs: list[str] | Unset = UNSET
    """Databases that are not copied."""


async def get_migration(session: AsyncSession, cluster_id: Id) -> Migration:
    """Read how the newest migration into a cluster goes.

    Right after the start there may be none yet: empty, or NotFoundError. Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_get_migrationStatus
    """
    return await session.request("GET", cluster_path(cluster_id, "online-migration"), Migration)


async def start_migration(session: AsyncSession, cluster_id: Id, migration: MigrationStart) -> Migration:
    """Start copying a database into a cluster, and keep copying its changes for up to two weeks.

    It may fail soon after this response: check `get_migration` until it is `done`, or `syncing` if the source is still
    written to. Scope `database:update`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_update_onlineMigration
    """
    return await session.request(
        "PUT",
        cluster_path(cluster_id, "online-migration"),
        Migration,
        body=payload(migration, MigrationStart, "migration"),
    )


async def stop_migration(session: AsyncSession, cluster_id: Id, migration_id: str) -> None:
    """Stop a migration; what has been copied stays.

    Scope `database:delete`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_delete_onlineMigration
    """
    await session.request("DELETE", cluster_path(cluster_id, "online-migration", migration_id))
