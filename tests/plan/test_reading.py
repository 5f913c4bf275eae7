"""What a plan reads: all settings, some of them, or those that a memory does not know."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest
from worlds import World, applied, catalogue, opened, results

from asyncdbaas import InvalidInputError
from asyncdbaas.catalogue import CatalogueError
from asyncdbaas.clusters import ClusterStatus, delete_cluster
from asyncdbaas.plan import (
    Action,
    Forecast,
    Memory,
    Names,
    Plan,
    Prune,
    Reading,
    Result,
    Source,
    fingerprint,
    load_memory,
    load_plan,
    make_plan,
    refresh,
    save_plan,
)
from asyncdbaas.plan.documents import settings_data
from asyncdbaas.topics import TopicConfig, TopicUpdate, update_topic

DAY = 86_400.0


class Now:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


def declared(count: int = 5, retention: int = 5) -> Any:
    return catalogue(*(f"t{number}, config: {{retention.ms: {retention}}}" for number in range(count)))


async def made(world: World, wanted: Any) -> None:
    await applied(world.session, await make_plan(world.session, wanted))
    world.emulator.clock.advance(minutes=1)


async def reads(world: World, wanted: Any, **options: Any) -> tuple[Plan, int]:
    world.emulator.requests.clear()
    forecasts: list[Any] = []
    plan = await make_plan(world.session, wanted, reading=Reading(**options), on_event=forecasts.append)
    count = world.emulator.requests.operations["get_topic"]
    assert [type(event) for event in forecasts] == [Forecast]
    assert forecasts[0].requests == count, "the forecast counts exactly the requests that follow"
    return plan, count


async def test_settings_are_read_once_for_each_topic_or_not_at_all() -> None:
    async with opened("events") as world:
        await made(world, declared())
        changed = declared(retention=6)
        plan, count = await reads(world, changed)
        assert (count, plan.counts[Action.UPDATE]) == (5, 5)
        plan, count = await reads(world, changed, settings=False)
        assert (count, plan.counts[Action.KEEP]) == (0, 5)
        assert settings_data(plan) == {"read": 0, "remembered": 0, "unread": 5, "oldest_seconds": None}


async def test_partitions_are_compared_without_settings() -> None:
    async with opened("events") as world:
        await made(world, declared(1))
        wanted = catalogue("t0, partitions: 9, config: {retention.ms: 7}")
        plan, count = await reads(world, wanted, settings=False)
        (change,) = plan.changes
        assert (count, change.action, change.changed) == (0, Action.UPDATE, {"partition_count": (3, 9)})


@pytest.mark.parametrize("options", [{}, {"memory": Memory()}, {"settings": False}])
async def test_a_number_of_partitions_that_the_list_lacks_is_read(options: dict[str, Any]) -> None:
    async with opened("events") as world:
        wanted = catalogue("t0, partitions: 6")
        await made(world, wanted)
        world.emulator.faults.add("list_topics", "wrong_shape", body={"topics": [{"name": "t0"}]})
        plan, count = await reads(world, wanted, **options)
        assert (count, plan.counts) == (1, {Action.KEEP: 1})


async def test_since_reads_only_topics_whose_entry_differs() -> None:
    async with opened("events") as world:
        await made(world, declared())
        wanted = catalogue(*(f"t{n}, config: {{retention.ms: {6 if n < 2 else 5}}}" for n in range(5)))
        plan, count = await reads(world, wanted, since=declared())
        assert (count, plan.counts[Action.UPDATE], plan.counts[Action.KEEP]) == (2, 2, 3)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (Names(only=("t[01]",)), {"t0", "t1"}),
        (Names(exclude=("t[01]",)), {"t2", "t3", "t4"}),
        (Names(only=("t1", "t2"), exclude=("*2",)), {"t1"}),
    ],
)
async def test_only_and_except_choose_what_is_planned_and_deleted(names: Names, expected: set[str]) -> None:
    async with opened("events") as world:
        await made(world, declared())
        plan, count = await reads(world, declared(), names=names)
        assert ({change.name for change in plan.changes}, count) == (expected, len(expected))
        pruned = await make_plan(
            world.session, catalogue("t0", "t1", "t2"), prune=Prune(prefix="t"), reading=Reading(names=names)
        )
        doomed = {change.name for change in pruned.changes if change.action is Action.DELETE}
        assert doomed == expected & {"t3", "t4"}


async def test_a_fresh_memory_saves_all_reads_and_the_plan_is_the_same(tmp_path: Path) -> None:
    async with opened("events") as world:
        await made(world, declared())
        file, now = tmp_path / "memory.json", Now()
        wanted = declared(retention=6)
        first, count = await reads(world, wanted, memory=load_memory(file, clock=now)[0])
        assert count == 5
        now.time += 3600.0
        second, count = await reads(world, wanted, memory=load_memory(file, clock=now)[0])
        assert count == 0
        assert [change.changed for change in second.changes] == [change.changed for change in first.changes]
        assert settings_data(second) == {"read": 0, "remembered": 5, "unread": 0, "oldest_seconds": 3600}
        now.time += DAY
        assert (await reads(world, wanted, memory=load_memory(file, clock=now)[0]))[1] == 5


async def test_a_memory_of_clusters_saves_their_list_until_it_is_old(tmp_path: Path) -> None:
    async with opened("events") as world:
        await made(world, declared())
        file, now = tmp_path / "memory.json", Now()

        async def lists() -> tuple[int, int]:
            world.emulator.requests.clear()
            await make_plan(world.session, declared(), reading=Reading(memory=load_memory(file, clock=now)[0]))
            return world.emulator.requests.operations["list_clusters"], len(world.emulator.requests)

        assert [await lists() for _ in range(2)] == [(1, 7), (0, 1)]
        now.time += DAY
        assert (await lists())[0] == 1


@pytest.mark.parametrize("change", ["created_anew", "engine", "deleted", "one_more", "nodes"])
async def test_a_memory_of_clusters_that_is_not_true_any_more_is_not_believed(change: str) -> None:
    async with opened("events") as world:
        await made(world, declared())
        memory = Memory()
        await reads(world, declared(), memory=memory)
        known = memory.clusters()
        wanted, actions = declared(), {Action.CREATE: 5}
        if change == "one_more":
            world.emulator.add_cluster(name="more")
            wanted = catalogue("t0", cluster="more")
            actions = {Action.CREATE: 1}
        elif change == "nodes":
            memory.store_clusters(
                [attrs.evolve(cluster, status=ClusterStatus.ONLINE, num_nodes=1) for cluster in known]
            )
            wanted = catalogue("t0, replication_factor: 3")
            actions = {Action.UPDATE: 1}
        else:
            await delete_cluster(world.session, world.ids["events"])
            world.emulator.clock.advance(minutes=1)
            if change != "deleted":
                world.emulator.add_cluster(name="events", engine="pg" if change == "engine" else "kafka")
        if change in ("engine", "deleted"):
            with pytest.raises(CatalogueError, match="topics need Kafka" if change == "engine" else "no cluster"):
                await make_plan(world.session, wanted, reading=Reading(memory=memory))
            return
        plan = await make_plan(world.session, wanted, reading=Reading(memory=memory))
        assert plan.counts == actions
        assert memory.clusters() != known or change == "nodes"


async def test_drift_is_found_within_a_known_time_at_a_known_cost(tmp_path: Path) -> None:
    async with opened("events") as world:
        await made(world, declared(6))
        file, now = tmp_path / "memory.json", Now()

        async def run() -> tuple[Plan, int]:
            now.time += DAY
            return await reads(world, declared(6), memory=load_memory(file, clock=now, max_reads=2)[0])

        found = [await run() for _ in range(3)]
        assert [count for _, count in found] == [2, 2, 2]
        assert [settings_data(plan)["unread"] for plan, _ in found] == [4, 2, 0], "unknown ones are read first"
        update = TopicUpdate(config=TopicConfig(retention_ms=9))
        await update_topic(world.session, world.ids["events"], "t5", update)
        drifted = [plan.counts[Action.UPDATE] for plan, _ in [await run() for _ in range(3)]]
        assert sum(bool(count) for count in drifted) >= 1
        assert drifted[-1] == 1, "three runs of two reads have seen all six"


@pytest.mark.parametrize("action", ["create", "update"])
async def test_what_is_written_is_remembered(tmp_path: Path, action: str) -> None:
    async with opened("events") as world:
        file, now = tmp_path / "memory.json", Now()
        if action == "update":
            await made(world, declared(retention=4))
        memory = load_memory(file, clock=now)[0]
        plan = await make_plan(world.session, declared(), reading=Reading(memory=memory))
        assert plan.counts[Action(action)] == 5
        await applied(world.session, plan, memory=memory)
        world.emulator.clock.advance(minutes=1)
        again, count = await reads(world, declared(), memory=load_memory(file, clock=now)[0])
        assert (count, again.counts[Action.KEEP]) == (0, 5)
        more = catalogue("t0, config: {retention.ms: 5, segment.ms: 7}")
        plan, count = await reads(world, more, memory=load_memory(file, clock=now)[0])
        assert plan.counts[Action.UPDATE] == 1
        assert count == (1 if action == "create" else 0), "of a new topic only the declared settings are known"


async def test_a_killed_apply_leaves_nothing_old_in_the_memory(tmp_path: Path) -> None:
    async with opened("events") as world:
        await made(world, declared())
        memory = load_memory(tmp_path / "memory.json")[0]
        plan = await make_plan(world.session, declared(retention=6), reading=Reading(memory=memory))
        memory.begin_writes(plan)  # and then the process dies
        assert (await reads(world, declared(), memory=load_memory(tmp_path / "memory.json")[0]))[1] == 5


@pytest.mark.parametrize("content", ["{", "[1, 2", '{"format": "asyncdbaas-memory/1", "clusters": 5}', "\x00\x01"])
async def test_a_damaged_memory_is_renamed_reported_and_rebuilt(tmp_path: Path, content: str) -> None:
    async with opened("events") as world:
        await made(world, declared())
        file = tmp_path / "memory.json"
        file.write_text(content)
        memory, warning = load_memory(file)
        assert "is damaged; it was renamed to memory.json.damaged" in warning
        assert (tmp_path / "memory.json.damaged").read_text() == content
        assert (await reads(world, declared(), memory=memory))[1] == 5
        assert (await reads(world, declared(), memory=load_memory(file)[0]))[1] == 0
        assert json.loads(file.read_text())["format"] == "asyncdbaas-memory/1"


def test_a_memory_of_a_newer_version_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "memory.json"
    file.write_text('{"format": "asyncdbaas-memory/99", "clusters": {}}')
    with pytest.raises(InvalidInputError, match="is a memory of another version of asyncdbaas; name another file"):
        load_memory(file)
    assert "99" in file.read_text()


@pytest.mark.parametrize(
    ("name", "content"), [("topics.yaml", "topics: []"), ("topics.json", '{"topics": []}'), ("t.csv", "name\na\n")]
)
def test_another_file_is_never_taken_for_a_memory(tmp_path: Path, name: str, content: str) -> None:
    file = tmp_path / name
    file.write_text(content)
    with pytest.raises(InvalidInputError, match="is not a memory of settings"):
        load_memory(file)
    assert file.read_text() == content


async def test_a_topic_that_is_gone_is_forgotten() -> None:
    async with opened("events") as world:
        await made(world, declared(2))
        memory = Memory()
        await reads(world, declared(2), memory=memory)
        world.emulator.requests.clear()
        plan = await make_plan(world.session, declared(1), prune=Prune(prefix="t"))
        await applied(world.session, plan)
        world.emulator.clock.advance(minutes=1)
        await reads(world, declared(1), memory=memory)
        await made(world, declared(2, retention=8))
        assert (await reads(world, declared(2), memory=memory))[1] == 1


async def test_a_saved_plan_reads_again_only_what_it_depends_on(tmp_path: Path) -> None:
    async with opened("events") as world:
        await made(world, declared())
        memory = Memory()
        await reads(world, declared(), memory=memory)
        wanted = catalogue(*(f"t{n}, config: {{retention.ms: {6 if n == 0 else 5}}}" for n in range(5)))
        plan = await make_plan(world.session, wanted, reading=Reading(memory=memory))
        assert {change.source for change in plan.changes} == {Source.REMEMBERED}
        save_plan(plan, tmp_path / "plan.json")
        world.emulator.requests.clear()
        again = await refresh(world.session, load_plan(tmp_path / "plan.json"))
        assert world.emulator.requests.operations["get_topic"] == 1
        assert fingerprint(again) == fingerprint(plan)
        await update_topic(world.session, world.ids["events"], "t0", TopicUpdate(config=TopicConfig(retention_ms=9)))
        with pytest.raises(InvalidInputError, match="it is stale"):
            await refresh(world.session, load_plan(tmp_path / "plan.json"))


async def test_a_memory_that_cannot_be_written_hides_no_outcome(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened("events") as world:
        memory, _ = load_memory(tmp_path / "gone" / "memory.json")
        plan = await make_plan(world.session, catalogue("a, config: {retention.ms: 5}"), reading=Reading(memory=memory))
        report = await applied(world.session, plan, memory=memory)
        assert results(report) == {"a": Result.CREATED}
        assert "memory.json was not written, so its settings will be read again" in caplog.text
