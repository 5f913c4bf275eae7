"""A request is not sent with a permit that the store has given to others in the meantime."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import pytest
from aiohttp.abc import ResolveResult
from raw_server import RawServer, answer
from store import Store, serving

from asyncdbaas import AsyncSession, RetryPolicy, hooks
from asyncdbaas.ratelimit.shared import SharedRateLimiter


@pytest.fixture
async def store() -> AsyncGenerator[Store]:
    async with serving() as store:
        yield store


class StandsStill(aiohttp.ThreadedResolver):
    """Moves the clock by three minutes at the first connection: the process stands still after a permit was granted."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 -- the server listens on IPv4
    ) -> list[ResolveResult]:
        self.now = 180.0
        return await super().resolve(host, port, socket.AF_INET)


@pytest.mark.parametrize(
    ("method", "body"),
    [("POST", {"name": "a"}), ("POST", {"name": "a" * 100_000}), ("GET", None)],
    ids=["short body", "long body", "no body"],
)
async def test_an_attempt_gets_another_permit_if_its_own_has_lapsed_before_it_is_sent(
    store: Store, method: str, body: Any
) -> None:
    resolver = StandsStill()
    events: list[hooks.CallEvent] = []
    pace = SharedRateLimiter(store.url, minute=600.0, hour=36_000.0, clock=lambda: resolver.now)
    async with (
        RawServer(answer(200, {})) as server,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=resolver)) as http,
    ):
        session = AsyncSession(
            "token-of-tests",
            base_url=server.url.replace("127.0.0.1", "localhost"),
            http=http,
            rate_limiter=pace,
            retry=RetryPolicy(max_attempts=1),
            on_event=events.append,
        )
        async with session:
            await session.request(method, "/v2/x", body=body)
            assert (len(server.requests), pace.in_flight) == (1, 0)
    attempts = [event for event in events if isinstance(event, hooks.AttemptEnded)]
    assert [event.status for event in attempts] == [None, 200]
    assert "permit of the rate limiter lapsed" in str(attempts[0].error)
    assert [event.delay for event in events if isinstance(event, hooks.RetryScheduled)] == [0.0]
