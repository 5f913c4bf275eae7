"""Connection pools (PgBouncer) of a PostgreSQL cluster."""

from __future__ import annotations

import attrs

from asyncdbaas._checks import kind_of
from asyncdbaas._core.model import Model
from asyncdbaas._endpoint import (
    changes,
    cluster_path,
    created,
    delete,
    fill_unset,
    has_unset,
    list_all,
    payload,
    write_lock,
)
from asyncdbaas._models import Connection, PoolMode, not_empty
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.session import AsyncSession
from asyncdbaas.types import UNSET, EnumOrStr, Id, Unset, take_strings

__all__ = [
    "Connection",
    "Pool",
    "PoolCreate",
    "PoolMode",
    "PoolUpdate",
    "create_pool",
    "delete_pool",
    "get_pool",
    "list_pools",
    "update_pool",
]


@attrs.frozen(kw_only=True, slots=False, repr=False)
class Pool(Model):
    """A connection pool."""

    name: str
    mode: PoolMode | None = None
    size: int | None = None
    """Number of connections to the server."""
    db: str | None = None
    """Database behind the pool. Clients use the pool's name instead: see `connection`."""
    user: str | None = None
    """User of the connections to the server. None or empty: each client's own."""
    connection: Connection | None = None
    """Its `database` is the pool's name, and its port is not the cluster's."""
    private_connection: Connection | None = None
    """The same inside the VPC."""
    standby_connection: Connection | None = None
    """To the standby nodes, for reading; missing if there are none."""
    standby_private_connection: Connection | None = None
    """The same inside the VPC."""


def _check_name(_: object, __: object, name: str) -> None:
    # The service responds to a longer name with a 500 that does not say why.
    if not isinstance(name, str) or not 3 <= len(name) <= 60:
        shown = f"one of {len(name)}" if isinstance(name, str) else kind_of(name)
        raise InvalidInputError(f"pool name must be a string of 3 to 60 characters, not {shown}")


@attrs.frozen(kw_only=True, slots=False, repr=False, field_transformer=take_strings)
class PoolCreate(Model):
    """A connection pool to create."""

    name: str = attrs.field(validator=_check_name)
    """3 to 60 characters."""
    mode: EnumOrStr[PoolMode]
    size: int
    """Connections to the server. All pools of a cluster share 25 for each GB of its memory, less 3: 22 with 1 GB, 97
    with 4 GB."""
    db: str = attrs.field(validator=not_empty)
    """Database behind the pool; it must exist."""
    user: str | Unset = UNSET
    """User of the connections to the server; it must exist. Default: each client's own."""


@attrs.frozen(kw_only=True, slots=False, repr=False, field_transformer=take_strings)
class PoolUpdate(Model):
    """Changes to a connection pool. What is unset stays as it is; the name cannot change."""

    mode: EnumOrStr[PoolMode] | Unset = UNSET
    size: int | Unset = UNSET
    """Connections to the server, within the budget that `PoolCreate.size` describes."""
    db: str | Unset = attrs.field(default=UNSET, validator=not_empty)
    user: str | Unset | None = UNSET
    """User of the connections to the server; None: each client's own."""


async def list_pools(session: AsyncSession, cluster_id: Id) -> list[Pool]:
    """List the connection pools of a PostgreSQL cluster.

    Raise UnprocessableError for any other engine. Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_list_connectionPools
    """
    return await list_all(session, cluster_path(cluster_id, "pools"), Pool, "pools")


async def get_pool(session: AsyncSession, cluster_id: Id, name: str) -> Pool:
    """Read one connection pool.

    Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_get_connectionPool
    """
    return await session.request("GET", cluster_path(cluster_id, "pools", name), Pool, key="pool")


async def create_pool(session: AsyncSession, cluster_id: Id, pool: PoolCreate) -> Pool:
    """Create a connection pool and return it.

    Create its user and its database first, and wait for them: in parallel, ServerError (500) has been seen. Raise
    UnprocessableError if the name is taken, or for any engine but PostgreSQL. Scope `database:create`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_add_connectionPool
    """
    path = cluster_path(cluster_id, "pools")
    made = await session.request("POST", path, Pool, key="pool", body=payload(pool, PoolCreate, "pool"))
    created(session, path, pool.name)
    return made


async def update_pool(session: AsyncSession, cluster_id: Id, name: str, update: PoolUpdate) -> None:
    """Change the mode, size, database or user of a connection pool.

    The request replaces all four. If one of them is unset, the pool is read first, and the current value is sent.
    Scope `database:update`, and `database:read` for the read.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_update_connectionPool

    Args:
        session: An open session.
        cluster_id: Id of the cluster.
        name: Name of the pool.
        update: The values to change.
    """
    path = cluster_path(cluster_id, "pools", name)
    changes(update, PoolUpdate, "update")
    async with write_lock(session, cluster_id, "pools"):
        wanted = fill_unset(update, await get_pool(session, cluster_id, name)) if has_unset(update) else update
        if UNSET in (wanted.mode, wanted.size, wanted.db):
            raise InvalidInputError("PoolUpdate: set mode, size and db; the service does not show what the pool has")
        wanted = wanted if wanted.user else attrs.evolve(wanted, user=UNSET)
        await session.request("PUT", path, body=wanted)


async def delete_pool(session: AsyncSession, cluster_id: Id, name: str) -> None:
    """Delete a connection pool.

    Raise NotFoundError if there is none. Scope `database:delete`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_delete_connectionPool
    """
    await delete(session, cluster_path(cluster_id, "pools", name))
