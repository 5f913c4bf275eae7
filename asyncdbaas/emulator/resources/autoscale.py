"""Automatic growth of the storage."""

from __future__ import annotations

from typing import Final

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.errors import unprocessable
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.routing import Answer, Call, Route
from asyncdbaas.emulator.state import Actions, State

_SUPPORTED: Final = ("pg", "advanced_pg", "mysql", "advanced_mysql", "mongodb", "kafka", "opensearch")
_DEFAULT_THRESHOLD: Final = 80


def get_autoscale(state: State, call: Call, cluster_id: str) -> Answer:
    """Answer GET /v2/databases/{id}/autoscale; sources differ on the envelope (`Quirks.autoscale_wrapped`)."""
    cluster = state.cluster(cluster_id, *_SUPPORTED)
    body = {"storage": cluster["autoscale"] or {"enabled": False}}
    return Answer(200, {"autoscale": body} if state.quirks.autoscale_wrapped else body)


def update_autoscale(state: State, call: Call, cluster_id: str) -> Answer:
    """Answer PUT /v2/databases/{id}/autoscale."""
    cluster = state.usable(cluster_id, "update autoscale", *_SUPPORTED)
    checked_body = checked(call.body)
    if checked_body is None:
        raise unprocessable("storage is required")
    cluster["autoscale"] = checked_body
    return Answer(204)


def checked(autoscale: Record) -> Record | None:
    """Check an autoscale body; None if it says nothing. Increments are rounded to 10 GiB."""
    if autoscale.get("storage") is None:
        return None
    storage = fields.record(autoscale, "storage")
    if storage.get("enabled") is None:
        raise unprocessable("storage.enabled is required")
    threshold = fields.integer(storage, "threshold_percent", _DEFAULT_THRESHOLD)
    result: Record = {
        "enabled": fields.boolean(storage, "enabled"),
        "threshold_percent": fields.between(threshold, "threshold_percent", 15, 95),
    }
    if storage.get("increment_gib") is not None:
        increment = fields.between(fields.integer(storage, "increment_gib"), "increment_gib", 10, 500)
        result["increment_gib"] = 10 * round(increment / 10)
    return result


ROUTES: Final = (
    Route("GET", "/v2/databases/{}/autoscale", "get_autoscale", get_autoscale),
    Route("PUT", "/v2/databases/{}/autoscale", "update_autoscale", update_autoscale, takes_body=True),
)
ACTIONS: Final[Actions] = {}
