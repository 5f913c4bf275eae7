"""The configuration of each engine."""

from __future__ import annotations

from typing import Any, Final, cast

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.config_data import CONFIG, SQL_MODES
from asyncdbaas.emulator.engines import can
from asyncdbaas.emulator.errors import bad_request, unprocessable
from asyncdbaas.emulator.parameters import KEYS as PARAMETER_KEYS
from asyncdbaas.emulator.parameters import Parameter, parameters
from asyncdbaas.emulator.records import Cluster, Record
from asyncdbaas.emulator.routing import Answer, Call, Resource
from asyncdbaas.emulator.setting import Setting, defaults
from asyncdbaas.emulator.state import State

resource: Final = Resource()

_POLICY: Final = "valkey_maxmemory_policy"


@resource.get("/{}/config")
def get_config(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle GET /v2/databases/{id}/config: every setting, at its default unless set."""
    config = current(state.cluster(cluster_id))
    if _POLICY in config and state.quirks.valkey_policy == "underscores":
        config[_POLICY] = config[_POLICY].replace("-", "_")
    return Answer(200, {"config": config})


@resource.patch("/{}/config")
def update_config(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle PATCH /v2/databases/{id}/config: 200 without a body."""
    cluster = state.idle(cluster_id, "update config")
    config = fields.record(call.body, "config")
    given = {name: _given(value) for name, value in config.items() if value is not None or _is_nullable(cluster, name)}
    if not given:
        raise unprocessable("the mask must be set with which fields are being updated")
    is_advanced = can(cluster["engine"], "parameters")
    change(cluster, _parameters(state, cluster, given) if is_advanced else _checked(state, cluster, given))
    return Answer(200)


def current(cluster: Cluster) -> Record:
    """Return a cluster's configuration as the API shows it."""
    engine, config = cluster["engine"], cluster["config"]
    if can(engine, "parameters"):
        shown = [_shown(name, parameter, config.get(name)) for name, parameter in parameters(engine).items()]
        return {PARAMETER_KEYS[engine]: shown}
    return {**defaults(CONFIG[engine]), **config}


def change(cluster: Cluster, settings: Record) -> None:
    """Change settings. Fields of an object setting are changed one by one; null clears a setting."""
    for name, value in settings.items():
        if value is None:
            cluster["config"].pop(name, None)
        else:
            cluster["config"][name] = current(cluster).get(name, {}) | value if isinstance(value, dict) else value


def _given(value: Any) -> Any:
    """Return a setting without the null fields of an object."""
    if not isinstance(value, dict):
        return value
    return {name: field for name, field in cast("Record", value).items() if field is not None}


def _is_nullable(cluster: Cluster, name: str) -> bool:
    setting = CONFIG.get(cluster["engine"], {}).get(name)
    return setting is not None and setting.nullable


def _checked(state: State, cluster: Cluster, given: Record) -> Record:
    engine = cluster["engine"]
    for name in given:
        if name not in CONFIG[engine]:
            raise bad_request(f'json: unknown field "{name}"')
    if can(engine, "eviction policy"):
        given = {name: _policy(state, name, value) for name, value in given.items()}
    for name, value in given.items():
        if problem := _problem(name, value, CONFIG[engine][name]):
            raise _invalid(engine, problem)
    # The service asked for this one when another was sent alone. Terraform's tests send four of the six, so not all
    # of them are needed.
    if any(name.startswith("ism_") for name in given) and "ism_history_enabled" not in given:
        raise _invalid(engine, "'ism_history_enabled' is a required property")
    return given


def _problem(name: str, value: Any, setting: Setting) -> str | None:
    if not setting.of_type(value):
        return f"'{name}' is not of type '{setting.kind}'"
    if name == "sql_mode" and not set(value.split(",")) <= SQL_MODES | {""}:
        return "'sql_mode' must name SQL modes"
    return setting.problem(name, value)


def _policy(state: State, name: str, value: Any) -> Any:
    """Return an eviction policy with hyphens, or refuse its spelling; return other values unchanged."""
    if not name.endswith("_maxmemory_policy") or not isinstance(value, str):
        return value
    spelling = state.quirks.valkey_policy if name == _POLICY else "either"
    refused = {"hyphens": "_", "underscores": "-"}.get(spelling)
    if refused is not None and refused in value:
        raise _invalid("valkey", f"'{name}' must be spelled with {spelling}")
    return value.replace("_", "-")


def _invalid(engine: str, problem: str) -> Exception:
    return unprocessable(f"invalid 'user_config': invalid input for {engine}: {problem}")


def _parameters(state: State, cluster: Cluster, given: Record) -> Record:
    """Check the parameters of an advanced edition, a map of names to strings."""
    engine, key = cluster["engine"], PARAMETER_KEYS[cluster["engine"]]
    for name in given:
        if name != key:
            raise bad_request(f'json: unknown field "{name}"')
    changes, known = fields.record(given, key), parameters(engine)
    for name in changes:
        if name not in known:
            raise _invalid(engine, f"'{name}' is not allowed")
        if problem := known[name].problem(fields.string(changes, name), strict=state.offer.strict):
            raise _invalid(engine, f"'{name}' {problem}")
    if not changes:
        raise unprocessable("the mask must be set with which fields are being updated")
    return changes


def _shown(name: str, parameter: Parameter, value: str | None) -> Record:
    default = parameter.default or ""
    return {
        "name": name,
        "value": default if value is None else value,
        "description": "",
        "requires_restart": parameter.requires_restart,
        "default_value": default,
    }
