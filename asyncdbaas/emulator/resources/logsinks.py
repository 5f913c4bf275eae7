"""Log sinks: where a cluster sends its logs."""

from __future__ import annotations

from typing import Any, Final

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.errors import unprocessable
from asyncdbaas.emulator.records import Record, Sink
from asyncdbaas.emulator.routing import Answer, Call, Resource
from asyncdbaas.emulator.state import State, found

resource: Final = Resource()

_TYPES: Final = ("rsyslog", "elasticsearch", "opensearch", "datadog")
_FORMATS: Final = ("rfc5424", "rfc3164", "custom")


@resource.get("/{}/logsink")
def list_logsinks(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle GET /v2/databases/{id}/logsink."""
    return Answer(200, {"sinks": list(state.cluster(cluster_id)["sinks"].values())})


@resource.get("/{}/logsink/{}")
def get_logsink(state: State, call: Call, cluster_id: str, sink_id: str) -> Answer:
    """Handle GET /v2/databases/{id}/logsink/{sink}: unwrapped, though the create wraps it."""
    return Answer(200, found(state.cluster(cluster_id)["sinks"], sink_id, "log sink"))


@resource.post("/{}/logsink")
def create_logsink(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle POST /v2/databases/{id}/logsink."""
    cluster = state.usable(cluster_id, "create log sink")
    name, kind = fields.required(call.body, "sink_name"), fields.choice(call.body, "sink_type", _TYPES)
    if (kind == "datadog") != (cluster["engine"] == "mongodb"):
        raise unprocessable("log sink not supported")
    if any(sink["sink_name"] == name for sink in cluster["sinks"].values()):
        raise unprocessable("log sink name is not available")
    config, sink_id = _checked(kind, call.body), _new_id(state, cluster["id"], kind)
    sink: Sink = {"sink_id": sink_id, "sink_name": name, "sink_type": kind, "config": config}
    cluster["sinks"][sink_id] = sink
    return Answer(201, {"sink": sink})


@resource.put("/{}/logsink/{}")
def update_logsink(state: State, call: Call, cluster_id: str, sink_id: str) -> Answer:
    """Handle PUT /v2/databases/{id}/logsink/{sink}: 200 without a body."""
    sink = found(state.usable(cluster_id, "update log sink")["sinks"], sink_id, "log sink")
    sink["config"] = _checked(sink["sink_type"], call.body)
    return Answer(200)


@resource.delete("/{}/logsink/{}")
def delete_logsink(state: State, call: Call, cluster_id: str, sink_id: str) -> Answer:
    """Handle DELETE /v2/databases/{id}/logsink/{sink}: 200, where all other deletes are 204."""
    sinks = state.usable(cluster_id, "delete log sink")["sinks"]
    found(sinks, sink_id, "log sink")
    del sinks[sink_id]
    return Answer(200)


def _new_id(state: State, cluster_id: str, kind: str) -> str:
    """Make an id. Both UUIDs and 40 hexadecimal digits have been seen."""
    if kind == "rsyslog":
        return state.ids.uuid("sink", cluster_id)
    return state.ids.hex(40, "sink", cluster_id)


def _checked(kind: str, body: Record) -> Record:
    config = fields.required_record(body, "config")
    if kind == "rsyslog":
        return _rsyslog(config)
    if kind == "datadog":
        return {name: fields.required(config, name) for name in ("site", "datadog_api_key")}
    return _search(config)


def _rsyslog(config: Record) -> Record:
    if config.get("tls") is None:
        raise unprocessable("tls is required")
    checked: Record = {
        "server": fields.required(config, "server"),
        "port": fields.between(fields.integer(config, "port"), "port", 1, 65535),
        "tls": fields.boolean(config, "tls"),
        "format": fields.choice(config, "format", _FORMATS),
    }
    if checked["format"] == "custom":
        checked["logline"] = fields.required(config, "logline")
    return checked | _given(config, "logline", "sd", "ca", "key", "cert")


def _search(config: Record) -> Record:
    timeout: Any = config.get("timeout", 10)
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 1 <= timeout <= 120:
        raise unprocessable("invalid timeout: must be between 1 and 120")
    days = fields.between(fields.integer(config, "index_days_max", 7), "index_days_max", 1, 10000)
    checked: Record = {
        "url": fields.required(config, "url"),
        "index_prefix": fields.required(config, "index_prefix"),
        "index_days_max": days,
        "timeout": timeout,
    }
    return checked | _given(config, "ca")


def _given(config: Record, *names: str) -> Record:
    return {name: value for name in names if (value := fields.string(config, name))}
