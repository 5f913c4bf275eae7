"""What AsyncSession does when a request fails, over real sockets in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import pickle
import socket
import zlib
from typing import Any

import attrs
import pytest
from raw_server import Exchange, RawServer, Step, answer, close, hang, reset
from virtual_time import settle_down, virtual

from asyncdbaas import (
    AcceptedError,
    APIError,
    AsyncSession,
    DecodeError,
    InvalidInputError,
    NotFoundError,
    RateLimiter,
    RateLimitError,
    RequestError,
    RequestTimeoutError,
    RetryPolicy,
    ServerError,
    TransportError,
)

METHODS = ["GET", "HEAD", "PUT", "PATCH", "DELETE", "POST"]
WRITES = ["PUT", "PATCH", "DELETE", "POST"]
OK = answer(200, {"value": 1})
NO_BODY = answer(200)
FORWARD = answer(503, {"id": "service_unavailable", "message": "Failed to forward the request you made."})


async def half(exchange: Exchange) -> None:
    await exchange.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    exchange.close()


async def garbage(exchange: Exchange) -> None:
    await exchange.write(b"\x00\x01\x02 this is no HTTP\r\n\r\n")
    exchange.close()


async def half_headers(exchange: Exchange) -> None:
    await exchange.write(b"HTTP/1.1 200 OK\r\nConte")
    exchange.close()


def connect(url: str, **settings: Any) -> AsyncSession:
    settings.setdefault("rate_limiter", RateLimiter(clock=asyncio.get_running_loop().time))
    settings.setdefault("retry", RetryPolicy(base_delay=0.0))
    return AsyncSession("token", base_url=url, **settings)


def assert_at_rest(session: AsyncSession) -> None:
    assert session._admission.free_slots == session._admission.slots
    assert (session.rate_limiter.in_flight, session.rate_limiter.waiting) == (0, 0)
    assert not len(session._lifetime._deadlines)


@pytest.mark.parametrize("step", [close, reset, half, half_headers, garbage])
@pytest.mark.parametrize("method", [method for method in METHODS if method != "HEAD"])
@virtual
async def test_after_an_unknown_outcome_all_but_a_post_is_sent_again(step: Step, method: str) -> None:
    async with RawServer(step, NO_BODY) as server, connect(server.url) as session:
        if method == "POST":
            with pytest.raises(TransportError) as caught:
                await session.request(method, "/v2/x", body={"a": 1})
            assert (caught.value.attempts, caught.value.sent, caught.value.outcome_unknown) == (1, True, True)
            assert len(server.requests) == 1
        else:
            await session.request(method, "/v2/x")
            assert [request.method for request in server.requests] == [method] * 2
        assert_at_rest(session)


@pytest.mark.parametrize("method", METHODS)
@virtual
async def test_no_method_is_sent_twice_in_silence(method: str) -> None:
    """A kept connection that is closed by the server is what aiohttp itself would send again on."""
    once = RetryPolicy(max_attempts=1)
    async with RawServer(NO_BODY, close) as server, connect(server.url, retry=once) as session:
        await session.request(method, "/v2/x")
        with pytest.raises(TransportError):
            await session.request(method, "/v2/x")
        assert len(server.requests) == 2


@pytest.mark.parametrize("method", METHODS)
@virtual
async def test_a_refused_connection_is_tried_again_for_every_method(method: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    async with connect(f"http://127.0.0.1:{port}") as session:
        with pytest.raises(TransportError, match="could not connect") as caught:
            await session.request(method, "/v2/x")
        assert (caught.value.attempts, caught.value.sent, caught.value.outcome_unknown) == (5, False, False)
        assert session.rate_limiter.delay() == 0.0
        assert len(session.rate_limiter._quota.minute.responses) == 0
        assert_at_rest(session)


@pytest.mark.parametrize("method", [method for method in METHODS if method != "HEAD"])
@virtual
async def test_what_the_gateway_never_forwarded_is_sent_again_for_every_method(method: str) -> None:
    async with RawServer(FORWARD, NO_BODY) as server, connect(server.url) as session:
        await session.request(method, "/v2/x")
        assert len(server.requests) == 2


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@virtual
async def test_attempts_and_an_unknown_outcome_are_reported_at_the_end(method: str) -> None:
    async with RawServer(answer(502), answer(422, {"message": "no", "request_id": "7"})) as server:
        async with connect(server.url) as session:
            with pytest.raises(APIError, match="the request may have been applied") as caught:
                await session.request(method, "/v2/x")
        error = caught.value
        assert (error.status, error.attempts, error.outcome_unknown, error.request_id) == (422, 2, True, "7")


@virtual
async def test_a_get_leaves_nothing_unknown() -> None:
    async with RawServer(answer(500)) as server, connect(server.url) as session:
        with pytest.raises(ServerError) as caught:
            await session.request("GET", "/v2/x")
        assert (caught.value.attempts, caught.value.outcome_unknown) == (5, False)
        assert len(server.requests) == 5


@pytest.mark.parametrize("first", [answer(500), close, hang])
@virtual
async def test_a_delete_that_finds_nothing_after_an_unknown_outcome_has_done_its_work(first: Step) -> None:
    async with RawServer(first, answer(404)) as server, connect(server.url) as session:
        await session.request("DELETE", "/v2/x")
        assert len(server.requests) == 2


@virtual
async def test_an_unknown_outcome_is_not_forgotten_over_a_refusal() -> None:
    refusal = answer(429, headers={"Retry-After": "1"})
    async with RawServer(answer(500), refusal, answer(404)) as server, connect(server.url) as session:
        await session.request("DELETE", "/v2/x")
        assert len(server.requests) == 3


@pytest.mark.parametrize(("method", "first"), [("DELETE", FORWARD), ("PUT", answer(500))])
@virtual
async def test_any_other_404_is_an_error(method: str, first: Step) -> None:
    async with RawServer(first, answer(404)) as server, connect(server.url) as session:
        with pytest.raises(NotFoundError):
            await session.request(method, "/v2/x")


# Time.


@pytest.mark.parametrize("method", ["GET", "POST"])
@virtual
async def test_a_server_that_never_answers_times_out(method: str) -> None:
    loop = asyncio.get_running_loop()
    async with RawServer(hang) as server, connect(server.url, timeout=7.0) as session:
        start = loop.time()
        with pytest.raises(RequestTimeoutError, match="no complete response within 7 s") as caught:
            await session.request(method, "/v2/x")
        attempts = 1 if method == "POST" else 5
        assert loop.time() - start == pytest.approx(7 * attempts)
        assert (caught.value.attempts, caught.value.outcome_unknown) == (attempts, method == "POST")
        assert_at_rest(session)


@virtual
async def test_the_timeout_covers_a_body_that_drips() -> None:
    async def drip(exchange: Exchange) -> None:
        await exchange.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while True:
            await exchange.write(b" ")
            await asyncio.sleep(1)

    loop = asyncio.get_running_loop()
    once = RetryPolicy(max_attempts=1)
    async with RawServer(drip) as server, connect(server.url, timeout=30.0, retry=once) as session:
        start = loop.time()
        with pytest.raises(RequestTimeoutError):
            await session.request("GET", "/v2/x")
        assert loop.time() - start == 30


@virtual
async def test_the_timeout_starts_when_slot_and_permit_are_there() -> None:
    async def slow(exchange: Exchange) -> None:
        await asyncio.sleep(8)
        await exchange.write(OK)

    loop = asyncio.get_running_loop()
    async with RawServer(slow) as server:
        limiter = RateLimiter(per_minute=2, clock=loop.time)
        async with connect(server.url, timeout=10.0, max_connections=1, rate_limiter=limiter) as session:
            start = loop.time()
            await asyncio.gather(*(session.request("POST", "/v2/x") for _ in range(6)))
            assert loop.time() - start > 120
            assert len(server.requests) == 6


@virtual
async def test_a_timeout_may_be_infinite() -> None:
    async with RawServer(OK) as server, connect(server.url, timeout=float("inf")) as session:
        await session.request("GET", "/v2/x")


@virtual
async def test_a_tls_handshake_that_never_ends_was_not_sent() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with silent:
        port = silent.sockets[0].getsockname()[1]
        once = RetryPolicy(max_attempts=1)
        async with connect(f"https://127.0.0.1:{port}", retry=once) as session:
            with pytest.raises(TransportError, match="could not connect") as caught:
                await session.request("POST", "/v2/x")
            assert (caught.value.sent, caught.value.outcome_unknown) == (False, False)
            assert_at_rest(session)
        await settle_down()


@virtual
async def test_retry_after_is_kept_to() -> None:
    loop = asyncio.get_running_loop()
    async with RawServer(answer(503, headers={"Retry-After": "17"}), OK) as server, connect(server.url) as session:
        start = loop.time()
        await session.request("GET", "/v2/x")
        assert loop.time() - start == 17


@virtual
async def test_a_retry_after_that_is_too_long_is_an_error_at_once() -> None:
    loop = asyncio.get_running_loop()
    async with RawServer(answer(429, headers={"Retry-After": "301"})) as server, connect(server.url) as session:
        start = loop.time()
        with pytest.raises(RateLimitError) as caught:
            await session.request("POST", "/v2/x")
        assert loop.time() == start
        assert (caught.value.retry_after, caught.value.attempts, caught.value.outcome_unknown) == (301.0, 1, False)


@virtual
async def test_a_refusal_holds_back_everyone_and_is_then_sent_again() -> None:
    loop = asyncio.get_running_loop()
    async with RawServer(answer(429, headers={"Retry-After": "29"}), OK) as server, connect(server.url) as session:
        start = loop.time()
        first = asyncio.create_task(session.request("POST", "/v2/x"))
        await server.arrived.wait()
        await settle_down()
        await asyncio.gather(first, session.request("POST", "/v2/y"))
        assert loop.time() - start >= 29
        assert len(server.requests) == 3


@virtual
async def test_a_call_is_retried_after_a_limited_number_of_429s() -> None:
    patience = RetryPolicy(max_refusals=3, max_attempts=1)
    async with RawServer(answer(429)) as server, connect(server.url, retry=patience) as session:
        with pytest.raises(RateLimitError) as caught:
            await session.request("POST", "/v2/x")
        assert (len(server.requests), caught.value.attempts) == (3, 3)


# Statuses that say whether the server processed the request.


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("status", [421, 425])
@virtual
async def test_what_the_server_did_not_process_is_sent_again_for_every_method(status: int, method: str) -> None:
    async with RawServer(answer(status), NO_BODY) as server, connect(server.url) as session:
        await session.request(method, "/v2/x")
        assert len(server.requests) == 2


@pytest.mark.parametrize(("headers", "sent"), [({}, 1), ({"Retry-After": "3"}, 2)])
@virtual
async def test_too_much_content_is_sent_again_if_the_server_says_when(headers: dict[str, str], sent: int) -> None:
    async with RawServer(answer(413, headers=headers), OK) as server, connect(server.url) as session:
        with contextlib.suppress(APIError):
            await session.request("POST", "/v2/x")
        assert len(server.requests) == sent


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
@virtual
async def test_a_408_is_sent_again_where_that_is_safe_and_is_unknown_where_it_is_not(method: str) -> None:
    async with RawServer(answer(408), NO_BODY) as server, connect(server.url) as session:
        if method == "POST":
            with pytest.raises(APIError) as caught:
                await session.request(method, "/v2/x")
            assert caught.value.outcome_unknown
        else:
            await session.request(method, "/v2/x")
        assert len(server.requests) == (1 if method == "POST" else 2)


@virtual
async def test_a_101_is_an_error_and_leaves_no_connection_open() -> None:
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n")
        await reader.read()
        gone.set()
        writer.close()

    once = RetryPolicy(max_attempts=1)
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with connect(f"http://127.0.0.1:{port}", retry=once) as session:
            with pytest.raises(RequestError):
                await session.request("GET", "/v2/x")
            await gone.wait()
            assert_at_rest(session)


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@virtual
async def test_a_deadline_that_expires_while_connecting_counts_as_not_sent(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: Any, **__: Any) -> Any:
        await asyncio.sleep(1e6)

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
    retry = RetryPolicy(max_attempts=2, base_delay=0.0)
    async with connect("http://localhost:1", timeout=5.0, retry=retry) as session:
        with pytest.raises(RequestTimeoutError, match="could not connect within 5 s") as caught:
            await session.request(method, "/v2/x")
        assert (caught.value.sent, caught.value.outcome_unknown, caught.value.attempts) == (False, False, 2)
        assert session.rate_limiter.delay() == 0.0
        assert_at_rest(session)


# Answers.


@attrs.frozen(kw_only=True)
class Thing:
    value: int


@pytest.mark.parametrize(
    "body", ["", "<html>", '{"thing": {"value": ', '{"other": 1}', '{"thing": []}', "[]", "\ufeff{}", '{"thing": 5, "x']
)
@virtual
async def test_a_success_that_cannot_be_read_says_where(body: str) -> None:
    async with RawServer(answer(200, body, {"x-request-id": "9"})) as server, connect(server.url) as session:
        with pytest.raises(DecodeError, match=r"^GET /v2/x: 200, but the response does not fit: .*\[request id 9\]$"):
            await session.request("GET", "/v2/x", Thing, key="thing")
        assert len(server.requests) == 1
        assert_at_rest(session)


@virtual
async def test_an_accepted_response_is_not_an_object_yet() -> None:
    body = {"id": "accepted", "message": "topic is still provisioning"}
    async with RawServer(answer(202, body)) as server, connect(server.url) as session:
        with pytest.raises(
            AcceptedError, match="202, accepted, but there is no result yet: topic is still provisioning"
        ):
            await session.request("POST", "/v2/x", Thing, key="thing")
        await session.request("POST", "/v2/x")  # whoever asks for nothing gets nothing


@virtual
async def test_without_a_class_any_body_will_do_but_a_page_or_an_error() -> None:
    async with RawServer(answer(200, "gone")) as server, connect(server.url) as session:
        await session.request("DELETE", "/v2/x")
        with pytest.raises(DecodeError):
            await session.request("GET", "/v2/x", str, key="thing")


@pytest.mark.parametrize("size", [2**20, 100 * 2**20])
@pytest.mark.parametrize("status", [200, 500])
@virtual
async def test_a_gzip_bomb_is_read_up_to_the_limit_only(size: int, status: int) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join([packer.compress(b" " * 2**20) for _ in range(size >> 20)]) + packer.flush()
    once = RetryPolicy(max_attempts=1)
    async with (
        RawServer(answer(status, bomb, {"Content-Encoding": "gzip"})) as server,
        connect(server.url, retry=once) as session,
    ):
        with pytest.raises(RequestError) as caught:
            await session.request("POST", "/v2/x", Thing, key="thing")
        error = caught.value
        assert isinstance(error, ServerError if status == 500 else DecodeError)
        assert error.outcome_unknown == (status == 500)
        assert ("larger than 64 MiB" in str(error)) == (status == 200 and size > 64 * 2**20)
        assert_at_rest(session)


@virtual
async def test_a_broken_encoding_is_a_transport_error() -> None:
    once = RetryPolicy(max_attempts=1)
    bad = answer(200, b"this is not gzip", {"Content-Encoding": "gzip"})
    async with RawServer(bad) as server, connect(server.url, retry=once) as session:
        with pytest.raises(TransportError):
            await session.request("GET", "/v2/x", Thing, key="thing")
        assert_at_rest(session)


@virtual
async def test_headers_without_end_are_refused() -> None:
    async def endless(exchange: Exchange) -> None:
        await exchange.write(b"HTTP/1.1 200 OK\r\n")
        for _ in range(64):
            await exchange.write(b"X-Filler: " + b"x" * 8000 + b"\r\n")
        await exchange.hang()

    once = RetryPolicy(max_attempts=1)
    async with RawServer(endless) as server, connect(server.url, retry=once) as session:
        with pytest.raises(TransportError):
            await session.request("GET", "/v2/x")
        assert_at_rest(session)


# Cancellation.


@pytest.mark.parametrize("wait", [0.0, 1e-6, 0.5, 1.5, 2.5, 20.0, 61.0])
@virtual
async def test_cancelling_any_call_at_any_time_strands_no_other(wait: float) -> None:
    loop = asyncio.get_running_loop()

    async def slow(exchange: Exchange) -> None:
        await asyncio.sleep(1)
        await exchange.write(answer(503) if len(server.requests) % 4 == 0 else OK)

    async with RawServer(slow) as server:
        limiter = RateLimiter(per_minute=10, clock=loop.time)
        retry = RetryPolicy(base_delay=1.0)
        async with connect(server.url, rate_limiter=limiter, max_connections=3, retry=retry) as session:
            calls = [asyncio.create_task(session.request("GET", f"/v2/{n}")) for n in range(30)]
            await asyncio.sleep(wait)
            for call in calls[::3]:
                call.cancel()
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
            assert all(outcome is None for n, outcome in enumerate(outcomes) if n % 3)
            assert_at_rest(session)


@virtual
async def test_any_mix_of_failures_gives_every_slot_and_permit_back() -> None:
    steps: list[Step] = [OK, close, reset, half, garbage, answer(500), answer(404), hang, FORWARD, answer(429)] * 4
    async with RawServer(*steps, OK) as server:
        retry = RetryPolicy(base_delay=0.5, max_attempts=2)
        async with connect(server.url, timeout=3.0, max_connections=4, retry=retry) as session:
            methods = ["GET", "POST", "DELETE", "PUT"] * 8
            calls = [asyncio.create_task(session.request(method, "/v2/x")) for method in methods]
            for call in calls[::5]:
                asyncio.get_running_loop().call_later(1.0, call.cancel)
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
            assert all(
                outcome is None or isinstance(outcome, (RequestError, asyncio.CancelledError)) for outcome in outcomes
            )
            assert_at_rest(session)


@virtual
async def test_a_users_own_timeout_is_a_cancellation_of_that_call_alone() -> None:
    async with RawServer(hang, OK) as server, connect(server.url) as session:
        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(5):
                await session.request("POST", "/v2/x")
        assert not isinstance(caught.value, RequestError)
        await session.request("POST", "/v2/x")
        assert_at_rest(session)


@virtual
async def test_a_call_that_may_wait_a_little_waits_for_a_probe_that_is_on_the_wire() -> None:
    async def slow(exchange: Exchange) -> None:
        await asyncio.sleep(0.2)
        await exchange.write(OK)

    loop = asyncio.get_running_loop()
    async with RawServer(answer(429, headers={"Retry-After": "1"}), slow) as server:
        limiter = RateLimiter(per_minute=4, clock=loop.time)
        patience = RetryPolicy(max_refusals=1)
        async with connect(server.url, rate_limiter=limiter, retry=patience, max_wait=5.0) as session:
            with pytest.raises(RateLimitError):
                await session.request("GET", "/v2/x")
            await asyncio.sleep(31)  # all of the minute is others', until a probe shows otherwise
            await asyncio.gather(*(session.request("GET", "/v2/x") for _ in range(2)))
            assert len(server.requests) == 3
            assert_at_rest(session)


async def test_an_error_says_of_its_own_attempt_whether_it_was_sent() -> None:
    async def break_and_go(exchange: Exchange) -> None:
        server.stop_listening()
        exchange.reset()

    async with RawServer(break_and_go) as server:
        retry = RetryPolicy(max_attempts=2, base_delay=0)
        async with AsyncSession("token-of-tests", base_url=server.url, retry=retry) as session:
            with pytest.raises(TransportError, match="could not connect") as caught:
                await session.request("PUT", "/v2/x")
    assert (caught.value.sent, caught.value.outcome_unknown) == (False, True)
    assert len(server.requests) == 1


@pytest.mark.parametrize(("method", "path"), [(["GET"], "/v2/x"), ("GET", ["/v2/x"])])
async def test_a_method_or_path_that_is_no_string_is_refused(method: Any, path: Any) -> None:
    async with AsyncSession("token-of-tests", base_url="http://127.0.0.1:9") as session:
        with pytest.raises(InvalidInputError, match="method and path must be strings"):
            await session.request(method, path)


@virtual
async def test_an_api_error_keeps_the_headers_and_the_body_of_its_response() -> None:
    headers = {"CF-Ray": "8a1b-AMS", "Set-Cookie": "__cf_bm=secret", "X-Echo": "Bearer token-1234567"}
    page = b'{"id": "not_found", "message": "no such thing", "more": "token-1234567"}'
    async with (
        RawServer(answer(404, page, headers)) as server,
        AsyncSession("token-1234567", base_url=server.url) as session,
    ):
        with pytest.raises(NotFoundError) as caught:
            await session.request("GET", "/v2/x")
    for error in (caught.value, pickle.loads(pickle.dumps(caught.value)), copy.copy(caught.value)):
        assert error.headers["cf-ray"] == error.headers["CF-RAY"] == "8a1b-AMS"
        assert error.headers["x-echo"] == "Bearer ***"
        assert "set-cookie" not in error.headers
        assert json.loads(error.body)["more"] == "***"


@pytest.mark.parametrize(
    "head", [b"", b"HTTP/1.1 200 OK\r\nSet-Cookie: a=secret\r\nX: y\r\n", b"HTTP/1.1 200 OK\r\nX\r\n\r\n" + b"y" * 9000]
)
@virtual
async def test_what_could_not_be_parsed_is_reported_in_one_short_line(head: bytes) -> None:
    async with RawServer(head) as server, AsyncSession("token", base_url=server.url) as session:
        with pytest.raises(TransportError) as caught:
            await session.with_options(retry=RetryPolicy(max_attempts=1)).request("GET", "/v2/x")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert "secret" not in str(caught.value)
