"""Seed data brings an emulator into a state as a whole, or not at all."""

from __future__ import annotations

from typing import Any, Final

import pytest
from emulator_http import emulating

from asyncdbaas.emulator import Clock, Delays, Emulator, SeedError

WORLD: Final = {
    "delays": {"topic": 60, "create": 5.5},
    "quirks": {"page_size": 50, "replicas_listed": True},
    "faults": [{"operation": "list_topics", "kind": "server_error", "optional": True}],
    "clusters": [
        {
            "engine": "kafka",
            "name": "events",
            "num_nodes": 6,
            "tags": ["blue"],
            "topics": ["orders", {"name": "payments", "partition_count": 6, "consumer_groups": ["billing"]}],
            "users": ["shop"],
            "schemas": [{"subject_name": "orders", "schema_type": "avro", "schema": '{"type": "string"}'}],
        },
        {
            "engine": "pg",
            "name": "shop",
            "databases": ["orders"],
            "users": [{"name": "web"}],
            "pools": [{"name": "web-pool", "mode": "transaction", "size": 5, "db": "orders", "user": "web"}],
            "replicas": ["shop-copy"],
        },
        {"engine": "opensearch", "indexes": ["logs", {"name": "metrics", "size": 7}]},
    ],
}


async def test_everything_is_online_and_active_at_once_and_counts_in_no_limit() -> None:
    async with emulating(clock=Clock.stepped(), delays=Delays(replica=100)) as (emulator, call):
        emulator.seed_from(WORLD)
        assert len(emulator.requests) == 0
        listed = (await call("GET", "/v2/databases")).json["databases"]
        assert [(each["name"], each["status"]) for each in listed] == [
            ("events", "online"),
            ("shop", "online"),
            ("shop-copy", "online"),
            ("opensearch-4", "online"),
        ]
        events, shop, _, search = (f"/v2/databases/{each['id']}" for each in listed)
        assert (await call("GET", f"{events}/topics")).status == 500
        topics = (await call("GET", f"{events}/topics")).json["topics"]
        assert {(each["name"], each["state"]) for each in topics} == {("orders", "active"), ("payments", "active")}
        partitions = (await call("GET", f"{events}/topics/payments")).json["topic"]["partitions"]
        assert partitions[0]["consumer_groups"][0]["name"] == "billing"
        assert (await call("GET", f"{shop}/pools/web-pool")).json["pool"]["user"] == "web"
        assert len((await call("GET", f"{search}/indexes")).json["indexes"]) == 2
        assert emulator.delays == Delays(topic=60, create=5.5, replica=100)
        assert emulator.quirks.page_size == 50


WRONG: Final[list[tuple[Any, str]]] = [
    ({"cluster": []}, "seed data: unknown key 'cluster'; did you mean 'clusters'"),
    ([], "seed data must be an object"),
    ({"clusters": {}}, "clusters must be a list"),
    ({"clusters": ["kafka"]}, r"clusters\[0\] must be an object"),
    ({"clusters": [{"name": "a"}]}, r"clusters\[0\] needs an engine"),
    ({"clusters": [{"engine": "kafca"}]}, r"clusters\[0\]: there is no engine 'kafca'"),
    ({"clusters": [{"engine": "kafka", "topics": "a"}]}, r"clusters\[0\]\.topics must be a list"),
    ({"clusters": [{"engine": "kafka", "topics": ["a b"]}]}, r"clusters\[0\]\.topics\[0\]: invalid topic name"),
    ({"clusters": [{"engine": "pg", "topics": ["a"]}]}, r"clusters\[0\]\.topics\[0\]: operation is not supported"),
    ({"clusters": [{"engine": "pg", "indexes": ["a"]}]}, r"clusters\[0\]\.indexes\[0\]: operation is not supp"),
    (
        {"clusters": [{"engine": "kafka", "topic": []}]},
        r"clusters\[0\]: unknown key 'topic'; did you mean 'topics'",
    ),
    (
        {"clusters": [{"engine": "kafka", "topics": [{"name": "a", "partitions": 6}]}]},
        r"clusters\[0\]\.topics\[0\]: unknown key 'partitions'; did you mean 'partition_count'",
    ),
    ({"clusters": [{"engine": "pg", "users": [{"place": 1}]}]}, r"clusters\[0\]\.users\[0\]: unknown key 'place'"),
    (
        {"clusters": [{"engine": "kafka", "topics": [{"name": "a", "consumer_groups": [7]}]}]},
        r"clusters\[0\]\.topics\[0\]: json: cannot unmarshal int into field \"consumer_groups\"",
    ),
    ({"clusters": [{"engine": "opensearch", "indexes": [{}]}]}, r"clusters\[0\]\.indexes\[0\]: name is required"),
    ({"faults": [{"kind": 7}]}, r"faults\[0\]: json: cannot unmarshal int into field \"kind\""),
    ({"faults": [{"kind": "server_eror"}]}, r"faults\[0\]: there is no kind of fault 'server_eror'; did you mean"),
    ({"faults": [{"kind": "delay", "operation": "x"}]}, r"faults\[0\]: there is no operation 'x'"),
    ({"delays": {"creat": 1}}, "delays: unknown key 'creat'; did you mean 'create'"),
    ({"delays": {"create": "1"}}, "delays.create must be a number from 0 to 1000000000, not '1'"),
    ({"delays": {"create": True}}, "delays.create must be a number .*, not True"),
    ({"delays": {"create": -1}}, "delays.create must be a number .*, not -1"),
    (
        {"quirks": {"page_size": "2"}},
        "quirks.page_size must be a whole number from 1 to 200, or none, not '2'",
    ),
    ({"quirks": {"replicas_listed": 1}}, "quirks.replicas_listed must be true or false, not 1"),
    (
        {"quirks": {"valkey_policy": "dots"}},
        "quirks.valkey_policy must be 'either' or 'hyphens' or 'underscores', not 'dots'",
    ),
]


@pytest.mark.parametrize(("data", "message"), WRONG)
def test_what_is_wrong_is_named(data: Any, message: str) -> None:
    with pytest.raises(SeedError, match=message):
        Emulator().seed_from(data)


def test_if_one_part_is_wrong_nothing_is_applied() -> None:
    emulator = Emulator(clock=Clock.stepped())
    emulator.add_cluster(name="before")
    before, delays, quirks = emulator.snapshot(), emulator.delays, emulator.quirks
    wrong = {"operation": "create_topics", "kind": "delay"}
    with pytest.raises(SeedError, match=r"faults\[1\]: there is no operation 'create_topics'"):
        emulator.seed_from({**WORLD, "faults": [{"kind": "delay"}, wrong]})
    assert emulator.snapshot() == before
    assert (emulator.delays, emulator.quirks, emulator.faults.dump()) == (delays, quirks, [])


def test_a_cluster_whose_name_exists_is_left_alone() -> None:
    emulator = Emulator(clock=Clock.stepped())
    for _ in range(2):
        emulator.seed_from({"clusters": [{"engine": "pg", "name": "shop", "databases": ["orders"]}]})
    assert [each["name"] for each in emulator.perform("GET", "/v2/databases").body["databases"]] == ["shop"]
