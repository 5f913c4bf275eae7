"""The schema registry of a cluster: its compatibility level."""

from __future__ import annotations

from typing import Any, Final

from asyncdbaas.catalogue import CatalogueRegistry
from asyncdbaas.plan.kinds.base import Kind, Write
from asyncdbaas.schemas import CompatibilityLevel, get_compatibility, set_compatibility
from asyncdbaas.session import AsyncSession

__all__ = ["REGISTRIES"]


class _Registries(Kind[CatalogueRegistry, CompatibilityLevel]):
    """Schema registries: each cluster has one, which is never created or deleted."""

    name = "registry"
    field = "registries"

    def values(self, entry: CatalogueRegistry) -> dict[str, Any]:
        return {"compatibility": str(entry.compatibility)}

    async def fetch(self, session: AsyncSession, cluster_id: str) -> dict[str, CompatibilityLevel]:
        return {"compatibility": await get_compatibility(session, cluster_id)}

    def differences(self, entry: CatalogueRegistry, live: CompatibilityLevel) -> dict[str, tuple[Any, Any]]:
        return {} if live is entry.compatibility else {"compatibility": (str(live), str(entry.compatibility))}

    def entry_of(self, live: CompatibilityLevel, cluster: str) -> CatalogueRegistry:
        return CatalogueRegistry(compatibility=live, cluster=cluster)

    async def send(self, session: AsyncSession, cluster_id: str, write: Write) -> CompatibilityLevel:
        """Set the level; a registry is never created or deleted."""
        return await set_compatibility(session, cluster_id, write.entry.compatibility)


REGISTRIES: Final = _Registries()
