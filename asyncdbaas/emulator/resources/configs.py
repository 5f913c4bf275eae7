"""The configuration of each engine."""

from __future__ import annotations

from typing import Any, Final

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.config_data import CONFIG
from asyncdbaas.emulator.errors import bad_request, unprocessable
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.routing import Answer, Call, Route
from asyncdbaas.emulator.setting import defaults
from asyncdbaas.emulator.state import Actions, State

_ADVANCED: Final = {
    "advanced_pg": (
        "pg_parameters",
        {"max_connections": "100", "shared_buffers": "128MB", "statement_timeout": "0", "work_mem": "4MB"},
    ),
    "advanced_mysql": (
        "mysql_parameters",
        {"max_connections": "151", "innodb_lock_wait_timeout": "50", "long_query_time": "10", "wait_timeout": "28800"},
    ),
}
_RESTARTING: Final = ("max_connections", "shared_buffers")


def get_config(state: State, call: Call, cluster_id: str) -> Answer:
    """Answer GET /v2/databases/{id}/config: every setting, at its default unless set."""
    return Answer(200, {"config": current(state.cluster(cluster_id))})


def update_config(state: State, call: Call, cluster_id: str) -> Answer:
    """Answer PATCH /v2/databases/{id}/config: 200 without a body."""
    cluster = state.idle(cluster_id, "update config")
    config = fields.record(call.body, "config")
    given = {name: value for name, value in config.items() if value is not None or _is_nullable(cluster, name)}
    if not given:
        raise unprocessable("the mask must be set with which fields are being updated")
    change(cluster, _advanced(cluster, given) if cluster["engine"] in _ADVANCED else _checked(cluster, given))
    return Answer(200)


def current(cluster: Record) -> Record:
    """Return a cluster's configuration as it shows it."""
    if cluster["engine"] in _ADVANCED:
        key, parameters = _ADVANCED[cluster["engine"]]
        return {key: [_parameter(name, default, cluster) for name, default in parameters.items()]}
    return {**defaults(CONFIG[cluster["engine"]]), **cluster["config"]}


def change(cluster: Record, settings: Record) -> None:
    """Take on settings, those of an object setting one by one; null clears one."""
    before = current(cluster)
    for name, value in settings.items():
        if value is None:
            cluster["config"].pop(name, None)
        else:
            cluster["config"][name] = before[name] | value if isinstance(value, dict) else value


def _is_nullable(cluster: Record, name: str) -> bool:
    setting = CONFIG.get(cluster["engine"], {}).get(name)
    return setting is not None and setting.nullable


def _checked(cluster: Record, given: Record) -> Record:
    engine = cluster["engine"]
    table = CONFIG[engine]
    for name in given:
        if name not in table:
            raise bad_request(f'json: unknown field "{name}"')
    if engine in ("redis", "valkey"):
        given = {name: _hyphened(name, value) for name, value in given.items()}
    for name, value in given.items():
        setting = table[name]
        wrong = f"'{name}' is not of type '{setting.kind}'" if not setting.of_type(value) else None
        if problem := wrong or setting.problem(name, value):
            raise _invalid(engine, problem)
    if engine == "opensearch" and any(name.startswith("ism_") for name in given):
        _require_all_ism(given)
    return given


def _require_all_ism(given: Record) -> None:
    """Refuse some of the index state management's settings without the others."""
    for name in CONFIG["opensearch"]:
        if name.startswith("ism_") and name not in given:
            raise _invalid("opensearch", f"'{name}' is a required property")


def _hyphened(name: str, value: Any) -> Any:
    """Accept an eviction policy in the other endpoint's spelling."""
    return value.replace("_", "-") if name.endswith("_maxmemory_policy") and isinstance(value, str) else value


def _invalid(engine: str, problem: str) -> Exception:
    return unprocessable(f"invalid 'user_config': invalid input for {engine}: {problem}")


def _advanced(cluster: Record, given: Record) -> Record:
    """Check the map of parameters of an advanced edition; all values are strings."""
    key, parameters = _ADVANCED[cluster["engine"]]
    for name in given:
        if name != key:
            raise bad_request(f'json: unknown field "{name}"')
    changes = fields.record(given, key)
    for name in changes:
        if name not in parameters:
            raise _invalid(cluster["engine"], f"'{name}' is not allowed")
        fields.string(changes, name)
    if not changes:
        raise unprocessable("the mask must be set with which fields are being updated")
    return changes


def _parameter(name: str, default: str, cluster: Record) -> Record:
    return {
        "name": name,
        "value": cluster["config"].get(name, default),
        "description": "",
        "requires_restart": name in _RESTARTING,
        "default_value": default,
    }


ROUTES: Final = (
    Route("GET", "/v2/databases/{}/config", "get_config", get_config),
    Route("PATCH", "/v2/databases/{}/config", "update_config", update_config, takes_body=True),
)
ACTIONS: Final[Actions] = {}
