"""Databases inside a cluster; not for Redis and Valkey."""

from __future__ import annotations

import attrs

from asyncdbaas._core.model import Model
from asyncdbaas._endpoint import cluster_path, created, delete, list_all
from asyncdbaas.session import AsyncSession
from asyncdbaas.types import Id

__all__ = ["Database", "create_database", "delete_database", "get_database", "list_databases"]


@attrs.frozen(kw_only=True, slots=False, repr=False)
class Database(Model):
    """A database inside a cluster."""

    name: str
    """`defaultdb` exists from the start; on MongoDB it is `admin`."""


async def list_databases(session: AsyncSession, cluster_id: Id) -> list[Database]:
    """List the databases of a cluster.

    Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_list
    """
    return await list_all(session, cluster_path(cluster_id, "dbs"), Database, "dbs")


async def get_database(session: AsyncSession, cluster_id: Id, name: str) -> Database:
    """Read one database. The result has only its name: use this to check whether it exists.

    NotFoundError has occasionally been seen for one that exists. Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_get
    """
    return await session.request("GET", cluster_path(cluster_id, "dbs", name), Database, key="db")


async def create_database(session: AsyncSession, cluster_id: Id, name: str) -> Database:
    """Create a database and return it.

    Raise UnprocessableError if the name is taken. Scope `database:create`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_add
    """
    path = cluster_path(cluster_id, "dbs")
    made = await session.request("POST", path, Database, key="db", body=Database(name=name))
    created(session, path, name)
    return made


async def delete_database(session: AsyncSession, cluster_id: Id, name: str) -> None:
    """Delete a database and all its data. The one that came with the cluster cannot be deleted.

    Raise NotFoundError if there is none. Scope `database:delete`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_delete
    """
    await delete(session, cluster_path(cluster_id, "dbs", name))
