"""Events of a cluster."""

from __future__ import annotations

import attrs

from asyncdbaas._core.model import Model
from asyncdbaas._endpoint import cluster_path, list_all
from asyncdbaas.session import AsyncSession
from asyncdbaas.types import Id, OpenEnum, Timestamp

__all__ = ["Event", "EventType", "list_events"]


class EventType(OpenEnum):
    """Kind of an event."""

    CLUSTER_MAINTENANCE_PERFORM = "cluster_maintenance_perform"
    CLUSTER_MASTER_PROMOTION = "cluster_master_promotion"
    """A standby node became the primary."""
    CLUSTER_CREATE = "cluster_create"
    CLUSTER_UPDATE = "cluster_update"
    CLUSTER_DELETE = "cluster_delete"
    CLUSTER_POWERON = "cluster_poweron"
    CLUSTER_POWEROFF = "cluster_poweroff"


@attrs.frozen(kw_only=True, slots=False, repr=False)
class Event(Model):
    """An event of a cluster."""

    id: str
    """Not a UUID; such as `pe8u2huh`."""
    cluster_name: str | None = None
    event_type: EventType | None = None
    create_time: Timestamp | None = None


async def list_events(session: AsyncSession, cluster_id: Id) -> list[Event]:
    """List a cluster's events.

    Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_list_events_logs
    """
    return await list_all(session, cluster_path(cluster_id, "events"), Event, "events")
