"""What a plan holds: pure comparisons of declared with live state."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncdbaas import UNSET, InvalidInputError
from asyncdbaas.catalogue import CatalogueTopic
from asyncdbaas.plan import Action, Change, ClusterRef, LiveState, Plan, Prune, Target, compare, fingerprint
from asyncdbaas.plan.kinds import TOPICS
from asyncdbaas.topics import CleanupPolicy, CompressionType, Topic, TopicConfig, TopicCreate, TopicState

CLUSTER = ClusterRef(id="c", name="events", num_nodes=3)


def plan_of(wanted: list[TopicCreate], live: list[Topic], prune: Prune | None = None) -> Plan:
    entries = tuple(CatalogueTopic(topic=topic, file="t.yaml", line=line) for line, topic in enumerate(wanted, start=1))
    targets = [Target(cluster=CLUSTER, topics=entries)]
    return compare(targets, LiveState(objects={("c", "topic"): {topic.name: topic for topic in live}}), prune=prune)


def actions(plan: Plan) -> dict[str, Action]:
    return {change.name: change.action for change in plan.changes}


def live_topic(name: str = "a", **fields: Any) -> Topic:
    shape: dict[str, Any] = {"state": TopicState.ACTIVE, "partition_count": 6, "replication_factor": 2}
    return Topic(name=name, **(shape | fields))


def test_a_missing_topic_is_created_and_an_equal_one_left_alone() -> None:
    plan = plan_of([TopicCreate(name="a", partition_count=6), TopicCreate(name="b")], [live_topic("b")])
    assert actions(plan) == {"a": Action.CREATE, "b": Action.KEEP}


def test_a_topic_that_is_being_deleted_is_created_again() -> None:
    assert actions(plan_of([TopicCreate(name="a")], [live_topic(state=TopicState.DELETING)])) == {"a": Action.CREATE}


def test_an_update_names_what_changes_and_nothing_else() -> None:
    wanted = TopicCreate(name="a", partition_count=12, config=TopicConfig(retention_ms=5, segment_ms=7))
    live = live_topic(config=TopicConfig(retention_ms=4, segment_ms=7, flush_ms=1))
    (change,) = plan_of([wanted], [live]).changes
    assert change.action is Action.UPDATE
    assert change.changed == {"partition_count": (6, 12), "retention_ms": (4, 5)}


@pytest.mark.parametrize(
    ("wanted", "live"),
    [
        (TopicConfig(flush_ms=9223372036854775807), TopicConfig(flush_ms=9223372036854776000)),
        (TopicConfig(retention_ms=-1), TopicConfig(retention_ms=-1)),
        (TopicConfig(min_cleanable_dirty_ratio=1), TopicConfig(min_cleanable_dirty_ratio=1.0)),
        (
            TopicConfig(cleanup_policy=CleanupPolicy.COMPACT_DELETE),
            TopicConfig(cleanup_policy=CleanupPolicy("delete,compact")),
        ),
        (TopicConfig(compression_type=CompressionType.LZ4), TopicConfig(compression_type=CompressionType("Iz4"))),
        (TopicConfig(), TopicConfig(retention_ms=1)),
    ],
)
def test_values_that_mean_the_same_are_the_same(wanted: TopicConfig, live: TopicConfig) -> None:
    assert TOPICS.differences(CatalogueTopic(topic=TopicCreate(name="a", config=wanted)), live_topic(config=live)) == {}


@pytest.mark.parametrize(
    ("wanted", "live"),
    [
        (TopicConfig(flush_ms=9007199254740993), TopicConfig(flush_ms=9007199254740995)),
        (TopicConfig(retention_ms=-1), TopicConfig(retention_ms=1)),
        (TopicConfig(preallocate=False), TopicConfig(preallocate=True)),
        (TopicConfig(cleanup_policy=CleanupPolicy.COMPACT), TopicConfig(cleanup_policy=CleanupPolicy("other"))),
        (TopicConfig(retention_ms=1), TopicConfig()),
        (TopicConfig(retention_ms=1), None),
    ],
)
def test_values_that_differ_or_do_not_show_are_different(wanted: TopicConfig, live: TopicConfig | None) -> None:
    assert TOPICS.differences(CatalogueTopic(topic=TopicCreate(name="a", config=wanted)), live_topic(config=live))


def test_fewer_partitions_are_refused_with_file_and_line() -> None:
    plan = plan_of([TopicCreate(name="a", partition_count=3)], [live_topic()])
    assert [str(problem) for problem in plan.problems] == [
        "t.yaml:1: a: it has 6 partitions, and the catalogue declares 3: their number can only grow"
    ]


def test_nothing_is_deleted_without_a_prune_or_outside_of_its_prefix() -> None:
    live = [live_topic("a"), live_topic("app.old"), live_topic("app.new"), live_topic("other"), live_topic("_app")]
    wanted = [TopicCreate(name="app.new")]
    assert actions(plan_of(wanted, live)) == {"app.new": Action.KEEP}
    assert actions(plan_of(wanted, live, Prune(prefix="app."))) == {"app.new": Action.KEEP, "app.old": Action.DELETE}


def test_more_deletions_than_allowed_are_all_refused() -> None:
    live = [live_topic(f"x{number}") for number in range(4)]
    plan = plan_of([TopicCreate(name="a")], live, Prune(prefix="x", max_deletes=3))
    assert plan.counts == {Action.CREATE: 1, Action.REFUSE: 4}
    assert str(plan.problems[0]) == ("cluster events: x0: 4 objects would be deleted, and only 3 may be (max_deletes)")


@pytest.mark.parametrize("prune", [{"prefix": ""}, {"prefix": "_x"}, {"prefix": "a", "max_deletes": 0}])
def test_a_prune_without_a_scope_is_refused(prune: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        Prune(**prune)


def test_the_fingerprint_changes_with_what_was_seen_and_only_with_that() -> None:
    wanted = [TopicCreate(name="a", config=TopicConfig(retention_ms=5))]
    seen = live_topic(config=TopicConfig(retention_ms=4, flush_ms=1))
    base = fingerprint(plan_of(wanted, [seen]))
    as_before = [live_topic(config=TopicConfig(retention_ms=4, flush_ms=2)), live_topic("unrelated")]
    assert fingerprint(plan_of(wanted, as_before)) == base
    for other in ([], [live_topic(config=TopicConfig(retention_ms=3))], [live_topic(partition_count=9)]):
        assert fingerprint(plan_of(wanted, other)) != base


names = st.text("abx.", min_size=1, max_size=3).filter(lambda name: name not in (".", ".."))
counts = st.integers(3, 6)
wanted_topics = st.dictionaries(names, st.tuples(counts, st.none() | counts), max_size=6)
live_topics = st.dictionaries(names | st.just("_x"), st.tuples(counts, counts), max_size=6)


def simulate(live: dict[str, Topic], changes: tuple[Change, ...]) -> dict[str, Topic]:
    after = dict(live)
    for change in changes:
        if change.action is Action.DELETE:
            del after[change.name]
        elif change.wanted is not None and change.action in (Action.CREATE, Action.UPDATE):
            before, topic = live.get(change.name), change.wanted.topic
            config = topic.config if isinstance(topic.config, TopicConfig) else before.config if before else None
            after[change.name] = live_topic(change.name, partition_count=topic.partition_count, config=config)
    return after


@settings(deadline=None)
@given(wanted_topics, live_topics, st.none() | st.builds(Prune, prefix=names, max_deletes=st.integers(1, 3)))
def test_a_plan_that_is_applied_leaves_an_empty_one_and_never_shrinks_or_deletes_without_permission(
    wanted: dict[str, tuple[int, int | None]], live: dict[str, tuple[int, int]], prune: Prune | None
) -> None:
    desired = [
        TopicCreate(
            name=name, partition_count=count, config=TopicConfig(retention_ms=retention) if retention else UNSET
        )
        for name, (count, retention) in wanted.items()
    ]
    before = {
        name: live_topic(name, partition_count=count, config=TopicConfig(retention_ms=retention))
        for name, (count, retention) in live.items()
    }
    plan = plan_of(desired, list(before.values()), prune)
    after = simulate(before, plan.changes)
    gone = before.keys() - after.keys()
    assert len(gone) <= (prune.max_deletes if prune else 0)
    assert all(prune and name.startswith(prune.prefix) and name not in wanted and name != "_x" for name in gone)
    assert all((after[name].partition_count or 0) >= live[name][0] for name in live.keys() - gone)
    if not plan.problems:
        assert not plan_of(desired, list(after.values()), prune).writes
