"""AsyncSession over real sockets: opening and closing it, tokens, addresses, and what a request looks like."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from raw_server import Exchange, RawServer, answer, hang
from virtual_time import run, settle_down, virtual

from asyncdbaas import (
    AsyncSession,
    InvalidInputError,
    RateLimiter,
    RequestError,
    RetryPolicy,
    SessionStateError,
    TransportError,
)
from asyncdbaas._core.http import RateLimitHeaders

OK = answer(200, {"value": 1})


def connect(server: RawServer, token: Any = "token", **settings: Any) -> AsyncSession:
    settings.setdefault("rate_limiter", RateLimiter(clock=asyncio.get_running_loop().time))
    settings.setdefault("coalesce_reads", False)
    return AsyncSession(token, base_url=server.url, **settings)


def assert_at_rest(session: AsyncSession) -> None:
    assert session._admission.free_slots == session._admission.slots
    assert (session.rate_limiter.in_flight, session.rate_limiter.waiting) == (0, 0)
    assert not len(session._lifetime._deadlines)


# Where the token comes from.


def bearer(server: RawServer) -> list[str]:
    return [request.headers["authorization"] for request in server.requests]


@virtual
async def test_the_token_may_be_a_string_a_function_or_a_coroutine_function() -> None:
    async def ask() -> str:
        await asyncio.sleep(1)
        return "three"

    function: Callable[[], str] = lambda: "two"  # noqa: E731 -- a caller would write it so
    async with RawServer(OK) as server:
        for token in ("one", function, ask):
            async with connect(server, token) as session:
                await session.request("GET", "/v2/x")
        assert bearer(server) == ["Bearer one", "Bearer two", "Bearer three"]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"DIGITALOCEAN_TOKEN": "first", "DIGITALOCEAN_ACCESS_TOKEN": "second"}, "Bearer first"),
        ({"DIGITALOCEAN_ACCESS_TOKEN": "second"}, "Bearer second"),
        ({"DIGITALOCEAN_TOKEN": "", "DIGITALOCEAN_ACCESS_TOKEN": "second"}, "Bearer second"),
    ],
)
def test_the_token_comes_from_the_environment(
    variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DIGITALOCEAN_TOKEN", raising=False)
    monkeypatch.delenv("DIGITALOCEAN_ACCESS_TOKEN", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    async def check() -> None:
        async with RawServer(OK) as server, connect(server, None) as session:
            await session.request("GET", "/v2/x")
            assert bearer(server) == [expected]

    run(check())


def test_without_any_token_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIGITALOCEAN_TOKEN", raising=False)
    monkeypatch.delenv("DIGITALOCEAN_ACCESS_TOKEN", raising=False)
    with pytest.raises(InvalidInputError, match=r"pass token=\.\.\., or set DIGITALOCEAN_TOKEN"):
        AsyncSession()


@pytest.mark.parametrize("token", ["", "a b", "a\n", "a\r\nHost: evil", "é", 5, b"token"])
def test_a_bad_token_is_refused_at_once(token: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"^the token "):
        AsyncSession(token)


@pytest.mark.parametrize("token", ["", "a\n", None, 5])
@virtual
async def test_a_bad_token_of_a_function_is_rejected_before_anything_is_sent(token: Any) -> None:
    async with RawServer(OK) as server, connect(server, lambda: token) as session:
        with pytest.raises(InvalidInputError, match=r"^the token "):
            await session.request("GET", "/v2/x")
        assert server.connections == 0
        assert_at_rest(session)


@virtual
async def test_what_a_token_function_raises_comes_through_and_costs_no_quota() -> None:
    def ask() -> str:
        raise LookupError("vault is sealed")

    async with RawServer(OK) as server:
        limiter = RateLimiter(per_minute=1, clock=asyncio.get_running_loop().time)
        async with connect(server, ask, rate_limiter=limiter) as session:
            for _ in range(3):
                with pytest.raises(LookupError, match="sealed"):
                    await session.request("GET", "/v2/x")
            assert_at_rest(session)
            assert limiter.delay() == 0.0


@virtual
async def test_the_token_function_is_called_after_the_permit_is_granted_and_for_each_attempt() -> None:
    loop = asyncio.get_running_loop()
    async with RawServer(OK, OK, answer(503), OK) as server:
        start, asked = loop.time(), list[int]()

        def ask() -> str:
            asked.append(round(loop.time() - start))
            return f"token-{len(asked)}"

        limiter = RateLimiter(per_minute=2, clock=loop.time)
        retry = RetryPolicy(base_delay=0.0)
        async with connect(server, ask, rate_limiter=limiter, retry=retry) as session:
            await asyncio.gather(*(session.request("GET", "/v2/x") for _ in range(3)))
        assert asked == [0, 0, 60, 60]
        assert bearer(server) == [f"Bearer token-{n}" for n in range(1, 5)]


# What it refuses at once.


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_connections": 0}, "max_connections must be at least 1"),
        ({"timeout": 0}, "timeout must be above 0"),
        ({"timeout": float("nan")}, "timeout must be above 0"),
        ({"base_url": "http://api.digitalocean.com"}, "base_url must use https"),
        ({"base_url": "https://user:password@host"}, "base_url must be an"),
        ({"base_url": "https://host?x=1"}, "base_url must be an"),
    ],
)
def test_bad_settings_are_rejected_by_name(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        AsyncSession("token", **settings)


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        (("get", "/v2/x"), {}, "method must be one of"),
        (("GET\r\nX: y", "/v2/x"), {}, "method must be one of"),
        (("CONNECT", "/v2/x"), {}, "method must be one of"),
        (("GET", "/v2/../account"), {}, "path must start with"),
        (("GET", "https://evil.example/"), {}, "path must start with"),
        (("GET", "/v2/x"), {"params": {"page": True}}, "params: page"),
        (("POST", "/v2/x"), {"body": {"x": float("nan")}}, "not a finite number"),
        (("POST", "/v2/x"), {"body": object()}, "unsupported"),
    ],
)
@virtual
async def test_bad_requests_are_rejected_before_anything_is_sent(
    arguments: tuple[str, str], settings: dict[str, Any], message: str
) -> None:
    async with RawServer(OK) as server, connect(server) as session:
        with pytest.raises(InvalidInputError, match=message):
            await session.request(*arguments, **settings)
        assert server.connections == 0
        assert_at_rest(session)


# Where and when it can be used.


@virtual
async def test_it_says_what_to_do_when_it_is_not_open() -> None:
    session = AsyncSession("token")
    with pytest.raises(SessionStateError, match="use `async with AsyncSession"):
        await session.request("GET", "/v2/x")
    assert "not open" in repr(session)
    await session.close()


@virtual
async def test_it_can_be_opened_once_only() -> None:
    async with RawServer(OK) as server:
        session = connect(server)
        async with session:
            assert repr(session) == f"<AsyncSession {server.url} open>"
            with pytest.raises(SessionStateError, match="opened before"):
                await session.__aenter__()
            await session.request("GET", "/v2/x")
        assert repr(session) == f"<AsyncSession {server.url} closed>"
        with pytest.raises(SessionStateError, match="the session is closed"):
            await session.request("GET", "/v2/x")
        with pytest.raises(SessionStateError, match="opened before"):
            await session.__aenter__()
        await session.close()
        assert len(server.requests) == 1


@virtual
async def test_it_belongs_to_one_event_loop() -> None:
    async with RawServer(OK) as server, connect(server) as session:

        def elsewhere() -> None:
            with pytest.raises(SessionStateError, match="opened in another event loop"):
                asyncio.run(session.request("GET", "/v2/x"))

        await asyncio.to_thread(elsewhere)
        await session.request("GET", "/v2/x")


@virtual
async def test_a_borrowed_http_session_is_never_closed() -> None:
    async with RawServer(OK) as server, aiohttp.ClientSession() as http:
        for _ in range(2):
            async with connect(server, http=http) as session:
                await session.request("GET", "/v2/x")
        assert not http.closed
        assert server.connections == 1


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
@virtual
async def test_middlewares_of_a_borrowed_http_session_cannot_send_a_request_twice(method: str) -> None:
    async def again(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        response = await handler(request)
        response.close()
        return await handler(request)

    async with RawServer(OK) as server, aiohttp.ClientSession(middlewares=(again,)) as http:
        async with connect(server, http=http) as session:
            await session.request(method, "/v2/x")
        assert len(server.requests) == 1


@virtual
async def test_a_borrowed_http_session_that_its_owner_closed_sends_nothing() -> None:
    async with RawServer(OK) as server:
        http = aiohttp.ClientSession()
        async with connect(server, http=http) as session:
            await http.close()
            with pytest.raises(SessionStateError, match="the session is closed"):
                await session.request("GET", "/v2/x")
            assert_at_rest(session)


# Closing.


async def half(exchange: Exchange) -> None:
    await exchange.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    await exchange.hang()


async def slow_headers(exchange: Exchange) -> None:
    await exchange.write(b"HTTP/1.1 200 OK\r\nConte")
    await exchange.hang()


@pytest.mark.parametrize("step", [hang, half, slow_headers])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("borrowed", [True, False])
@virtual
async def test_closing_ends_what_is_on_the_wire_and_says_what_may_have_happened(
    step: Any, method: str, borrowed: bool
) -> None:
    loop = asyncio.get_running_loop()
    async with RawServer(step) as server, aiohttp.ClientSession() as http:
        async with connect(server, http=http if borrowed else None) as session:
            call = asyncio.create_task(session.request(method, "/v2/x"))
            await server.arrived.wait()
            await settle_down()
            start = loop.time()
        with pytest.raises(TransportError, match="the session was closed before the response came") as caught:
            await call
        assert caught.value.outcome_unknown == (method == "POST")
        assert loop.time() - start < 1e-3
        assert len(server.requests) == 1
        assert_at_rest(session)


@virtual
async def test_closing_ends_a_call_that_looks_up_a_name_without_cancelling_it(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()

    async def never(*_: Any, **__: Any) -> Any:
        await asyncio.sleep(1e6)

    monkeypatch.setattr(loop, "getaddrinfo", never)
    async with AsyncSession("token", base_url="http://localhost:1") as session:
        call = asyncio.create_task(session.request("GET", "/v2/x"))
        await settle_down()
        start = loop.time()
    with pytest.raises(TransportError, match="the session was closed"):
        await call
    assert loop.time() - start < 1e-3
    assert_at_rest(session)


@virtual
async def test_closing_ends_calls_that_wait_for_a_slot_for_the_limit_and_for_a_retry() -> None:
    loop = asyncio.get_running_loop()
    async with RawServer(answer(503, headers={"Retry-After": "200"}), OK) as server:
        limiter = RateLimiter(per_minute=2, clock=loop.time)
        async with connect(server, rate_limiter=limiter, max_connections=2) as session:
            backing_off = asyncio.create_task(session.request("GET", "/v2/x"))
            await server.arrived.wait()
            await settle_down()
            await session.request("GET", "/v2/x")
            waiting = [asyncio.create_task(session.request("GET", "/v2/x")) for _ in range(6)]
            await settle_down()
            assert (limiter.waiting, len(session._admission.queue)) == (2, 4)
            start = loop.time()
        failures = await asyncio.gather(backing_off, *waiting, return_exceptions=True)
        assert [type(failure) for failure in failures[1:]] == [SessionStateError] * 6
        assert isinstance(failures[0], (SessionStateError, RequestError))
        assert loop.time() - start < 1e-3
        assert len(server.requests) == 2
        assert_at_rest(session)


@virtual
async def test_closing_one_of_two_sessions_that_share_a_limiter_leaves_the_other_its_permits() -> None:
    loop = asyncio.get_running_loop()
    async with RawServer(OK) as server:
        limiter = RateLimiter(per_minute=1, clock=loop.time)
        async with connect(server, rate_limiter=limiter) as staying:
            async with connect(server, rate_limiter=limiter) as leaving:
                await staying.request("GET", "/v2/x")
                start = loop.time()
                gone = [asyncio.create_task(leaving.request("GET", "/v2/x")) for _ in range(3)]
                kept = [asyncio.create_task(staying.request("GET", "/v2/x")) for _ in range(2)]
                await settle_down()
            await asyncio.gather(*kept)
            assert loop.time() - start == pytest.approx(120)
        failures = await asyncio.gather(*gone, return_exceptions=True)
        assert {type(failure) for failure in failures} == {SessionStateError}
        assert_at_rest(staying)


@virtual
async def test_closing_in_the_moment_of_a_wake_up_sends_nothing() -> None:
    loop = asyncio.get_running_loop()
    async with RawServer(OK) as server, aiohttp.ClientSession() as http:
        limiter = RateLimiter(per_minute=1, clock=loop.time)
        async with connect(server, rate_limiter=limiter, http=http, max_connections=1) as session:
            await limiter.acquire()
            calls = [asyncio.create_task(session.request("GET", "/v2/x")) for _ in range(3)]
            await settle_down()
            limiter.release(counted=False)  # wakes the first, which has not run yet
            await session.close()
        failures = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(failure) for failure in failures} == {SessionStateError}
        assert server.requests == []
        assert_at_rest(session)


# What a request looks like.


@virtual
async def test_a_request_carries_what_it_should_and_no_more() -> None:
    async with RawServer(OK) as server, connect(server) as session:
        await session.request("GET", "/v2/x%2Fy", params={"tag_name": "a b&c", "page": 2})
        await session.request("POST", "/v2/x", body={"a": 1})
        await session.request("POST", "/v2/x")
        get, post, empty = server.requests
    assert get.target in ("/v2/x%2Fy?tag_name=a+b%26c&page=2", "/v2/x%2Fy?tag_name=a%20b%26c&page=2")
    assert (get.headers["accept"], get.headers["authorization"]) == ("application/json", "Bearer token")
    assert get.headers["user-agent"].startswith("asyncdbaas/")
    assert "content-type" not in get.headers
    assert (post.headers["content-type"], post.json) == ("application/json", {"a": 1})
    assert empty.body == b""


@virtual
async def test_cookies_are_ignored() -> None:
    async with RawServer(answer(200, "{}", {"Set-Cookie": "__cf_bm=x; Path=/"})) as server, connect(server) as session:
        for _ in range(2):
            await session.request("GET", "/v2/x")
        assert all("cookie" not in request.headers for request in server.requests)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@virtual
async def test_redirects_are_errors_and_the_token_does_not_follow(status: int) -> None:
    async with RawServer(OK) as other:
        elsewhere = answer(status, b"", {"Location": f"{other.url}/v2/x"})
        async with RawServer(elsewhere) as server, connect(server) as session:
            with pytest.raises(RequestError) as caught:
                await session.request("GET", "/v2/x")
        assert getattr(caught.value, "status", None) == status
        assert "redirects are not followed" in str(caught.value)
        assert other.connections == 0


@virtual
async def test_connections_are_pooled_and_never_more_than_allowed() -> None:
    busy = peak = 0

    async def slow(exchange: Exchange) -> None:
        nonlocal busy, peak
        busy += 1
        peak = max(peak, busy)
        await asyncio.sleep(1)
        busy -= 1
        await exchange.write(OK)

    async with RawServer(slow) as server, connect(server, max_connections=7) as session:
        await asyncio.gather(*(session.request("GET", f"/v2/{n}") for n in range(50)))
        assert (peak, server.connections) == (7, 7)
        assert [request.target for request in server.requests[:7]] == [f"/v2/{n}" for n in range(7)]
        assert_at_rest(session)


@virtual
async def test_the_last_rate_limit_headers_are_kept() -> None:
    headers = {"ratelimit-limit": "5000", "ratelimit-remaining": "4990", "ratelimit-reset": "1444931833"}
    once = RetryPolicy(max_attempts=1)
    async with RawServer(answer(200, "{}", headers), answer(500)) as server, connect(server, retry=once) as session:
        assert session.rate_limit == RateLimitHeaders()
        await session.request("GET", "/v2/x")
        with pytest.raises(RequestError):
            await session.request("GET", "/v2/x")  # a gateway's answer has no such headers
        assert session.rate_limit == RateLimitHeaders(limit=5000, remaining=4990, reset=1444931833.0)
