"""The state survives a restart."""

from __future__ import annotations

import asyncio
import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import pytest
from emulator_http import calling, emulating, until

from asyncdbaas.emulator import Clock, Delays, Emulator, StateError, storage


def list_names(directory: Path) -> list[str]:
    return [each.name for each in directory.iterdir()]


async def test_clusters_pending_changes_and_tokens_survive_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    async with emulating(state=file, clock=Clock.stepped(epoch=1000), delays=Delays(topic=60)) as (first, call):
        cluster, reader = first.add_cluster(), first.add_token(["database:read"])
        path = f"/v2/databases/{cluster['id']}/topics"
        await call("POST", path, {"name": "orders"})
    second = Emulator(state=file, clock=Clock.stepped(epoch=1000), seed=99)
    assert second.token == first.token
    async with second, calling(second, reader) as call:
        assert (await call("GET", f"{path}/orders")).json["topic"]["state"] == "configuring"
        second.clock.advance(seconds=60)
        assert (await call("GET", f"{path}/orders")).json["topic"]["state"] == "active"
        assert (await call("DELETE", f"{path}/orders")).status == 403
    assert second.add_cluster()["id"] != cluster["id"]


async def test_the_clock_of_a_restart_does_not_go_back(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    async with Emulator(state=file, clock=Clock.stepped(epoch=1000)) as first:
        first.clock.advance(days=1)
    assert Emulator(state=file, clock=Clock.stepped(epoch=2000)).clock.now() == 87400
    assert Emulator(state=file, clock=Clock.stepped(epoch=10**6)).clock.now() == 10**6


async def test_a_token_that_was_asked_for_is_valid_whatever_the_file_says(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    async with Emulator(state=file):
        pass
    async with emulating(state=file, token="mine") as (emulator, call):
        assert emulator.token == "mine"
        assert (await call("GET", "/v2/databases")).status == 200


async def test_changes_are_written_while_it_runs(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    async with emulating(state=file) as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(engine='pg')['id']}/dbs"
        await call("POST", path, {"name": "shop"})
        await until(file.exists)
        assert "shop" in await asyncio.to_thread(file.read_text)
    assert file.stat().st_mode & 0o777 == 0o600
    assert list_names(tmp_path) == ["state.json"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is not JSON"),
        ("[]", "is not a snapshot"),
        ('{"format": "asyncdbaas-emulator/3"}', "is damaged: Object missing required field `clock`"),
        (
            '{"format": "asyncdbaas-emulator/1"}',
            "is of another version of the emulator: 'asyncdbaas-emulator/1', where",
        ),
        (
            json.dumps({"format": "x", "clock": 0, "ids": {}, "data": {}, "schedule": [], "number": 0}),
            "is not a snapshot",
        ),
    ],
)
def test_a_file_that_is_no_state_is_named_and_left_alone(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "state.json"
    file.write_text(text)
    with pytest.raises(StateError, match=problem) as raised:
        Emulator(state=file)
    assert str(file) in str(raised.value)
    assert file.read_text() == text


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    storage.save(file, b'{"format": "old"}')
    broken: Any = object()
    with pytest.raises(TypeError):
        storage.save(file, broken)
    assert file.read_text() == '{"format": "old"}'
    assert list_names(tmp_path) == ["state.json"]


def test_a_directory_is_no_state_file(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="is not a regular file"):
        Emulator(state=tmp_path)


async def test_a_file_that_cannot_be_written_is_refused_before_serving(tmp_path: Path) -> None:
    emulator = Emulator(state=tmp_path / "missing" / "state.json")
    with pytest.raises(StateError, match=r"state\.json: the state cannot be written: No such file or directory"):
        await emulator.start()
    with pytest.raises(StateError, match="cannot be written"), Emulator(state=tmp_path / "missing" / "state.json"):
        pass


async def test_a_second_emulator_on_the_same_file_is_refused_until_the_first_stops(tmp_path: Path) -> None:
    file, link = tmp_path / "state.json", tmp_path / "link.json"
    link.symlink_to(file)
    async with Emulator(state=file):
        for path in (file, link):
            with pytest.raises(StateError, match="another emulator is using this state file"):
                await Emulator(state=path).start()
    async with Emulator(state=link) as second:
        second.add_cluster(name="a")
    assert link.is_symlink()
    assert "a" in file.read_text()
    assert sorted(list_names(tmp_path)) == ["link.json", "state.json"]


async def test_an_emulator_whose_file_another_has_changed_does_not_overwrite_it(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    early = Emulator(state=file)
    async with Emulator(state=file) as other:
        other.add_cluster(name="theirs")
    with pytest.raises(StateError, match="another emulator has changed this state file since it was read"):
        await early.start()
    assert "theirs" in file.read_text()


async def test_stopping_twice_does_not_overwrite_what_another_emulator_wrote(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    first = Emulator(state=file)
    async with first:
        await first.stop()
        async with Emulator(state=file) as second:
            second.add_cluster(name="theirs")
    assert "theirs" in file.read_text()


def test_an_emulator_in_a_thread_reports_that_the_last_state_was_not_written(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    emulator = Emulator(state=folder / "state.json")
    with pytest.raises(StateError, match="the state cannot be written"), emulator:
        shutil.rmtree(folder)


async def test_what_a_killed_process_left_does_not_stand_in_the_way(tmp_path: Path) -> None:
    for name in (".state.json.lock", ".state.json.new"):
        (tmp_path / name).write_text("half a")
    async with Emulator(state=tmp_path / "state.json"):
        pass
    assert list_names(tmp_path) == ["state.json"]


def test_a_snapshot_is_apart_from_what_happens_later() -> None:
    emulator = Emulator(clock=Clock.stepped())
    emulator.add_cluster(name="a")
    snapshot = emulator.snapshot()
    emulator.add_cluster(name="b")
    assert len(snapshot["data"]["clusters"]) == 1
    emulator.restore(snapshot)
    emulator.add_cluster(name="c")
    assert len(snapshot["data"]["clusters"]) == 1


# What can be missing, or hold anything: objects of any number, settings, and numbers of draws.
OPTIONAL: Final = {"orders", "doadmin", "defaultdb", "settings", "description", "drawn", "config"}
Place = tuple[str, ...]


def places(value: Any, path: Place = ()) -> Iterator[Place]:
    """Yield the path of each part of plain data."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, item in cast("dict[str, Any]", value).items():
            yield from places(item, (*path, key))


def damaged(snapshot: Any, path: Place, value: Any) -> Any:
    copy: Any = json.loads(json.dumps(snapshot))
    place = copy
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return copy


@pytest.mark.parametrize("text", ["null", "[[[]]]", '{"a": {"b": 1}}'], ids=["missing", "list", "object"])
def test_a_snapshot_that_is_damaged_anywhere_is_rejected_as_a_whole(text: str) -> None:
    emulator = Emulator(clock=Clock.stepped(epoch=1000), delays=Delays(topic=60))
    cluster = emulator.add_cluster()
    emulator.perform("POST", f"/v2/databases/{cluster['id']}/topics", {"name": "orders"})
    snapshot, other = emulator.snapshot(), Emulator(clock=Clock.stepped(epoch=1000), seed=5)
    other.add_cluster(name="before")
    before, survivors = other.snapshot(), set[str]()

    def restored(path: Place) -> bool:
        try:
            other.restore(damaged(snapshot, path, json.loads(text)))
        except StateError as error:
            return emulator.token in str(error)
        return True

    for path in places(snapshot):
        if restored(path):
            survivors.add(next((part for part in path[:-1] if part in OPTIONAL), path[-1]))
            other.restore(before)
        assert other.snapshot() == before
    assert survivors <= OPTIONAL | {cluster["id"]}


def test_a_cluster_without_its_default_user_damages_a_snapshot() -> None:
    emulator = Emulator()
    emulator.add_cluster()
    text = json.dumps(emulator.snapshot()).replace('"doadmin": {', '"doadmim": {')
    with pytest.raises(StateError, match=r"is damaged at `\$\.data\.clusters\[\.\.\.\]\.users`"):
        emulator.restore(json.loads(text))


NO_CHANGES: Final[list[Any]] = [
    [1, 2, "no_such_action", []],
    [1, 2, "cluster_online", []],
    [1, 2, "cluster_online", ["a", "b", "c"]],
    [math.nan, 2, "cluster_online", ["a"]],
    ["1", 2, "cluster_online", ["a"]],
    [1, 2, "cluster_online"],
]


@pytest.mark.parametrize("entry", NO_CHANGES)
def test_a_scheduled_change_that_cannot_be_made_damages_a_snapshot(entry: Any) -> None:
    emulator = Emulator()
    with pytest.raises(StateError, match=r"is damaged.* `\$\.schedule"):
        emulator.restore({**emulator.snapshot(), "schedule": [entry]})


def test_a_reset_goes_back_to_the_start() -> None:
    emulator = Emulator(clock=Clock.stepped(), per_minute=1)
    headers = {"authorization": f"Bearer {emulator.token}"}
    first = emulator.add_cluster(name="a")
    emulator.faults.add("*", "server_error", skip=1)
    assert [emulator.handle("GET", "/v2/databases", headers).status for _ in range(2)] == [200, 429]
    emulator.reset()
    assert len(emulator.requests) == 0
    assert emulator.handle("GET", "/v2/databases", headers).body == b'{"databases":[]}'
    assert emulator.add_cluster(name="a")["id"] == first["id"]


async def test_a_reset_keeps_the_token_that_came_from_the_file(tmp_path: Path) -> None:
    async with Emulator(state=tmp_path / "state.json", seed=1) as first:
        reader = first.add_token(["database:read"])
    second = Emulator(state=tmp_path / "state.json", seed=2)
    second.reset()
    statuses = [
        second.handle("GET", "/v2/databases", {"authorization": f"Bearer {token}"}).status
        for token in (first.token, reader)
    ]
    assert statuses == [200, 401]
