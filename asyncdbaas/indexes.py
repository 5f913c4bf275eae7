"""Indexes of an OpenSearch cluster."""

from __future__ import annotations

import attrs

from asyncdbaas._core.model import Model
from asyncdbaas._endpoint import cluster_path, list_all
from asyncdbaas.session import AsyncSession
from asyncdbaas.types import Id, OpenEnum, Timestamp

__all__ = ["Index", "IndexHealth", "IndexReplication", "IndexStatus", "delete_index", "list_indexes"]


class IndexStatus(OpenEnum):
    """Status of an index: open indexes can be searched."""

    UNKNOWN = "unknown"
    OPEN = "open"
    CLOSE = "close"
    NONE = "none"


class IndexHealth(OpenEnum):
    """Health of an index. Yellow: a replica of a shard has no node; red: a primary has none."""

    UNKNOWN = "unknown"
    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    RED_STAR = "red*"
    """Not explained by the vendor."""


@attrs.frozen(kw_only=True, slots=False, repr=False)
class IndexReplication(Model):
    """Source of an index that is a copy. Not in the vendor's description, but in its Go client."""

    leader_index: str | None = None
    leader_project: str | None = None
    leader_service: str | None = None


@attrs.frozen(kw_only=True, slots=False, repr=False)
class Index(Model):
    """An OpenSearch index."""

    index_name: str
    number_of_shards: int | None = None
    number_of_replicas: int | None = None
    """Copies of each shard, in addition to the primary."""
    size: int | None = None
    """Bytes."""
    docs: int | None = None
    """Documents. Not in the vendor's description, but in its Go client."""
    created_time: Timestamp | None = None
    """When it was created, whichever of its two keys the service used."""
    create_time: Timestamp | None = None
    """The same under the key of the vendor's Go client; its description says `created_time`."""
    status: IndexStatus | None = None
    health: IndexHealth | None = None
    replication: IndexReplication | None = None
    """Missing unless it is a copy of another index."""

    def __attrs_post_init__(self) -> None:
        if self.created_time is None:
            object.__setattr__(self, "created_time", self.create_time)


async def list_indexes(session: AsyncSession, cluster_id: Id) -> list[Index]:
    """List the indexes of an OpenSearch cluster.

    Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_list_opeasearch_indexes
    """
    return await list_all(session, cluster_path(cluster_id, "indexes"), Index, "indexes")


async def delete_index(session: AsyncSession, cluster_id: Id, name: str) -> None:
    """Delete an index and all its documents.

    A `*` in the name is sent unchanged; the vendor does not say whether it then matches several indexes. Raise
    NotFoundError if there is none. Scope `database:delete`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_delete_opensearch_index
    """
    await session.request("DELETE", cluster_path(cluster_id, "indexes", name))
