"""The SQL modes of a MySQL cluster, a comma-separated setting of its configuration."""

from __future__ import annotations

from typing import Final

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.config_data import SQL_MODES
from asyncdbaas.emulator.errors import unprocessable
from asyncdbaas.emulator.resources import configs
from asyncdbaas.emulator.routing import Answer, Call, Resource
from asyncdbaas.emulator.state import State

resource: Final = Resource()


@resource.get("/{}/sql_mode")
def get_sql_mode(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle GET /v2/databases/{id}/sql_mode."""
    return Answer(200, {"sql_mode": configs.current(state.cluster(cluster_id, "sql mode"))["sql_mode"]})


@resource.put("/{}/sql_mode")
def set_sql_mode(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle PUT /v2/databases/{id}/sql_mode; blanks after the commas are dropped."""
    cluster = state.usable(cluster_id, "update sql mode", "sql mode")
    if call.body.get("sql_mode") is None:
        raise unprocessable("sql_mode is required")
    modes = [mode.strip() for mode in fields.string(call.body, "sql_mode").split(",")]
    if not set(modes) <= SQL_MODES and modes != [""]:
        raise unprocessable("invalid sql_mode")
    configs.change(cluster, {"sql_mode": ",".join(modes)})
    return Answer(204)
