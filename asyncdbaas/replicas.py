"""Read-only replicas of PostgreSQL and MySQL clusters."""

from __future__ import annotations

import attrs

from asyncdbaas._checks import check_text
from asyncdbaas._core.model import Model
from asyncdbaas._endpoint import cluster_path, created, delete, list_all, named, payload
from asyncdbaas._models import ClusterStatus, Connection, Settings, not_empty
from asyncdbaas.session import AsyncSession
from asyncdbaas.types import UNSET, Id, ListOf, Timestamp, Unset, new_list, null_lists

__all__ = [
    "ClusterStatus",
    "Connection",
    "Replica",
    "ReplicaCreate",
    "Settings",
    "create_replica",
    "delete_replica",
    "find_replica",
    "get_replica",
    "list_replicas",
    "promote_replica",
]


@attrs.frozen(kw_only=True, slots=False, repr=False)
class Replica(Model):
    """A replica. To the service it is also a cluster: its `id` works wherever a cluster's does."""

    name: str
    id: str | None = None
    """UUID. Older responses lack it."""
    status: ClusterStatus | None = None
    """`forking` at first; ready at `online` or `active`."""
    region: str | None = None
    """Slug, such as `nyc3`."""
    size: str | None = None
    """Slug of the node's size. Older responses lack it."""
    storage_size_mib: int | None = None
    """All of the storage, in MiB."""
    created_at: Timestamp | None = None
    tags: ListOf[str] = attrs.field(factory=new_list)
    """Scope `tag:read`."""
    private_network_uuid: str | None = None
    """Its VPC. Scope `vpc:read`."""
    connection: Connection | None = None
    """Over the internet."""
    private_connection: Connection | None = None
    """Within the VPC."""
    do_settings: Settings | None = None

    def __attrs_post_init__(self) -> None:
        null_lists(self, "tags")


@attrs.frozen(kw_only=True, slots=False, repr=False)
class ReplicaCreate(Model):
    """A replica to create."""

    name: str = attrs.field(validator=not_empty)
    """Unique among the account's clusters and replicas."""
    size: str = attrs.field(validator=not_empty)
    """Slug of the node's size, such as `db-s-2vcpu-4gb`; at least that of the cluster's nodes."""
    region: str | Unset = UNSET
    """Slug. Default: the cluster's."""
    storage_size_mib: int | Unset = UNSET
    """All of the storage, in MiB."""
    tags: list[str] | Unset = UNSET
    """Scope `tag:create`."""
    private_network_uuid: str | Unset = UNSET
    """Its VPC. Default: the account's default VPC of the region. Scope `vpc:read`."""
    do_settings: Settings | Unset = UNSET


async def list_replicas(session: AsyncSession, cluster_id: Id) -> list[Replica]:
    """List the replicas of a cluster. A new one may be missing for minutes.

    Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_list_replicas
    """
    return await list_all(session, cluster_path(cluster_id, "replicas"), Replica, "replicas")


async def get_replica(session: AsyncSession, cluster_id: Id, name: str) -> Replica:
    """Read one replica.

    A new replica may raise NotFoundError for minutes. Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_get_replica
    """
    return await session.request("GET", cluster_path(cluster_id, "replicas", name), Replica, key="replica")


async def find_replica(session: AsyncSession, cluster_id: Id, name: str) -> Replica:
    """Get a replica by its name, with one list request.

    Unlike `get_replica`, NotFoundError names similar replicas if there is none. Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_list_replicas
    """
    path = cluster_path(cluster_id, "replicas")
    check_text(name, "replica name")
    return named(await list_replicas(session, cluster_id), name, "replica", path)


async def create_replica(session: AsyncSession, cluster_id: Id, replica: ReplicaCreate) -> Replica:
    """Create a replica and return it while it is still `forking`.

    Raise PreconditionError until the cluster's first backup exists, some time after it came online: try again. If the
    outcome is unknown (`error.outcome_unknown`), the request is not sent again: check with `list_replicas`. Raise
    UnprocessableError if the name is taken. Scope `database:create`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_create_replica
    """
    path = cluster_path(cluster_id, "replicas")
    made = await session.request("POST", path, Replica, key="replica", body=payload(replica, ReplicaCreate, "replica"))
    created(session, path, replica.name)
    return made


async def delete_replica(session: AsyncSession, cluster_id: Id, name: str) -> None:
    """Delete a replica; its name stays taken for some time.

    Scope `database:delete`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_destroy_replica
    """
    await delete(session, cluster_path(cluster_id, "replicas", name))


async def promote_replica(session: AsyncSession, cluster_id: Id, name: str) -> None:
    """Turn a replica into a separate cluster that accepts writes and no longer follows its primary.

    Scope `database:update`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_promote_replica
    """
    await session.request("PUT", cluster_path(cluster_id, "replicas", name, "promote"))
