"""Requests that nobody would write: never a 500, never a response of another shape."""

from __future__ import annotations

import copy
import json
from typing import Any, Final, cast
from urllib.parse import quote

import pytest
from drawn import examples
from emulator_contract import problems
from hypothesis import given
from hypothesis import strategies as st

from asyncdbaas.emulator import Clock, Delays, Emulator, Response
from asyncdbaas.emulator.engines import ENGINES
from asyncdbaas.emulator.operations import ROUTES

# A valid body for each operation that takes one; the generator corrupts it.
BODIES: Final[dict[str, Any]] = {
    "create_cluster": {
        "name": "new",
        "engine": "pg",
        "version": "17",
        "region": "nyc3",
        "size": "db-s-2vcpu-4gb",
        "num_nodes": 2,
        "tags": ["a"],
        "private_network_uuid": "",
        "project_id": "",
        "storage_size_mib": 0,
        "rules": [{"type": "ip_addr", "value": "10.0.0.1", "uuid": ""}],
        "backup_restore": {"database_name": "pg-1", "backup_created_at": ""},
        "autoscale": {"storage": {"enabled": True, "threshold_percent": 80, "increment_gib": 10}},
        "do_settings": {"service_cnames": ["db.example.com"]},
        "dry_run": False,
    },
    "resize_cluster": {"size": "db-s-4vcpu-8gb", "num_nodes": 1, "storage_size_mib": 163840},
    "migrate_cluster": {"region": "ams3", "private_network_uuid": ""},
    "upgrade_cluster": {"version": "17"},
    "update_config": {
        "config": {
            "jit": True,
            "work_mem": 4,
            "pgbouncer": {"min_pool_size": 1, "ignore_startup_parameters": ["search_path"]},
            "valkey_timeout": 300,
            "max_seeks_for_key": 18446744073709551615,
            "ism_enabled": True,
            "reindex_remote_whitelist": ["a:1"],
            "pg_parameters": {"work_mem": "8MB"},
        }
    },
    "update_maintenance_window": {"day": "monday", "hour": "13:00"},
    "update_settings": {"do_settings": {"service_cnames": ["db.example.com"]}},
    "replace_firewall_rules": {"rules": [{"type": "tag", "value": "web", "uuid": "", "description": "web"}]},
    "create_replica": {"name": "read", "size": "db-s-2vcpu-4gb", "region": "nyc3", "tags": [], "storage_size_mib": 0},
    "create_user": {
        "name": "app",
        "readonly": False,
        "mysql_settings": {"auth_plugin": "mysql_native_password"},
        "settings": {
            "pg_allow_replication": True,
            "acl": [{"topic": "a", "permission": "consume"}],
            "opensearch_acl": [{"index": "a", "permission": "read"}],
            "mongo_user_settings": {"databases": ["admin"], "role": "readOnly"},
        },
    },
    "update_user": {"settings": {"acl": [{"id": "x", "topic": "a", "permission": "consume"}]}},
    "reset_user_auth": {"mysql_settings": {"auth_plugin": "caching_sha2_password"}},
    "create_database": {"name": "shop"},
    "create_pool": {"name": "pool", "mode": "session", "size": 3, "db": "defaultdb", "user": "doadmin"},
    "update_pool": {"mode": "session", "size": 3, "db": "defaultdb", "user": "doadmin"},
    "set_eviction_policy": {"eviction_policy": "noeviction"},
    "set_sql_mode": {"sql_mode": "ANSI"},
    "update_autoscale": {"storage": {"enabled": True, "threshold_percent": 80, "increment_gib": 10}},
    "create_topic": {
        "name": "payments",
        "partition_count": 3,
        "replication_factor": 2,
        "config": {
            "retention_ms": -1,
            "min_cleanable_dirty_ratio": 0.5,
            "preallocate": False,
            "cleanup_policy": "compact",
        },
    },
    "update_topic": {"partition_count": 6, "replication_factor": 3, "config": {"flush_ms": 9223372036854776000}},
    "create_logsink": {
        "sink_name": "logs",
        "sink_type": "rsyslog",
        "config": {"server": "a", "port": 1, "tls": True, "format": "rfc5424", "url": "u", "index_prefix": "p"},
    },
    "update_logsink": {"config": {"server": "a", "port": 1, "tls": True, "format": "custom", "logline": "%msg%"}},
    "create_schema": {
        "subject_name": "payment",
        "schema_type": "AVRO",
        "schema": '{"type": "record", "name": "order", "fields": [{"name": "id", "type": ["null", "int"]}]}',
    },
    "set_compatibility": {"compatibility_level": "NONE"},
    "set_subject_compatibility": {"compatibility_level": "FULL"},
    "start_migration": {
        "source": {"host": "a", "port": 1, "dbname": "b", "username": "c", "password": "d"},
        "disable_ssl": True,
        "ignore_dbs": ["e"],
    },
    "update_metrics_credentials": {"credentials": {"basic_auth_username": "a", "basic_auth_password": "b"}},
}
CREATES: Final = ("create_database", "create_user", "create_pool", "create_replica", "create_topic", "create_schema")
NAME: Final = "orders"
STATUSES: Final = {200, 201, 202, 204, 400, 404, 412, 422}

texts = st.text(max_size=20) | st.sampled_from(
    ["", "..", "%", "a" * 300, "x\ny", "orders", "doadmin", "defaultdb", "\ud800"]
)
numbers = (
    st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([-1, 0, 2**63, 10**400, 1e308])
)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the paths to all values in a body."""
    return [path, *(place for key in _keys(value) for place in _places(value[key], (*path, key)))]


def _keys(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(cast("dict[str, Any]", value))
    return [*range(len(value))] if isinstance(value, list) else []  # pyright: ignore[reportUnknownArgumentType] -- any JSON


def _changed(body: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    corrupted = copy.deepcopy(body)
    inner = corrupted
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return corrupted


def _likely_engine(operation: str) -> str:
    """Name an engine that supports an operation."""
    by_part = {"topic": "kafka", "schema": "kafka", "compat": "kafka", "index": "opensearch", "evict": "valkey"}
    found = [engine for part, engine in by_part.items() if part in operation]
    return found[0] if found else "mysql" if operation == "set_sql_mode" else "pg"


def _for_engine(body: Any) -> Any:
    """Leave out what is of other engines than PostgreSQL."""
    body = {key: value for key, value in body.items() if key not in ("mysql_settings", "readonly")}
    return body | {"settings": {"pg_allow_replication": True}} if "settings" in body else body


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, list[str], bytes]:
    """Draw (operation, engine, parameters of the path, body)."""
    route = draw(st.sampled_from(ROUTES))
    count = max(0, route.path.count("{}") - 1)
    params = draw(st.lists(st.just(NAME) | texts.filter(bool), min_size=count, max_size=count))
    body: Any = BODIES.get(route.operation, {})
    if draw(st.booleans()):
        body = _for_engine(body)
    for _ in range(draw(st.integers(0, 2))):
        body = _changed(body, draw(st.sampled_from(_places(body))), draw(values))
    raw = json.dumps(body).encode()
    engine = draw(st.just(_likely_engine(route.operation)) | st.sampled_from(sorted(ENGINES)))
    return (
        route.operation,
        engine,
        params,
        draw(st.sampled_from([raw, raw, raw, raw, raw[:-1], b"", b"\xff", b"[" * 99999])),
    )


class Populated:
    """An emulator with a cluster of each engine, and something called `NAME` wherever something can be."""

    def __init__(self) -> None:
        self._emulator = Emulator(clock=Clock.stepped(), per_minute=10**9, per_hour=10**9, delays=Delays.none())
        self._ids = {
            engine: self._emulator.add_cluster(engine=engine, name=f"{engine.replace('_', '-')}-1", size=size)["id"]
            for engine, size in self._sizes().items()
        }
        for operation in CREATES:
            body: Any = BODIES[operation] | {("subject_name" if operation == "create_schema" else "name"): NAME}
            made = self.ask(operation, _likely_engine(operation), [], json.dumps(_for_engine(body)).encode())[2]
            assert made.status == 201, made.body
        self._emulator.add_index(self._ids["opensearch"], NAME)
        self._start = self._emulator.snapshot()

    def _sizes(self) -> dict[str, str]:
        headers = {"authorization": f"Bearer {self._emulator.token}"}
        options = json.loads(self._emulator.handle("GET", "/v2/databases/options", headers).body)["options"]
        return {engine: offer["layouts"][0]["sizes"][1] for engine, offer in options.items()}

    def restart(self) -> None:
        self._emulator.restore(self._start)

    def ask(self, operation: str, engine: str, params: list[str], body: bytes) -> tuple[str, str, Response]:
        route = next(route for route in ROUTES if route.operation == operation)
        path = route.path
        for value in [self._ids[engine], *params] if "{}" in path else []:
            path = path.replace("{}", quote(value, safe="", errors="replace"), 1)
        headers = {"authorization": f"Bearer {self._emulator.token}"}
        return route.method, path, self._emulator.handle(route.method, path, headers, body)


@pytest.fixture(scope="module")
def populated() -> Populated:
    return Populated()


@examples(400)
@given(request=requests())
def test_a_generated_request_gets_a_response_of_the_service(
    populated: Populated, request: tuple[str, str, list[str], bytes]
) -> None:
    populated.restart()
    method, path, response = populated.ask(*request)
    assert response.status in STATUSES
    if response.status >= 400:
        assert json.loads(response.body).keys() == {"id", "message", "request_id"}
    assert not problems(method, path, response)


def test_the_check_against_the_description_sees_what_is_wrong() -> None:
    wrong = Response(200, {}, b'{"database": {"id": 1, "name": "a"}}')
    assert problems("GET", "/v2/databases/x", wrong)
