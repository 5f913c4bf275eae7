"""The events of a cluster."""

from __future__ import annotations

from typing import Final

from asyncdbaas.emulator.routing import Answer, Call, Route
from asyncdbaas.emulator.state import Actions, State


def list_events(state: State, call: Call, cluster_id: str) -> Answer:
    """Answer GET /v2/databases/{id}/events."""
    return Answer(200, {"events": state.cluster(cluster_id)["events"]})


ROUTES: Final = (Route("GET", "/v2/databases/{}/events", "list_events", list_events),)
ACTIONS: Final[Actions] = {}
