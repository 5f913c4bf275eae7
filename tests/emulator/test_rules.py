"""What the service refuses, with which status and which words; and how it shows what it holds."""

from __future__ import annotations

from typing import Any, Final

import pytest
from emulator_http import calling, emulating

from asyncdbaas.emulator import Clock, Delays, Quirks

ORDER: Final[dict[str, Any]] = {
    "name": "main",
    "engine": "pg",
    "size": "db-s-2vcpu-4gb",
    "region": "nyc3",
    "num_nodes": 1,
}
UUID: Final = "d455e75d-4858-4eec-8c95-da2f0a5f93a7"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "a_b"}, "invalid cluster name"),
        ({"name": ""}, "invalid cluster name"),
        ({"name": "a" * 64}, "invalid cluster name"),
        ({"engine": "oracle"}, "invalid engine"),
        ({"engine": None}, "invalid engine"),
        ({"version": "9"}, "invalid cluster engine version"),
        ({"region": "moon1"}, "invalid region"),
        ({"num_nodes": 4}, "invalid node count"),
        ({"size": "db-s-1vcpu-3gb"}, "invalid size"),
        ({"storage_size_mib": 1}, "invalid storage size"),
        ({"private_network_uuid": "default"}, "invalid private_network_uuid"),
        ({"project_id": "mine"}, "invalid project_id"),
        ({"backup_restore": {"database_name": "a", "backup_created_at": "now"}}, "invalid backup_created_at"),
        ({"rules": [{"type": "ip_addr", "value": "::1"}]}, "invalid ip address: ::1"),
        ({"rules": [{"type": "droplet", "value": "1"}] * 1001}, "too many firewall rules: 2000 addresses are allowed"),
        ({"autoscale": {"storage": {}}}, "storage.enabled is required"),
    ],
)
async def test_a_cluster_that_cannot_be_ordered_is_refused_in_the_services_words(
    change: dict[str, Any], message: str
) -> None:
    async with emulating() as (_, call):
        refused = await call("POST", "/v2/databases", ORDER | change)
        assert (refused.status, refused.json["id"], refused.message) == (422, "unprocessable_entity", message)
        assert refused.json["request_id"] == refused.headers["x-request-id"]


async def test_a_dry_run_checks_and_creates_nothing() -> None:
    async with emulating() as (_, call):
        assert (await call("POST", "/v2/databases", ORDER | {"dry_run": True})).status == 201
        assert (await call("POST", "/v2/databases", ORDER | {"dry_run": True, "size": "x"})).status == 422
        assert (await call("GET", "/v2/databases")).json == {"databases": []}


async def test_clusters_can_be_listed_by_tag() -> None:
    async with emulating() as (emulator, call):
        emulator.add_cluster(name="a", tags=["blue"])
        emulator.add_cluster(name="b")
        listed = (await call("GET", "/v2/databases?tag_name=blue")).json
        assert [cluster["name"] for cluster in listed["databases"]] == ["a"]
        assert listed.keys() == {"databases"}
        assert (await call("GET", "/v2/databases")).json["databases"][1]["tags"] is None


@pytest.mark.parametrize(
    ("engine", "method", "path"),
    [
        ("mysql", "GET", "pools"),
        ("pg", "GET", "topics"),
        ("valkey", "GET", "users"),
        ("valkey", "GET", "dbs"),
        ("valkey", "GET", "backups"),
        ("kafka", "GET", "replicas"),
        ("kafka", "GET", "indexes"),
        ("pg", "GET", "eviction_policy"),
        ("pg", "GET", "sql_mode"),
        ("pg", "GET", "schema-registry"),
        ("mongodb", "GET", "online-migration"),
        ("valkey", "GET", "autoscale"),
    ],
)
async def test_what_an_engine_lacks_is_refused(engine: str, method: str, path: str) -> None:
    async with emulating() as (emulator, call):
        refused = await call(method, f"/v2/databases/{emulator.add_cluster(engine=engine)['id']}/{path}")
        assert (refused.status, refused.message) == (422, "operation is not supported for this cluster type")


@pytest.mark.parametrize(
    ("engine", "config", "status", "message"),
    [
        ("pg", {}, 422, "the mask must be set with which fields are being updated"),
        ("pg", {"work_mem": None}, 422, "the mask must be set with which fields are being updated"),
        (
            "mysql",
            {"innodb_ft_user_stopword_table": "words"},
            422,
            "'innodb_ft_user_stopword_table' does not match '^.+/.+$'",
        ),
        (
            "advanced_pg",
            {"pg_parameters": {"work_mem": None}},
            422,
            "the mask must be set with which fields are being updated",
        ),
        ("advanced_pg", {"pg_parameters": None}, 422, "the mask must be set with which fields are being updated"),
        ("mysql", {"sql_mode": "ANSI,NO_SUCH_MODE"}, 422, "'sql_mode' must name SQL modes"),
        ("pg", {"nonsense": 1}, 400, 'json: unknown field "nonsense"'),
        ("pg", {"work_mem": "4"}, 422, "'work_mem' is not of type 'integer'"),
        ("pg", {"work_mem": 1025}, 422, "'work_mem' must be less than or equal to 1024"),
        ("pg", {"track_io_timing": "maybe"}, 422, "'track_io_timing' must be one of off, on"),
        (
            "pg",
            {"pgbouncer": {"min_pool_size": -1}},
            422,
            "'pgbouncer.min_pool_size' must be greater than or equal to 0",
        ),
        ("pg", {"pgbouncer": {"nonsense": 1}}, 422, "'pgbouncer.nonsense' is not allowed"),
        ("opensearch", {"ism_enabled": True}, 422, "'ism_history_enabled' is a required property"),
        ("advanced_pg", {"pg_parameters": {}}, 422, "the mask must be set with which fields are being updated"),
        ("advanced_pg", {"work_mem": "1"}, 400, 'json: unknown field "work_mem"'),
        ("advanced_pg", {"pg_parameters": {"nonsense": "1"}}, 422, "'nonsense' is not allowed"),
    ],
)
async def test_a_wrong_config_is_refused(engine: str, config: Any, status: int, message: str) -> None:
    async with emulating() as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(engine=engine)['id']}/config"
        refused = await call("PATCH", path, {"config": config})
        assert refused.status == status
        assert refused.message.endswith(message)


async def test_a_config_keeps_huge_integers_zero_and_false_exactly() -> None:
    given = {"max_seeks_for_key": 2**64 - 1, "group_concat_max_len": 18446744073709552000, "max_execution_time": 0}
    async with emulating() as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(engine='mysql')['id']}/config"
        answer = await call("PATCH", path, {"config": given | {"slow_query_log": False}})
        assert (answer.status, answer.text) == (200, "")
        shown = (await call("GET", path)).json["config"]
        assert {key: shown[key] for key in given} == given
        assert shown["slow_query_log"] is False
        assert shown["connect_timeout"] == 10


async def test_null_clears_a_setting_that_can_be_cleared_and_leaves_the_others_alone() -> None:
    async with emulating() as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(engine='mysql')['id']}/config"
        before = (await call("GET", path)).json["config"]
        table = {"innodb_ft_user_stopword_table": "shop/words"}
        assert (await call("PATCH", path, {"config": table})).status == 200
        assert (await call("GET", path)).json["config"] == before | table
        cleared = await call("PATCH", path, {"config": dict.fromkeys(table)})
        assert (cleared.status, cleared.text) == (200, "")
        assert (await call("GET", path)).json["config"] == before
        ignored = await call("PATCH", path, {"config": {"connect_timeout": None, "net_read_timeout": 40}})
        assert ignored.status == 200
        assert (await call("GET", path)).json["config"] == before | {"net_read_timeout": 40}


async def test_a_nested_setting_changes_without_its_neighbours() -> None:
    async with emulating() as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(engine='pg')['id']}/config"
        pgbouncer = {"min_pool_size": 9, "server_lifetime": None}
        changed = await call("PATCH", path, {"config": {"pgbouncer": pgbouncer, "pg_stat_statements.track": "top"}})
        assert changed.status == 200
        shown = (await call("GET", path)).json["config"]
        assert (shown["pgbouncer"]["min_pool_size"], shown["pgbouncer"]["server_lifetime"]) == (9, 3600)
        assert shown["pg_stat_statements.track"] == "top"


async def test_an_advanced_edition_has_a_list_of_parameters() -> None:
    async with emulating() as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(engine='advanced_mysql')['id']}/config"
        assert (await call("PATCH", path, {"config": {"mysql_parameters": {"wait_timeout": "60"}}})).status == 200
        parameters = (await call("GET", path)).json["config"]["mysql_parameters"]
        values = {each["name"]: (each["value"], each["default_value"]) for each in parameters}
        assert values["wait_timeout"] == ("60", "28800")


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({}, 422, "name is required"),
        ({"name": ""}, 422, "name is required"),
        ({"name": ".."}, 422, "invalid topic name"),
        ({"name": "a/b"}, 422, "invalid topic name"),
        ({"name": "a" * 250}, 422, "invalid topic name"),
        ({"name": "taken"}, 422, "topic name is not available"),
        ({"name": 1}, 400, 'json: cannot unmarshal int into field "name" of type string'),
        ({"name": "a", "partition_count": 2}, 422, "invalid partition count: must be between 3 and 2048"),
        (
            {"name": "a", "partition_count": True},
            400,
            'json: cannot unmarshal bool into field "partition_count" of type int',
        ),
        ({"name": "a", "replication_factor": 4}, 422, "invalid replication factor: must be between 2 and 3"),
        ({"name": "a", "config": []}, 400, 'json: cannot unmarshal list into field "config" of type object'),
        ({"name": "a", "config": {"retention.ms": 1}}, 400, 'json: unknown field "retention.ms"'),
        ({"name": "a", "config": {"retention_ms": "1"}}, 400, "of type integer"),
        ({"name": "a", "config": {"retention_ms": -2}}, 422, "'retention_ms' must be greater than or equal to -1"),
        ({"name": "a", "config": {"min_insync_replicas": 3}}, 422, "must not be greater than the replication factor"),
    ],
)
async def test_a_topic_that_cannot_be_is_refused(body: dict[str, Any], status: int, message: str) -> None:
    async with emulating() as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster()['id']}/topics"
        await call("POST", path, {"name": "taken"})
        refused = await call("POST", path, body)
        assert refused.status == status
        assert refused.message.endswith(message)


async def test_partitions_can_only_grow() -> None:
    async with emulating(delays=Delays.none()) as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster()['id']}/topics"
        await call("POST", path, {"name": "a", "partition_count": 9})
        refused = await call("PUT", f"{path}/a", {"partition_count": 6})
        assert (refused.status, refused.message) == (422, "invalid partition count: it can only be increased")


async def test_a_list_of_topics_can_show_partitions_as_an_older_fixture_does() -> None:
    async with emulating(quirks=Quirks(topic_list_partitions=True, consumer_group_key="group_name")) as (
        emulator,
        call,
    ):
        cluster = emulator.add_cluster()
        path = f"/v2/databases/{cluster['id']}/topics"
        await call("POST", path, {"name": "a"})
        emulator.add_consumer_group(cluster["id"], "a", "billing")
        (topic,) = (await call("GET", path)).json["topics"]
        assert "partition_count" not in topic
        assert topic["partitions"][2]["consumer_groups"] == [{"group_name": "billing", "offset": 0}]


async def test_passwords_are_hidden_from_a_token_that_may_not_see_them() -> None:
    async with emulating() as (emulator, _):
        cluster = emulator.add_cluster(engine="pg")
        assert cluster["connection"]["password"] in cluster["connection"]["uri"]
        async with calling(emulator, emulator.add_token(["database:read"])) as call:
            shown = (await call("GET", f"/v2/databases/{cluster['id']}")).json["database"]
            assert "password" not in shown["connection"]
            assert "://doadmin:@" in shown["connection"]["uri"]
            assert shown["users"] == [{"name": "doadmin", "role": "primary"}]
            credentials = (await call("GET", "/v2/databases/metrics/credentials")).json["credentials"]
            assert credentials == {"basic_auth_username": "doadmin"}


async def test_fields_that_need_another_scope_are_left_out_and_cannot_be_ordered_without_it() -> None:
    fields = {"tags": "tag", "private_network_uuid": "vpc", "project_id": "project"}
    async with emulating(delays=Delays.none()) as (emulator, _):
        path = f"/v2/databases/{emulator.add_cluster(engine='pg', tags=['a'], size='db-s-2vcpu-4gb')['id']}"
        assert emulator.perform("POST", f"{path}/replicas", {"name": "copy"}).status == 201
        async with calling(emulator, emulator.add_token(["database:read", "database:create"])) as call:
            assert not fields.keys() & (await call("GET", path)).json["database"].keys()
            assert not fields.keys() & (await call("GET", f"{path}/replicas/copy")).json["replica"].keys()
            assert (await call("GET", "/v2/databases?tag_name=a")).status == 403
            for field in ({"tags": ["a"]}, {"private_network_uuid": UUID}, {"project_id": UUID}):
                assert (await call("POST", "/v2/databases", ORDER | field)).status == 403
            assert (await call("POST", f"{path}/replicas", {"name": "b", "tags": ["a"]})).status == 403
            assert (await call("POST", "/v2/databases", ORDER | {"tags": [], "project_id": ""})).status == 201
            assert (await call("POST", "/v2/tags", {"name": "a"})).status == 403
        wide = ["database:read", "database:create", "tag:read", "tag:create", "vpc:read", "project:read"]
        async with calling(emulator, emulator.add_token(wide)) as call:
            assert fields.keys() <= (await call("GET", path)).json["database"].keys()
            assert len((await call("GET", "/v2/databases?tag_name=a")).json["databases"]) == 1
            order = ORDER | {"name": "tagged", "tags": ["a"], "private_network_uuid": UUID}
            assert (await call("POST", "/v2/databases", order)).status == 201
            assert (await call("POST", "/v2/databases", ORDER | {"name": "b", "project_id": UUID})).status == 403
            assert (await call("POST", "/v2/tags", {"name": "a"})).status == 201


async def test_mongodb_shows_passwords_in_the_response_to_the_create_only() -> None:
    async with emulating(delays=Delays.none()) as (_, call):
        created = (await call("POST", "/v2/databases", ORDER | {"engine": "mongodb"})).json["database"]
        assert created["connection"]["password"]
        assert created["connection"]["host"] == ""
        path = f"/v2/databases/{created['id']}"
        shown = (await call("GET", path)).json["database"]
        assert "password" not in shown["connection"]
        assert shown["connection"]["uri"].startswith("mongodb+srv://doadmin:@main-")
        user = (await call("POST", f"{path}/users", {"name": "app", "readonly": True})).json["user"]
        assert user["settings"]["mongo_user_settings"]["role"] == "readOnly"
        assert user["password"]
        assert "password" not in (await call("GET", f"{path}/users/app")).json["user"]


async def test_kafka_users_have_certificates_and_access_rules_with_ids() -> None:
    async with emulating() as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster()['id']}/users"
        acl = [{"topic": "orders", "permission": "consume"}]
        user = (await call("POST", path, {"name": "app", "settings": {"acl": acl}})).json["user"]
        assert user["access_cert"].startswith("-----BEGIN CERTIFICATE-----")
        assert user["access_key"].startswith("-----BEGIN PRIVATE KEY-----")
        assert user["settings"]["acl"][0].keys() == {"id", "topic", "permission"}
        refused = await call("POST", path, {"name": "b", "settings": {"pg_allow_replication": True}})
        assert refused.message == "invalid pg_allow_replication: not supported for this cluster type"


async def test_the_mysql_plugin_changes_with_a_reset() -> None:
    async with emulating() as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(engine='mysql')['id']}/users"
        user = (await call("POST", path, {"name": "app"})).json["user"]
        assert user["mysql_settings"] == {"auth_plugin": "caching_sha2_password"}
        plugin = {"mysql_settings": {"auth_plugin": "mysql_native_password"}}
        reset = (await call("POST", f"{path}/app/reset_auth", plugin)).json["user"]
        assert reset["mysql_settings"] == plugin["mysql_settings"]
        assert (await call("POST", f"{path}/app/reset_auth")).status == 400


@pytest.mark.parametrize(
    ("engine", "part", "name"),
    [
        ("pg", "users", "doadmin"),
        ("pg", "dbs", "defaultdb"),
        ("mongodb", "users", "doadmin"),
        ("mongodb", "users", "do-readonly"),
        ("mongodb", "dbs", "admin"),
    ],
)
async def test_defaults_are_there_and_cannot_be_deleted(engine: str, part: str, name: str) -> None:
    async with emulating() as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(engine=engine)['id']}/{part}/{name}"
        assert (await call("GET", path)).status == 200
        assert (await call("DELETE", path)).status == 422


async def test_pools_share_the_connections_of_their_cluster() -> None:
    async with emulating() as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(engine='pg', size='db-s-1vcpu-1gb')['id']}/pools"
        pool = {"name": "first", "mode": "session", "size": 20, "db": "defaultdb"}
        created = (await call("POST", path, pool)).json["pool"]
        assert created["connection"]["uri"].endswith(":25061/first?sslmode=require")
        refused = await call("POST", path, pool | {"name": "second", "size": 3})
        assert refused.message == "invalid connection pool size: 2 of 22 connections are left"
        assert (await call("PUT", f"{path}/first", {"mode": "session", "size": 22, "db": "defaultdb"})).status == 204
        assert (await call("POST", path, pool | {"name": "first"})).message == "connection pool name is not available"


@pytest.mark.parametrize(
    ("size", "budget"),
    [("db-s-2vcpu-4gb", 97), ("gd-8vcpu-32gb", 797), ("gd-16vcpu-64gb", 997), ("gd-40vcpu-160gb", 997)],
)
async def test_a_cluster_has_a_number_of_connections_for_its_pools(size: str, budget: int) -> None:
    async with emulating(lenient=True) as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(engine='pg', size=size)['id']}/pools"
        pool = {"name": "all", "mode": "session", "size": budget + 1, "db": "defaultdb"}
        refused = await call("POST", path, pool)
        assert refused.message == f"invalid connection pool size: {budget} of {budget} connections are left"
        assert (await call("POST", path, pool | {"size": budget})).status == 201


async def test_a_cluster_has_at_most_21_pools() -> None:
    async with emulating() as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(engine='pg', size='db-s-2vcpu-4gb')['id']}/pools"
        pool = {"mode": "session", "size": 1, "db": "defaultdb"}
        for number in range(21):
            assert (await call("POST", path, pool | {"name": f"pool-{number}"})).status == 201
        assert (await call("POST", path, pool | {"name": "one-more"})).status == 422
        assert (await call("DELETE", f"{path}/pool-0")).status == 204
        assert (await call("POST", path, pool | {"name": "one-more"})).status == 201


async def test_a_log_sink_is_wrapped_when_created_and_bare_when_read() -> None:
    async with emulating() as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(engine='mongodb')['id']}/logsink"
        config = {"site": "https://example.com", "datadog_api_key": "k"}
        sink = (await call("POST", path, {"sink_name": "a", "sink_type": "datadog", "config": config})).json["sink"]
        assert (await call("GET", f"{path}/{sink['sink_id']}")).json == sink
        syslog: dict[str, Any] = {"sink_name": "b", "sink_type": "rsyslog", "config": {}}
        assert (await call("POST", path, syslog)).message == "log sink not supported"
        deleted = await call("DELETE", f"{path}/{sink['sink_id']}")
        assert (deleted.status, deleted.text) == (200, "")


async def test_a_subject_gets_versions_and_refuses_what_would_break_its_readers() -> None:
    def schema(*fields: dict[str, Any]) -> dict[str, Any]:
        text = {"type": "record", "name": "order", "fields": list(fields)}
        return {"subject_name": "order", "schema_type": "avro", "schema": str(text).replace("'", '"')}

    identity, note = {"name": "id", "type": "int"}, {"name": "note", "type": "string"}
    async with emulating() as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster()['id']}/schema-registry"
        assert (await call("POST", path, schema(identity))).json["schema_type"] == "avro", "as sent"
        assert (await call("POST", path, schema(identity))).json["schema_id"] == 1
        refused = await call("POST", path, schema(identity, note))
        assert (refused.status, refused.message.rpartition(": ")[2]) == (422, "note")
        await call("PUT", f"{path}/config/order", {"compatibility_level": "FORWARD"})
        assert (await call("POST", path, schema(identity, note))).json["schema_id"] == 2
        latest = (await call("GET", f"{path}/order/versions/latest")).json
        assert (latest["version"], latest["schema_id"]) == ("2", 2)
        assert (await call("GET", f"{path}/order/versions/3")).status == 404
        assert (await call("GET", f"{path}/config/nothing")).status == 404


async def test_rules_keep_their_id_and_date_over_a_replacement() -> None:
    clock = Clock.stepped()
    async with emulating(clock=clock) as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(engine='pg')['id']}/firewall"
        await call("PUT", path, {"rules": [{"type": "ip_addr", "value": "10.0.0.1", "uuid": "", "description": "me"}]})
        (rule,) = (await call("GET", path)).json["rules"]
        clock.advance(minutes=1)
        await call("PUT", path, {"rules": [rule, {"type": "droplet", "value": "163973392"}]})
        kept, added = (await call("GET", path)).json["rules"]
        assert kept == rule
        assert added["created_at"] > kept["created_at"]
        assert (await call("PUT", path, {"rules": None})).status == 204
        assert (await call("GET", path)).json == {"rules": []}


async def test_autoscale_answers_in_either_of_two_envelopes() -> None:
    for wrapped in (False, True):
        async with emulating(quirks=Quirks(autoscale_wrapped=wrapped)) as (emulator, call):
            body = (await call("GET", f"/v2/databases/{emulator.add_cluster()['id']}/autoscale")).json
            assert (body["autoscale"] if wrapped else body) == {"storage": {"enabled": False}}


async def test_lists_can_be_paged_on_demand() -> None:
    async with emulating(quirks=Quirks(page_size=2)) as (emulator, call):
        for number in range(5):
            emulator.add_cluster(name=f"c{number}", tags=["t&u"])
        names: list[str] = []
        url: str | None = "/v2/databases?tag_name=t%26u"
        while url:
            page = (await call("GET", url)).json
            assert page["meta"] == {"total": 5}
            names += [cluster["name"] for cluster in page["databases"]]
            url = page["links"].get("pages", {}).get("next")
        assert names == ["c0", "c1", "c2", "c3", "c4"]
        assert len((await call("GET", "/v2/databases?page=1&per_page=200")).json["databases"]) == 5
        beyond = (await call("GET", "/v2/databases?page=9&per_page=nonsense")).json
        assert (beyond["databases"], beyond["links"]["pages"].keys()) == ([], {"first", "prev"})


async def test_lists_are_whole_and_without_links_otherwise() -> None:
    async with emulating() as (emulator, call):
        for number in range(30):
            emulator.add_cluster(name=f"c{number}")
        page = (await call("GET", "/v2/databases?page=2&per_page=10")).json
        assert (len(page["databases"]), page.keys()) == (30, {"databases"})


async def test_the_same_seed_gives_the_same_ids_and_passwords_whatever_happens_between() -> None:
    async with emulating(seed=7) as (first, _), emulating(seed=7) as (second, call):
        await call("GET", "/v2/databases")
        second.add_cluster(name="other")
        one, other = first.add_cluster(name="a"), second.add_cluster(name="a")
        assert (one["id"], one["connection"]) == (other["id"], other["connection"])
        assert first.token == second.token
    async with emulating(seed=8) as (third, _):
        assert third.add_cluster(name="a")["id"] != one["id"]


async def test_an_encoded_slash_stays_part_of_a_name() -> None:
    async with emulating() as (emulator, _):
        headers = {"authorization": f"Bearer {emulator.token}"}
        path = f"/v2/databases/{emulator.add_cluster(engine='pg')['id']}/dbs"
        assert emulator.handle("POST", path, headers, b'{"name": "a/b %?"}').status == 201
        assert emulator.handle("GET", f"{path}/a%2Fb%20%25%3F", headers).status == 200
        assert emulator.handle("GET", f"{path}/a/b", headers).body == b"404 page not found\n"


async def test_kafka_has_a_port_for_each_kind_of_login_and_others_on_private_hosts() -> None:
    async with emulating() as (emulator, _):
        cluster = emulator.add_cluster(engine="kafka")
    public, private = cluster["connection"], cluster["private_connection"]
    assert (public["port"], public["application_ports"]["sasl"]) == (25073, 25073)
    assert (private["port"], private["application_ports"]) == (25080, {"sasl": 25080, "certificate": 25071})
    assert public["application_ports"]["certificate"] != 25073
    assert ":25073" in public["uri"]
    assert "application_ports" not in emulator.add_cluster(engine="pg")["connection"]


async def test_kafkas_port_can_be_zero_with_an_empty_address() -> None:
    async with emulating(quirks=Quirks(kafka_port_zero=True)) as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(engine='kafka')['id']}"
        cluster = (await call("GET", path)).json["database"]
    for connection in (cluster["connection"], cluster["private_connection"]):
        assert (connection["port"], connection["uri"]) == (0, "")
        assert connection["host"]
        assert connection["application_ports"].keys() == {"sasl", "certificate"}


@pytest.mark.parametrize("replaces", [False, True])
async def test_a_topics_put_keeps_or_resets_the_settings_it_does_not_name(*, replaces: bool) -> None:
    async with emulating(quirks=Quirks(topic_put_replaces=replaces), delays=Delays.none()) as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster()['id']}/topics"
        order = {"name": "a", "partition_count": 4, "config": {"retention_ms": 1000, "preallocate": True}}
        await call("POST", path, order)
        config = (await call("PUT", f"{path}/a", {"config": {"retention_ms": 2000}})).json["topic"]["config"]
        assert (config["retention_ms"], config["preallocate"]) == (2000, not replaces)
        assert config == (await call("GET", f"{path}/a")).json["topic"]["config"]


async def test_topic_names_that_differ_in_dots_and_underscores_only_collide() -> None:
    async with emulating(delays=Delays(topic_delete=10), clock=Clock.stepped()) as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster()['id']}/topics"
        assert (await call("POST", path, {"name": "a.b_c"})).status == 201
        for name in ("a_b_c", "a.b.c", "a_b.c"):
            refused = await call("POST", path, {"name": name})
            assert refused.status == 422
            assert refused.message.endswith(f"'{name}' collides with existing topic 'a.b_c'")
        await call("DELETE", f"{path}/a.b_c")
        emulator.clock.advance(seconds=9)
        assert (await call("POST", path, {"name": "a_b_c"})).status == 422, "also while it is being deleted"
        emulator.clock.advance(seconds=1)
        assert (await call("POST", path, {"name": "a_b_c"})).status == 201


async def test_schema_types_are_given_back_as_sent_and_capitals_can_be_refused() -> None:
    order = {"subject_name": "s", "schema_type": "AVRO", "schema": '"int"'}
    async with emulating() as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster()['id']}/schema-registry"
        assert (await call("POST", path, order)).json["schema_type"] == "AVRO"
        assert (await call("POST", path, order | {"schema_type": "Avro"})).status == 422
        again = await call("POST", path, order | {"schema_type": "avro"})
        assert again.json["schema_id"] == 1, "the same type, so the same version"
    async with emulating(quirks=Quirks(refuse_capital_schema_types=True)) as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster()['id']}/schema-registry"
        assert (await call("POST", path, order)).message == "invalid schema_type"
        assert (await call("POST", path, order | {"schema_type": "avro"})).status == 201


AUTOSCALE = {"enabled": True, "threshold_percent": 80, "increment_gib": 10}


@pytest.mark.parametrize("given", [{"storage_autoscale": AUTOSCALE}, {"autoscale": {"storage": AUTOSCALE}}])
async def test_autoscale_can_be_ordered_in_two_spellings_and_switched_off_with_zeros(given: dict[str, Any]) -> None:
    async with emulating(delays=Delays.none()) as (_, call):
        cluster = (await call("POST", "/v2/databases", ORDER | given)).json["database"]
        assert cluster["storage_autoscale"] == cluster["autoscale"]["storage"] == AUTOSCALE
        path = f"/v2/databases/{cluster['id']}/autoscale"
        assert (await call("GET", path)).json == {"storage": AUTOSCALE}
        off = {"storage": {"enabled": False, "threshold_percent": 0, "increment_gib": 0}}
        assert (await call("PUT", path, off)).status == 204
        assert (await call("GET", path)).json == {"storage": {"enabled": False}}
        refused = await call("PUT", path, {"storage": {"enabled": False, "threshold_percent": 7}})
        assert refused.message == "invalid threshold_percent: must be between 15 and 95"


@pytest.mark.parametrize(
    ("engine", "kind", "name", "more"),
    [
        ("kafka", "topics", "name", {}),
        ("pg", "users", "name", {}),
        ("pg", "dbs", "name", {}),
        ("pg", "pools", "name", {"mode": "session", "size": 1, "db": "defaultdb"}),
    ],
)
async def test_lists_can_show_new_objects_late(engine: str, kind: str, name: str, more: dict[str, Any]) -> None:
    async with emulating(delays=Delays(listed=30), clock=Clock.stepped()) as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(engine=engine)['id']}/{kind}"
        before = (await call("GET", path)).json
        assert (await call("POST", path, {"name": "late", **more})).status == 201
        emulator.clock.advance(seconds=29)
        assert (await call("GET", path)).json == before
        assert (await call("GET", f"{path}/late")).status == 200
        emulator.clock.advance(seconds=1)
        assert "late" in [each[name] for each in (await call("GET", path)).json[kind]]


async def test_the_list_of_clusters_can_show_a_new_one_late() -> None:
    async with emulating(delays=Delays(listed=30), clock=Clock.stepped()) as (emulator, call):
        made = (await call("POST", "/v2/databases", ORDER)).json["database"]["id"]
        emulator.clock.advance(seconds=29)
        assert (await call("GET", "/v2/databases")).json == {"databases": []}
        assert (await call("GET", f"/v2/databases/{made}")).status == 200
        emulator.clock.advance(seconds=1)
        assert [each["id"] for each in (await call("GET", "/v2/databases")).json["databases"]] == [made]


@pytest.mark.parametrize(
    ("spelling", "hyphens", "underscores", "shown"),
    [
        ("either", 200, 200, "allkeys-lru"),
        ("hyphens", 200, 422, "allkeys-lru"),
        ("underscores", 422, 200, "allkeys_lru"),
    ],
)
async def test_valkeys_policy_has_three_readings(spelling: str, hyphens: int, underscores: int, shown: str) -> None:
    async with emulating(quirks=Quirks(valkey_policy=spelling)) as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(engine='valkey')['id']}/config"
        for value, status in (("allkeys-lru", hyphens), ("allkeys_lru", underscores)):
            answer = await call("PATCH", path, {"config": {"valkey_maxmemory_policy": value}})
            assert answer.status == status
        assert (await call("GET", path)).json["config"]["valkey_maxmemory_policy"] == shown
        assert (await call("PATCH", path, {"config": {"valkey_maxmemory_policy": "noeviction"}})).status == 200


def test_a_reading_of_valkeys_policy_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="valkey_policy"):
        Quirks(valkey_policy="dots")
