"""Malicious and broken servers, on real sockets. What tests/core holds already is not repeated here."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import attrs
import pytest
from raw_server import Exchange, RawServer, Step, answer
from virtual_time import settle_down, virtual

from asyncdbaas import (
    AsyncSession,
    DecodeError,
    RateLimiter,
    RequestError,
    RequestTimeoutError,
    RetryPolicy,
    TransportError,
)
from asyncdbaas._core.aiohttp_request import _Request, request_class

ONCE = RetryPolicy(max_attempts=1)


@attrs.frozen(kw_only=True)
class Thing:
    name: str
    size: int | None = None
    inner: dict[str, Any] | None = None


@asynccontextmanager
async def talking(*steps: Step, **settings: Any) -> AsyncGenerator[tuple[RawServer, AsyncSession], None]:
    """Open a server, and a session with it that tries once."""
    settings = {"retry": ONCE, "rate_limiter": RateLimiter(clock=asyncio.get_running_loop().time), **settings}
    async with RawServer(*steps) as server, AsyncSession("token", base_url=server.url, **settings) as session:
        yield server, session
        assert session._admission.free_slots == session._admission.slots
        assert session.rate_limiter.in_flight == 0


async def get(session: AsyncSession) -> Thing:
    return await session.request("GET", "/v2/things/1", Thing, key="thing")


# Slow, and without end.


async def drip_headers(exchange: Exchange) -> None:
    await exchange.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        await exchange.write(b"X-Slow: x\r\n")
        await asyncio.sleep(1)


async def early_hints(exchange: Exchange) -> None:
    while True:
        await exchange.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        await asyncio.sleep(1)


async def drip_chunks(exchange: Exchange) -> None:
    await exchange.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await exchange.write(b"1\r\n \r\n")
        await asyncio.sleep(1)


@pytest.mark.parametrize("step", [drip_headers, early_hints, drip_chunks])
@virtual
async def test_a_response_that_never_ends_is_cut_off_at_the_deadline(step: Step) -> None:
    loop = asyncio.get_running_loop()
    async with talking(step, timeout=20.0) as (_, session):
        began = loop.time()
        with pytest.raises(RequestTimeoutError) as caught:
            await session.request("POST", "/v2/things", Thing, body={})
        assert loop.time() - began == pytest.approx(20.0, abs=0.1)
        assert caught.value.outcome_unknown


async def flood(exchange: Exchange) -> None:
    await exchange.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await exchange.write(b"100000\r\n" + b" " * 2**20 + b"\r\n")


@virtual
async def test_a_body_without_end_is_refused_at_the_size_limit() -> None:
    async with talking(flood) as (_, session):
        with pytest.raises(DecodeError, match="larger than 64 MiB"):
            await get(session)


@virtual
async def test_a_connection_that_dies_silently_ends_at_the_deadline() -> None:
    """A half-open connection: the peer is gone without a packet."""

    async def vanish(exchange: Exchange) -> None:
        await exchange.hang()

    async with talking(answer(200, b'{"thing": {"name": "a"}}'), vanish, timeout=5.0) as (server, session):
        assert (await get(session)).name == "a"
        with pytest.raises(RequestTimeoutError):
            await get(session)
        assert [request.connection for request in server.requests] == [0, 0]


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
@virtual
async def test_a_server_that_takes_no_body_ends_at_the_deadline_and_closing_does_not_wait_for_it() -> None:
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        settings: dict[str, Any] = {"retry": ONCE, "timeout": 5.0, "rate_limiter": RateLimiter(clock=loop.time)}
        session = AsyncSession("token", base_url=f"http://127.0.0.1:{deaf.getsockname()[1]}", **settings)
        async with session:
            with pytest.raises(RequestTimeoutError):
                await session.request("PUT", "/v2/things/1", body={"schema": "x" * (32 * 2**20)})
            async with asyncio.timeout(60):
                await session.close()


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
@virtual
async def test_closing_does_not_wait_for_a_body_that_nobody_takes() -> None:
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        settings: dict[str, Any] = {"retry": ONCE, "rate_limiter": RateLimiter(clock=loop.time)}
        async with AsyncSession("t", base_url=f"http://127.0.0.1:{deaf.getsockname()[1]}", **settings) as session:
            call = asyncio.create_task(session.request("PUT", "/v2/things/1", body={"schema": "x" * (32 * 2**20)}))
            await settle_down()
            began = loop.time()
            async with asyncio.timeout(60):
                await session.close()
            assert loop.time() - began < 5
            with pytest.raises(TransportError, match="session was closed"):
                await call


# Headers.


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Long": "x" * 100_000},
        {f"X-Many-{n}": "x" for n in range(200_000)},
        {"Content-Length": "7"},
        {"Transfer-Encoding": "chunked"},
        {"X-Bad\x00Name": "x"},
    ],
    ids=["long", "many", "two lengths", "length and chunks", "NUL"],
)
@virtual
async def test_headers_that_make_no_sense_are_a_transport_error(headers: dict[str, str]) -> None:
    async with talking(answer(200, b'{"thing": {"name": "a"}}', headers)) as (_, session):
        with pytest.raises(TransportError) as caught:
            await get(session)
        assert len(str(caught.value)) < 2000


@pytest.mark.parametrize(
    "content_type", ["text/html", "application/octet-stream", "", "application/json; charset=utf-16", "\xff\xfe"]
)
@virtual
async def test_the_content_type_does_not_matter_where_the_body_is_good(content_type: str) -> None:
    step = answer(200, b'{"thing": {"name": "a"}}', {"Content-Type": content_type})
    async with talking(step) as (_, session):
        assert (await get(session)).name == "a"


@pytest.mark.parametrize(
    "value", ["-1", "1e999", "nan", "99999999999999999999", "١٢", "", "Thu, 99 Foo 9999 99:99:99 GMT", "0x10", "\xff"]
)
@virtual
async def test_numbers_in_headers_may_be_nonsense(value: str) -> None:
    names: tuple[str, ...] = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After")
    headers: dict[str, str] = dict.fromkeys(names, value.encode("utf-8").decode("latin-1"))
    async with talking(answer(200, b'{"thing": {"name": "a"}}', headers), answer(503, b"", headers)) as (_, session):
        assert (await get(session)).name == "a"
        with pytest.raises(RequestError, match="503"):
            await get(session)
        assert session.rate_limiter.delay() < 3600


# Bodies.


@pytest.mark.parametrize(
    "body",
    [
        b'{"thing": {"name": "\xff\xfe"}}',
        b'{"thing": {"name": "\\ud800"}}',
        b'{"thing": {"inner": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}}",
        b"[" * 200_000,
        b'\xef\xbb\xbf{"thing": {"name": "a"}}',
        b'{"thing": {"name": "a"}} {"thing": {"name": "b"}}',
        b'{"thing": {"name": "a", "size": 1e400}}',
        b'{"thing": {"name": "a", "size": NaN}}',
        b"\x00" * 1000,
    ],
    ids=["not UTF-8", "lone surrogate", "deep objects", "deep lists", "BOM", "two", "infinite", "NaN", "NUL"],
)
@virtual
async def test_a_body_that_is_no_such_object_is_a_decode_error_on_success_and_harmless_on_failure(body: bytes) -> None:
    async with talking(answer(200, body), answer(500, body)) as (_, session):
        with pytest.raises(DecodeError):
            await get(session)
        with pytest.raises(RequestError) as caught:
            await get(session)
        assert len(str(caught.value)) < 1000


@virtual
async def test_of_duplicate_keys_the_last_one_counts_as_everywhere_in_json() -> None:
    body = b'{"thing": {"name": "first"}, "thing": {"name": "a", "name": "b"}}'
    assert json.loads(body) == {"thing": {"name": "b"}}
    async with talking(answer(200, body)) as (_, session):
        assert (await get(session)).name == "b"


@virtual
async def test_a_number_of_a_million_digits_costs_no_time() -> None:
    async with talking(answer(200, b'{"thing": {"name": "a", "size": ' + b"9" * 10**6 + b"}}")) as (_, session):
        with pytest.raises(DecodeError):
            await get(session)


# Connections.


@virtual
async def test_a_response_that_nobody_asked_for_is_not_taken_for_the_next_one() -> None:
    good, forged = b'{"thing": {"name": "mine"}}', b'{"thing": {"name": "forged"}}'
    async with talking(answer(200, good) + answer(200, forged), answer(200, good)) as (_, session):
        assert (await get(session)).name == "mine"
        await settle_down()
        assert (await get(session)).name == "mine"


@pytest.mark.skipif(request_class() is not _Request, reason=f"not with aiohttp {aiohttp.__version__}")
@pytest.mark.parametrize("method", ["GET", "POST"])
@virtual
async def test_a_response_before_the_request_is_not_taken_for_it(method: str) -> None:
    async def early(exchange: Exchange) -> None:
        await exchange.write(answer(200, b'{"thing": {"name": "mine"}}'))
        await asyncio.sleep(1)  # while the connection lies idle in the pool
        await exchange.write(answer(200, b'{"thing": {"name": "forged"}}'))

    steps = (early, answer(200, b'{"thing": {"name": "mine"}}'))
    async with talking(*steps, retry=RetryPolicy(max_attempts=2)) as (server, session):
        assert (await get(session)).name == "mine"
        await asyncio.sleep(5)
        body: object = None if method == "GET" else dict[str, str]()
        assert (await session.request(method, "/v2/things", Thing, key="thing", body=body)).name == "mine"
        assert (server.connections, len(server.requests)) == (2, 2)


@virtual
async def test_a_connection_closed_while_it_was_idle_is_not_used_again() -> None:
    async def answer_then_close(exchange: Exchange) -> None:
        await exchange.write(answer(201))
        await asyncio.sleep(1)
        exchange.close()

    async with talking(answer_then_close) as (server, session):
        for _ in range(3):
            await session.request("POST", "/v2/things", body={})
            await asyncio.sleep(5)
        assert [request.connection for request in server.requests] == [0, 1, 2]


@virtual
async def test_a_connection_closed_under_a_request_leaves_a_post_unknown_and_retries_a_get() -> None:
    async def close(exchange: Exchange) -> None:
        exchange.close()

    steps = (answer(200), close, answer(200), close, answer(200))
    async with talking(*steps, retry=RetryPolicy(base_delay=0.0)) as (server, session):
        await session.request("GET", "/v2/things")
        await session.request("GET", "/v2/things")
        with pytest.raises(TransportError) as caught:
            await session.request("POST", "/v2/things", body={})
        assert caught.value.outcome_unknown
        assert [request.method for request in server.requests] == ["GET", "GET", "GET", "POST"]


@pytest.mark.parametrize(
    "noise", [b"\x16\x03\x01\x02\x00", b"SSH-2.0-x\r\n", b"+OK\r\n", b"HTTP/9.9 200 OK\r\n\r\n", b""]
)
@virtual
async def test_a_server_that_speaks_something_else_is_a_transport_error(noise: bytes) -> None:
    async def speak(exchange: Exchange) -> None:
        await exchange.write(noise)
        exchange.close()

    async with talking(speak) as (_, session):
        with pytest.raises(TransportError) as caught:
            await session.request("POST", "/v2/things", body={})
        assert caught.value.outcome_unknown


@virtual
async def test_an_unknown_host_was_not_sent_to_and_names_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", fail)
    session = AsyncSession("token", base_url="https://nowhere.invalid", retry=RetryPolicy(max_attempts=2, base_delay=0))
    async with session:
        with pytest.raises(TransportError, match=r"nowhere\.invalid") as caught:
            await session.request("POST", "/v2/things", body={})
        assert (caught.value.sent, caught.value.outcome_unknown, caught.value.attempts) == (False, False, 2)
