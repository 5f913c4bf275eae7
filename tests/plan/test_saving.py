"""Plans in files, and catalogues of the live state."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import applied, catalogue, opened

from asyncdbaas import InvalidInputError
from asyncdbaas.catalogue import Catalogue, CatalogueTopic, parse_catalogue, read_catalogue, write_catalogue
from asyncdbaas.catalogue.kafka import metric_name
from asyncdbaas.plan import (
    Action,
    ClusterRef,
    PlanError,
    Prune,
    Result,
    export,
    fetch,
    load_memory,
    load_plan,
    make_plan,
    refresh,
    save_plan,
)
from asyncdbaas.topics import (
    CleanupPolicy,
    TimestampType,
    TopicConfig,
    TopicCreate,
    TopicUpdate,
    create_topic,
    delete_topic,
    update_topic,
)

WANTED = ("a, config: {retention.ms: 5}", "b, partitions: 6", "c")


async def test_a_saved_plan_comes_back_as_it_was(tmp_path: Path) -> None:
    async with opened("events") as (_, session, _):
        plan = await make_plan(session, catalogue(*WANTED), prune=Prune(prefix="x", max_deletes=3))
        save_plan(plan, tmp_path / "plan.json")
        again = await refresh(session, load_plan(tmp_path / "plan.json"))
        assert [(change.name, change.action) for change in again.changes] == [
            (change.name, change.action) for change in plan.changes
        ]
        assert again.prune == plan.prune
        assert (await applied(session, again)).counts == {Result.CREATED: 3}


@pytest.mark.parametrize("move", ["create", "grow", "delete", "cluster"])
async def test_a_saved_plan_is_refused_once_the_live_state_has_changed(tmp_path: Path, move: str) -> None:
    async with opened("events") as (emulator, session, ids):
        await applied(session, await make_plan(session, catalogue("b")))
        emulator.clock.advance(minutes=1)
        save_plan(await make_plan(session, catalogue(*WANTED)), tmp_path / "plan.json")
        if move == "create":
            await create_topic(session, ids["events"], TopicCreate(name="a"))
        elif move == "grow":
            await update_topic(session, ids["events"], "b", TopicUpdate(partition_count=5))
            emulator.clock.advance(minutes=1)
        elif move == "delete":
            await delete_topic(session, ids["events"], "b")
        else:
            path = f"/v2/databases/{ids['events']}"
            emulator.handle("DELETE", path, {"authorization": f"Bearer {emulator.token}"})
            emulator.clock.advance(hours=1)
        with pytest.raises(PlanError, match="it is stale"):
            await refresh(session, load_plan(tmp_path / "plan.json"))


async def test_a_saved_plan_stays_good_if_only_other_topics_change(tmp_path: Path) -> None:
    async with opened("events") as (_, session, ids):
        save_plan(await make_plan(session, catalogue(*WANTED)), tmp_path / "plan.json")
        await create_topic(session, ids["events"], TopicCreate(name="unrelated"))
        assert (await refresh(session, load_plan(tmp_path / "plan.json"))).counts == {Action.CREATE: 3}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        ("", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("[]", "its format is not"),
        ('{"format": "s3cret-canary"}', "its format is not 'asyncdbaas-plan/"),
        ('{"format": "asyncdbaas-plan/0"}', "its format is 'asyncdbaas-plan/0'"),
        ('{"format": "asyncdbaas-plan/2"}', "is damaged"),
    ],
)
def test_what_is_no_saved_plan_is_refused(tmp_path: Path, content: str | None, message: str) -> None:
    file = tmp_path / "plan.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(PlanError, match=message):
        load_plan(file)


@pytest.mark.skipif(os.name == "nt", reason="it has neither")
def test_a_plan_that_is_a_pipe_or_a_device_is_rejected_without_reading_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for file in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(PlanError, match=r"is a pipe|is not a regular file"):
            load_plan(file)


@pytest.mark.parametrize("wrong", [None, 5, {"password": "s3cret-canary"}, b"s3cret-canary"])
async def test_what_is_no_file_name_is_rejected_by_name_and_not_quoted(wrong: Any) -> None:
    async with opened("events") as (_, session, _):
        plan = await make_plan(session, catalogue(*WANTED))
    uses: list[Callable[[Any], object]] = [load_plan, load_memory, partial(save_plan, plan), read_catalogue]
    for use in uses:
        with pytest.raises(InvalidInputError, match="must be the name of a file, as str or Path, not") as caught:
            use(wrong)
        assert "s3cret" not in str(caught.value)


async def test_any_edit_of_a_saved_plan_is_noticed(tmp_path: Path) -> None:
    async with opened("events") as (_, session, _):
        save_plan(await make_plan(session, catalogue(*WANTED)), tmp_path / "plan.json")
    document = json.loads((tmp_path / "plan.json").read_text())
    document["targets"][0]["topics"][1]["topic"]["partition_count"] = 9
    (tmp_path / "plan.json").write_text(json.dumps(document))
    with pytest.raises(PlanError, match="was edited after"):
        load_plan(tmp_path / "plan.json")


async def test_what_was_exported_plans_to_nothing() -> None:
    async with opened("one", "two") as (emulator, session, ids):
        first = catalogue("a, config: {cleanup.policy: compact, preallocate: true}", "yes", cluster="one")
        second = catalogue("b, partitions: 7", "c", cluster="two")
        await applied(session, await make_plan(session, Catalogue(topics=first.topics + second.topics)))
        emulator.clock.advance(minutes=1)
        refs = [ClusterRef(id=value, name=name) for name, value in ids.items()]
        exported = await export(session, refs)
        assert len(exported.topics) == 4
        for suffix in (".yaml", ".json", ".csv"):
            written = parse_catalogue(write_catalogue(exported, suffix=suffix), file=f"t{suffix}")
            assert (await make_plan(session, written)).counts == {Action.KEEP: 4}


async def test_what_a_catalogue_cannot_hold_is_left_out_of_an_export() -> None:
    async with opened("events") as (emulator, session, ids):
        cluster = ClusterRef(id=ids["events"], name="events")
        odd = {"name": "odd", "partition_count": 1, "replication_factor": 1, "config": {"cleanup_policy": "other"}}
        emulator.faults.add("list_topics", "wrong_shape", body={"topics": [odd, {"name": "_schemas"}]})
        emulator.faults.add("get_topic", "wrong_shape", body={"topic": odd})
        exported = await export(session, [cluster])
        assert [entry.topic for entry in exported.topics] == [TopicCreate(name="odd")]
        assert (await fetch(session, [])).objects == {}


names = st.from_regex(r"[A-Za-z0-9.-][A-Za-z0-9._-]{0,20}", fullmatch=True).filter(lambda name: name not in (".", ".."))
configs = st.builds(
    TopicConfig,
    retention_ms=st.integers(-1, 2**63 - 1),
    preallocate=st.booleans(),
    cleanup_policy=st.sampled_from(CleanupPolicy),
    message_timestamp_type=st.sampled_from(TimestampType),
    min_cleanable_dirty_ratio=st.floats(0, 1),
    message_down_conversion_enable=st.booleans(),
)
entries = st.builds(
    CatalogueTopic,
    cluster=st.sampled_from(["one", "2", "null"]),
    topic=st.builds(TopicCreate, name=names, partition_count=st.integers(3, 9), config=configs),
)
catalogues = st.lists(
    entries, min_size=1, max_size=8, unique_by=lambda entry: (entry.cluster, metric_name(entry.topic.name))
)


@settings(deadline=None)
@given(catalogues, st.sampled_from([".yaml", ".json", ".csv"]))
def test_what_is_written_is_read_back(topics: list[CatalogueTopic], suffix: str) -> None:
    text = write_catalogue(Catalogue(topics=tuple(topics)), suffix=suffix)
    read = parse_catalogue(text, file=f"t{suffix}").topics

    def key(entry: CatalogueTopic) -> tuple[str | None, str]:
        return entry.cluster, entry.topic.name

    assert {key(entry): entry.topic for entry in read} == {key(entry): entry.topic for entry in topics}


@pytest.mark.parametrize("damage", [{"prune": "x"}, {"prune": {}}, {"targets": [{"cluster": 5}]}, {"unread": [["a"]]}])
async def test_a_damaged_plan_is_refused_whatever_is_wrong_with_it(tmp_path: Path, damage: dict[str, Any]) -> None:
    path = tmp_path / "plan.json"
    async with opened("events") as world:
        save_plan(await make_plan(world.session, catalogue("a, partitions: 6")), path)
    path.write_text(json.dumps(json.loads(path.read_text()) | damage))
    with pytest.raises(PlanError, match="is damaged"):
        load_plan(path)
