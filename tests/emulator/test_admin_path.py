"""The admin path does over HTTP what the object does in code, for this machine alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from emulator_http import emulating

from asyncdbaas.emulator import Clock, Emulator


async def test_a_test_in_another_language_can_steer_the_emulator() -> None:
    async with emulating(clock=Clock.stepped()) as (emulator, call):
        fault = {"operation": "list_clusters", "kind": "server_error", "times": 1}
        added = await call("POST", "/_emulator/faults", fault)
        assert (added.status, added.json["fault"]["injected"]) == (201, 0)
        assert (await call("GET", "/_emulator/faults")).json["faults"][0]["kind"] == "server_error"
        assert (await call("GET", "/v2/databases")).status == 500
        before = (await call("GET", "/_emulator/clock")).json["now"]
        assert (await call("POST", "/_emulator/clock", {"minutes": 5})).json["now"] == before + 300
        emulator.add_cluster(name="a")
        state = (await call("GET", "/_emulator/state")).json
        assert [cluster["name"] for cluster in state["clusters"].values()] == ["a"]
        requests = (await call("GET", "/_emulator/requests")).json
        assert (requests["total"], requests["last"][0]["status"]) == (1, 500)
        assert (await call("DELETE", "/_emulator/requests")).status == 204
        await call("POST", "/_emulator/faults", fault)
        assert (await call("DELETE", "/_emulator/faults")).status == 204
        assert (await call("GET", "/v2/databases")).status == 200
        assert (await call("GET", "/_emulator/")).json["routes"]


async def test_a_snapshot_can_be_restored_and_everything_reset() -> None:
    async with emulating() as (emulator, call):
        emulator.add_cluster(name="a")
        snapshot = (await call("GET", "/_emulator/snapshot")).json
        assert (await call("POST", "/_emulator/reset")).status == 204
        assert (await call("GET", "/v2/databases")).json == {"databases": []}
        assert (await call("PUT", "/_emulator/snapshot", snapshot)).status == 204
        assert (await call("GET", "/v2/databases")).json["databases"][0]["name"] == "a"
        assert (await call("PUT", "/_emulator/snapshot", {"format": "other"})).status == 422


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"host": "localhost:1"}, 200),
        ({"host": "[::1]:1"}, 200),
        ({"host": "evil.example"}, 403),
        ({"host": "127.0.0.1.evil.example"}, 403),
        ({"host": "["}, 403),
        ({"host": "127.0.0.1", "origin": "http://localhost:3000"}, 200),
        ({"host": "127.0.0.1", "origin": "https://evil.example"}, 403),
        ({"host": "127.0.0.1", "origin": "null"}, 403),
        ({"host": "127.0.0.1", "sec-fetch-site": "cross-site"}, 403),
    ],
)
def test_only_this_machine_and_no_web_page_gets_in(headers: dict[str, str], status: int) -> None:
    assert Emulator().handle("GET", "/_emulator/clock", headers).status == status


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("clock", {"seconds": "1"}, 400),
        ("clock", {"seconds": -1}, 400),
        ("clock", {"days": 10**12}, 400),
        ("clock", {"fortnights": 1}, 400),
        ("clock", [], 400),
        ("faults", {}, 422),
        ("faults", {"kind": "nonsense"}, 422),
        ("faults", {"kind": "delay", "delay": "long"}, 422),
        ("faults", {"kind": "delay", "nonsense": 1}, 422),
        ("faults", {"kind": "delay", "when": "always"}, 201),
        ("nothing", {}, 404),
    ],
)
def test_nonsense_is_refused(path: str, body: Any, status: int) -> None:
    emulator = Emulator(clock=Clock.stepped())
    answer = emulator.handle("POST", f"/_emulator/{path}", {"host": "localhost"}, json.dumps(body).encode())
    assert answer.status == status


def test_the_admin_path_counts_in_no_limit() -> None:
    emulator = Emulator(per_minute=1)
    for _ in range(3):
        assert emulator.handle("GET", "/_emulator/clock", {"host": "localhost"}).status == 200
    headers = {"authorization": f"Bearer {emulator.token}"}
    assert emulator.handle("GET", "/v2/databases", headers).status == 200
    assert emulator.requests.total == 1
