"""The maintenance window, and the installation of updates."""

from __future__ import annotations

import re
from typing import Final

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.errors import unprocessable
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.routing import Answer, Call, Route
from asyncdbaas.emulator.state import Actions, State

_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOUR: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(:[0-5]\d)?")


def update_maintenance_window(state: State, call: Call, cluster_id: str) -> Answer:
    """Answer PUT /v2/databases/{id}/maintenance; `13:00` is read back as `13:00:00`."""
    cluster = state.usable(cluster_id, "update maintenance window")
    day, hour = fields.string(call.body, "day").lower(), fields.string(call.body, "hour")
    time = _HOUR.fullmatch(hour)
    if day not in _DAYS:
        raise unprocessable("invalid maintenance window day")
    if time is None:
        raise unprocessable("invalid maintenance window hour")
    cluster["maintenance_window"] |= {"day": day, "hour": f"{int(time[1]):02}:{time[2]}{time[3] or ':00'}"}
    return Answer(204)


def install_update(state: State, call: Call, cluster_id: str) -> Answer:
    """Answer PUT /v2/databases/{id}/install_update; the cluster reads `online` and refuses changes meanwhile."""
    cluster = state.idle(cluster_id, "install update")
    begin_maintenance(state, cluster)
    state.after(state.delays.maintenance, "maintenance_done", cluster["id"])
    return Answer(204)


def begin_maintenance(state: State, cluster: Record) -> None:
    """Make a cluster busy; whoever calls this schedules the end."""
    cluster["busy"] = True
    state.log(cluster, "cluster_maintenance_perform")


def maintenance_done(state: State, at: float, cluster_id: str) -> None:
    """End the maintenance."""
    if cluster := state.clusters.get(cluster_id):
        cluster["busy"] = False
        cluster["maintenance_window"] |= {"pending": False, "description": []}


ROUTES: Final = (
    Route(
        "PUT", "/v2/databases/{}/maintenance", "update_maintenance_window", update_maintenance_window, takes_body=True
    ),
    Route("PUT", "/v2/databases/{}/install_update", "install_update", install_update),
)
ACTIONS: Final[Actions] = {"maintenance_done": maintenance_done}
