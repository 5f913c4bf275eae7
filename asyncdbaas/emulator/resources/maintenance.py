"""The maintenance window, and the installation of updates."""

from __future__ import annotations

import re
from typing import Final

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.errors import unprocessable
from asyncdbaas.emulator.records import Cluster
from asyncdbaas.emulator.routing import Answer, Call, Resource
from asyncdbaas.emulator.state import State

resource: Final = Resource()

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOUR: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(:[0-5]\d)?")


@resource.put("/{}/maintenance")
def update_maintenance_window(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle PUT /v2/databases/{id}/maintenance; `13:00` is read back as `13:00:00`."""
    cluster = state.usable(cluster_id, "update maintenance window")
    day, hour = fields.string(call.body, "day").lower(), fields.string(call.body, "hour")
    time = _HOUR.fullmatch(hour)
    if day not in DAYS:
        raise unprocessable("invalid maintenance window day")
    if time is None:
        raise unprocessable("invalid maintenance window hour")
    window = cluster["maintenance_window"]
    window["day"], window["hour"] = day, f"{int(time[1]):02}:{time[2]}{time[3] or ':00'}"
    return Answer(204)


@resource.put("/{}/install_update", takes_body=False)
def install_update(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle PUT /v2/databases/{id}/install_update; the cluster reads `online` and refuses changes meanwhile."""
    cluster = state.idle(cluster_id, "install update")
    begin_maintenance(state, cluster, state.delays.maintenance)
    return Answer(204)


def begin_maintenance(state: State, cluster: Cluster, duration: float) -> None:
    """Make a cluster busy for a while."""
    cluster["busy"] = True
    state.log(cluster, "cluster_maintenance_perform")
    state.after(duration, maintenance_done, cluster["id"])


@resource.action
def maintenance_done(state: State, at: float, cluster_id: str) -> None:
    """End the maintenance."""
    if cluster := state.clusters.get(cluster_id):
        cluster["busy"] = False
        cluster["maintenance_window"].update({"pending": False, "description": []})
