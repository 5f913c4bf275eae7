"""The SQL modes of a MySQL cluster: a setting of its configuration, one comma-joined string."""

from __future__ import annotations

from typing import Final

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.config_data import CONFIG
from asyncdbaas.emulator.errors import unprocessable
from asyncdbaas.emulator.resources import configs
from asyncdbaas.emulator.routing import Answer, Call, Route
from asyncdbaas.emulator.state import Actions, State


def get_sql_mode(state: State, call: Call, cluster_id: str) -> Answer:
    """Answer GET /v2/databases/{id}/sql_mode."""
    return Answer(200, {"sql_mode": configs.current(state.cluster(cluster_id, "mysql"))["sql_mode"]})


def set_sql_mode(state: State, call: Call, cluster_id: str) -> Answer:
    """Answer PUT /v2/databases/{id}/sql_mode; blanks after the commas are dropped."""
    cluster = state.usable(cluster_id, "update sql mode", "mysql")
    if call.body.get("sql_mode") is None:
        raise unprocessable("sql_mode is required")
    modes = ",".join(mode.strip() for mode in fields.string(call.body, "sql_mode").split(","))
    if CONFIG["mysql"]["sql_mode"].problem("sql_mode", modes):
        raise unprocessable("invalid sql_mode")
    configs.change(cluster, {"sql_mode": modes})
    return Answer(204)


ROUTES: Final = (
    Route("GET", "/v2/databases/{}/sql_mode", "get_sql_mode", get_sql_mode),
    Route("PUT", "/v2/databases/{}/sql_mode", "set_sql_mode", set_sql_mode, takes_body=True),
)
ACTIONS: Final[Actions] = {}
