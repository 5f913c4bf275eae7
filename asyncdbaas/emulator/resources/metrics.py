"""The credentials of the metrics endpoints, which belong to the account."""

from __future__ import annotations

from typing import Final

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.routing import Answer, Call, Resource
from asyncdbaas.emulator.state import State

resource: Final = Resource()


@resource.get("/metrics/credentials")
def get_metrics_credentials(state: State, call: Call) -> Answer:
    """Handle GET /v2/databases/metrics/credentials."""
    credentials: Record = {**state.data["metrics"]}
    if not call.may("database:view_credentials"):
        del credentials["basic_auth_password"]
    return Answer(200, {"credentials": credentials})


@resource.put("/metrics/credentials")
def update_metrics_credentials(state: State, call: Call) -> Answer:
    """Handle PUT /v2/databases/metrics/credentials."""
    given = fields.required_record(call.body, "credentials")
    state.data["metrics"] = {
        "basic_auth_username": fields.required(given, "basic_auth_username"),
        "basic_auth_password": fields.required(given, "basic_auth_password"),
    }
    return Answer(204)
