"""Options for new clusters: engines with their versions, regions and sizes."""

from __future__ import annotations

import attrs

from asyncdbaas._core.model import Model
from asyncdbaas.session import AsyncSession
from asyncdbaas.types import ListOf, Timestamp, new_list, null_lists

__all__ = ["EngineOptions", "Layout", "Options", "VersionAvailability", "get_options"]


@attrs.frozen(kw_only=True, slots=False, repr=False)
class Layout(Model):
    """Sizes of clusters with this number of nodes."""

    num_nodes: int | None = None
    sizes: ListOf[str] = attrs.field(factory=new_list)
    """Slugs, such as `db-s-2vcpu-4gb`."""

    def __attrs_post_init__(self) -> None:
        null_lists(self, "sizes")


@attrs.frozen(kw_only=True, slots=False, repr=False)
class EngineOptions(Model):
    """Options of one engine."""

    regions: ListOf[str] = attrs.field(factory=new_list)
    """Slugs, such as `nyc3`."""
    versions: ListOf[str] = attrs.field(factory=new_list)
    default_version: str | None = None
    """Missing for engines that are no longer created. Not in the vendor's description, but in its examples."""
    layouts: ListOf[Layout] = attrs.field(factory=new_list)

    def __attrs_post_init__(self) -> None:
        null_lists(self, "regions", "versions", "layouts")


@attrs.frozen(kw_only=True, slots=False, repr=False)
class VersionAvailability(Model):
    """Availability of a version."""

    version: str | None = None
    default: bool | None = None
    """Whether it is the default of new clusters. Not in the vendor's description, but in its examples."""
    end_of_life: Timestamp | None = None
    """When its support ends; None if there is no date."""
    end_of_availability: Timestamp | None = None
    """When new clusters can no longer have it; None if there is no date."""


@attrs.frozen(kw_only=True, slots=False, repr=False)
class Options(Model):
    """Options by engine, such as `options["kafka"]`; an engine can be missing."""

    options: dict[str, EngineOptions]
    version_availability: dict[str, list[VersionAvailability]] = attrs.field(
        factory=dict[str, list[VersionAvailability]]
    )


async def get_options(session: AsyncSession) -> Options:
    """Read which engines, versions, regions and sizes the service offers.

    Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_list_options
    """
    return await session.request("GET", "/v2/databases/options", Options)
