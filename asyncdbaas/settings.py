"""DigitalOcean's own settings of a cluster (`do_settings`); those of its engine are in `configs`."""

from __future__ import annotations

from asyncdbaas._checks import kind_of
from asyncdbaas._core.codec import envelop
from asyncdbaas._endpoint import cluster_path
from asyncdbaas._models import Settings
from asyncdbaas.errors import AcceptedError, InvalidInputError
from asyncdbaas.session import AsyncSession
from asyncdbaas.types import Id

__all__ = ["Settings", "get_settings", "update_settings"]


async def get_settings(session: AsyncSession, cluster_id: Id) -> Settings:
    """Read the settings of a cluster.

    Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_get_do_settings
    """
    path = cluster_path(cluster_id, "do_settings")
    try:
        return await session.request("GET", path, Settings, key="do_settings")
    except AcceptedError:  # null: nothing is set
        return Settings()


async def update_settings(session: AsyncSession, cluster_id: Id, *, service_cnames: list[str]) -> None:
    """Set your own host names that a cluster's certificates cover; `[]` removes them all.

    The list replaces the old one. The service then replaces the cluster's nodes, one after the other. At most 16 names.
    Scope `database:update`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_update_do_settings
    """
    if not isinstance(service_cnames, list):  # None would clear them
        raise InvalidInputError(f"service_cnames must be a list of host names, not {kind_of(service_cnames)}")
    await session.request(
        "PUT",
        cluster_path(cluster_id, "do_settings"),
        body=envelop("do_settings", Settings(service_cnames=service_cnames)),
    )
