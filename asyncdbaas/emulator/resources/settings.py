"""DigitalOcean's own settings: custom domain names of a cluster."""

from __future__ import annotations

import re
from typing import Final

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.errors import unprocessable
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.resources.maintenance import begin_maintenance
from asyncdbaas.emulator.routing import Answer, Call, Resource
from asyncdbaas.emulator.state import State

resource: Final = Resource()

_MAX_NAMES: Final = 16
_MAX_LENGTH: Final = 253
_LABEL: Final = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")


@resource.get("/{}/do_settings")
def get_settings(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle GET /v2/databases/{id}/do_settings."""
    return Answer(200, {"do_settings": {"service_cnames": state.cluster(cluster_id)["service_cnames"]}})


@resource.put("/{}/do_settings")
def update_settings(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle PUT /v2/databases/{id}/do_settings; the nodes are then replaced, so the cluster is busy for a while."""
    cluster = state.idle(cluster_id, "update do_settings")
    cluster["service_cnames"] = checked_names(fields.required_record(call.body, "do_settings"))
    begin_maintenance(state, cluster, state.delays.maintenance)
    return Answer(204)


def checked_names(settings: Record) -> list[str]:
    """Check the names of a `do_settings` object."""
    names = fields.strings(settings, "service_cnames")
    if len(names) > _MAX_NAMES:
        raise unprocessable(f"invalid service_cnames: at most {_MAX_NAMES} are allowed")
    for name in names:
        if len(name) > _MAX_LENGTH or not _NAME.fullmatch(name):
            raise unprocessable("invalid service_cnames: not a domain name")
    return names
