"""Users, registries and schemas in plans, beside topics."""

from __future__ import annotations

from typing import Any

import pytest
from worlds import World, applied, opened, reasons, results

from asyncdbaas.catalogue import Catalogue, parse_catalogue, write_catalogue
from asyncdbaas.clusters import list_clusters
from asyncdbaas.plan import (
    Action,
    ClusterRef,
    Plan,
    Prune,
    Result,
    differences,
    export,
    fetch,
    forecast,
    make_plan,
    refresh,
    resolve,
    saved_plan,
)
from asyncdbaas.plan.saving import load_plan, save_plan
from asyncdbaas.schemas import (
    CompatibilityLevel,
    SchemaCreate,
    SchemaType,
    create_schema,
    get_schema,
    get_subject_compatibility,
)
from asyncdbaas.users import KafkaACL, KafkaPermission, UserCreate, UserSettings, create_user, list_users, update_user

TEXT = """
cluster: events
topics:
  - {name: orders}
users:
  - name: shop
    acl:
      - {topic: orders.*, permission: produce}
      - {topic: stock, permission: consume}
  - name: audit
schema_registry: {compatibility: FULL}
schemas:
  - subject: orders-value
    type: avro
    schema: '{"type": "record", "name": "Order", "fields": [{"name": "id", "type": "long"}]}'
    compatibility: BACKWARD
  - subject: stock-value
    type: avro
    schema: '"string"'
"""


def of(text: str = TEXT) -> Catalogue:
    return parse_catalogue(text, file="t.yaml")


def actions(plan: Plan) -> dict[tuple[str, str], Action]:
    return {(change.kind, change.name): change.action for change in plan.changes}


async def planned(world: World, text: str = TEXT, **options: Any) -> Plan:
    return await make_plan(world.session, of(text), **options)


async def test_all_kinds_are_created_in_order_with_exactly_the_forecast_requests_and_then_in_sync() -> None:
    async with opened("events") as world:
        plan = await planned(world)
        assert actions(plan) == {
            ("topic", "orders"): Action.CREATE,
            ("user", "shop"): Action.CREATE,
            ("user", "audit"): Action.CREATE,
            ("registry", "compatibility"): Action.UPDATE,
            ("schema", "orders-value"): Action.CREATE,
            ("schema", "stock-value"): Action.CREATE,
        }
        world.emulator.requests.clear()
        report = await applied(world.session, plan)
        assert not reasons(report)
        sent = [request.operation for request in world.emulator.requests]
        assert sent[:4] == ["create_topic", "create_user", "create_user", "set_compatibility"]
        assert sorted(map(str, sent[4:])) == ["create_schema", "create_schema", "set_subject_compatibility"]
        assert len(sent) == forecast(world.session, plan).requests == report.requests
        world.emulator.clock.advance(minutes=1)
        assert set(actions(await planned(world)).values()) == {Action.KEEP}


async def test_a_new_users_password_is_in_the_outcome_and_nowhere_else() -> None:
    async with opened("events") as world:
        report = await applied(world.session, await planned(world))
        users = {user.name: user.password for user in await list_users(world.session, world.ids["events"])}
        answers = {each.change.name: each.answer for each in report.outcomes if each.change.kind == "user"}
        assert {name: user.password for name, user in answers.items()} == {name: users[name] for name in answers}
        assert users["shop"] is not None
        assert users["shop"] not in repr(report)


async def test_rights_are_one_set_and_what_would_be_taken_away_is_named() -> None:
    async with opened("events") as world:
        acl = [
            KafkaACL(topic="stock", permission=KafkaPermission.CONSUME),
            KafkaACL(topic="old", permission=KafkaPermission.ADMIN),
        ]
        await create_user(world.session, world.ids["events"], UserCreate(name="shop", settings=UserSettings(acl=acl)))
        world.emulator.clock.advance(minutes=1)
        before = {each.topic: each.id for each in (await live_acl(world, "shop"))}
        plan = await planned(world)
        (change,) = [change for change in plan.changes if change.name == "shop"]
        assert change.changed == {"acl": (["admin old", "consume stock"], ["consume stock", "produce orders.*"])}
        assert change.losses == ("admin old",)
        world.emulator.requests.clear()
        await applied(world.session, plan)
        assert world.emulator.requests.operations["get_user"] == 1
        after = {each.topic: each.id for each in await live_acl(world, "shop")}
        assert after.keys() == {"stock", "orders.*"}
        assert after["stock"] == before["stock"], "a right that stays keeps its id"


async def live_acl(world: World, name: str) -> list[KafkaACL]:
    (user,) = [user for user in await list_users(world.session, world.ids["events"]) if user.name == name]
    acl = user.settings.acl if user.settings else []
    return list(acl or [])


async def test_a_right_that_was_added_since_the_plan_is_not_taken_away() -> None:
    async with opened("events") as world:
        cluster_id = world.ids["events"]
        await create_user(world.session, cluster_id, UserCreate(name="shop"))
        world.emulator.clock.advance(minutes=1)
        plan = await planned(world)
        added = KafkaACL(topic="new", permission=KafkaPermission.ADMIN)
        await update_user(world.session, cluster_id, "shop", UserSettings(acl=[added]))
        report = await applied(world.session, plan)
        assert "would also take away what was added since the plan was made: admin new" in reasons(report)["shop"]
        assert [each.topic for each in await live_acl(world, "shop")] == ["new"]


async def test_users_without_declared_rights_and_undeclared_users_are_left_alone() -> None:
    async with opened("events") as world:
        cluster_id = world.ids["events"]
        acl = [KafkaACL(topic="x", permission=KafkaPermission.ADMIN)]
        for name in ("audit", "somebody"):
            await create_user(world.session, cluster_id, UserCreate(name=name, settings=UserSettings(acl=acl)))
            world.emulator.clock.advance(minutes=1)
        await applied(world.session, await planned(world))
        assert [each.topic for each in await live_acl(world, "audit")] == ["x"]
        assert [each.topic for each in await live_acl(world, "somebody")] == ["x"]


@pytest.mark.parametrize("kinds", [("topic",), ("user",), ("schema",), ("user", "schema")])
async def test_prune_deletes_the_kinds_that_it_names_only_and_never_the_first_user(kinds: tuple[str, ...]) -> None:
    async with opened("events") as world:
        everything = TEXT.replace("orders", "d.orders").replace("shop", "d.shop").replace("stock-value", "d.stock")
        await applied(world.session, await planned(world, everything))
        world.emulator.clock.advance(minutes=1)
        rest = "cluster: events\ntopics: [{name: other}]"
        plan = await planned(world, rest, prune=Prune(prefix="d", kinds=kinds))
        doomed = {change.name for change in plan.changes if change.action is Action.DELETE}
        names = {"topic": {"d.orders"}, "user": {"d.shop"}, "schema": {"d.orders-value", "d.stock"}}
        assert doomed == set().union(*(names[kind] for kind in kinds))
        assert not reasons(await applied(world.session, plan))
        world.emulator.clock.advance(minutes=1)
        again = await planned(world, rest, prune=Prune(prefix="d", kinds=kinds))
        assert not again.writes


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ('{ "name":"Order",\n"type":"record","fields":[{"type":"long","name":"id"}] }', True),
        ('{"type": "record", "name": "Order", "fields": []}', False),
    ],
)
async def test_a_schema_that_says_the_same_is_in_sync(text: str, same: bool) -> None:
    async with opened("events") as world:
        made = SchemaCreate(subject_name="orders-value", schema_type=SchemaType.AVRO, schema=text)
        await create_schema(world.session, world.ids["events"], made)
        plan = await planned(world, TEXT.replace("    compatibility: BACKWARD\n", ""))
        assert actions(plan)["schema", "orders-value"] is (Action.KEEP if same else Action.UPDATE)


async def test_an_incompatible_schema_is_an_outcome_of_its_own() -> None:
    async with opened("events") as world:
        await applied(world.session, await planned(world))
        world.emulator.clock.advance(minutes=1)
        plan = await planned(world, TEXT.replace('"long"', '"boolean"'))
        assert actions(plan)["schema", "orders-value"] is Action.UPDATE
        report = await applied(world.session, plan)
        assert results(report)["orders-value"] is Result.INCOMPATIBLE
        assert "incompatible" in reasons(report)["orders-value"]


async def test_a_schema_that_returns_to_an_earlier_version_is_reported_to_have_no_effect() -> None:
    async with opened("events") as world:
        for kind in ("long", "boolean"):
            text = TEXT.replace('"long"', f'"{kind}"').replace("compatibility: BACKWARD", "compatibility: NONE")
            assert not reasons(await applied(world.session, await planned(world, text)))
        text = TEXT.replace("compatibility: BACKWARD", "compatibility: NONE")
        report = await applied(world.session, await planned(world, text))
        assert results(report)["orders-value"] is Result.NO_EFFECT
        assert "as version 1, and version 2 stays the newest: change something" in reasons(report)["orders-value"]
        assert not report.failures[0].outcome_unknown
        documented = text.replace('"name": "Order"', '"name": "Order", "doc": "again"')
        assert not reasons(await applied(world.session, await planned(world, documented)))


async def test_the_outcome_of_a_schema_that_cannot_be_checked_is_unknown() -> None:
    async with opened("events") as world:
        await applied(world.session, await planned(world))
        text = TEXT.replace('"long"', '"boolean"').replace("compatibility: BACKWARD", "compatibility: NONE")
        plan = await planned(world, text)
        world.emulator.faults.add("get_schema", "server_error", times=None)
        report = await applied(world.session, plan)
        assert report.failures[0].outcome_unknown


async def test_a_level_is_loosened_before_the_schema_that_needs_it() -> None:
    async with opened("events") as world:
        await applied(world.session, await planned(world))
        world.emulator.clock.advance(minutes=1)
        text = TEXT.replace('"long"', '"boolean"').replace("compatibility: BACKWARD", "compatibility: NONE")
        plan = await planned(world, text)
        world.emulator.requests.clear()
        report = await applied(world.session, plan)
        assert not reasons(report)
        assert len(world.emulator.requests) == forecast(world.session, plan).requests == 3
        schema = await get_schema(world.session, world.ids["events"], "orders-value")
        assert "boolean" in (schema.schema or "")


@pytest.mark.parametrize("kind", ["int", "long"])
async def test_a_declared_level_that_was_inherited_stays_if_the_registrys_level_changes(kind: str) -> None:
    async with opened("events") as world:
        inherited = TEXT.replace("FULL", "BACKWARD").replace("    compatibility: BACKWARD\n", "").replace("long", "int")
        await applied(world.session, await planned(world, inherited))
        text = TEXT.replace("FULL", "NONE").replace("long", kind)
        assert not reasons(await applied(world.session, await planned(world, text)))
        assert not (await planned(world, text)).writes


async def test_a_user_who_has_a_right_twice_is_exported_with_it_once() -> None:
    async with opened("events") as world:
        right = KafkaACL(topic="x", permission=KafkaPermission.ADMIN)
        settings = UserSettings(acl=[right, right])
        await create_user(world.session, world.ids["events"], UserCreate(name="shop", settings=settings))
        world.emulator.clock.advance(minutes=1)
        cluster = ClusterRef(id=world.ids["events"], name="events")
        exported = write_catalogue(await export(world.session, [cluster], kinds=("user",)), suffix=".yaml")
        assert not (await planned(world, exported)).writes


async def test_a_create_that_ended_between_schema_and_level_is_completed() -> None:
    async with opened("events") as world:
        plan = await planned(world)
        world.emulator.faults.add("set_subject_compatibility", "not_found")
        report = await applied(world.session, plan)
        assert not reasons(report)
        level = await get_subject_compatibility(world.session, world.ids["events"], "orders-value")
        assert level.compatibility_level is CompatibilityLevel.BACKWARD


@pytest.mark.parametrize("operation", ["create_user", "create_schema", "create_topic", "set_compatibility"])
@pytest.mark.parametrize("is_applied", [True, False])
async def test_an_unknown_outcome_is_resolved_and_nothing_is_made_twice(operation: str, is_applied: bool) -> None:
    async with opened("events") as world:
        plan = await planned(world)
        world.emulator.faults.add(operation, "reset", applied=is_applied)
        report = await applied(world.session, plan)
        assert not reasons(report)
        world.emulator.clock.advance(minutes=1)
        assert not (await planned(world)).writes
        schema = await get_schema(world.session, world.ids["events"], "orders-value")
        assert schema.version == "1"


async def test_a_saved_plan_holds_all_kinds_and_is_refused_if_one_has_changed(tmp_path: Any) -> None:
    async with opened("events") as world:
        plan = await planned(world)
        save_plan(plan, tmp_path / "plan.json")
        saved = load_plan(tmp_path / "plan.json")
        assert actions(await refresh(world.session, saved)) == actions(plan)
        assert "password" not in saved_plan(plan)
        await create_user(world.session, world.ids["events"], UserCreate(name="shop"))
        world.emulator.clock.advance(minutes=1)
        with pytest.raises(Exception, match="it is stale"):
            await refresh(world.session, saved)


async def test_differences_go_in_both_directions_for_the_kinds_that_are_declared() -> None:
    async with opened("events") as world:
        await create_user(world.session, world.ids["events"], UserCreate(name="somebody"))
        world.emulator.clock.advance(minutes=1)
        targets = resolve(of(), await list_clusters(world.session))
        found = differences(targets, await fetch(world.session, targets))
        assert [(each.kind, each.name, each.difference) for each in found] == [
            ("topic", "orders", "missing"),
            ("user", "audit", "missing"),
            ("user", "shop", "missing"),
            ("user", "somebody", "extra"),
            ("registry", "compatibility", "different"),
            ("schema", "orders-value", "missing"),
            ("schema", "stock-value", "missing"),
        ]


async def test_rights_that_a_list_leaves_out_are_read_for_a_user_that_is_to_have_none() -> None:
    async with opened("events") as world:
        acl = [KafkaACL(topic="x", permission=KafkaPermission.ADMIN)]
        await create_user(world.session, world.ids["events"], UserCreate(name="v", settings=UserSettings(acl=acl)))
        await create_user(world.session, world.ids["events"], UserCreate(name="w"))
        bare = {"users": [{"name": "v"}, {"name": "w"}]}
        world.emulator.faults.add("list_users", "wrong_shape", body=bare, times=None)
        users = parse_catalogue("cluster: events\nusers: [{name: v, acl: []}, {name: w, acl: []}]", file="t.yaml")
        plan = await make_plan(world.session, users)
        assert [(change.name, change.losses) for change in plan.writes] == [("v", ("admin x",))]


async def test_the_user_that_came_with_the_cluster_is_not_pruned_if_its_role_does_not_show() -> None:
    async with opened("events") as world:
        listed = {"users": [{"name": "doadmin"}, {"name": "do-other"}]}
        world.emulator.faults.add("list_users", "wrong_shape", body=listed)
        prune = Prune(prefix="do", kinds=("user",))
        declared = parse_catalogue("cluster: events\nusers: [{name: do-app}]", file="t.yaml")
        plan = await make_plan(world.session, declared, prune=prune)
        assert [change.name for change in plan.writes if change.action is Action.DELETE] == ["do-other"]


@pytest.mark.parametrize("operation", ["get_topic", "get_schema"])
async def test_one_404_of_an_object_that_exists_is_no_change_and_loses_nothing_in_an_export(operation: str) -> None:
    text = """
cluster: events
topics: [{name: a, config: {retention.ms: 7d}}]
schemas: [{subject: s, type: avro, schema: '"string"'}]
"""
    declared = parse_catalogue(text, file="t.yaml")
    async with opened("events") as world:
        await applied(world.session, await make_plan(world.session, declared))
        world.emulator.clock.advance(minutes=5)
        subjects = {"subjects": [{"subject_name": "s"}]}
        world.emulator.faults.add("list_schemas", "wrong_shape", body=subjects, times=None)
        world.emulator.faults.add(operation, "not_found")
        assert not (await make_plan(world.session, declared)).writes
        world.emulator.faults.add(operation, "not_found")
        cluster = ClusterRef(id=world.ids["events"], name="events")
        exported = await export(world.session, [cluster], kinds=("topic", "schema"))
        assert not (await make_plan(world.session, exported)).writes
        assert exported.topics[0].topic.config
        assert exported.schemas[0].schema


async def test_an_export_of_what_this_version_does_not_know_can_be_read() -> None:
    acl = [{"topic": "a", "permission": "describe"}, {"topic": "b", "permission": "consume"}]
    odd = {
        "list_users": {"users": [{"name": "u", "settings": {"acl": acl}}, {"name": " u"}]},
        "list_schemas": {"subjects": [{"subject_name": "s", "schema_type": "THRIFT", "schema": "x"}]},
        "get_subject_compatibility": {"subject_name": "s", "compatibility_level": "ODD"},
        "get_compatibility": {"compatibility_level": "ODD"},
    }
    async with opened("events") as world:
        for operation, body in odd.items():
            world.emulator.faults.add(operation, "wrong_shape", body=body, times=None)
        cluster = ClusterRef(id=world.ids["events"], name="events")
        exported = await export(world.session, [cluster], kinds=("user", "registry", "schema"))
        text = write_catalogue(exported, suffix=".yaml")
        assert text == "cluster: events\nusers:\n  - name: u\n"
        assert not (await make_plan(world.session, parse_catalogue(text, file="t.yaml"))).writes
