"""Catalogues, flags and strangers in any order: nothing is deleted or shrunk unasked, and a second plan is empty."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from worlds import applied, opened, reasons

from asyncdbaas.catalogue import Catalogue, CatalogueTopic, parse_catalogue, write_catalogue
from asyncdbaas.plan import Action, ClusterRef, OnConflict, Prune, export, make_plan
from asyncdbaas.topics import TopicConfig, TopicCreate, create_topic, delete_topic, list_topics
from asyncdbaas.types import UNSET

names = st.sampled_from(["a", "b", "x.1", "x.2", "x.3"])
shapes = st.tuples(st.integers(3, 5) | st.just(UNSET), st.sampled_from([UNSET, 5, 6]))
wanted_topics = st.dictionaries(names, shapes, min_size=1, max_size=4)
prunes = st.none() | st.builds(Prune, prefix=st.sampled_from(["x.", "a"]), max_deletes=st.integers(1, 2))
faults = st.tuples(st.sampled_from(["server_error", "reset", "accepted", "unavailable", "half_body"]), st.booleans())


class Catalogues(RuleBasedStateMachine):
    """An emulator in a loop of its own, and what has been seen of it."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.may_go: set[str] = set()
        self.seen: dict[str, int] = {}

    @initialize()
    def open(self) -> None:
        world = self.runner.run(self.stack.enter_async_context(opened("events")))
        self.emulator, self.session = world.emulator, world.session
        self.cluster = ClusterRef(id=world.ids["events"], name="events")

    @rule(name=names, count=st.integers(3, 5))
    def a_stranger_creates_a_topic(self, name: str, count: int) -> None:
        if name not in self.seen:
            self.run(create_topic(self.session, self.cluster.id, TopicCreate(name=name, partition_count=count)))

    @rule(name=names)
    def a_stranger_deletes_a_topic(self, name: str) -> None:
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
    def a_stranger_creates_a_topic_between_plan_and_apply(
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

    @rule(suffix=st.sampled_from([".yaml", ".json", ".csv"]))
    def what_there_is_is_exported(self, suffix: str) -> None:
        exported = self.run(export(self.session, [self.cluster]))
        if exported.topics:
            read = parse_catalogue(write_catalogue(exported, suffix=suffix), file=f"t{suffix}")
            assert not self.run(make_plan(self.session, read)).writes

    @invariant()
    def nothing_was_deleted_or_shrunk_unasked(self) -> None:
        live = {topic.name: topic for topic in self.run(list_topics(self.session, self.cluster.id))}
        assert self.seen.keys() - live.keys() <= self.may_go
        for name in self.seen.keys() & live.keys() - self.may_go:
            assert (live[name].partition_count or 0) >= self.seen[name]
        self.seen = {name: topic.partition_count or 0 for name, topic in live.items()}
        self.may_go.clear()

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


TestCatalogues = Catalogues.TestCase
TestCatalogues.settings = settings(max_examples=10, stateful_step_count=10, deadline=None)
