"""Applying plans, over real HTTP, with every failure on the way."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import pytest
from worlds import applied, catalogue, events_of, opened, reasons, results

from asyncdbaas import AsyncSession, RateLimiter
from asyncdbaas.catalogue import Catalogue, CatalogueError, CatalogueTopic
from asyncdbaas.emulator import Emulator
from asyncdbaas.plan import (
    Action,
    Forecast,
    OnConflict,
    Outcome,
    PlanError,
    PlanEvent,
    Prune,
    Result,
    apply,
    forecast,
    make_plan,
)
from asyncdbaas.topics import TopicConfig, TopicCreate, create_topic, delete_topic, get_topic


def creates(emulator: Emulator) -> int:
    """Return how many creates were applied."""
    return sum(seen.applied for seen in emulator.requests if seen.operation == "create_topic")


async def test_a_plan_creates_changes_and_deletes_and_then_there_is_nothing_left_to_do() -> None:
    async with opened("events") as (emulator, session, _):
        await applied(session, await make_plan(session, catalogue("a", "b, config: {retention.ms: 5}", "old")))
        emulator.clock.advance(minutes=1)
        wanted = catalogue("a, partitions: 6", "b, config: {retention.ms: 7}", "c")
        prune = Prune(prefix="old")
        plan = await make_plan(session, wanted, prune=prune)
        assert plan.counts == {Action.UPDATE: 2, Action.CREATE: 1, Action.DELETE: 1}
        report = await applied(session, plan)
        assert results(report) == {
            "a": Result.UPDATED,
            "b": Result.UPDATED,
            "c": Result.CREATED,
            "old": Result.DELETED,
        }
        emulator.clock.advance(minutes=1)
        assert (await make_plan(session, wanted, prune=prune)).counts == {Action.KEEP: 3}


async def test_a_plan_costs_one_list_a_cluster_and_one_request_for_each_topic_with_declared_settings() -> None:
    async with opened("one", "two") as (emulator, session, _):
        wanted = catalogue("a", "b, config: {retention.ms: 5}", cluster="one")
        more = catalogue("a, partitions: 6", cluster="two")
        both = type(wanted)(topics=wanted.topics + more.topics)
        await applied(session, await make_plan(session, both))
        emulator.clock.advance(minutes=1)
        emulator.requests.clear()
        report = await applied(session, await make_plan(session, both))
        assert report.counts == {Result.KEPT: 3}
        assert emulator.requests.operations == Counter(list_clusters=1, list_topics=2, get_topic=1)


async def test_only_declared_settings_are_sent_and_the_others_stay() -> None:
    async with opened("events") as (emulator, session, ids):
        cluster_id = ids["events"]
        config = TopicConfig(retention_ms=5, segment_ms=9)
        await create_topic(session, cluster_id, TopicCreate(name="a", config=config))
        emulator.clock.advance(minutes=1)
        await applied(session, await make_plan(session, catalogue("a, config: {retention.ms: 7}")))
        after = (await get_topic(session, cluster_id, "a")).config
        assert after is not None
        assert (after.retention_ms, after.segment_ms) == (7, 9)


async def test_a_refused_plan_is_not_applied_and_every_reason_is_reported() -> None:
    async with opened("events") as (emulator, session, _):
        await applied(session, await make_plan(session, catalogue("a, partitions: 6", "b, partitions: 6")))
        emulator.requests.clear()
        plan = await make_plan(session, catalogue("a, partitions: 3", "b, partitions: 3", "c"))
        with pytest.raises(PlanError) as caught:
            await applied(session, plan)
        assert [problem.name for problem in caught.value.problems] == ["a", "b"]
        assert creates(emulator) == 0


@pytest.mark.parametrize("kind", ["server_error", "bad_gateway", "gateway_timeout", "reset"])
@pytest.mark.parametrize("is_applied", [True, False])
async def test_a_create_whose_outcome_is_unknown_is_resolved_by_a_read_and_done_once(
    kind: str, is_applied: bool
) -> None:
    async with opened("events") as (emulator, session, _):
        plan = await make_plan(session, catalogue("a", "b", "c"))
        emulator.requests.clear()
        emulator.faults.add("create_topic", kind, applied=is_applied, skip=1)
        report = await applied(session, plan)
        assert report.counts == {Result.CREATED: 3}
        assert creates(emulator) == 3
        expected = Counter(create_topic=3, list_topics=1) if is_applied else Counter(create_topic=4, list_topics=1)
        assert emulator.requests.operations == expected


async def test_one_read_resolves_all_topics_of_a_cluster_that_are_in_doubt() -> None:
    async with opened("events") as (emulator, session, _):
        plan = await make_plan(session, catalogue(*(f"t{number}" for number in range(30))))
        emulator.requests.clear()
        emulator.faults.add("create_topic", "server_error", applied=True, times=20)
        assert (await applied(session, plan)).counts == {Result.CREATED: 30}
        assert emulator.requests.operations == Counter(create_topic=30, list_topics=1)


@pytest.mark.parametrize("kind", ["half_body", "empty_body", "wrong_shape", "not_json", "accepted"])
async def test_a_create_whose_answer_makes_no_sense_counts_once_the_topic_shows(kind: str) -> None:
    async with opened("events") as (emulator, session, _):
        plan = await make_plan(session, catalogue("a"))
        emulator.faults.add("create_topic", kind)
        assert results(await applied(session, plan)) == {"a": Result.CREATED}
        assert creates(emulator) == 1


async def test_a_create_that_never_arrives_is_given_up_after_five_attempts() -> None:
    async with opened("events") as (emulator, session, _):
        plan = await make_plan(session, catalogue("a"))
        emulator.faults.add("create_topic", "server_error", times=None)
        report = await applied(session, plan)
        assert emulator.requests.operations["create_topic"] == 5
        assert "500" in reasons(report)["a"]


async def test_a_topic_that_somebody_else_created_alike_is_there_already() -> None:
    async with opened("events") as (_, session, ids):
        plan = await make_plan(session, catalogue("a, partitions: 6, config: {retention.ms: 5}"))
        topic = TopicCreate(name="a", partition_count=6, config=TopicConfig(retention_ms=5))
        await create_topic(session, ids["events"], topic)
        assert results(await applied(session, plan)) == {"a": Result.KEPT}


@pytest.mark.parametrize(
    ("on_conflict", "result"), [(OnConflict.FAIL, Result.FAILED), (OnConflict.UPDATE, Result.UPDATED)]
)
async def test_a_topic_that_somebody_else_created_otherwise_is_a_conflict_or_an_update(
    on_conflict: OnConflict, result: Result
) -> None:
    async with opened("events") as (emulator, session, ids):
        cluster_id = ids["events"]
        plan = await make_plan(session, catalogue("a, config: {retention.ms: 5}"))
        await create_topic(session, cluster_id, TopicCreate(name="a", config=TopicConfig(retention_ms=6)))
        emulator.clock.advance(minutes=1)
        report = await applied(session, plan, on_conflict=on_conflict)
        assert results(report) == {"a": result}
        config = (await get_topic(session, cluster_id, "a")).config
        assert config is not None
        assert config.retention_ms == (5 if result is Result.UPDATED else 6)
        if result is Result.FAILED:
            assert reasons(report)["a"] == "somebody else created it with other settings: retention.ms is 6, not 5"


@pytest.mark.parametrize("on_conflict", OnConflict)
async def test_a_topic_that_somebody_else_created_with_more_partitions_is_never_shrunk(on_conflict: OnConflict) -> None:
    async with opened("events") as (emulator, session, ids):
        plan = await make_plan(session, catalogue("a, partitions: 3"))
        await create_topic(session, ids["events"], TopicCreate(name="a", partition_count=6))
        emulator.clock.advance(minutes=1)
        report = await applied(session, plan, on_conflict=on_conflict)
        assert reasons(report) == {"a": "it has 6 partitions, and the catalogue declares 3: their number can only grow"}
        assert emulator.requests.operations["update_topic"] == 0


async def test_an_update_that_had_to_wait_is_not_sent_again_once_it_would_shrink_the_topic() -> None:
    async with opened("events") as (emulator, session, ids):
        await create_topic(session, ids["events"], TopicCreate(name="a", partition_count=3))
        emulator.clock.advance(minutes=1)
        plan = await make_plan(session, catalogue("a, partitions: 6"))
        emulator.faults.add("update_topic", "precondition")
        body, authorization = b'{"partition_count": 9}', {"authorization": f"Bearer {emulator.token}"}

        def grow(_: object) -> None:
            if emulator.requests.operations["update_topic"] == 1:
                emulator.handle("PUT", f"/v2/databases/{ids['events']}/topics/a", authorization, body)
                emulator.clock.advance(minutes=1)

        with session.listening(grow):
            report = await applied(session, plan)
        assert reasons(report) == {"a": "it has 9 partitions, and the catalogue declares 6: their number can only grow"}
        assert emulator.requests.statuses[422] == 0


async def test_a_name_that_is_still_being_freed_is_waited_for() -> None:
    async with opened("events") as (emulator, session, ids):
        cluster_id = ids["events"]
        await create_topic(session, cluster_id, TopicCreate(name="a"))
        await delete_topic(session, cluster_id, "a")
        plan = await make_plan(session, catalogue("a"))
        assert plan.counts == {Action.CREATE: 1}

        def pass_time(_: object) -> None:
            if emulator.requests.operations["create_topic"] == 2:  # the first, and one that was refused
                emulator.clock.advance(minutes=1)

        with session.listening(pass_time):
            assert results(await applied(session, plan)) == {"a": Result.CREATED}


async def test_a_name_that_is_never_freed_fails_with_that_reason() -> None:
    async with opened("events") as (_, session, ids):
        cluster_id = ids["events"]
        await create_topic(session, cluster_id, TopicCreate(name="a"))
        await delete_topic(session, cluster_id, "a")
        report = await applied(session, await make_plan(session, catalogue("a")), timeout=0.01)
        assert reasons(report) == {"a": "an earlier topic of this name is still being deleted"}


async def test_an_update_of_a_topic_that_is_still_being_set_up_waits_for_it() -> None:
    async with opened("events") as (emulator, session, ids):
        await create_topic(session, ids["events"], TopicCreate(name="a"))
        plan = await make_plan(session, catalogue("a, partitions: 9"))

        def pass_time(_: object) -> None:
            if emulator.requests.statuses[412]:
                emulator.clock.advance(minutes=1)

        with session.listening(pass_time):
            assert results(await applied(session, plan)) == {"a": Result.UPDATED}


async def test_a_busy_cluster_is_not_asked_for_each_of_its_topics() -> None:
    async with opened("events") as (emulator, session, _):
        plan = await make_plan(session, catalogue(*(f"t{number}" for number in range(50))))
        emulator.faults.add("create_topic", "precondition")
        report = await applied(session, plan, per_cluster=1)
        assert report.counts == {Result.CREATED: 50}
        assert emulator.requests.operations["create_topic"] == 51


async def test_a_value_that_the_service_refuses_fails_that_topic_alone() -> None:
    async with opened("events") as (_, session, _):
        plan = await make_plan(session, catalogue("a, config: {message.format.version: nonsense}", "b"))
        report = await applied(session, plan)
        assert results(report) == {"a": Result.FAILED, "b": Result.CREATED}
        assert "422" in reasons(report)["a"]


async def test_a_cluster_that_vanishes_in_the_middle_fails_its_topics_and_no_others() -> None:
    async with opened("doomed", "events") as (emulator, session, ids):
        doomed = catalogue(*(f"t{number}" for number in range(40)), cluster="doomed")
        both = type(doomed)(topics=doomed.topics + catalogue("a").topics)
        plan = await make_plan(session, both)
        emulator.handle("DELETE", f"/v2/databases/{ids['doomed']}", {"authorization": f"Bearer {emulator.token}"})
        emulator.clock.advance(minutes=60)
        emulator.requests.clear()
        report = await applied(session, plan, per_cluster=4)
        assert results(report)["a"] is Result.CREATED
        assert set(reasons(report).values()) == {"the cluster is gone"}
        assert len(reasons(report)) == 40
        assert emulator.requests.operations["create_topic"] <= 6


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        (["database:read"], {"new": Result.NOT_SENT, "old": Result.NOT_SENT}),
        (["database:read", "database:create"], {"new": Result.CREATED, "old": Result.NOT_SENT}),
    ],
)
async def test_a_missing_scope_is_found_by_the_first_response(scopes: list[str], expected: dict[str, Result]) -> None:
    async with opened("events") as (emulator, session, _):
        await applied(session, await make_plan(session, catalogue(*(f"old{number}" for number in range(9)))))
        token = emulator.add_token(scopes=scopes)
        async with AsyncSession(token, base_url=emulator.url, rate_limiter=RateLimiter(10**6, 10**6)) as limited:
            wanted = catalogue(*(f"new{number}" for number in range(9)))
            plan = await make_plan(limited, wanted, prune=Prune(prefix="old"))
            emulator.requests.clear()
            report = await applied(limited, plan)
        refused = Counter(seen.operation for seen in emulator.requests if seen.status == 403)
        assert refused == {name: 1 for name, result in _operations(expected) if result is Result.NOT_SENT}
        found = results(report)
        for kind, result in expected.items():
            of_kind = Counter(found[name] for name in found if name.startswith(kind))
            wanted_counts = {Result.FAILED: 1, Result.NOT_SENT: 8} if result is Result.NOT_SENT else {result: 9}
            assert of_kind == wanted_counts


def _operations(expected: dict[str, Result]) -> list[tuple[str, Result]]:
    return [("create_topic", expected["new"]), ("delete_topic", expected["old"])]


async def test_a_delete_of_what_is_gone_already_is_done() -> None:
    async with opened("events") as (emulator, session, ids):
        await applied(session, await make_plan(session, catalogue("old1", "old2")))
        plan = await make_plan(session, catalogue("a"), prune=Prune(prefix="old"))
        await delete_topic(session, ids["events"], "old1")
        emulator.clock.advance(minutes=1)
        assert results(await applied(session, plan)) == {
            "a": Result.CREATED,
            "old1": Result.DELETED,
            "old2": Result.DELETED,
        }


async def test_an_update_of_what_is_gone_fails_with_that_reason() -> None:
    async with opened("events") as (emulator, session, ids):
        await applied(session, await make_plan(session, catalogue("a")))
        plan = await make_plan(session, catalogue("a, partitions: 9"))
        await delete_topic(session, ids["events"], "a")
        emulator.clock.advance(minutes=1)
        assert reasons(await applied(session, plan)) == {"a": "the topic is gone"}


async def test_with_wait_a_topic_counts_only_when_it_is_active_with_all_its_partitions() -> None:
    async with opened("events") as (emulator, session, _):
        await applied(session, await make_plan(session, catalogue("a")))
        emulator.clock.advance(minutes=1)
        emulator.requests.clear()
        plan = await make_plan(session, catalogue("a, partitions: 9", "b"))
        told_at: list[int] = []

        def watch(event: PlanEvent) -> None:
            if isinstance(event, Outcome):
                told_at.append(emulator.requests.operations["list_topics"])

        def pass_time(_: object) -> None:
            if emulator.requests.operations["list_topics"] == 4:
                emulator.clock.advance(minutes=1)

        with session.listening(pass_time):
            report = await applied(session, plan, watch, wait=True)
        assert results(report) == {"a": Result.UPDATED, "b": Result.CREATED}
        assert told_at == [5, 5]


async def test_with_wait_a_topic_that_does_not_become_active_fails() -> None:
    async with opened("events") as (_, session, _):
        report = await applied(session, await make_plan(session, catalogue("a")), wait=True, timeout=0.02)
        assert reasons(report)["a"].startswith("created, but: topic a is not ready after 0.02 s")


async def test_with_wait_a_token_that_may_not_read_hides_no_outcome() -> None:
    async with opened("events") as (emulator, session, _):
        plan = await make_plan(session, catalogue("a"))
        token = emulator.add_token(scopes=["database:create"])
        async with AsyncSession(token, base_url=emulator.url, rate_limiter=session.rate_limiter) as other:
            report = await applied(other, plan, wait=True)
        assert reasons(report)["a"].startswith("created, but: GET /v2/databases/")
        assert report.outcomes[0].outcome_unknown


async def test_events_report_what_happens_to_each_topic_and_end_with_its_outcome() -> None:
    events: list[PlanEvent] = []
    async with opened("events") as (emulator, session, _):
        await applied(session, await make_plan(session, catalogue("kept")))
        plan = await make_plan(session, catalogue("kept", "a", "b"))
        emulator.faults.add("create_topic", "unavailable", skip=1)
        await applied(session, plan, events.append)
    assert events[0] == Forecast(requests=2, seconds=0.0, quota_left=events[0].quota_left)  # type: ignore[union-attr]
    assert events_of(events, "kept") == ["kept"]
    assert events_of(events, "a") == ["Sent", "created"]
    assert events_of(events, "b") == ["Sent", "Retrying", "Sent", "created"]


async def test_a_callback_that_fails_does_not_stop_the_work(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: PlanEvent) -> None:
        raise ZeroDivisionError

    async with opened("events") as (_, session, _):
        report = await applied(session, await make_plan(session, catalogue("a")), fail)
    assert results(report) == {"a": Result.CREATED}
    assert "on_event failed" in caplog.text


async def test_waiting_for_the_rate_limit_is_reported_and_the_times_add_up() -> None:
    events: list[PlanEvent] = []
    async with Emulator(time_scale=600) as emulator:
        emulator.add_cluster(name="events")
        limiter = RateLimiter(5, 100, minute=0.1, hour=6.0)
        async with AsyncSession(emulator.token, base_url=emulator.url, rate_limiter=limiter) as session:
            plan = await make_plan(session, catalogue(*(f"t{number}" for number in range(9))))
            assert forecast(session, plan).requests == 9
            report = await apply(session, plan, on_event=events.append)
    assert emulator.requests.statuses[429] == 0
    assert "Waiting" in events_of(events, "t8")
    assert report.requests == 9
    assert report.times.rate_limit > 0
    assert report.times.sending > 0


async def test_a_cancelled_apply_leaves_no_request_behind_and_the_next_one_finishes() -> None:
    only_silence_left = asyncio.Event()
    done: list[PlanEvent] = []

    def watch(event: PlanEvent) -> None:
        done.extend([event] * isinstance(event, Outcome))
        if len(done) == 20:
            only_silence_left.set()

    async with opened("events") as (emulator, session, _):
        wanted = catalogue(*(f"t{number}" for number in range(30)))
        plan = await make_plan(session, wanted)
        emulator.faults.add("create_topic", "silence", applied=True, skip=10, times=10)
        run = asyncio.create_task(applied(session, plan, watch))
        await only_silence_left.wait()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        assert session.rate_limiter.in_flight == 0
        emulator.faults.clear()
        report = await applied(session, await make_plan(session, wanted))
        assert report.counts[Result.KEPT] >= 20
        assert not report.failures
        assert creates(emulator) == 30


async def test_a_cluster_that_cannot_be_read_leaves_its_topics_failed_with_both_reasons() -> None:
    async with opened("events") as (emulator, session, _):
        plan = await make_plan(session, catalogue("a", "b"))
        emulator.faults.add("create_topic", "server_error")
        emulator.faults.add("list_topics", "server_error", times=None)
        report = await applied(session, plan)
        assert results(report) == {"a": Result.FAILED, "b": Result.CREATED}
        assert "then the cluster could not be read" in reasons(report)["a"]


async def test_a_busy_cluster_is_given_up_in_time_and_what_was_not_sent_is_reported_as_such() -> None:
    async with opened("events") as (emulator, session, _):
        plan = await make_plan(session, catalogue("a", "b"))
        emulator.faults.add("create_topic", "precondition", times=None)
        report = await applied(session, plan, per_cluster=1, timeout=0.02)
        assert results(report) == {"a": Result.FAILED, "b": Result.NOT_SENT}
        assert "412" in reasons(report)["a"]
        assert reasons(report)["b"] == "the cluster was not ready for it in time"


async def test_a_cluster_that_is_still_being_created_is_refused_before_the_first_create() -> None:
    async with opened() as (emulator, session, _):
        body = {"name": "events", "engine": "kafka", "num_nodes": 3, "size": "db-s-2vcpu-2gb", "region": "nyc1"}
        authorization = {"authorization": f"Bearer {emulator.token}"}
        emulator.handle("POST", "/v2/databases", authorization, json.dumps(body).encode())
        with pytest.raises(CatalogueError, match="cluster 'events' is still creating; wait until it is online"):
            await make_plan(session, catalogue("a"))


async def test_a_catalogue_made_in_code_is_held_to_the_same_rules() -> None:
    async with opened("events") as (_, session, ids):
        topics = [TopicCreate(name=name) for name in ("_schemas", "a", "a")]
        clusters = ("events", "events", ids["events"])
        entries = zip(topics, clusters, strict=True)
        made = Catalogue(topics=tuple(CatalogueTopic(topic=topic, cluster=cluster) for topic, cluster in entries))
        with pytest.raises(CatalogueError) as caught:
            await make_plan(session, made)
        assert [(problem.name, problem.key) for problem in caught.value.problems] == [
            ("_schemas", "name"),
            ("a", "name"),
        ]


async def test_a_catalogue_without_topics_for_the_chosen_cluster_is_refused() -> None:
    async with opened("events", "other") as (_, session, _):
        with pytest.raises(CatalogueError, match="declares nothing for cluster 'other'"):
            await make_plan(session, catalogue("a"), clusters=["other"])
