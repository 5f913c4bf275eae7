"""Storage that grows by itself.

The vendor's pages: https://docs.digitalocean.com/reference/api/digitalocean/#tag/Databases
"""

from __future__ import annotations

import attrs

from asyncdbaas._core.codec import require_some
from asyncdbaas._core.http import cluster_segment
from asyncdbaas._models import Autoscale, StorageAutoscale
from asyncdbaas.session import AsyncSession
from asyncdbaas.types import UNSET, Id

__all__ = ["Autoscale", "StorageAutoscale", "get_autoscale", "update_autoscale"]


@attrs.frozen(kw_only=True, slots=False)
class _Answer:
    """Either shape of the answer: in an envelope, as described, or bare, as the vendor's Go client reads it."""

    autoscale: Autoscale | None = None
    storage: StorageAutoscale | None = None


async def get_autoscale(session: AsyncSession, cluster_id: Id) -> Autoscale:
    """Read how a cluster grows; `storage` is unset if that was never configured.

    Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_get_autoscale
    """
    answer = await session.request("GET", f"/v2/databases/{cluster_segment(cluster_id)}/autoscale", _Answer)
    return answer.autoscale or Autoscale(storage=answer.storage or UNSET)


async def update_autoscale(session: AsyncSession, cluster_id: Id, autoscale: Autoscale) -> None:
    """Set how a cluster grows.

    UnprocessableError if a value is out of range. Scope `database:update`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_update_autoscale
    """
    path = f"/v2/databases/{cluster_segment(cluster_id)}/autoscale"
    await session.request("PUT", path, body=require_some(autoscale))
