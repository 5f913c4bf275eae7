"""Autoscaling of a cluster's storage."""

from __future__ import annotations

import attrs

from asyncdbaas._core.model import Model
from asyncdbaas._endpoint import changes, cluster_path, fill_unset, has_unset, write_lock
from asyncdbaas._models import Autoscale, StorageAutoscale
from asyncdbaas.session import AsyncSession
from asyncdbaas.types import UNSET, Id

__all__ = ["Autoscale", "StorageAutoscale", "get_autoscale", "update_autoscale"]


@attrs.frozen(kw_only=True, slots=False, repr=False)
class _Answer(Model):
    """Both forms of the response: in an envelope, as described, or without, as the vendor's Go client reads it."""

    autoscale: Autoscale | None = None
    storage: StorageAutoscale | None = None


async def get_autoscale(session: AsyncSession, cluster_id: Id) -> Autoscale:
    """Get the autoscale settings of a cluster; `storage` is unset if they were never configured.

    Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_get_autoscale
    """
    answer = await session.request("GET", cluster_path(cluster_id, "autoscale"), _Answer)
    return answer.autoscale or Autoscale(storage=answer.storage or UNSET)


async def update_autoscale(session: AsyncSession, cluster_id: Id, autoscale: Autoscale) -> None:
    """Change the autoscale settings of a cluster.

    The request replaces all settings. If the threshold or the increment is unset, the settings are read first, and the
    current values are sent. So both stay when autoscaling is switched off, and apply again when it is switched on.
    Raise UnprocessableError if a value is out of range. Scope `database:update`, and `database:read` for the read.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_update_autoscale
    """
    path, storage = cluster_path(cluster_id, "autoscale"), changes(autoscale, Autoscale, "autoscale").storage
    async with write_lock(session, cluster_id, "autoscale"):
        if storage and has_unset(storage):
            storage = fill_unset(storage, (await get_autoscale(session, cluster_id)).storage)
        await session.request("PUT", path, body=Autoscale(storage=storage))
