"""The credentials of the metrics endpoints: one pair for the whole account."""

from __future__ import annotations

from typing import Final

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.errors import unprocessable
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.routing import Answer, Call, Route
from asyncdbaas.emulator.state import Actions, State


def get_metrics_credentials(state: State, call: Call) -> Answer:
    """Answer GET /v2/databases/metrics/credentials."""
    credentials = _credentials(state)
    if not call.may("database:view_credentials"):
        credentials = {"basic_auth_username": credentials["basic_auth_username"]}
    return Answer(200, {"credentials": credentials})


def update_metrics_credentials(state: State, call: Call) -> Answer:
    """Answer PUT /v2/databases/metrics/credentials."""
    if call.body.get("credentials") is None:
        raise unprocessable("credentials is required")
    given = fields.record(call.body, "credentials")
    state.data["metrics"] = {
        "basic_auth_username": fields.required(given, "basic_auth_username"),
        "basic_auth_password": fields.required(given, "basic_auth_password"),
    }
    return Answer(204)


def _credentials(state: State) -> Record:
    if not state.data["metrics"]:
        password = state.ids.password("metrics")
        state.data["metrics"] = {"basic_auth_username": "doadmin", "basic_auth_password": password}
    credentials: Record = state.data["metrics"]
    return credentials


ROUTES: Final = (
    Route("GET", "/v2/databases/metrics/credentials", "get_metrics_credentials", get_metrics_credentials),
    Route(
        "PUT",
        "/v2/databases/metrics/credentials",
        "update_metrics_credentials",
        update_metrics_credentials,
        takes_body=True,
    ),
)
ACTIONS: Final[Actions] = {}
