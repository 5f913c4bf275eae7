"""The events of a cluster."""

from __future__ import annotations

from typing import Final

from asyncdbaas.emulator.routing import Answer, Call, Resource
from asyncdbaas.emulator.state import State

resource: Final = Resource()


@resource.get("/{}/events")
def list_events(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle GET /v2/databases/{id}/events."""
    return Answer(200, {"events": state.cluster(cluster_id)["events"]})
