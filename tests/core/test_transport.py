"""What goes over the wire, with our own request class and with aiohttp's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import pytest
from raw_server import Exchange, RawServer, answer
from virtual_time import settle_down, virtual

from asyncdbaas import AsyncSession, RateLimiter, RetryPolicy, SessionStateError, TransportError
from asyncdbaas._core.aiohttp_request import _Request, request_class

PATH: Final = "/v2/databases/x"
OK: Final = answer(200, b"{}")
LONGEST: Final = 64 * 2**10


@asynccontextmanager
async def talking(**settings: Any) -> AsyncGenerator[tuple[RawServer, AsyncSession]]:
    retry = RetryPolicy(max_attempts=1)
    async with RawServer(OK) as server, AsyncSession("t", base_url=server.url, retry=retry, **settings) as session:
        yield server, session


@pytest.fixture(params=["ours", "aiohttp's"])
def either_class(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param != "ours":
        monkeypatch.setattr(aiohttp, "__version__", "3.99.0")
    elif not aiohttp.__version__.startswith("3.14."):
        pytest.skip(f"aiohttp {aiohttp.__version__} gets its own request class")
    assert (request_class() is _Request) is (request.param == "ours")


@pytest.mark.usefixtures("either_class")
@pytest.mark.parametrize(
    ("method", "body", "length"),
    [("POST", {"a": 1}, "7"), ("PUT", {}, "2"), ("GET", None, None), ("DELETE", None, "0"), ("DELETE", {}, "2")],
)
async def test_a_request_carries_each_header_once(method: str, body: object, length: str | None) -> None:
    arrived = bytearray()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.extend(await reader.readuntil(b"\r\n\r\n"))
        arrived.extend(await reader.readexactly(int(length or 0)))
        writer.write(OK)
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with AsyncSession("t", base_url=f"http://{address}") as session:
            await session.request(method, PATH, body=body, params={"page": 2})
    head, _, content = bytes(arrived).decode().partition("\r\n\r\n")
    line, *fields = head.split("\r\n")
    wanted = {
        "Host": address,
        "Authorization": "Bearer t",
        "Accept": "application/json",
        "Accept-Encoding": "gzip, deflate",
        "User-Agent": next(field for field in fields if field.startswith("User-Agent: asyncdbaas/"))[12:],
        **({} if body is None else {"Content-Type": "application/json"}),
        **({} if length is None else {"Content-Length": length}),
    }
    assert line == f"{method} {PATH}?page=2 HTTP/1.1"
    assert sorted(fields) == sorted(f"{name}: {value}" for name, value in wanted.items())
    assert len(content) == int(length or 0)


@pytest.mark.usefixtures("either_class")
@pytest.mark.parametrize("size", [LONGEST, LONGEST + 1])
async def test_a_body_arrives_whole_whatever_its_size(size: int) -> None:
    async with talking() as (server, session):
        await session.request("PUT", PATH, body="x" * (size - 2))
        assert len(server.requests[0].body) == size


@pytest.mark.usefixtures("either_class")
@virtual
async def test_the_response_to_a_head_request_ends_with_its_headers() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
    async with RawServer(head) as server, AsyncSession("t", base_url=server.url) as session:
        began = asyncio.get_running_loop().time()
        await session.request("HEAD", PATH)
        assert asyncio.get_running_loop().time() - began < 1


@pytest.mark.usefixtures("either_class")
async def test_a_response_without_a_length_ends_with_its_connection() -> None:
    async def unmeasured(exchange: Exchange) -> None:
        await exchange.write(b'HTTP/1.1 200 OK\r\n\r\n{"a"')
        await exchange.write(b": 1}")
        exchange.close()

    async with RawServer(unmeasured) as server, AsyncSession("t", base_url=server.url) as session:
        assert await session.request("GET", PATH, dict[str, int]) == {"a": 1}


@pytest.mark.usefixtures("either_class")
@virtual
async def test_connecting_takes_half_a_minute_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: Any) -> None:
        await asyncio.sleep(1e6)

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "sock_connect", never)
    began = loop.time()
    async with talking(timeout=100.0) as (_, session):
        with pytest.raises(TransportError, match="could not connect") as caught:
            await session.request("POST", PATH, body={})
        assert (caught.value.sent, caught.value.outcome_unknown) == (False, False)
        assert "100 s" not in str(caught.value)
        assert 30 <= loop.time() - began <= 31


@virtual
async def test_a_session_that_closes_before_the_request_is_written_sends_nothing() -> None:
    troubles: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, trouble: troubles.append(trouble))
    async with talking() as (server, session):
        await session.request("POST", PATH, body={})
        call = asyncio.create_task(session.request("POST", PATH, body={}))
        await asyncio.sleep(0)  # it has its connection, and is written in the next turn
        await session.close()
        with pytest.raises(TransportError):
            await call
        await settle_down()
        assert len(server.requests) == 1
        assert troubles == []


async def test_a_body_waits_while_the_connection_takes_no_more() -> None:
    async with talking() as (server, session):
        await session.request("POST", PATH, body={})
        assert session._transport.http is not None
        connector: Any = session._transport.http.connector
        ((protocol, _),) = next(iter(connector._conns.values()))
        protocol.pause_writing()
        server.arrived.clear()
        call = asyncio.create_task(session.request("POST", PATH, body={"second": 2}))
        await server.arrived.wait()
        protocol.resume_writing()
        await call
        assert server.requests[1].json == {"second": 2}


def test_an_aiohttp_whose_answers_are_made_otherwise_gets_its_own_request_class(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def __init__(self: Any, method: str, url: str) -> None: ...  # noqa: N807 -- stands in for the real one

    monkeypatch.setattr(aiohttp.ClientResponse, "__init__", __init__)
    assert request_class() is not _Request


@pytest.mark.skipif(request_class() is not _Request, reason=f"not with aiohttp {aiohttp.__version__}")
@pytest.mark.parametrize("event", ["an answer", "the end"])
async def test_what_a_connection_says_before_the_request_is_written_keeps_it_from_being_written(event: str) -> None:
    async with talking() as (server, session):
        await session.request("POST", PATH, body={})
        assert session._transport.http is not None
        connector: Any = session._transport.http.connector
        call = asyncio.create_task(session.request("POST", PATH, body={}))
        await asyncio.sleep(0)  # it has its connection, and is written in the next turn
        (protocol,) = connector._acquired
        if event == "an answer":
            protocol.data_received(answer(408))
        else:
            protocol.transport.close()
        await call  # over another connection
        assert (server.connections, len(server.requests)) == (2, 2)


@pytest.mark.skipif(request_class() is not _Request, reason=f"not with aiohttp {aiohttp.__version__}")
@virtual
async def test_one_attempt_is_enough_however_many_idle_connections_hold_a_response() -> None:
    async def early(exchange: Exchange) -> None:
        await exchange.write(OK)
        await asyncio.sleep(1)
        await exchange.write(answer(408))

    steps = (early, early, early, OK)
    once = RetryPolicy(max_attempts=1)
    async with RawServer(*steps) as server, AsyncSession("t", base_url=server.url, retry=once) as session:
        await asyncio.gather(*(session.request("GET", PATH) for _ in range(3)))
        await asyncio.sleep(5)
        await session.request("POST", PATH, body={})
        assert (server.connections, len(server.requests)) == (4, 4)


@virtual
async def test_a_call_that_gets_its_permit_as_the_session_closes_asks_for_no_token() -> None:
    asked: list[str] = []

    async def token() -> str:
        asked.append("token")
        await asyncio.sleep(1000)
        return "t"

    limiter = RateLimiter(1, 10, clock=asyncio.get_running_loop().time)
    async with AsyncSession(token, base_url="http://127.0.0.1:9", rate_limiter=limiter) as session:
        await limiter.acquire()
        call = asyncio.create_task(session.request("GET", PATH))
        await settle_down()
        closing = asyncio.create_task(session.close())
        limiter.release(counted=False)
        await asyncio.wait([call, closing])
        assert isinstance(call.exception(), SessionStateError)
        assert asked == []


@virtual
@pytest.mark.parametrize("idle", [1, 5])
async def test_a_call_goes_through_however_many_idle_connections_hold_a_response_that_was_not_requested(
    idle: int,
) -> None:
    writers: list[asyncio.StreamWriter] = []
    together = asyncio.Barrier(idle)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        is_first = len(writers) <= idle
        while await reader.readline():
            await reader.readuntil(b"\r\n\r\n")
            if is_first:
                await together.wait()
            writer.write(OK)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1") as server:
        base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with AsyncSession("t", base_url=base, retry=RetryPolicy(max_attempts=1)) as session:
            await asyncio.gather(*(session.request("GET", f"/v2/{number}") for number in range(idle)))
            for writer in writers:
                writer.write(answer(500))
            await asyncio.sleep(1.0)
            await session.request("POST", PATH)
        # Those that still hold a response are reset.
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)
    assert len(writers) == idle + 1
