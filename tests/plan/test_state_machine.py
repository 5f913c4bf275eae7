"""Catalogues, flags and other clients in any order.

Nothing is deleted, shrunk or deprived of a right without permission, and a second plan is empty.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import attrs
from drawn import examples
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from worlds import applied, opened, reasons

from asyncdbaas.catalogue import (
    Catalogue,
    CatalogueRegistry,
    CatalogueSchema,
    CatalogueTopic,
    CatalogueUser,
    parse_catalogue,
    write_catalogue,
)
from asyncdbaas.plan import Action, ClusterRef, Memory, OnConflict, Prune, Reading, Result, export, make_plan
from asyncdbaas.schemas import CompatibilityLevel, SchemaCreate, SchemaType, list_schemas
from asyncdbaas.topics import TopicConfig, TopicCreate, create_topic, delete_topic, list_topics
from asyncdbaas.types import UNSET
from asyncdbaas.users import KafkaACL, KafkaPermission, User, UserSettings, list_users, update_user

names = st.sampled_from(["a", "b", "x.1", "x.2", "x.3"])
shapes = st.tuples(st.integers(3, 5) | st.just(UNSET), st.sampled_from([UNSET, 5, 6]))
wanted_topics = st.dictionaries(names, shapes, min_size=1, max_size=4)
prunes = st.none() | st.builds(Prune, prefix=st.sampled_from(["x.", "a"]), max_deletes=st.integers(1, 2))
faults = st.tuples(st.sampled_from(["server_error", "reset", "accepted", "unavailable", "half_body"]), st.booleans())


permissions = st.sampled_from(["consume", "produce", "admin"])
rights = st.none() | st.frozensets(st.tuples(st.sampled_from(["a", "x.*"]), permissions), max_size=3)
wanted_users = st.dictionaries(st.sampled_from(["u", "v", "x.u"]), rights, max_size=3)
levels = st.none() | st.sampled_from(["NONE", "BACKWARD"])
wanted_schemas = st.dictionaries(
    st.sampled_from(["s", "x.s"]), st.tuples(st.sampled_from(['"string"', ' "string" ', '"long"']), levels), max_size=2
)


class Catalogues(RuleBasedStateMachine):
    """An emulator in a loop of its own, and what has been seen of it."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.may_go: set[str] = set()
        self.seen: dict[str, int] = {}
        self.rights: dict[str, set[str]] = {}
        self.may_be_taken: set[tuple[str, str]] = set()
        self.subjects: set[str] = set()

    @initialize()
    def open(self) -> None:
        world = self.runner.run(self.stack.enter_async_context(opened("events")))
        self.emulator, self.session = world.emulator, world.session
        self.cluster = ClusterRef(id=world.ids["events"], name="events")

    @rule(name=names, count=st.integers(3, 5))
    def another_client_creates_a_topic(self, name: str, count: int) -> None:
        if name not in self.seen:
            self.run(create_topic(self.session, self.cluster.id, TopicCreate(name=name, partition_count=count)))

    @rule(name=names)
    def another_client_deletes_a_topic(self, name: str) -> None:
        if name in self.seen:
            self.may_go.add(name)
            self.run(delete_topic(self.session, self.cluster.id, name))

    @rule(wanted=wanted_topics, prune=prunes, lost=st.lists(faults, max_size=2))
    def a_catalogue_is_applied(self, wanted: dict[str, Any], prune: Prune | None, lost: list[tuple[str, bool]]) -> None:
        catalogue = catalogue_of(wanted)
        plan = self.run(make_plan(self.session, catalogue, prune=prune))
        if plan.problems:
            return
        deletions = {change.name for change in plan.changes if change.action is Action.DELETE}
        assert all(prune and name.startswith(prune.prefix) and name not in wanted for name in deletions)
        assert len(deletions) <= (prune.max_deletes if prune else 0)
        self.may_go |= deletions
        for kind, is_applied in lost:
            self.emulator.faults.add("create_topic", kind, applied=is_applied)
        assert not self.run(applied(self.session, plan)).failures
        self.emulator.faults.clear()
        assert not self.run(make_plan(self.session, catalogue, prune=prune)).writes

    @rule(wanted=wanted_topics, count=st.integers(3, 6), on_conflict=st.sampled_from(OnConflict))
    def another_client_creates_a_topic_between_plan_and_apply(
        self, wanted: dict[str, Any], count: int, on_conflict: OnConflict
    ) -> None:
        catalogue = catalogue_of(wanted)
        plan = self.run(make_plan(self.session, catalogue))
        name = next((name for name in wanted if name not in self.seen), None)
        if plan.problems or name is None:
            return
        self.run(create_topic(self.session, self.cluster.id, TopicCreate(name=name, partition_count=count)))
        self.seen[name] = count
        declared, retention = wanted[name]
        shrinks = declared is not UNSET and declared < count
        differs = shrinks or declared not in (UNSET, count) or retention is not UNSET
        self.emulator.requests.clear()
        report = self.run(applied(self.session, plan, on_conflict=on_conflict))
        assert reasons(report).keys() == ({name} if shrinks or (differs and on_conflict is OnConflict.FAIL) else set())
        if shrinks:
            assert "their number can only grow" in reasons(report)[name]
            sent = [seen.path for seen in self.emulator.requests if seen.operation == "update_topic"]
            assert not [path for path in sent if path.endswith(f"/{name}")]

    @rule(users=wanted_users, schemas=wanted_schemas, level=levels, prune=prunes, lost=st.lists(faults, max_size=2))
    def users_and_schemas_are_applied(
        self,
        users: dict[str, Any],
        schemas: dict[str, Any],
        level: str | None,
        prune: Prune | None,
        lost: list[tuple[str, bool]],
    ) -> None:
        catalogue = objects_of(users, schemas, level)
        if not (catalogue.users or catalogue.schemas or catalogue.registries):
            return
        prune = prune and attrs.evolve(prune, kinds=("user", "schema"))
        plan = self.run(make_plan(self.session, catalogue, prune=prune))
        if plan.problems:
            return
        deletions = {(change.kind, change.name) for change in plan.changes if change.action is Action.DELETE}
        assert all(prune and name.startswith(prune.prefix) for _, name in deletions)
        assert len(deletions) <= (prune.max_deletes if prune else 0)
        self.may_be_taken |= {(change.name, right) for change in plan.changes for right in change.losses}
        self.may_be_taken |= {(name, right) for _, name in deletions for right in self.rights.get(name) or {""}}
        self.subjects -= {name for kind, name in deletions if kind == "schema"}
        for kind, is_applied in lost:
            if kind != "accepted":
                operation = "create_user" if is_applied else "create_schema"
                self.emulator.faults.add(operation, kind, applied=is_applied)
        report = self.run(applied(self.session, plan))
        self.emulator.faults.clear()
        assert {outcome.result for outcome in report.failures} <= {Result.INCOMPATIBLE, Result.NO_EFFECT}
        left = self.run(make_plan(self.session, catalogue, prune=prune)).writes
        assert {change.name for change in left} == {outcome.change.name for outcome in report.failures}

    @rule(name=st.sampled_from(["u", "v"]))
    def somebody_else_adds_a_right(self, name: str) -> None:
        if name in self.rights:
            added = KafkaACL(topic="added", permission=KafkaPermission.ADMIN)
            kept = [
                KafkaACL(topic=right.split()[1], permission=KafkaPermission(right.split()[0]))
                for right in self.rights[name]
            ]
            self.run(update_user(self.session, self.cluster.id, name, UserSettings(acl=[*kept, added])))

    @rule(wanted=wanted_topics)
    def a_true_memory_makes_the_same_plan(self, wanted: dict[str, Any]) -> None:
        catalogue, memory = catalogue_of(wanted), Memory()
        first = self.run(make_plan(self.session, catalogue, reading=Reading(memory=memory)))
        self.emulator.requests.clear()
        second = self.run(make_plan(self.session, catalogue, reading=Reading(memory=memory)))
        assert [(each.name, each.action, each.changed) for each in second.changes] == [
            (each.name, each.action, each.changed) for each in first.changes
        ]
        assert not self.emulator.requests.operations["get_topic"]

    @rule(suffix=st.sampled_from([".yaml", ".json"]))
    def users_and_schemas_are_exported(self, suffix: str) -> None:
        exported = self.run(export(self.session, [self.cluster], kinds=("user", "registry", "schema")))
        read = parse_catalogue(write_catalogue(exported, suffix=suffix), file=f"t{suffix}")
        assert not self.run(make_plan(self.session, read)).writes

    @rule(suffix=st.sampled_from([".yaml", ".json", ".csv"]))
    def the_live_state_is_exported(self, suffix: str) -> None:
        exported = self.run(export(self.session, [self.cluster]))
        if exported.topics:
            read = parse_catalogue(write_catalogue(exported, suffix=suffix), file=f"t{suffix}")
            assert not self.run(make_plan(self.session, read)).writes

    @invariant()
    def nothing_was_deleted_or_shrunk_without_permission(self) -> None:
        live = {topic.name: topic for topic in self.run(list_topics(self.session, self.cluster.id))}
        assert self.seen.keys() - live.keys() <= self.may_go
        for name in self.seen.keys() & live.keys() - self.may_go:
            assert (live[name].partition_count or 0) >= self.seen[name]
        self.seen = {name: topic.partition_count or 0 for name, topic in live.items()}
        self.may_go.clear()

    @invariant()
    def nobody_lost_a_right_or_a_schema_without_permission(self) -> None:
        users = self.run(list_users(self.session, self.cluster.id))
        live = {user.name: rights_of(user) for user in users}
        for name, before in self.rights.items():
            taken = before - live.get(name, set())
            assert {(name, right) for right in taken} <= self.may_be_taken
            assert name in live or {(name, right) for right in before or {""}} <= self.may_be_taken
        self.rights = live
        self.may_be_taken.clear()
        subjects = {schema.subject_name for schema in self.run(list_schemas(self.session, self.cluster.id))}
        assert self.subjects <= subjects
        self.subjects = subjects

    def run(self, step: Any) -> Any:
        """Run a step, and let enough time pass for its effects to show."""
        result = self.runner.run(step)
        self.emulator.clock.advance(minutes=1)
        return result

    def teardown(self) -> None:
        self.runner.run(self.stack.aclose())
        self.runner.close()


def catalogue_of(wanted: dict[str, Any]) -> Catalogue:
    """Return the catalogue of topics given by their partitions and retention."""
    return Catalogue(
        topics=tuple(
            CatalogueTopic(
                cluster="events",
                topic=TopicCreate(
                    name=name,
                    partition_count=count,
                    config=UNSET if retention is UNSET else TopicConfig(retention_ms=retention),
                ),
            )
            for name, (count, retention) in wanted.items()
        )
    )


def objects_of(users: dict[str, Any], schemas: dict[str, Any], level: str | None) -> Catalogue:
    """Return the catalogue of users given by their rights, of schemas, and of the registry's level."""
    return Catalogue(
        users=tuple(
            CatalogueUser(
                cluster="events",
                name=name,
                acl=None
                if acl is None
                else tuple(KafkaACL(topic=topic, permission=KafkaPermission(right)) for topic, right in acl),
            )
            for name, acl in users.items()
        ),
        registries=()
        if level is None
        else (CatalogueRegistry(cluster="events", compatibility=CompatibilityLevel(level)),),
        schemas=tuple(
            CatalogueSchema(
                cluster="events",
                subject=name,
                schema=SchemaCreate(subject_name=name, schema_type=SchemaType.AVRO, schema=text),
                compatibility=None if own is None else CompatibilityLevel(own),
            )
            for name, (text, own) in schemas.items()
        ),
    )


def right_of(permission: str, topic: str) -> KafkaACL:
    """Return a right."""
    return KafkaACL(topic=topic, permission=KafkaPermission(permission))


def rights_of(user: User) -> set[str]:
    """Return the rights of a user as text."""
    acl = user.settings.acl if user.settings else None
    return {f"{each.permission} {each.topic}" for each in acl or ()}


TestCatalogues = Catalogues.TestCase
TestCatalogues.settings = settings(examples(60), stateful_step_count=10)
