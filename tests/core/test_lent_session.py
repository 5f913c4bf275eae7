"""What a lent aiohttp.ClientSession is set to changes neither errors nor requests."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from raw_server import RawServer, Step, answer
from virtual_time import virtual

from asyncdbaas import AsyncSession, NotFoundError, RateLimiter, RetryPolicy, SessionStateError, UnprocessableError

OK = answer(200, {"value": 1}, {"Set-Cookie": "edge=1"})
PATH = "/v2/x"


@asynccontextmanager
async def lending(
    *steps: Step, **settings: Any
) -> AsyncGenerator[tuple[RawServer, AsyncSession, aiohttp.ClientSession]]:
    limiter = RateLimiter(clock=asyncio.get_running_loop().time)
    async with (
        RawServer(*steps) as server,
        aiohttp.ClientSession(**settings) as http,
        AsyncSession("token-of-tests", base_url=server.url, http=http, rate_limiter=limiter) as session,
    ):
        yield server, session, http


async def never(*_: Any) -> Any:
    raise AssertionError("it is not asked")


def canary(_: object) -> str:
    return "canary"


def traced() -> aiohttp.TraceConfig:
    config = aiohttp.TraceConfig()
    config.on_request_start.append(never)
    return config


SETTINGS: list[dict[str, Any]] = [
    {"raise_for_status": True},
    {"raise_for_status": never},
    {"headers": {"Authorization": "Basic canary", "X-Mine": "canary", "User-Agent": "mine"}},
    {"middlewares": (never,)},
    {"timeout": aiohttp.ClientTimeout(total=1e-9)},
    {"base_url": "http://127.0.0.1:9/elsewhere/"},
    {"cookies": {"mine": "canary"}, "cookie_jar": None},
    {"json_serialize": canary},
    {"skip_auto_headers": ["User-Agent", "Host"]},
    {"auto_decompress": False},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: next(iter(settings)))
@virtual
async def test_no_setting_of_it_changes_an_error_or_a_request(settings: dict[str, Any]) -> None:
    refused = answer(429, headers={"Retry-After": "1"})
    async with lending(OK, answer(404), answer(422), refused, OK, **settings) as (server, session, http):
        await session.request("POST", PATH, body={"name": "a"})
        with pytest.raises(NotFoundError) as missing:
            await session.request("GET", PATH)
        with pytest.raises(UnprocessableError) as taken:
            await session.request("POST", PATH, body={"name": "a"})
        await session.request("POST", PATH, body={"name": "a"})
        assert (missing.value.attempts, taken.value.outcome_unknown, len(server.requests)) == (1, False, 5)
        for request in server.requests:
            assert "canary" not in str(request)
            assert request.headers["authorization"] == "Bearer token-of-tests"
            assert request.headers["user-agent"].startswith("asyncdbaas/")
            assert "cookie" not in request.headers
        assert [cookie.key for cookie in http.cookie_jar] == list(settings.get("cookies", {}))


@virtual
async def test_its_login_is_not_sent_in_place_of_the_token() -> None:
    with warnings.catch_warnings(action="ignore"):
        auth = aiohttp.BasicAuth("user", "canary")
        async with lending(OK, auth=auth) as (server, session, _):
            await session.request("GET", PATH)
    assert server.requests[0].headers["authorization"] == "Bearer token-of-tests"


@virtual
async def test_its_traces_see_nothing_of_our_requests() -> None:
    async with lending(OK, trace_configs=[traced()]) as (server, session, _):
        await session.request("GET", PATH)
        assert len(server.requests) == 1


@pytest.mark.parametrize("login", ["in the address", "beside it"])
async def test_its_proxy_is_used_with_its_password(login: str) -> None:
    async with RawServer(answer(407)) as proxy:
        settings: dict[str, Any] = {"proxy": proxy.url.replace("//", "//user:canary@")}
        with warnings.catch_warnings(action="ignore"):  # BasicAuth is deprecated, and still in use
            if login == "beside it":
                settings = {"proxy": proxy.url, "proxy_auth": aiohttp.BasicAuth("user", "canary")}
            http = aiohttp.ClientSession(**settings)
        async with (
            http,
            AsyncSession("t", base_url="https://api.invalid", http=http, retry=RetryPolicy(max_attempts=1)) as session,
        ):
            with pytest.raises(Exception, match="the proxy responded 407") as caught:
                await session.request("GET", PATH)
        assert proxy.requests[0].headers["proxy-authorization"] == "Basic dXNlcjpjYW5hcnk="
        assert "canary" not in f"{caught.value} {caught.value.__cause__!r}"


async def test_one_that_is_closed_or_of_another_event_loop_is_rejected_at_opening() -> None:
    http = aiohttp.ClientSession()
    session = AsyncSession("token-of-tests", http=http)
    with pytest.raises(SessionStateError, match="belongs to another event loop"):
        await asyncio.to_thread(asyncio.run, session.open())
    async with aiohttp.TCPConnector() as connector:
        over_connector = aiohttp.ClientSession(connector=connector)
    await http.close()
    for closed in (http, over_connector):
        with pytest.raises(SessionStateError, match="given as `http` is closed"):
            await AsyncSession("token-of-tests", http=closed).open()
