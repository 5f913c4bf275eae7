"""Bodies that are read and not valid: a table of what each operation says."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from emulator_http import emulating

from asyncdbaas.emulator import Delays, avro_schemas

SYSLOG: Final[dict[str, Any]] = {"server": "a", "port": 514, "tls": False, "format": "rfc5424"}
SEARCH: Final[dict[str, Any]] = {"url": "https://a", "index_prefix": "p"}
REPLICA: Final[dict[str, Any]] = {"name": "read", "size": "db-s-2vcpu-4gb"}
POOL: Final[dict[str, Any]] = {"name": "pool", "mode": "session", "size": 1, "db": "defaultdb"}


def sink(kind: str, config: Any) -> dict[str, Any]:
    return {"sink_name": "a", "sink_type": kind, "config": config}


REFUSALS: Final[list[tuple[str, str, Any, str]]] = [
    ("pg", "POST logsink", sink("rsyslog", None), "config is required"),
    ("pg", "POST logsink", sink("carrier pigeon", {}), "invalid sink_type"),
    ("pg", "POST logsink", sink("rsyslog", SYSLOG | {"tls": None}), "tls is required"),
    ("pg", "POST logsink", sink("rsyslog", SYSLOG | {"port": 0}), "invalid port: must be between 1 and 65535"),
    ("pg", "POST logsink", sink("rsyslog", SYSLOG | {"format": "custom"}), "logline is required"),
    (
        "pg",
        "POST logsink",
        sink("opensearch", SEARCH | {"timeout": 121}),
        "invalid timeout: must be between 1 and 120",
    ),
    (
        "pg",
        "POST logsink",
        sink("opensearch", SEARCH | {"timeout": "1"}),
        "invalid timeout: must be between 1 and 120",
    ),
    ("pg", "POST logsink", sink("opensearch", {"url": "a"}), "index_prefix is required"),
    ("pg", "POST logsink", sink("datadog", {}), "log sink not supported"),
    ("mongodb", "POST logsink", sink("datadog", {"site": "a"}), "datadog_api_key is required"),
    ("pg", "PUT maintenance", {"day": "someday", "hour": "1:00"}, "invalid maintenance window day"),
    ("pg", "PUT maintenance", {"day": "monday", "hour": "25:00"}, "invalid maintenance window hour"),
    ("pg", "PUT do_settings", {}, "do_settings is required"),
    ("pg", "PUT do_settings", {"do_settings": {"service_cnames": ["a.b"] * 17}}, "at most 16 are allowed"),
    ("pg", "PUT do_settings", {"do_settings": {"service_cnames": ["localhost"]}}, "not a domain name"),
    ("pg", "PUT do_settings", {"do_settings": {"service_cnames": ["a." * 200 + "b"]}}, "not a domain name"),
    ("pg", "PUT autoscale", {}, "storage is required"),
    ("pg", "PUT autoscale", {"storage": {"enabled": True, "threshold_percent": 14}}, "must be between 15 and 95"),
    ("pg", "PUT autoscale", {"storage": {"enabled": True, "increment_gib": 501}}, "must be between 10 and 500"),
    ("pg", "PUT firewall", {"rules": [{"type": "tag", "value": ""}]}, "value is required"),
    ("pg", "PUT firewall", {"rules": [{"type": "planet", "value": "a"}]}, "invalid type"),
    ("pg", "PUT firewall", {"rules": [{"type": "tag", "value": "a", "uuid": "a"}]}, "invalid uuid"),
    ("pg", "PUT resize", {"num_nodes": 1}, "size is required"),
    ("pg", "PUT resize", {"size": "db-s-1vcpu-1gb", "num_nodes": 1}, "a cluster cannot be made smaller"),
    ("pg", "PUT resize", {"size": "db-s-2vcpu-4gb", "num_nodes": 1, "storage_size_mib": 1}, "invalid storage size"),
    ("pg", "PUT migrate", {"region": "moon1"}, "invalid region"),
    ("pg", "PUT upgrade", {"version": "17"}, "invalid cluster engine version"),
    ("pg", "PUT online-migration", {}, "source is required"),
    ("pg", "PUT online-migration", {"source": {"host": "a", "port": 0}}, "must be between 1 and 65535"),
    ("pg", "POST replicas", REPLICA | {"region": "moon1"}, "invalid region"),
    ("pg", "POST replicas", REPLICA | {"size": "db-s-1vcpu-1gb"}, "a replica cannot be smaller than its primary"),
    ("pg", "POST replicas", REPLICA | {"name": "pg-1"}, "cluster name is not available"),
    ("pg", "POST users", {"name": "a\nb"}, "invalid user name"),
    ("pg", "POST users", {"name": "doadmin"}, "user name is not available"),
    ("pg", "POST users", {"name": "a", "readonly": True}, "invalid readonly: not supported for this cluster type"),
    ("pg", "POST users", {"name": "a", "mysql_settings": {}}, "not supported for this cluster type"),
    ("mysql", "POST users", {"name": "a", "mysql_settings": {}}, "invalid auth_plugin"),
    ("kafka", "POST users", {"name": "a", "settings": {"acl": [{"topic": "a"}]}}, "invalid permission"),
    ("kafka", "POST users", {"name": "a", "settings": {"acl": [{"permission": "admin"}]}}, "topic is required"),
    ("opensearch", "POST users", {"name": "a", "settings": {"opensearch_acl": [{}]}}, "index is required"),
    ("mongodb", "POST users", {"name": "a", "settings": {"mongo_user_settings": {"role": "x"}}}, "invalid role"),
    ("pg", "PUT users/doadmin", {}, "settings is required"),
    ("pg", "POST pools", POOL | {"name": "ab"}, "invalid connection pool name: must be between 3 and 60 characters"),
    (
        "pg",
        "POST pools",
        POOL | {"name": "a" * 61},
        "invalid connection pool name: must be between 3 and 60 characters",
    ),
    ("pg", "POST pools", POOL | {"mode": "x"}, "invalid mode"),
    ("pg", "POST pools", POOL | {"size": 0}, "invalid connection pool size: 97 of 97 connections are left"),
    ("pg", "POST pools", POOL | {"db": "x"}, "invalid connection pool database"),
    ("pg", "POST pools", POOL | {"user": "x"}, "invalid connection pool user"),
    ("pg", "POST dbs", {"name": "defaultdb"}, "database name is not available"),
    ("pg", "POST dbs", {"name": "a" * 64}, "invalid database name"),
    ("mysql", "PUT sql_mode", {}, "sql_mode is required"),
    ("mysql", "PUT sql_mode", {"sql_mode": "ansi"}, "invalid sql_mode"),
    ("valkey", "PUT eviction_policy", {"eviction_policy": "allkeys-lru"}, "invalid eviction_policy"),
    ("kafka", "POST schema-registry", {"subject_name": "a", "schema_type": "XML"}, "invalid schema_type"),
    ("kafka", "POST schema-registry", {"subject_name": "a", "schema_type": "JSON", "schema": "{"}, "not JSON"),
    ("kafka", "PUT schema-registry/config", {"compatibility_level": "SOME"}, "invalid compatibility_level"),
    ("pg", "PATCH config", {"config": {"pgbouncer": {"min_pool_size": "1"}}}, "is not of type 'integer'"),
    ("pg", "PATCH config", {"config": {"pg_partman_bgw.role": "*"}}, "does not match"),
    ("mysql", "PATCH config", {"config": {"default_time_zone": "Z"}}, "'default_time_zone' has the wrong length"),
    ("opensearch", "PATCH config", {"config": {"reindex_remote_whitelist": [1]}}, "must be a list of strings"),
    ("valkey", "PATCH config", {"config": {"valkey_maxmemory_policy": "x"}}, "must be one of noeviction"),
]


@pytest.mark.parametrize(("engine", "request_line", "body", "message"), REFUSALS)
async def test_what_is_not_valid_is_said(engine: str, request_line: str, body: Any, message: str) -> None:
    async with emulating(delays=Delays.none()) as (emulator, call):
        size = {"pg": "db-s-2vcpu-4gb"}.get(engine)
        cluster = emulator.add_cluster(engine=engine, name=f"{engine}-1", **({"size": size} if size else {}))
        method, path = request_line.split()
        refused = await call(method, f"/v2/databases/{cluster['id']}/{path}", body)
        assert (refused.status, refused.json["id"]) == (422, "unprocessable_entity")
        assert message in refused.message


async def test_account_wide_credentials_need_both_parts() -> None:
    async with emulating() as (_, call):
        path = "/v2/databases/metrics/credentials"
        assert (await call("PUT", path, {})).message == "credentials is required"
        half = {"credentials": {"basic_auth_username": "a"}}
        assert (await call("PUT", path, half)).message == "basic_auth_password is required"


async def test_what_belongs_to_one_engine_is_taken_by_that_engine() -> None:
    async with emulating(delays=Delays.none()) as (emulator, call):
        search = f"/v2/databases/{emulator.add_cluster(engine='opensearch')['id']}"
        acl = {"opensearch_acl": [{"index": "logs.*", "permission": "read"}]}
        user = (await call("POST", f"{search}/users", {"name": "a", "settings": acl})).json["user"]
        assert user["settings"] == acl
        made = (
            await call("POST", f"{search}/logsink", sink("opensearch", SEARCH | {"ca": "pem", "timeout": 12.5}))
        ).json
        assert made["sink"]["config"] == SEARCH | {"ca": "pem", "timeout": 12.5, "index_days_max": 7}
        taken = await call("POST", f"{search}/logsink", sink("rsyslog", SYSLOG))
        assert taken.message == "log sink name is not available"
        mongo = f"/v2/databases/{emulator.add_cluster(engine='mongodb')['id']}"
        roles = {"mongo_user_settings": {"databases": ["shop"], "role": "dbAdmin"}}
        user = (await call("POST", f"{mongo}/users", {"name": "a", "settings": roles})).json["user"]
        assert user["settings"] == roles


async def test_a_replica_is_ordered_with_what_is_left_out_taken_from_its_primary() -> None:
    async with emulating(delays=Delays.none()) as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(engine='pg', region='ams3')['id']}"
        order = {"name": "read", "do_settings": {"service_cnames": ["db.example.com"]}}
        replica = (await call("POST", f"{path}/replicas", order)).json["replica"]
        assert (replica["region"], replica["size"]) == ("ams3", "db-s-1vcpu-1gb")
        assert replica["do_settings"] == order["do_settings"]
        again = await call("POST", f"/v2/databases/{replica['id']}/replicas", order | {"name": "other"})
        assert again.status == 422


async def test_a_cluster_shows_what_was_set_on_it() -> None:
    async with emulating(delays=Delays.none()) as (emulator, call):
        cluster = emulator.add_cluster(
            engine="pg",
            num_nodes=2,
            autoscale={"storage": {"enabled": True, "increment_gib": 25}},
            do_settings={"service_cnames": ["db.example.com"]},
            private_network_uuid="d455e75d-4858-4eec-8c95-da2f0a5f93a7",
        )
        shown = (await call("GET", f"/v2/databases/{cluster['id']}")).json["database"]
        assert shown == cluster
        assert shown["autoscale"] == {"storage": {"enabled": True, "threshold_percent": 80, "increment_gib": 20}}
        assert shown["do_settings"] == {"service_cnames": ["db.example.com"]}
        assert shown["private_network_uuid"] == "d455e75d-4858-4eec-8c95-da2f0a5f93a7"
        assert shown["version_end_of_life"] == "2029-11-08T00:00:00Z"
        await call("POST", f"/v2/databases/{cluster['id']}/pools", POOL)
        pool = (await call("GET", f"/v2/databases/{cluster['id']}/pools/pool")).json["pool"]
        assert pool["standby_connection"]["host"].startswith("replica-")


async def test_a_subject_keeps_its_type_and_may_be_checked_against_all_versions() -> None:
    async with emulating() as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster()['id']}/schema-registry"
        proto = {"subject_name": "a", "schema_type": "protobuf", "schema": 'syntax = "proto3";'}
        assert (await call("POST", path, proto)).status == 201
        changed = await call("POST", path, proto | {"schema_type": "json", "schema": "{}"})
        assert changed.message == "invalid schema_type: a subject keeps its type"
        for text in ('"int"', '"long"', '"float"'):
            avro = {"subject_name": "b", "schema_type": "AVRO", "schema": text}
            assert (await call("POST", path, avro)).status == 201
        await call("PUT", f"{path}/config/b", {"compatibility_level": "FORWARD_TRANSITIVE"})
        refused = await call("POST", path, avro | {"schema": '"double"'})
        assert refused.message.endswith("reader type: int not compatible with writer type: double")


def _avro(*fields: dict[str, Any]) -> str:
    return json.dumps({"type": "record", "name": "order", "fields": list(fields)})


@pytest.mark.parametrize(
    ("level", "old", "new", "why"),
    [
        ("NONE", '"int"', '"string"', None),
        ("BACKWARD", '"int"', '"long"', None),
        ("BACKWARD", '"long"', '"int"', "reader type: int not compatible with writer type: long"),
        ("FORWARD", '"long"', '"int"', None),
        ("FULL", '"int"', '"long"', "reader type: int not compatible with writer type: long"),
        ("FULL_TRANSITIVE", '"int"', '"int"', None),
        ("BACKWARD", '"int"', '["null", "long"]', None),
        ("BACKWARD", '["null", "int"]', '"int"', "reader type: int not compatible with writer type: null"),
        ("BACKWARD", '{"type": "int"}', '"int"', None),
        ("BACKWARD", _avro({"name": "a", "type": "int"}), _avro(), None),
        ("BACKWARD", _avro({"name": "a", "type": "int"}), _avro({"name": "a", "type": "string"}), "writer type: int"),
        ("BACKWARD", _avro(), _avro({"name": "a", "type": "int", "default": 1}), None),
        ("BACKWARD", _avro(), _avro({"name": "a", "type": "int"}), "a"),
    ],
)
def test_avro_schemas_that_may_follow_each_other(level: str, old: str, new: str, why: str | None) -> None:
    found = avro_schemas.incompatibility(level, old, new)
    assert found is None if why is None else found is not None and found.endswith(why)


@pytest.mark.parametrize("text", ["7", "{", '{"type": "nope"}', '{"type": "record"}', "[" * 2000])
async def test_what_is_no_avro_schema_is_refused(text: str) -> None:
    order = {"subject_name": "s", "schema_type": "avro", "schema": text}
    async with emulating() as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster()['id']}/schema-registry"
        refused = await call("POST", path, order)
        assert (refused.status, refused.message.partition(":")[0]) == (422, "invalid schema")


def test_schemas_that_are_nested_too_deeply_to_compare_are_incompatible() -> None:
    text = '{"type": "array", "items": ' * 2000 + '"int"' + "}" * 2000
    why = avro_schemas.incompatibility("BACKWARD", text, text)
    assert why == "old data cannot be read with the new schema: the schemas are nested too deeply"


def test_without_the_package_avro_every_schema_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_nothing(_name: str) -> None: ...

    monkeypatch.setattr(avro_schemas, "find_spec", find_nothing)
    assert avro_schemas.problem("7") is None
    assert avro_schemas.incompatibility("FULL", '"int"', '"string"') is None
