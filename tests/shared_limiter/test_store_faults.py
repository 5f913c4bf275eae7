"""A real server drops the script or evicts keys, and workers share a name: nothing is refused or lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from store import Store, serving, warnings

from asyncdbaas import AsyncSession, topics
from asyncdbaas.emulator import Delays, Emulator
from asyncdbaas.ratelimit.shared import SharedRateLimiter

MINUTE = 2.0
LIMIT = 20
WORKERS = 3
EACH = 10
"""Three workers fill a minute and half of another."""


@asynccontextmanager
async def fleet(store: Store, emulator: Emulator) -> AsyncGenerator[list[AsyncSession]]:
    sessions = [
        AsyncSession(
            emulator.token,
            base_url=emulator.url,
            rate_limiter=SharedRateLimiter(store.url, LIMIT, name="x", minute=MINUTE, hour=60 * MINUTE),
        )
        for _ in range(WORKERS)
    ]
    for session in sessions:
        await session.open()
    try:
        yield sessions
    finally:
        for session in sessions:
            await session.close()


async def race(store: Store, disturb: Callable[[int], Awaitable[object]]) -> None:
    """Let all workers create topics, and do something after each one; all must be there and none refused."""
    created = 0
    async with Emulator(time_scale=60 / MINUTE, per_minute=LIMIT, delays=Delays.none()) as emulator:
        cluster = emulator.add_cluster(engine="kafka", num_nodes=3)["id"]

        async def create(session: AsyncSession, name: str) -> None:
            nonlocal created
            await topics.create_topic(session, cluster, topics.TopicCreate(name=name))
            created += 1
            await disturb(created)

        async with fleet(store, emulator) as sessions:
            await asyncio.gather(
                *(create(session, f"t-{place}-{n}") for place, session in enumerate(sessions) for n in range(EACH))
            )
        assert emulator.requests.statuses == {201: WORKERS * EACH}


async def test_a_script_that_is_flushed_again_and_again_is_sent_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    async with serving() as store, store.client() as client:

        async def flush(_: int) -> None:
            await client.script_flush()

        await race(store, flush)
        commands = await client.info("commandstats")
        assert commands["cmdstat_evalsha"]["failed_calls"] > 3
        assert commands["cmdstat_eval"]["failed_calls"] == 0
    assert warnings(caplog) == []


async def test_a_worker_whose_id_is_taken_takes_another(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As two processes forked with one state of their random numbers have them."""
    caplog.set_level(logging.WARNING)
    ids = (f"{max(0, number - 2 * WORKERS):016}" for number in range(100))

    def token_hex(_: int) -> str:
        return next(ids)

    monkeypatch.setattr("asyncdbaas.ratelimit.lease.secrets.token_hex", token_hex)

    async def nothing(_: int) -> None:
        """Let all go well but for the names."""

    async with serving() as store:
        await race(store, nothing)
    assert warnings(caplog) == []


async def fill(client: Any, key: str, *, ttl: int | None) -> None:
    """Fill the server until it has evicted a key."""
    for number in range(10_000):
        if not await client.exists(key):
            return
        await client.set(f"theirs-{number}", "x" * 20_000, ex=ttl)
    raise AssertionError(f"{key} was not evicted")


@pytest.mark.parametrize(
    "policy",
    [
        "allkeys-lru",
        "volatile-lru",
        *(pytest.param(other, marks=pytest.mark.long) for other in ("allkeys-random", "volatile-ttl")),
    ],
)
async def test_a_key_that_is_evicted_is_noticed_and_logged_in_one_warning_of_each_worker(
    policy: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    options = ("--maxmemory", "4mb", "--maxmemory-policy", policy, "--maxmemory-samples", "64")
    async with serving(*options) as store, store.client() as client:
        before = (await client.info("stats"))["evicted_keys"]

        async def evict(created: int) -> None:
            if created == LIMIT - 5:
                ttl = 10_000 if policy.startswith("volatile") else None
                await fill(client, "asyncdbaas:{x}:ledger", ttl=ttl)

        await race(store, evict)
        assert (await client.info("stats"))["evicted_keys"] > before
    told = warnings(caplog)
    assert 1 <= len(told) <= WORKERS
    assert all("has lost its data" in message for message in told)
