"""The state survives a restart."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

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
        ("[]", "is no snapshot"),
        ('{"format": "asyncdbaas-emulator/2"}', "is no snapshot"),
        (json.dumps({"format": "x", "clock": 0, "ids": {}, "data": {}, "schedule": [], "number": 0}), "is no snapshot"),
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
    storage.save(file, {"format": "old"})
    with pytest.raises(TypeError):
        storage.save(file, {"format": object()})
    assert file.read_text() == '{"format": "old"}'
    assert list_names(tmp_path) == ["state.json"]


def test_a_directory_is_no_state_file(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="cannot be read"):
        Emulator(state=tmp_path)


def test_a_snapshot_is_apart_from_what_happens_later() -> None:
    emulator = Emulator(clock=Clock.stepped())
    emulator.add_cluster(name="a")
    snapshot = emulator.snapshot()
    emulator.add_cluster(name="b")
    assert len(snapshot["data"]["clusters"]) == 1
    emulator.restore(snapshot)
    emulator.add_cluster(name="c")
    assert len(snapshot["data"]["clusters"]) == 1


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
