"""Automatic growth of the storage."""

from __future__ import annotations

from typing import Final

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.errors import unprocessable
from asyncdbaas.emulator.records import Autoscale, Record
from asyncdbaas.emulator.routing import Answer, Call, Resource
from asyncdbaas.emulator.state import State

resource: Final = Resource()

_DEFAULT_THRESHOLD: Final = 80


@resource.get("/{}/autoscale")
def get_autoscale(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle GET /v2/databases/{id}/autoscale; sources differ on the envelope (`Quirks.autoscale_wrapped`)."""
    cluster = state.cluster(cluster_id, "autoscale")
    body = {"storage": cluster["autoscale"] or {"enabled": False}}
    return Answer(200, {"autoscale": body} if state.quirks.autoscale_wrapped else body)


@resource.put("/{}/autoscale")
def update_autoscale(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle PUT /v2/databases/{id}/autoscale."""
    cluster = state.usable(cluster_id, "update autoscale", "autoscale")
    cluster["autoscale"] = _checked(fields.required_record(call.body, "storage"))
    return Answer(204)


def ordered(body: Record) -> Autoscale | None:
    """Read the settings from a create body: `autoscale.storage`, or `storage_autoscale` as Go clients send it."""
    for storage in (body.get("storage_autoscale"), fields.record(body, "autoscale").get("storage")):
        if storage is not None:
            return _checked(fields.record({"storage": storage}, "storage"))
    return None


def _checked(storage: Record) -> Autoscale:
    """Check the settings; increments are rounded to 10 GiB.

    Go clients send both figures always, and 0 for one that is not set.
    """
    if storage.get("enabled") is None:
        raise unprocessable("storage.enabled is required")
    enabled = fields.boolean(storage, "enabled")
    threshold = fields.integer(storage, "threshold_percent") or (_DEFAULT_THRESHOLD if enabled else 0)
    increment = fields.integer(storage, "increment_gib")
    checked: Autoscale = {"enabled": enabled}
    if threshold:
        checked["threshold_percent"] = fields.between(threshold, "threshold_percent", 15, 95)
    if increment:
        checked["increment_gib"] = 10 * round(fields.between(increment, "increment_gib", 10, 500) / 10)
    return checked
