"""What changes with time, in the order in which the service has been seen to change it."""

from __future__ import annotations

from typing import Any, Final

from emulator_http import emulating

from asyncdbaas.emulator import Clock, Delays, Quirks

SIZE: Final = "db-s-2vcpu-4gb"
ORDER: Final[dict[str, Any]] = {"name": "main", "engine": "pg", "size": SIZE, "region": "nyc3", "num_nodes": 1}


async def test_a_cluster_shows_its_users_and_databases_only_once_it_is_online() -> None:
    clock = Clock.stepped()
    async with emulating(clock=clock) as (_, call):
        created = (await call("POST", "/v2/databases", ORDER)).json["database"]
        assert created["status"] == "creating"
        assert [created[key] for key in ("users", "db_names", "maintenance_window")] == [None, None, None]
        clock.advance(seconds=239)
        assert (await call("GET", f"/v2/databases/{created['id']}")).json["database"]["status"] == "creating"
        clock.advance(seconds=1)
        shown = (await call("GET", f"/v2/databases/{created['id']}")).json["database"]
        assert shown["status"] == "online"
        assert [user["name"] for user in shown["users"]] == ["doadmin"]


async def test_a_new_cluster_can_answer_404_for_a_while() -> None:
    clock = Clock.stepped()
    async with emulating(clock=clock, delays=Delays(visible=10)) as (_, call):
        created = (await call("POST", "/v2/databases", ORDER)).json["database"]
        assert (await call("GET", f"/v2/databases/{created['id']}")).status == 404
        assert (await call("GET", "/v2/databases")).json == {"databases": []}
        clock.advance(seconds=10)
        assert (await call("GET", f"/v2/databases/{created['id']}")).status == 200


async def test_with_no_delays_each_change_shows_in_the_next_request() -> None:
    async with emulating(delays=Delays.none()) as (_, call):
        created = (await call("POST", "/v2/databases", ORDER)).json["database"]
        assert created["status"] == "creating"
        assert (await call("GET", f"/v2/databases/{created['id']}")).json["database"]["status"] == "online"


async def test_a_resizing_cluster_reads_online_with_its_old_size_at_first_and_refuses_a_second_change() -> None:
    clock = Clock.stepped()
    async with emulating(clock=clock) as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(**ORDER)['id']}"
        resize = {"size": "db-s-4vcpu-8gb", "num_nodes": 1}
        accepted = await call("PUT", f"{path}/resize", resize)
        assert (accepted.status, accepted.text) == (202, "")
        shown = (await call("GET", path)).json["database"]
        assert (shown["status"], shown["size"]) == ("online", SIZE)
        refused = await call("PUT", f"{path}/resize", resize)
        assert (refused.status, refused.json["id"]) == (412, "precondition_failed")
        assert refused.message == "update cluster cannot be performed. Reason: cluster is undergoing maintenance"
        clock.advance(seconds=10)
        assert (await call("GET", path)).json["database"]["status"] == "resizing"
        refused = await call("PUT", f"{path}/resize", resize)
        assert refused.message == "update cluster cannot be performed. Reason: cluster is resizing"
        clock.advance(minutes=5)
        shown = (await call("GET", path)).json["database"]
        assert (shown["status"], shown["size"], shown["storage_size_mib"]) == ("online", "db-s-4vcpu-8gb", 143360)


async def test_children_cannot_be_made_before_the_cluster_is_online() -> None:
    async with emulating() as (_, call):
        created = (await call("POST", "/v2/databases", ORDER)).json["database"]
        for child, body in (("users", {"name": "a"}), ("dbs", {"name": "a"}), ("pools", {"name": "abc"})):
            refused = await call("POST", f"/v2/databases/{created['id']}/{child}", body)
            assert refused.status == 412
            assert refused.message.endswith("Reason: cluster is creating")


async def test_a_replica_needs_a_backup_and_then_hides_for_a_while() -> None:
    clock = Clock.stepped()
    async with emulating(clock=clock) as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(**ORDER)['id']}"
        order = {"name": "read", "size": SIZE}
        for method, part in (("POST", "replicas"), ("GET", "backups")):
            refused = await call(method, f"{path}/{part}", order if method == "POST" else None)
            assert refused.status == 412
            assert refused.message.endswith("Reason: cluster has no backup yet")
        clock.advance(seconds=120)
        created = await call("POST", f"{path}/replicas", order)
        assert (created.status, created.json["replica"]["status"]) == (201, "forking")
        assert (await call("GET", f"{path}/replicas/read")).status == 404
        taken = await call("POST", "/v2/databases", ORDER | {"name": "read"})
        assert taken.message == "cluster name is not available"
        clock.advance(seconds=60)
        assert (await call("GET", f"{path}/replicas/read")).json["replica"]["status"] == "forking"
        clock.advance(minutes=4)
        own = f"/v2/databases/{created.json['replica']['id']}"
        assert (await call("GET", own)).json["database"]["status"] == "online"
        assert (await call("GET", "/v2/databases")).json["databases"][0]["name"] == "main"
        assert len((await call("GET", "/v2/databases")).json["databases"]) == 1
        resized = await call("PUT", f"{own}/resize", {"size": "db-s-4vcpu-8gb", "num_nodes": 2})
        assert resized.message == "invalid node count"


async def test_a_replica_shows_its_primarys_users_until_it_is_promoted() -> None:
    async with emulating(delays=Delays.none(), quirks=Quirks(replicas_listed=True)) as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(**ORDER)['id']}"
        replica = (await call("POST", f"{path}/replicas", {"name": "read", "size": SIZE})).json["replica"]
        own = f"/v2/databases/{replica['id']}"
        await call("POST", f"{path}/users", {"name": "app"})
        assert (await call("GET", f"{own}/users/app")).status == 200
        assert (await call("POST", f"{own}/users", {"name": "b"})).status == 201, "as Terraform's documentation does"
        assert (await call("GET", f"{path}/users/b")).status == 200
        assert (await call("POST", f"{own}/dbs", {"name": "b"})).status == 422
        assert [each["read_only"] for each in (await call("GET", "/v2/databases")).json["databases"]] == [False, True]
        assert (await call("PUT", f"{path}/replicas/read/promote")).status == 204
        await call("DELETE", f"{path}/users/app")
        assert (await call("GET", f"{own}/users/app")).status == 200
        assert (await call("POST", f"{own}/users", {"name": "c"})).status == 201
        assert (await call("GET", f"{path}/users/c")).status == 404


async def test_deleting_a_cluster_takes_its_replicas_along() -> None:
    async with emulating(delays=Delays.none()) as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(**ORDER)['id']}"
        replica = (await call("POST", f"{path}/replicas", {"name": "read", "size": SIZE})).json["replica"]
        assert (await call("DELETE", path)).status == 204
        assert (await call("GET", f"/v2/databases/{replica['id']}")).status == 404


async def test_what_is_under_way_ends_with_its_cluster() -> None:
    clock = Clock.stepped()
    async with emulating(clock=clock, delays=Delays(delete=1)) as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(**ORDER)['id']}"
        await call("PUT", f"{path}/resize", {"size": "db-s-4vcpu-8gb", "num_nodes": 1})
        broker = f"/v2/databases/{emulator.add_cluster()['id']}"
        for name in ("a", "b"):
            await call("POST", f"{broker}/topics", {"name": name})
        clock.advance(seconds=5)
        await call("PUT", f"{broker}/topics/a", {"partition_count": 9})
        await call("DELETE", f"{broker}/topics/b")
        await call("POST", "/v2/databases", ORDER | {"name": "new"})
        for cluster in (await call("GET", "/v2/databases")).json["databases"]:
            assert (await call("DELETE", f"/v2/databases/{cluster['id']}")).status == 204
            refused = await call("POST", f"/v2/databases/{cluster['id']}/users", {"name": "late"})
            assert refused.message == "create user cannot be performed. Reason: cluster is being deleted"
        clock.advance(days=2)
        assert (await call("GET", "/v2/databases")).json == {"databases": []}


async def test_a_backup_can_be_forked_into_a_new_cluster() -> None:
    clock = Clock.stepped()
    async with emulating(clock=clock) as (emulator, call):
        source = emulator.add_cluster(**ORDER)
        await call("POST", f"/v2/databases/{source['id']}/dbs", {"name": "shop"})
        backup = {"database_name": "main"}
        fork = ORDER | {"name": "fork", "backup_restore": backup}
        assert (await call("POST", "/v2/databases", fork)).status == 422
        clock.advance(minutes=2)
        wrong = [
            (fork | {"engine": "mysql"}, "no such cluster of this engine"),
            (fork | {"backup_restore": {"database_name": "gone"}}, "no such cluster of this engine"),
            (fork | {"backup_restore": backup | {"backup_created_at": "1999-12-31T00:00:00Z"}}, "no such backup"),
        ]
        for order, why in wrong:
            assert (await call("POST", "/v2/databases", order)).message == f"invalid backup_restore: {why}"
        made_at = (await call("GET", f"/v2/databases/{source['id']}/backups")).json["backups"][0]["created_at"]
        backup |= {"backup_created_at": made_at.replace("Z", "+00:00")}
        created = await call("POST", "/v2/databases", fork | {"backup_restore": backup})
        assert created.json["database"]["status"] == "forking"
        clock.advance(minutes=4)
        shown = (await call("GET", f"/v2/databases/{created.json['database']['id']}")).json["database"]
        assert (shown["status"], shown["db_names"]) == ("online", ["defaultdb", "shop"])


async def test_backups_are_made_each_day_and_a_week_of_them_is_kept() -> None:
    clock = Clock.stepped()
    async with emulating(clock=clock) as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(**ORDER)['id']}/backups"
        clock.advance(minutes=2)
        assert "backup_progress" not in (await call("GET", path)).json
        clock.advance(days=1, minutes=-1)
        running = (await call("GET", path)).json
        assert (len(running["backups"]), running["backup_progress"]) == (1, "50")
        clock.advance(days=10)
        assert len((await call("GET", path)).json["backups"]) == 6  # and the one that runs


async def test_an_online_migration_runs_then_syncs_then_is_done() -> None:
    clock = Clock.stepped()
    async with emulating(clock=clock) as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(**ORDER)['id']}/online-migration"
        assert (await call("GET", path)).status == 404
        source = {"source": {"host": "db.example.com", "port": 5432}}
        assert (await call("PUT", path, source)).status == 200
        assert (await call("PUT", path, source)).status == 412
        seen: list[str] = []
        for _ in range(3):
            seen.append((await call("GET", path)).json["status"])
            clock.advance(seconds=60)
        assert seen == ["running", "syncing", "done"]


async def test_a_migration_from_an_unreachable_source_is_accepted_and_then_fails() -> None:
    async with emulating(delays=Delays.none()) as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(**ORDER)['id']}/online-migration"
        assert (await call("PUT", path, {"source": {"host": "db.invalid", "port": 1}})).json["status"] == "running"
        assert (await call("GET", path)).json["status"] == "error"


async def test_a_cluster_under_maintenance_reads_online_and_refuses_changes() -> None:
    clock = Clock.stepped()
    async with emulating(clock=clock) as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(**ORDER)['id']}"
        assert (await call("PUT", f"{path}/install_update")).status == 204
        assert (await call("GET", path)).json["database"]["status"] == "online"
        assert (await call("PUT", f"{path}/migrate", {"region": "ams3"})).status == 412
        clock.advance(minutes=2)
        assert (await call("PUT", f"{path}/migrate", {"region": "ams3"})).status == 202


async def test_users_cannot_be_changed_in_parallel_where_that_is_switched_on() -> None:
    clock = Clock.stepped()
    async with emulating(clock=clock, delays=Delays(user_write=1)) as (emulator, call):
        cluster = emulator.add_cluster(**ORDER)
        headers = {"authorization": f"Bearer {emulator.token}"}
        path = f"/v2/databases/{cluster['id']}/users"
        assert emulator.handle("POST", path, headers, b'{"name": "a"}')[::3] == (201, 1.0)
        assert emulator.handle("POST", path, headers, b'{"name": "b"}').status == 412
        clock.advance(seconds=1)
        assert emulator.handle("POST", path, headers, b'{"name": "b"}').status == 201
        assert (await call("GET", f"{path}/b")).status == 200


async def test_a_new_user_can_answer_404_for_a_while() -> None:
    clock = Clock.stepped()
    async with emulating(clock=clock, delays=Delays(user_visible=2)) as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(**ORDER)['id']}/users"
        await call("POST", path, {"name": "app"})
        assert (await call("GET", f"{path}/app")).status == 404
        assert len((await call("GET", path)).json["users"]) == 1
        clock.advance(seconds=2)
        assert (await call("GET", f"{path}/app")).status == 200


async def test_a_deleted_topic_is_listed_as_deleting_until_it_is_gone() -> None:
    clock = Clock.stepped()
    async with emulating(clock=clock, delays=Delays(topic=5, topic_delete=5)) as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster()['id']}/topics"
        await call("POST", path, {"name": "orders"})
        early = await call("PUT", f"{path}/orders", {"partition_count": 6})
        assert early.message == "update topic cannot be performed. Reason: topic is still provisioning"
        assert (await call("DELETE", f"{path}/orders")).status == 204
        assert (await call("GET", path)).json["topics"][0]["state"] == "deleting"
        assert (await call("DELETE", f"{path}/orders")).status == 412
        clock.advance(seconds=5)
        assert (await call("GET", path)).json == {"topics": []}
        assert (await call("DELETE", f"{path}/orders")).status == 404


async def test_a_redis_cluster_turns_into_valkey_in_place() -> None:
    async with emulating() as (emulator, call):
        assert (await call("POST", "/v2/databases", ORDER | {"engine": "redis"})).message == "invalid engine"
        path = f"/v2/databases/{emulator.add_cluster(engine='redis')['id']}"
        assert (await call("PATCH", f"{path}/config", {"config": {"redis_timeout": 60}})).status == 200
        emulator.turn_into_valkey(path.rpartition("/")[2])
        assert (await call("GET", path)).json["database"]["engine"] == "valkey"
        assert (await call("GET", f"{path}/config")).json["config"]["valkey_timeout"] == 60
        refused = await call("PATCH", f"{path}/config", {"config": {"redis_timeout": 60}})
        assert (refused.status, refused.json["id"]) == (400, "bad_request")
        assert refused.message == 'json: unknown field "redis_timeout"'


async def test_a_topic_that_is_made_again_has_nothing_to_do_with_the_old_one() -> None:
    clock = Clock.stepped()
    async with emulating(clock=clock, delays=Delays(topic=10, partitions=20)) as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster()['id']}/topics"
        await call("POST", path, {"name": "orders"})
        clock.advance(seconds=10)
        assert (await call("PUT", f"{path}/orders", {"partition_count": 9})).status == 200
        assert (await call("DELETE", f"{path}/orders")).status == 204
        assert (await call("POST", path, {"name": "orders"})).status == 201
        clock.advance(seconds=5)
        assert (await call("DELETE", f"{path}/orders")).status == 204
        assert (await call("POST", path, {"name": "orders"})).status == 201
        clock.advance(seconds=5)
        assert (await call("GET", f"{path}/orders")).json["topic"]["state"] == "configuring"
        clock.advance(seconds=60)
        shown = (await call("GET", f"{path}/orders")).json["topic"]
        assert (shown["state"], len(shown["partitions"])) == ("active", 3)
