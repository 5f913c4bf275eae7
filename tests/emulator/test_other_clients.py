"""Requests as other clients send them (Terraform, godo, doctl, the operator), against the emulator as it comes.

Each exchange was taken from a client's source, tests or documentation. The clock stands still, so that what must show
at once does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, cast

import pytest
from emulator_http import Caller, calling, emulating
from hypothesis import given
from hypothesis import strategies as st

from asyncdbaas.emulator import Clock, Emulator
from asyncdbaas.emulator.parameters import KEYS, parameters

SCRAM_USER: Final = {"name": "example-user", "settings": {"acl": [{"topic": "topic-1", "permission": "produce"}]}}


def order(engine: str, version: str, size: str, region: str = "nyc1", num_nodes: int = 1, **more: Any) -> Any:
    """Return a create body as Go clients send it, with its nulls and empty strings."""
    return {
        "name": "example",
        "engine": engine,
        "version": version,
        "size": size,
        "region": region,
        "num_nodes": num_nodes,
        "private_network_uuid": "",
        "tags": ["production"],
        "project_id": "",
        "rules": None,
        **more,
    }


# The orders in Terraform's documentation of databases and in its acceptance tests, but for redis.
ORDERS: Final = [
    order("pg", "11", "db-s-1vcpu-1gb"),
    order("pg", "13", "db-s-1vcpu-1gb"),
    order("pg", "15", "db-s-1vcpu-1gb"),
    order("pg", "15", "db-s-1vcpu-2gb", storage_size_mib=30720),
    order("pg", "15", "db-s-2vcpu-4gb", num_nodes=2, storage_size_mib=61440),
    order("pg", "18", "db-s-1vcpu-1gb", "nyc3"),
    order("advanced_pg", "18", "gd-2vcpu-8gb-intel", "nyc3"),
    order("mysql", "8", "db-s-1vcpu-1gb"),
    order("mysql", "8", "db-s-1vcpu-2gb", "lon1"),
    order("advanced_mysql", "8", "gd-2vcpu-8gb-intel", "nyc3"),
    order("valkey", "8", "db-s-1vcpu-1gb", "nyc3"),
    order("kafka", "3.5", "db-s-1vcpu-2gb", "nyc1", 3),
    order("kafka", "3.5", "db-s-2vcpu-2gb", "nyc1", 3),
    order("kafka", "3.7", "db-s-1vcpu-1gb", "nyc3", 3),
    order("kafka", "3.8", "db-s-2vcpu-2gb", "nyc1", 3),
    order("mongodb", "6", "db-s-1vcpu-1gb", "nyc3"),
    order("mongodb", "7", "db-s-1vcpu-1gb", "nyc3"),
    order("opensearch", "2", "db-s-1vcpu-2gb", "nyc3"),
]


@pytest.mark.parametrize("body", ORDERS, ids=lambda body: f"{body['engine']}-{body['version']}-{body['size']}")
async def test_an_order_of_terraforms_documentation_is_accepted_and_shown_as_ordered(body: Any) -> None:
    async with emulating(clock=Clock.stepped()) as (emulator, call):
        created = await call("POST", "/v2/databases", body)
        assert created.status == 201, created.text
        emulator.clock.advance(minutes=5)
        shown = (await call("GET", f"/v2/databases/{created.json['database']['id']}")).json["database"]
        kept = ("name", "engine", "version", "size", "region", "num_nodes", "tags")
        assert {key: shown[key] for key in kept} == {key: body[key] for key in kept}
        assert shown["status"] == "online"
        assert shown.get("storage_size_mib") == body.get("storage_size_mib", shown.get("storage_size_mib"))


# (engine, [(method, path below the cluster, body, status, what the response must hold)])
Exchange = tuple[str, str, Any, int, Any]
AUTOSCALE: Final = {"enabled": True, "threshold_percent": 80, "increment_gib": 10}
SUBJECT: Final = {
    "subject_name": "s",
    "schema_type": "avro",
    "schema": '{"type": "record", "namespace": "example", "name": "R", "fields": [{"name": "f", "type": "string"}]}',
}
OPENSEARCH_SINK: Final = {
    "sink_name": "s",
    "sink_type": "opensearch",
    "config": {"url": "https://user:passwd@192.168.0.1:25060", "index_prefix": "opensearch-logs", "index_days_max": 5},
}
RSYSLOG: Final = {"server": "192.168.10.1", "port": 514, "tls": False, "format": "rfc5424"}
TOPIC: Final = {
    "cleanup_policy": "compact",
    "compression_type": "uncompressed",
    "delete_retention_ms": 14000,
    "file_delete_delay_ms": 170000,
    "flush_messages": 92233,
    "flush_ms": 92233720368,
    "index_interval_bytes": 40962,
    "max_compaction_lag_ms": 9223372036854775807,
    "max_message_bytes": 1048588,
    "message_down_conversion_enable": True,
    "message_format_version": "3.0-IV1",
    "message_timestamp_difference_max_ms": 9223372036854775807,
    "message_timestamp_type": "log_append_time",
    "min_cleanable_dirty_ratio": 0.5,
    "min_compaction_lag_ms": 20000,
    "min_insync_replicas": 2,
    "preallocate": False,
    "retention_bytes": -1,
    "retention_ms": -1,
    "segment_bytes": 209715200,
    "segment_index_bytes": 10485760,
    "segment_jitter_ms": 0,
    "segment_ms": 604800000,
    "unclean_leader_election_enable": True,
}
RULE: Final = {"uuid": "", "cluster_uuid": "", "type": "ip_addr", "value": "192.168.1.1", "created_at": None}
EXCHANGES: Final[dict[str, tuple[str, list[Exchange]]]] = {
    "autoscale, switched off with zeros": (
        "pg",
        [
            ("PUT", "/autoscale", {"storage": AUTOSCALE}, 204, None),
            ("GET", "/autoscale", None, 200, {"storage": AUTOSCALE}),
            ("GET", "", None, 200, {"database": {"storage_autoscale": AUTOSCALE}}),
            (
                "PUT",
                "/autoscale",
                {"storage": {"enabled": False, "threshold_percent": 0, "increment_gib": 0}},
                204,
                None,
            ),
            ("GET", "/autoscale", None, 200, {"storage": {"enabled": False}}),
        ],
    ),
    "parameters of advanced PostgreSQL": (
        "advanced_pg",
        [
            ("PATCH", "/config", {"config": {"pg_parameters": {"timezone": "UTC", "work_mem": "32"}}}, 200, None),
            ("PATCH", "/config", {"config": {"pg_parameters": {"work_mem": "16"}}}, 200, None),
        ],
    ),
    "parameters of advanced MySQL": (
        "advanced_mysql",
        [("PATCH", "/config", {"config": {"mysql_parameters": {"connect_timeout": "10"}}}, 200, None)],
    ),
    "four settings of OpenSearch's index state management": (
        "opensearch",
        [
            (
                "PATCH",
                "/config",
                {
                    "config": {
                        "ism_enabled": True,
                        "ism_history_enabled": True,
                        "ism_history_max_age_hours": 10,
                        "ism_history_max_docs": 1,
                    }
                },
                200,
                None,
            ),
            ("GET", "/config", None, 200, {"config": {"ism_history_max_docs": 1, "reindex_remote_whitelist": []}}),
        ],
    ),
    "an upgrade, read back at once": (
        "pg",
        [
            ("PUT", "/upgrade", {"version": "18"}, 204, None),
            ("GET", "", None, 200, {"database": {"version": "18", "status": "online"}}),
        ],
    ),
    "a topic, which is active at once and gone at once": (
        "kafka",
        [
            (
                "POST",
                "/topics",
                {"name": "topic-01", "partition_count": 3, "replication_factor": 2, "config": TOPIC},
                201,
                {"topic": {"state": "active"}},
            ),
            ("GET", "/topics/topic-01", None, 200, {"topic": {"state": "active", "config": TOPIC}}),
            ("PUT", "/topics/topic-01", {"partition_count": 5, "config": TOPIC}, 200, {"topic": {"config": TOPIC}}),
            ("DELETE", "/topics/topic-01", None, 204, None),
            ("GET", "/topics/topic-01", None, 404, None),
        ],
    ),
    "a schema in lower case": (
        "kafka",
        [
            ("POST", "/schema-registry", SUBJECT, 201, {"schema_type": "avro"}),
            ("GET", "/schema-registry/s", None, 200, {"schema_type": "avro", "subject_name": "s"}),
            ("DELETE", "/schema-registry/s", None, 204, None),
            ("GET", "/schema-registry/s", None, 404, None),
        ],
    ),
    "a Kafka user": (
        "kafka",
        [
            ("POST", "/users", SCRAM_USER, 201, {"user": {"role": "normal"}}),
            ("GET", "/users/example-user", None, 200, {"user": {"name": "example-user"}}),
            ("PUT", "/users/example-user", {"settings": {"acl": []}}, 201, {"user": {"name": "example-user"}}),
            ("DELETE", "/users/example-user", None, 204, None),
            ("GET", "/users/example-user", None, 404, None),
        ],
    ),
    "a MySQL user and its plugin": (
        "mysql",
        [
            ("POST", "/users", {"name": "u", "mysql_settings": {"auth_plugin": "mysql_native_password"}}, 201, None),
            (
                "POST",
                "/users/u/reset_auth",
                {"mysql_settings": {"auth_plugin": "caching_sha2_password"}},
                200,
                {"user": {"mysql_settings": {"auth_plugin": "caching_sha2_password"}}},
            ),
            ("PUT", "/sql_mode", {"sql_mode": "ALLOW_INVALID_DATES, ANSI_QUOTES"}, 204, None),
            ("GET", "/sql_mode", None, 200, {"sql_mode": "ALLOW_INVALID_DATES,ANSI_QUOTES"}),
            ("PUT", "/sql_mode", {"sql_mode": "ANSI,NO_SUCH_MODE"}, 422, None),
            ("PATCH", "/config", {"config": {"connect_timeout": 10, "default_time_zone": "UTC"}}, 200, None),
        ],
    ),
    "a firewall": (
        "pg",
        [
            ("PUT", "/firewall", {"rules": [RULE]}, 204, None),
            ("GET", "/firewall", None, 200, {"rules": [{"type": "ip_addr", "value": "192.168.1.1"}]}),
            ("PUT", "/firewall", {"rules": []}, 204, None),
            ("GET", "/firewall", None, 200, {"rules": []}),
        ],
    ),
    "a pool": (
        "pg",
        [
            ("POST", "/dbs", {"name": "shop"}, 201, {"db": {"name": "shop"}}),
            ("POST", "/pools", {"name": "pool-01", "mode": "transaction", "size": 20, "db": "shop"}, 201, None),
            ("PUT", "/pools/pool-01", {"user": "doadmin", "size": 10, "db": "shop", "mode": "session"}, 204, None),
            ("GET", "/pools/pool-01", None, 200, {"pool": {"size": 10, "mode": "session", "user": "doadmin"}}),
            ("DELETE", "/pools/pool-01", None, 204, None),
            ("GET", "/pools/pool-01", None, 404, None),
        ],
    ),
    "log sinks": (
        "pg",
        [
            ("POST", "/logsink", OPENSEARCH_SINK, 201, {"sink": {"sink_type": "opensearch"}}),
            ("POST", "/logsink", {"sink_name": "r", "sink_type": "rsyslog", "config": RSYSLOG}, 201, None),
        ],
    ),
    "PostgreSQL's settings": (
        "pg",
        [
            ("PATCH", "/config", {"config": {"timezone": "UTC", "work_mem": 16}}, 200, None),
            ("GET", "/config", None, 200, {"config": {"timezone": "UTC", "work_mem": 16, "jit": True}}),
            ("PATCH", "/config", {"config": {}}, 422, None),
        ],
    ),
    "Kafka's settings": (
        "kafka",
        [
            (
                "PATCH",
                "/config",
                {
                    "config": {
                        "log_flush_interval_ms": 9223372036854775807,
                        "log_message_timestamp_difference_max_ms": 9223372036854775807,
                        "log_retention_bytes": -1,
                        "log_retention_ms": 604800000,
                        "log_roll_jitter_ms": 0,
                        "auto_create_topics_enable": True,
                    }
                },
                200,
                None,
            ),
            ("GET", "/config", None, 200, {"config": {"log_flush_interval_ms": 9223372036854775807}}),
        ],
    ),
    "MongoDB's settings": (
        "mongodb",
        [
            (
                "PATCH",
                "/config",
                {
                    "config": {
                        "default_read_concern": "majority",
                        "default_write_concern": "majority",
                        "transaction_lifetime_limit_seconds": 100,
                        "slow_op_threshold_ms": 100,
                        "verbosity": 3,
                    }
                },
                200,
                None,
            ),
        ],
    ),
    "redis, turned into valkey": (
        "redis",
        [
            ("PUT", "/eviction_policy", {"eviction_policy": "allkeys_lru"}, 204, None),
            ("PATCH", "/config", {"config": {"redis_maxmemory_policy": "volatile-random"}}, 200, None),
            ("PATCH", "/cluster_type", {"cluster_type": "mysql"}, 422, None),
            ("PATCH", "/cluster_type", {"cluster_type": "valkey"}, 204, None),
            ("GET", "", None, 200, {"database": {"engine": "valkey", "version": "8"}}),
            ("GET", "/config", None, 200, {"config": {"valkey_maxmemory_policy": "volatile-random"}}),
            ("PATCH", "/config", {"config": {"redis_maxmemory_policy": "noeviction"}}, 400, None),
            ("PATCH", "/cluster_type", {"cluster_type": "valkey"}, 422, None),
        ],
    ),
    "a cluster that is gone": (
        "pg",
        [
            ("DELETE", "", None, 204, None),
            ("GET", "", None, 404, None),
            ("GET", "/firewall", None, 404, None),
            ("GET", "/users", None, 404, None),
        ],
    ),
    "a window of maintenance": (
        "pg",
        [
            ("PUT", "/maintenance", {"day": "friday", "hour": "13:00"}, 204, None),
            ("GET", "", None, 200, {"database": {"maintenance_window": {"day": "friday", "hour": "13:00:00"}}}),
        ],
    ),
}


@pytest.mark.parametrize("name", EXCHANGES)
async def test_an_exchange_of_another_client_goes_as_it_does_there(name: str) -> None:
    engine, exchanges = EXCHANGES[name]
    async with emulating(clock=Clock.stepped()) as (emulator, call):
        cluster = emulator.add_cluster(engine=engine, **({"version": "17"} if engine == "pg" else {}))["id"]
        for method, path, body, status, expected in exchanges:
            answer = await call(method, f"/v2/databases/{cluster}{path}", body)
            assert answer.status == status, (method, path, answer.text)
            missing = list(_missing(answer.json, expected))
            assert not missing, (method, path, missing)


def _missing(found: Any, expected: Any, path: str = "$") -> Iterator[str]:
    """Yield the places where a response does not hold what it must."""
    items: Any = expected
    if isinstance(expected, dict):
        for key, value in cast("dict[str, Any]", expected).items():
            yield from _missing(found.get(key), value, f"{path}.{key}")
    elif isinstance(expected, list) and expected and isinstance(expected[0], dict):
        for number, value in enumerate(items):
            yield from _missing(found[number], value, f"{path}[{number}]")
    elif expected is not None and found != expected:
        yield f"{path}: {found!r}, not {expected!r}"


async def test_a_migration_between_two_clusters_of_the_service_syncs_and_ends() -> None:
    async with emulating(clock=Clock.stepped()) as (emulator, call):
        source, target = (emulator.add_cluster(engine="mysql", name=name) for name in ("source", "target"))
        body = {
            "source": {
                "host": source["connection"]["host"],
                "port": source["connection"]["port"],
                "dbname": "defaultdb",
                "username": "doadmin",
                "password": source["connection"]["password"],
            },
            "disable_ssl": False,
            "ignore_dbs": None,
        }
        path = f"/v2/databases/{target['id']}/online-migration"
        assert (await call("PUT", path, body)).json["status"] == "running"
        for status in ("syncing", "done"):
            emulator.clock.advance(minutes=1)
            assert (await call("GET", path)).json["status"] == status


async def test_a_replica_is_refused_before_the_first_backup_and_gone_at_once() -> None:
    async with emulating(clock=Clock.stepped()) as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(engine='pg')['id']}/replicas"
        body = {"name": "replica", "region": "nyc3", "size": "db-s-1vcpu-1gb", "tags": ["production"]}
        assert (await call("POST", path, body)).status == 412
        emulator.clock.advance(minutes=5)
        assert (await call("POST", path, body)).status == 201
        emulator.clock.advance(minutes=5)
        replica = (await call("GET", f"{path}/replica")).json["replica"]
        assert replica["status"] == "online"
        own = f"/v2/databases/{replica['id']}"
        assert (await call("PUT", f"{own}/resize", {"size": "db-s-2vcpu-4gb", "num_nodes": 1})).status == 202
        emulator.clock.advance(minutes=10)
        assert (await call("PUT", f"{own}/firewall", {"rules": [RULE]})).status == 204
        assert (await call("DELETE", f"{path}/replica")).status == 204
        assert (await call("GET", f"{path}/replica")).status == 404
        assert (await call("GET", own)).status == 404


async def test_a_restore_without_a_version_keeps_that_of_the_backup() -> None:
    async with emulating(clock=Clock.stepped()) as (emulator, call):
        emulator.add_cluster(engine="pg", name="dobydb", version="13")
        emulator.clock.advance(minutes=5)
        body = order("pg", "", "db-s-1vcpu-2gb", backup_restore={"database_name": "dobydb"})
        restored = (await call("POST", "/v2/databases", body)).json["database"]
        assert (restored["version"], restored["status"]) == ("13", "forking")


async def test_terraform_changes_the_tags_of_a_cluster_by_their_own_path() -> None:
    async with Emulator(clock=Clock.stepped()) as emulator, calling(emulator) as call:
        cluster = emulator.add_cluster(engine="pg", tags=["production"])["id"]
        resources = {
            "resources": [
                {"resource_id": cluster, "resource_type": "database"},
                {"resource_id": "1", "resource_type": "droplet"},
            ]
        }
        assert (await call("POST", "/v2/tags", {"name": "foo"})).json["tag"]["name"] == "foo"
        for _ in range(2):
            assert (await call("POST", "/v2/tags/foo/resources", resources)).status == 204
        assert (await call("GET", f"/v2/databases/{cluster}")).json["database"]["tags"] == ["production", "foo"]
        for tag in ("production", "foo"):
            assert (await call("DELETE", f"/v2/tags/{tag}/resources", resources)).status == 204
        assert (await call("GET", f"/v2/databases/{cluster}")).json["database"]["tags"] is None


async def test_doctl_lists_pages_waits_and_resizes() -> None:
    async with emulating(clock=Clock.stepped()) as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(engine='kafka', size='gd-4vcpu-16gb')['id']}"
        listed = await call("GET", "/v2/databases?page=1&per_page=200")
        assert (len(listed.json["databases"]), "links" in listed.json) == (1, False)
        assert (await call("PUT", f"{path}/resize", {"size": "gd-2vcpu-8gb", "num_nodes": 3})).status == 202
        emulator.clock.advance(minutes=10)
        cluster = (await call("GET", path)).json["database"]
        assert (cluster["size"], cluster["status"]) == ("gd-2vcpu-8gb", "online"), "Kafka alone may get smaller"


async def test_storage_may_shrink_down_to_what_comes_with_the_size() -> None:
    async with emulating(clock=Clock.stepped()) as (emulator, call):
        cluster = emulator.add_cluster(engine="pg", size="db-s-1vcpu-2gb", storage_size_mib=61440)
        path = f"/v2/databases/{cluster['id']}"
        resize = {"size": "db-s-1vcpu-2gb", "num_nodes": 1}
        assert (await call("PUT", f"{path}/resize", resize | {"storage_size_mib": 20480})).status == 422
        assert (await call("PUT", f"{path}/resize", resize | {"storage_size_mib": 40960})).status == 202
        emulator.clock.advance(minutes=10)
        assert (await call("GET", path)).json["database"]["storage_size_mib"] == 40960
        assert (await call("PUT", f"{path}/resize", resize)).status == 202
        emulator.clock.advance(minutes=10)
        assert (await call("GET", path)).json["database"]["storage_size_mib"] == 40960


async def test_the_operator_checks_an_order_without_making_it() -> None:
    async with emulating(clock=Clock.stepped()) as (_, call):
        checked = await call("POST", "/v2/databases", order("pg", "17", "db-s-1vcpu-1gb", dry_run=True))
        assert checked.status == 201
        assert (await call("GET", "/v2/databases")).json == {"databases": []}


async def test_an_index_has_its_time_in_both_spellings() -> None:
    async with emulating(clock=Clock.stepped()) as (emulator, call):
        cluster = emulator.add_cluster(engine="opensearch")["id"]
        emulator.add_index(cluster, "logs")
        index = (await call("GET", f"/v2/databases/{cluster}/indexes")).json["indexes"][0]
        assert index["created_time"] == index["create_time"]


@pytest.mark.parametrize(("engine", "count"), [("advanced_pg", 205), ("advanced_mysql", 158)])
async def test_every_parameter_of_an_advanced_edition_can_be_set_to_its_default(engine: str, count: int) -> None:
    async with emulating(clock=Clock.stepped(), strict=True) as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(engine=engine)['id']}/config"
        listed = (await call("GET", path)).json["config"][KEYS[engine]]
        assert len(listed) == count
        assert all(type(each["requires_restart"]) is bool for each in listed)
        for each in listed:
            if each["default_value"]:
                body = {"config": {KEYS[engine]: {each["name"]: each["default_value"]}}}
                assert (await call("PATCH", path, body)).status == 200, each
        assert (await call("GET", path)).json["config"][KEYS[engine]] == listed


@pytest.mark.parametrize(
    ("engine", "name", "value", "accepted", "accepted_strictly"),
    [
        ("advanced_pg", "work_mem", "32", True, False),
        ("advanced_pg", "work_mem", "4MB", True, True),
        ("advanced_pg", "work_mem", "much", False, False),
        ("advanced_pg", "bytea_output", "octal", True, False),
        ("advanced_pg", "bytea_output", "ESCAPE", True, True),
        ("advanced_pg", "jit", "maybe", False, False),
        ("advanced_pg", "no_such_parameter", "1", False, False),
        ("advanced_mysql", "binlog_format", "ROWS", False, False),
        ("advanced_mysql", "log_slow_filter", "full_scan,filesort", True, True),
        ("advanced_mysql", "log_slow_filter", "full_scan,none", False, False),
        ("advanced_mysql", "innodb_max_dirty_pages_pct", "12.5", True, True),
    ],
)
async def test_a_parameters_range_that_only_the_engine_documents_holds_in_strict_mode_only(
    engine: str, name: str, value: str, *, accepted: bool, accepted_strictly: bool
) -> None:
    for strict, expected in ((False, accepted), (True, accepted_strictly)):
        async with emulating(clock=Clock.stepped(), strict=strict) as (emulator, call):
            path = f"/v2/databases/{emulator.add_cluster(engine=engine)['id']}/config"
            answer = await call("PATCH", path, {"config": {KEYS[engine]: {name: value}}})
            assert answer.status == (200 if expected else 422), answer.text


@given(st.sampled_from(sorted(KEYS)), st.text("0123456789.-kMGonfTRUE ,", max_size=8))
def test_any_text_for_a_parameter_is_accepted_or_refused_with_a_reason(engine: str, value: str) -> None:
    for parameter in parameters(engine).values():
        lenient, strict = parameter.problem(value, strict=False), parameter.problem(value, strict=True)
        assert lenient is None or strict is not None
        assert strict != ""


# Examples of the description, none of which may stand for a value that nobody set.
EXAMPLES: Final = [
    ("kafka", "log_retention_hours", 1000000),
    ("kafka", "log_retention_bytes", 1000000),
    ("mysql", "default_time_zone", "+03:00"),
    ("mysql", "sql_mode", "ANSI,TRADITIONAL"),
    ("pg", "timezone", "Europe/Helsinki"),
    ("pg", "pg_partman_bgw.role", "myrolename"),
    ("opensearch", "reindex_remote_whitelist", ["255.255.223.233:9200", "222.33.222.222:6300"]),
]


@pytest.mark.parametrize(("engine", "name", "example"), EXAMPLES)
async def test_a_fresh_cluster_does_not_show_the_descriptions_examples(engine: str, name: str, example: Any) -> None:
    async with emulating(clock=Clock.stepped()) as (emulator, call):
        config = await _config(call, emulator, engine)
        assert config.get(name) != example


async def _config(call: Caller, emulator: Emulator, engine: str) -> Any:
    path = f"/v2/databases/{emulator.add_cluster(engine=engine)['id']}/config"
    return (await call("GET", path)).json["config"]
