"""Closing a session while calls are under way: each ends at once, and says what may have happened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from raw_server import RawServer, Step, answer, hang
from virtual_time import settle_down, virtual

from asyncdbaas import AsyncSession, RateLimiter, RetryPolicy, SessionStateError, TransportError

PATH = "/v2/databases/x"
OK = answer(200, b"{}")


@asynccontextmanager
async def talking(*steps: Step, **settings: Any) -> AsyncGenerator[tuple[RawServer, AsyncSession], None]:
    """Open a server, and a session with it in virtual time."""
    settings = {"token": "t", "rate_limiter": RateLimiter(clock=asyncio.get_running_loop().time), **settings}
    async with RawServer(*steps) as server, AsyncSession(base_url=server.url, **settings) as session:
        yield server, session


async def ends_at_once(session: AsyncSession, call: asyncio.Task[Any]) -> BaseException | None:
    """Close a session, and return what a call under way then raises, without letting time pass."""
    loop = asyncio.get_running_loop()
    closed_at = loop.time()
    await session.close()
    await asyncio.wait([call])
    assert loop.time() == pytest.approx(closed_at, abs=1e-3)
    return call.exception()


@virtual
async def test_a_call_that_asks_for_its_token_ends_at_once_and_is_not_sent() -> None:
    async def token() -> str:
        await asyncio.sleep(30)
        return "t"

    async with talking(OK, token=token) as (server, session):
        call = asyncio.create_task(session.request("GET", PATH))
        await settle_down()
        assert isinstance(await ends_at_once(session, call), SessionStateError)
        await asyncio.sleep(100)
        assert server.requests == []


@virtual
async def test_with_a_borrowed_http_session_nothing_is_sent_after_closing() -> None:
    answered = asyncio.Event()

    async def token() -> str:
        await answered.wait()
        return "t"

    async with aiohttp.ClientSession() as http, talking(OK, token=token, http=http) as (server, session):
        call = asyncio.create_task(session.request("GET", PATH))
        await settle_down()
        answered.set()  # the token comes in the very moment of the closing
        assert isinstance(await ends_at_once(session, call), SessionStateError)
        assert server.requests == []


@virtual
async def test_a_write_that_waits_for_its_retry_says_that_its_outcome_is_unknown() -> None:
    settings = {"retry": RetryPolicy(base_delay=0.0), "max_connections": 1}
    async with talking(answer(500), hang, **settings) as (server, session):
        first = asyncio.create_task(session.request("PUT", PATH, body={}))
        second = asyncio.create_task(session.request("GET", PATH))
        await server.arrived.wait()
        await settle_down()
        assert [request.method for request in server.requests] == ["PUT", "GET"]
        error = await ends_at_once(session, first)
        assert isinstance(error, Exception)
        assert getattr(error, "outcome_unknown", None) is True
        assert getattr(error, "attempts", None) == 1
        assert isinstance(second.exception(), TransportError)


@virtual
async def test_a_token_function_that_fails_before_a_retry_leaves_the_first_outcome_reported() -> None:
    tokens = iter(["t"])
    async with talking(answer(500), OK, token=lambda: next(tokens)) as (_, session):
        with pytest.raises(Exception, match="500") as caught:
            await session.request("PUT", PATH, body={})
        assert getattr(caught.value, "outcome_unknown", None) is True
        assert caught.value.__cause__ is not None


@virtual
async def test_closing_in_the_moment_of_a_time_out_ends_the_others_too() -> None:
    loop = asyncio.get_running_loop()
    async with talking(hang, timeout=5.0) as (_, session):
        closing: list[asyncio.Task[None]] = []
        # Before the time-out has expired, after it, and in between, when its call does not know of it yet.
        for _ in range(3):
            loop.call_later(5.0, lambda: closing.append(asyncio.create_task(session.close())))
        early = asyncio.create_task(session.request("GET", PATH))
        await asyncio.sleep(1)
        late = asyncio.create_task(session.request("GET", PATH))
        await asyncio.wait([early, late])
        assert isinstance(early.exception(), TransportError)
        assert isinstance(late.exception(), TransportError)
        assert loop.time() == pytest.approx(1005.0)
        await asyncio.gather(*closing)
