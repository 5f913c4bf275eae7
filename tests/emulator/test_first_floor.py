"""The emulator over real HTTP: tokens, limits, clusters, topics."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from asyncdbaas.emulator import Clock, Delays, Emulator

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def http(emulator: Emulator, token: str | None = None) -> AsyncGenerator[aiohttp.ClientSession, None]:
    headers = {"Authorization": f"Bearer {token or emulator.token}"}
    async with aiohttp.ClientSession(emulator.url, headers=headers) as session:
        yield session


async def test_a_new_topic_is_configuring_then_active() -> None:
    clock = Clock.stepped()
    async with Emulator(clock=clock, delays=Delays(topic=5)) as emulator, http(emulator) as session:
        path = f"/v2/databases/{emulator.add_cluster()['id']}/topics"
        async with session.post(path, json={"name": "orders"}) as answer:
            assert answer.status == 201
            assert (await answer.json())["topic"]["state"] == "configuring"
        clock.advance(seconds=5)
        async with session.get(f"{path}/orders") as answer:
            assert (await answer.json())["topic"]["state"] == "active"


async def test_the_burst_limit_refuses_with_retry_after_and_lets_through_after_it() -> None:
    clock = Clock.stepped()
    async with Emulator(clock=clock, per_minute=2) as emulator, http(emulator) as session:
        for _ in range(2):
            async with session.get("/v2/databases") as answer:
                assert answer.status == 200
                assert "retry-after" not in answer.headers
            clock.advance(seconds=10)
        async with session.get("/v2/databases") as answer:
            assert answer.status == 429
            assert answer.headers["retry-after"] == "40"
            assert answer.headers["ratelimit-remaining"] == "0"
        clock.advance(seconds=40)
        async with session.get("/v2/databases") as answer:
            assert answer.status == 200
            assert answer.headers["ratelimit-remaining"] == "4997"


async def test_the_hourly_limit_refuses_without_retry_after() -> None:
    clock = Clock.stepped(epoch=1000)
    async with Emulator(clock=clock, per_hour=1) as emulator, http(emulator) as session:
        for expected in (200, 429):
            async with session.get("/v2/databases") as answer:
                assert answer.status == expected
                assert "retry-after" not in answer.headers
                assert answer.headers["ratelimit-reset"] == "4600"


async def test_retry_after_in_scaled_time_is_in_the_clients_own_seconds() -> None:
    async with Emulator(clock=Clock(60, source=lambda: 0.0), per_minute=1) as emulator, http(emulator) as session:
        async with session.get("/v2/databases"):
            pass
        async with session.get("/v2/databases") as answer:
            assert answer.headers["retry-after"] == "1.001"


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer wrong", "Basic {token}"])
async def test_a_request_without_a_valid_token_is_refused(authorization: str) -> None:
    async with Emulator() as emulator, aiohttp.ClientSession(emulator.url) as session:
        headers = {"Authorization": authorization.format(token=emulator.token)}
        async with session.get("/v2/databases", headers=headers) as answer:
            body = await answer.json()
            assert answer.status == 401
            assert body["id"] == "unauthorized"
            assert body["message"] == "Unable to authenticate you."
            assert body["request_id"] == answer.headers["x-request-id"]


async def test_a_read_only_token_cannot_write() -> None:
    async with Emulator() as emulator, http(emulator, emulator.add_token(["database:read"])) as session:
        async with session.get("/v2/databases") as answer:
            assert answer.status == 200
        async with session.post("/v2/databases", json={}) as answer:
            assert answer.status == 403


async def test_an_unknown_route_answers_plain_text() -> None:
    async with Emulator() as emulator, http(emulator) as session, session.get("/v2/nothing") as answer:
        assert answer.status == 404
        assert answer.content_type == "text/plain"
        assert (await answer.text()).strip() == "404 page not found"


async def test_a_deleted_cluster_answers_and_holds_its_name_until_it_is_gone() -> None:
    clock = Clock.stepped()
    order: dict[str, Any] = {"name": "main", "engine": "pg", "size": "db-s-1vcpu-1gb", "region": "nyc3", "num_nodes": 1}
    async with Emulator(clock=clock, delays=Delays(delete=30)) as emulator, http(emulator) as session:
        cluster = emulator.add_cluster(**order)
        async with session.delete(f"/v2/databases/{cluster['id']}") as answer:
            assert answer.status == 204
        async with session.post("/v2/databases", json=order) as answer:
            assert answer.status == 422
            assert (await answer.json())["message"] == "cluster name is not available"
        clock.advance(seconds=30)
        async with session.get(f"/v2/databases/{cluster['id']}") as answer:
            assert answer.status == 404
        async with session.post("/v2/databases", json=order) as answer:
            assert answer.status == 201
            assert (await answer.json())["database"]["status"] == "creating"
