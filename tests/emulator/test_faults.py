"""Every fault, as a client sees it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from emulator_http import Caller, emulating, until

from asyncdbaas.emulator import KINDS, Clock, Emulator, EmulatorError

TOPIC = {"name": "orders"}


def _topics(emulator: Emulator) -> str:
    return f"/v2/databases/{emulator.add_cluster()['id']}/topics"


async def _exists(call: Caller, path: str) -> bool:
    return (await call("GET", f"{path}/orders")).status == 200


@pytest.mark.parametrize(
    ("kind", "status", "applied"),
    [
        ("precondition", 412, False),
        ("rate_limit", 429, False),
        ("hourly_limit", 429, False),
        ("server_error", 500, False),
        ("server_error", 500, True),
        ("unavailable", 503, False),
        ("not_found", 404, False),
        ("accepted", 202, True),
    ],
)
async def test_a_fault_that_answers_in_the_services_own_shape(kind: str, status: int, *, applied: bool) -> None:
    async with emulating() as (emulator, call):
        path = _topics(emulator)
        emulator.faults.add("create_topic", kind, applied=applied)
        answer = await call("POST", path, TOPIC)
        assert (answer.status, answer.json.keys()) == (status, {"id", "message", "request_id"})
        assert answer.json["request_id"] == answer.headers["x-request-id"]
        assert ("ratelimit-limit" in answer.headers) == (kind != "unavailable")
        assert ("retry-after" in answer.headers) == (kind == "rate_limit")
        assert await _exists(call, path) == applied
        assert (await call("POST", path, TOPIC)).status == (422 if applied else 201), "it is injected once"


@pytest.mark.parametrize(("kind", "status"), [("bad_gateway", 502), ("gateway_timeout", 504), ("request_timeout", 408)])
@pytest.mark.parametrize("applied", [False, True])
async def test_a_gateways_page_is_html_without_rate_limit_headers(kind: str, status: int, *, applied: bool) -> None:
    async with emulating() as (emulator, call):
        path = _topics(emulator)
        emulator.faults.add("create_topic", kind, applied=applied)
        answer = await call("POST", path, TOPIC)
        assert (answer.status, answer.headers["content-type"]) == (status, "text/html; charset=UTF-8")
        assert "<title>DigitalOcean - Something went wrong!</title>" in answer.text
        assert not any(name.lower().startswith("ratelimit") for name in answer.headers)
        assert await _exists(call, path) == applied


@pytest.mark.parametrize(
    ("kind", "status", "kept"),
    [("misdirected", 421, "text/html"), ("too_early", 425, "text/html"), ("no_route", 404, "text/plain")],
)
async def test_a_gateway_that_does_not_pass_a_request_on_leaves_no_trace(kind: str, status: int, kept: str) -> None:
    async with emulating() as (emulator, call):
        path = _topics(emulator)
        emulator.faults.add("create_topic", kind)
        answer = await call("POST", path, TOPIC)
        assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (status, kept)
        assert "ratelimit-limit" not in answer.headers
        assert not await _exists(call, path)


async def test_a_list_can_be_null() -> None:
    async with emulating() as (emulator, call):
        path = _topics(emulator)
        emulator.faults.add("list_topics", "null_list")
        assert (await call("GET", path)).json == {"topics": None}
        assert (await call("GET", path)).json == {"topics": []}


@pytest.mark.parametrize("applied", [False, True])
async def test_a_reset_connection_gives_no_response(*, applied: bool) -> None:
    async with emulating() as (emulator, call):
        path = _topics(emulator)
        emulator.faults.add("create_topic", "reset", applied=applied)
        with pytest.raises(aiohttp.ClientOSError):
            await call("POST", path, TOPIC)
        assert await _exists(call, path) == applied
        assert next(iter(emulator.requests)).status == 0


async def test_a_connection_reset_after_the_response_leaves_the_response_whole() -> None:
    async with emulating() as (emulator, call):
        path = _topics(emulator)
        emulator.faults.add("create_topic", "reset_after")
        assert (await call("POST", path, TOPIC)).json["topic"]["name"] == "orders"
        assert await _exists(call, path)


async def test_half_a_body_ends_too_early() -> None:
    async with emulating() as (emulator, call):
        emulator.faults.add("list_clusters", "half_body")
        with pytest.raises(aiohttp.ClientPayloadError):
            await call("GET", "/v2/databases")


async def test_an_endless_body_goes_on_and_lets_the_emulator_stop() -> None:
    async with emulating() as (emulator, call):
        emulator.faults.add("list_clusters", "endless_body")
        async with call.session.get("/v2/databases") as answer:
            assert answer.status == 200
            read = 0
            async for chunk in answer.content.iter_any():
                read += len(chunk)
                if read > 20:
                    break


async def test_silence_lasts_until_the_client_leaves() -> None:
    async with emulating() as (emulator, call):
        path = _topics(emulator)
        emulator.faults.add("create_topic", "silence", applied=True)
        with pytest.raises(TimeoutError):
            await call("POST", path, TOPIC, timeout=aiohttp.ClientTimeout(total=0.05))
        assert await _exists(call, path)


async def test_the_body_can_be_empty_or_of_another_shape_or_no_json() -> None:
    async with emulating() as (emulator, call):
        emulator.faults.add("list_clusters", "empty_body")
        emulator.faults.add("list_clusters", "wrong_shape", body={"databases": 7})
        emulator.faults.add("list_clusters", "not_json")
        texts = [(await call("GET", "/v2/databases")).text]
        texts.append((await call("GET", "/v2/databases")).text)
        async with call.session.get("/v2/databases") as answer:
            assert answer.status == 200
            texts.append(await answer.text())
        assert texts == ["", '{"databases":7}', '{"truncated": ']


async def test_a_delay_passes_on_the_virtual_clock() -> None:
    clock = Clock.stepped()
    async with emulating(clock=clock) as (emulator, call):
        fault = emulator.faults.add("list_clusters", "delay", delay=20)
        waiting = asyncio.create_task(call("GET", "/v2/databases"))
        await until(lambda: fault.injected == 1)
        clock.advance(seconds=19)
        assert not waiting.done()
        clock.advance(seconds=1)
        assert (await waiting).status == 200


async def test_delays_add_up_with_another_fault() -> None:
    async with emulating(clock=Clock.stepped()) as (emulator, _):
        emulator.faults.add("*", "delay", delay=2, times=1)
        emulator.faults.add("*", "delay", delay=3)
        emulator.faults.add("list_clusters", "server_error", delay=4)
        headers = {"authorization": f"Bearer {emulator.token}"}
        answers = [emulator.handle("GET", "/v2/databases", headers) for _ in range(2)]
        assert [(answer.status, answer.delay) for answer in answers] == [(500, 9), (200, 3)]


async def test_faults_are_injected_by_count_predicate_and_probability() -> None:
    def statuses(emulator: Emulator, target: str = "/v2/databases", count: int = 1) -> list[int]:
        headers = {"authorization": f"Bearer {emulator.token}"}
        return [emulator.handle("GET", target, headers).status for _ in range(count)]

    emulator = Emulator(clock=Clock.stepped(), seed=3)
    emulator.faults.add("list_clusters", "server_error", skip=1, times=2)
    assert statuses(emulator, count=4) == [200, 500, 500, 200]
    emulator.faults.add("*", "server_error", times=None, when=lambda call: call.query.get("tag_name") == "x")
    assert statuses(emulator) + statuses(emulator, "/v2/databases?tag_name=x", 2) == [200, 500, 500]
    emulator.faults.clear()
    emulator.faults.add("*", "server_error", times=None, probability=0.5)
    answered = statuses(emulator, count=100)
    assert 30 < answered.count(500) < 70
    again = Emulator(clock=Clock.stepped(), seed=3)
    again.faults.add("*", "server_error", times=None, probability=0.5)
    assert statuses(again, count=100) == answered


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("nonsense", {}),
        ("delay", {"delay": -1}),
        ("delay", {"probability": 2}),
        ("delay", {"times": 0}),
        ("delay", {"skip": "1"}),
        ("delay", {"applied": 1}),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(kind: str, options: dict[str, Any]) -> None:
    with pytest.raises(EmulatorError, match=f"fault|{next(iter(options), kind)}"):
        Emulator().faults.add("*", kind, **options)


def test_a_refusal_by_a_fault_is_not_counted_in_the_windows() -> None:
    emulator = Emulator(clock=Clock.stepped(), per_minute=1)
    headers = {"authorization": f"Bearer {emulator.token}"}
    emulator.faults.add("*", "rate_limit", retry_after=7)
    refused = emulator.handle("GET", "/v2/databases", headers)
    assert (refused.status, refused.headers["retry-after"], refused.headers["ratelimit-remaining"]) == (429, "7", "0")
    assert emulator.handle("GET", "/v2/databases", headers).status == 200


def test_every_fault_has_a_test() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert not [kind for kind in KINDS if f'"{kind}"' not in source]
