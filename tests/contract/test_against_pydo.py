"""The vendor's Python client as the oracle: both send the same requests, and each documented response can be read."""

from __future__ import annotations

import asyncio
import base64
from typing import Any, Final, get_type_hints

import pydo_docs
import pytest
from counterparts import below_envelope, gaps, schema_of
from operations import FUNCTIONS, Operation, operation
from plain_json import rewrite
from recorder import CLUSTER, Seen, call, recording

from asyncdbaas.configs import MySQLConfig

pytestmark = pytest.mark.parametrize("name", FUNCTIONS)

# Characters that each need quoting, or must not get any.
HOSTILE: Final = "a b/c*é.?#%~_-"
QUOTED: Final = "a%20b%2Fc%2A%C3%A9.%3F%23%25~_-"
_DATE: Final = "2020-02-20T00:00:00Z"
# Its templates say `str` even where no text goes.
SENSIBLE: Final = {
    "backup_created_at": _DATE,
    "certificate": base64.b64encode(b"-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----").decode(),
    "create_time": _DATE,
    "created_at": _DATE,
    "day": "monday",
    "end_of_availability": _DATE,
    "end_of_life": _DATE,
    "hour": "13:00",
    "schema_type": "avro",
    "version_end_of_availability": _DATE,
    "version_end_of_life": _DATE,
}
_SINK: Final = {"config": {"site": "intake.example", "datadog_api_key": "key"}}
# Its templates of bodies leave these objects empty, since their fields depend on something.
FILLED: Final[dict[str, dict[str, Any]]] = {
    "create_logsink": {**_SINK, "sink_type": "datadog"},
    "patch_config": {"config": {"sql_mode": "ANSI", "sql_require_primary_key": False}},
    "update_logsink": _SINK,
}
# Responses in place of its templates.
ANSWERS: Final = {
    # Nested twice in the template; once in the vendor's example of the same answer, and in its Go client.
    "get_cluster_metrics_credentials": {"credentials": {"basic_auth_username": "str", "basic_auth_password": "str"}},
}
# What else both are given, and we alone.
SELECTED: Final = {"clusters.list_clusters": {"tag_name": HOSTILE}}
INTO: Final = {"configs.get_config": {"into": MySQLConfig}}
# Its templates of bodies show what only the service sets, too; the description marks it as read-only.
READ_ONLY: Final = {
    "add_connection_pool": {"connection", "private_connection", "standby_connection", "standby_private_connection"},
    "add_user": {"access_cert", "access_key", "password", "role"},
    "create_cluster": {
        "connection",
        "created_at",
        "db_names",
        "id",
        "maintenance_window",
        "metrics_endpoints",
        "private_connection",
        "schema_registry_connection",
        "semantic_version",
        "standby_connection",
        "standby_private_connection",
        "status",
        "ui_connection",
        "users",
        "version_end_of_availability",
        "version_end_of_life",
    },
    "create_replica": {"connection", "created_at", "id", "private_connection", "status"},
    "update_maintenance_window": {"description", "pending"},
}


async def test_both_clients_send_the_same_request(name: str) -> None:
    ours = operation(name)
    theirs = pydo_docs.method_name(ours.id)
    parts = [CLUSTER if part == "cluster_id" else HOSTILE for part in ours.parts]
    body = _body(theirs)
    seen = await _sent_by_us(ours, parts, body)
    assert seen == await _sent_by_pydo(ours, parts, body)
    quoted = {part: CLUSTER if part == "cluster_id" else QUOTED for part in ours.parts}
    assert (seen.method, seen.path) == (ours.method, ours.path.format_map(quoted))


def test_every_field_of_its_documented_responses_has_a_counterpart(name: str) -> None:
    ours = operation(name)
    hint = get_type_hints(ours.function)["return"]
    answer = _answer(pydo_docs.method_name(ours.id))
    assert (answer is None) == (hint is type(None))
    assert [*gaps(below_envelope(schema_of(answer), hint), hint, name)] == []


async def _sent_by_us(ours: Operation, parts: list[str], body: Any) -> Seen:
    async with recording(_answer(pydo_docs.method_name(ours.id))) as recorder:
        await call(ours, recorder, parts, body, **SELECTED.get(ours.name, INTO.get(ours.name, {})))
        *_, seen = recorder.seen
        return seen


async def _sent_by_pydo(ours: Operation, parts: list[str], body: Any) -> Seen:
    arguments = parts if body is None else [*parts, body]
    options = SELECTED.get(ours.name, {})
    async with recording({}) as recorder:
        await asyncio.to_thread(pydo_docs.call, pydo_docs.method_name(ours.id), recorder.url, arguments, options)
        (seen,) = recorder.seen
        return seen


def _answer(theirs: str) -> Any:
    answers = pydo_docs.templates(theirs).answers
    return ANSWERS.get(theirs, _sensible(answers[0])) if answers else None


def _body(theirs: str) -> Any:
    """Return a body with all that its template of the request shows and a caller may set."""
    bodies = pydo_docs.templates(theirs).bodies
    if not bodies:
        return None
    hidden = READ_ONLY.get(theirs, set())
    fields = {key: value for key, value in _sensible(bodies[0]).items() if key not in hidden}
    return {**fields, **FILLED.get(theirs, {})}


def _sensible(template: Any) -> Any:
    return rewrite(template, SENSIBLE.get)
