"""A walk through all 71 operations, as steps that a synchronous or an asynchronous client can take."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any, TypeAlias, cast

from asyncdbaas.emulator import Emulator

Record: TypeAlias = dict[str, Any]
Walk: TypeAlias = Generator[tuple[Any, ...], Any, None]
"""Yields (method of pydo's `databases`, arguments...) and is sent what it gave back."""

SIZE = "db-s-2vcpu-4gb"


def run(client: Any, walk: Walk) -> None:
    """Take the steps with a synchronous client."""
    step = next(walk)
    while True:
        try:
            step = walk.send(getattr(client.databases, step[0])(*step[1:], enforce_https=False))
        except StopIteration:
            return


async def run_async(client: Any, walk: Walk) -> None:
    """Take the steps with an asynchronous client."""
    step = next(walk)
    while True:
        method = cast("Callable[..., Awaitable[Any]]", getattr(client.databases, step[0]))
        try:
            step = walk.send(await method(*step[1:], enforce_https=False))
        except StopIteration:
            return
        await asyncio.sleep(0)


def everything(emulator: Emulator) -> Walk:
    """Walk through all operations, and check what comes back."""
    for part in (account, cluster, changes, replicas, children, kafka, caches_and_search):
        yield from part(emulator)


def order(name: str, engine: str, **more: Any) -> Record:
    return {"name": name, "engine": engine, "region": "nyc3", "size": SIZE, "num_nodes": 1, **more}


def account(_emulator: Emulator) -> Walk:
    options = yield ("list_options",)
    assert options["options"]["kafka"]["layouts"][0]["num_nodes"] == 3
    assert options["version_availability"]["mysql"][0]["end_of_life"] is None
    yield (
        "update_cluster_metrics_credentials",
        {"credentials": {"basic_auth_username": "u", "basic_auth_password": "p"}},
    )
    credentials = yield ("get_cluster_metrics_credentials",)
    assert credentials["credentials"] == {"basic_auth_username": "u", "basic_auth_password": "p"}


def cluster(emulator: Emulator) -> Walk:
    created = yield (
        "create_cluster",
        order("main", "pg", tags=["production"], rules=[{"type": "tag", "value": "web"}]),
    )
    main = created["database"]["id"]
    assert created["database"]["status"] == "creating"
    assert created["database"]["users"] is None
    emulator.clock.advance(minutes=5)
    shown = (yield ("get_cluster", main))["database"]
    assert shown["status"] == "online"
    assert shown["db_names"] == ["defaultdb"]
    assert [each["id"] for each in (yield ("list_clusters",))["databases"]] == [main]
    assert (yield ("get_ca", main))["ca"]["certificate"].startswith("LS0tLS1CRUdJTi")
    rules = (yield ("list_firewall_rules", main))["rules"]
    assert [rule["value"] for rule in rules] == ["web"]
    yield ("update_firewall_rules", main, {"rules": [*rules, {"type": "ip_addr", "value": "10.0.0.0/8"}]})
    assert (yield ("list_firewall_rules", main))["rules"][0] == rules[0]
    assert (yield ("get_config", main))["config"]["autovacuum_max_workers"] == 3
    assert (yield ("patch_config", main, {"config": {"autovacuum_max_workers": 7}})) is None
    assert (yield ("get_config", main))["config"]["autovacuum_max_workers"] == 7
    yield ("update_autoscale", main, {"storage": {"enabled": True, "threshold_percent": 80, "increment_gib": 14}})
    assert (yield ("get_autoscale", main))["storage"]["increment_gib"] == 10
    events = (yield ("list_events_logs", main))["events"]
    assert events[0]["event_type"] == "cluster_create"
    yield from own_settings(emulator, main)


def own_settings(emulator: Emulator, main: str) -> Walk:
    yield ("update_maintenance_window", main, {"day": "Sunday", "hour": "13:00"})
    emulator.announce_update(main, "a bugfix release")
    window = (yield ("get_cluster", main))["database"]["maintenance_window"]
    assert window == {"day": "sunday", "hour": "13:00:00", "pending": True, "description": ["a bugfix release"]}
    yield ("install_update", main)
    emulator.clock.advance(minutes=3)
    assert (yield ("get_cluster", main))["database"]["maintenance_window"]["pending"] is False
    yield ("update_do_settings", main, {"do_settings": {"service_cnames": ["db.example.com"]}})
    emulator.clock.advance(minutes=3)
    assert (yield ("get_do_settings", main))["do_settings"]["service_cnames"] == ["db.example.com"]


def changes(emulator: Emulator) -> Walk:
    moving = emulator.add_cluster(engine="pg", name="moving", size=SIZE, version="13", region="nyc1")["id"]
    yield ("update_cluster_size", moving, {"size": "db-s-4vcpu-8gb", "num_nodes": 2})
    assert (yield ("get_cluster", moving))["database"]["size"] == SIZE
    emulator.clock.advance(seconds=10)
    assert (yield ("get_cluster", moving))["database"]["status"] == "resizing"
    emulator.clock.advance(minutes=5)
    shown = (yield ("get_cluster", moving))["database"]
    assert (shown["status"], shown["size"], shown["num_nodes"]) == ("online", "db-s-4vcpu-8gb", 2)
    assert shown["standby_connection"]["host"].startswith("replica-moving")
    yield ("update_region", moving, {"region": "ams3"})
    emulator.clock.advance(seconds=10)
    assert (yield ("get_cluster", moving))["database"]["status"] == "migrating"
    emulator.clock.advance(minutes=10)
    assert (yield ("get_cluster", moving))["database"]["region"] == "ams3"
    yield ("update_major_version", moving, {"version": "17"})
    emulator.clock.advance(minutes=2)
    assert (yield ("get_cluster", moving))["database"]["version"] == "17"
    yield (
        "update_online_migration",
        moving,
        {"source": {"host": "db.example.com", "port": 5432}, "disable_ssl": False},
    )
    migration = yield ("get_migration_status", moving)
    assert migration["status"] == "running"
    yield ("delete_online_migration", moving, migration["id"])
    assert (yield ("get_migration_status", moving))["status"] == "canceled"
    yield ("destroy_cluster", moving)


def replicas(emulator: Emulator) -> Walk:
    primary = emulator.add_cluster(engine="mysql", name="primary", size=SIZE)["id"]
    emulator.clock.advance(minutes=2)
    assert len((yield ("list_backups", primary))["backups"]) == 1
    for name in ("read-1", "read-2"):
        created = (yield ("create_replica", primary, {"name": name, "size": SIZE}))["replica"]
        assert created["status"] == "forking"
    assert (yield ("list_replicas", primary))["replicas"] == []
    emulator.clock.advance(minutes=6)
    replica = (yield ("get_replica", primary, "read-1"))["replica"]
    assert replica["status"] == "online"
    assert (yield ("get_cluster", replica["id"]))["database"]["read_only"] is True
    yield ("promote_replica", primary, "read-1")
    assert (yield ("get_cluster", replica["id"]))["database"]["read_only"] is False
    yield ("destroy_replica", primary, "read-2")
    emulator.clock.advance(minutes=1)
    assert (yield ("list_replicas", primary))["replicas"] == []
    yield ("update_sql_mode", primary, {"sql_mode": "ANSI, TRADITIONAL"})
    assert (yield ("get_sql_mode", primary))["sql_mode"] == "ANSI,TRADITIONAL"


def children(emulator: Emulator) -> Walk:
    parent = emulator.add_cluster(engine="pg", name="parent", size=SIZE)["id"]
    assert (yield ("add", parent, {"name": "a/b"}))["db"] == {"name": "a/b"}
    assert (yield ("get", parent, "a/b"))["db"] == {"name": "a/b"}
    assert [db["name"] for db in (yield ("list", parent))["dbs"]] == ["defaultdb", "a/b"]
    user = (yield ("add_user", parent, {"name": "app", "settings": {"pg_allow_replication": True}}))["user"]
    assert user == (yield ("get_user", parent, "app"))["user"]
    assert user["role"] == "normal"
    changed = (yield ("update_user", parent, "app", {"settings": {"pg_allow_replication": False}}))["user"]
    assert changed["settings"] == {"pg_allow_replication": False}
    assert (yield ("reset_auth", parent, "app", {}))["user"]["password"] != user["password"]
    assert [each["name"] for each in (yield ("list_users", parent))["users"]] == ["doadmin", "app"]
    pool = {"name": "web", "mode": "session", "size": 10, "db": "a/b", "user": "app"}
    made = (yield ("add_connection_pool", parent, pool))["pool"]
    assert (made["connection"]["port"], made["connection"]["database"]) == (25061, "web")
    yield ("update_connection_pool", parent, "web", {"mode": "statement", "size": 20, "db": "a/b"})
    assert (yield ("get_connection_pool", parent, "web"))["pool"]["size"] == 20
    assert len((yield ("list_connection_pools", parent))["pools"]) == 1
    yield ("delete_connection_pool", parent, "web")
    yield ("delete_user", parent, "app")
    yield ("delete", parent, "a/b")
    yield from log_sinks(parent)


def log_sinks(parent: str) -> Walk:
    config = {"server": "10.0.0.1", "port": 514, "tls": False, "format": "rfc5424"}
    sink = (yield ("create_logsink", parent, {"sink_name": "logs", "sink_type": "rsyslog", "config": config}))["sink"]
    assert (yield ("get_logsink", parent, sink["sink_id"])) == sink
    yield ("update_logsink", parent, sink["sink_id"], {"config": config | {"port": 1514}})
    assert (yield ("list_logsink", parent))["sinks"][0]["config"]["port"] == 1514
    yield ("delete_logsink", parent, sink["sink_id"])
    assert (yield ("list_logsink", parent))["sinks"] == []


def kafka(emulator: Emulator) -> Walk:
    broker = emulator.add_cluster(engine="kafka", name="broker")["id"]
    config = {"retention_ms": -1, "compression_type": "lz4"}
    made = (yield ("create_kafka_topic", broker, {"name": "orders", "partition_count": 6, "config": config}))["topic"]
    assert (made["state"], len(made["partitions"])) == ("configuring", 6)
    emulator.clock.advance(seconds=5)
    emulator.add_consumer_group(broker, "orders", "billing")
    topic = (yield ("get_kafka_topic", broker, "orders"))["topic"]
    assert (topic["state"], topic["config"]["retention_ms"]) == ("active", -1)
    assert topic["partitions"][0]["consumer_groups"] == [{"name": "billing", "offset": 0}]
    yield ("update_kafka_topic", broker, "orders", {"partition_count": 9})
    assert (yield ("list_kafka_topics", broker))["topics"][0]["partition_count"] == 6
    emulator.clock.advance(seconds=5)
    assert (yield ("list_kafka_topics", broker))["topics"][0]["partition_count"] == 9
    yield ("delete_kafka_topic", broker, "orders")
    yield from schema_registry(broker)


def schema_registry(broker: str) -> Walk:
    first = {"subject_name": "order", "schema_type": "AVRO", "schema": '"string"'}
    made = yield ("create_kafka_schema", broker, first)
    assert made["schema_id"] == 1
    assert (yield ("update_kafka_schema_config", broker, {"compatibility_level": "FULL"}))[
        "compatibility_level"
    ] == "FULL"
    assert (yield ("get_kafka_schema_config", broker))["compatibility_level"] == "FULL"
    yield ("update_kafka_schema_subject_config", broker, "order", {"compatibility_level": "NONE"})
    own = yield ("get_kafka_schema_subject_config", broker, "order")
    assert own == {"subject_name": "order", "compatibility_level": "NONE"}
    yield ("create_kafka_schema", broker, first | {"schema": '"long"'})
    assert (yield ("get_kafka_schema_version", broker, "order", "2"))["version"] == "2"
    assert (yield ("get_kafka_schema", broker, "order"))["schema"] == '"long"'
    assert len((yield ("list_kafka_schemas", broker))["subjects"]) == 1
    yield ("delete_kafka_schema", broker, "order")


def caches_and_search(emulator: Emulator) -> Walk:
    cache = emulator.add_cluster(engine="valkey", name="cache")["id"]
    yield ("update_eviction_policy", cache, {"eviction_policy": "volatile_lru"})
    assert (yield ("get_eviction_policy", cache))["eviction_policy"] == "volatile_lru"
    assert (yield ("get_config", cache))["config"]["valkey_maxmemory_policy"] == "volatile-lru"
    search = emulator.add_cluster(engine="opensearch", name="search")["id"]
    emulator.add_index(search, "logs-*")
    assert (yield ("list_opeasearch_indexes", search))["indexes"][0]["index_name"] == "logs-*"
    yield ("delete_opensearch_index", search, "logs-*")
    assert (yield ("list_opeasearch_indexes", search))["indexes"] == []
