"""Neither the token nor a request body shows in an error, its traceback with locals, its chain, or an event."""

from __future__ import annotations

import asyncio
import logging
import traceback
from typing import Any

import attrs
import pytest
from raw_server import Exchange, RawServer, Step, answer, close, hang, reset
from virtual_time import virtual

from asyncdbaas import UNSET, AsyncSession, InvalidInputError, RateLimiter, RetryPolicy, Unset
from asyncdbaas.hooks import AttemptEnded, AttemptStarted, CallEnded, CallEvent, CallStarted, QuotaWait, RetryScheduled

TOKEN = "dop_v1_canary_token"
PASSWORD = "canary-password"


@attrs.frozen(kw_only=True)
class Order:
    name: str
    password: str | Unset = attrs.field(default=UNSET, repr=False)


@attrs.frozen(kw_only=True)
class Thing:
    value: int


def ours(error: BaseException) -> Any:
    """Return the part of a traceback that begins in the package: the frames of the test itself do not count."""
    frames = error.__traceback__
    while frames is not None and "/asyncdbaas/" not in frames.tb_frame.f_code.co_filename:
        frames = frames.tb_next
    return frames


def assert_silent(error: BaseException) -> None:
    shown = [str(error), repr(error), repr(vars(error))]
    chain: list[BaseException | None] = [error]
    while chain and (link := chain.pop()) is not None:
        frames = ours(link) if link is error else link.__traceback__
        shown += traceback.TracebackException(type(link), link, frames, capture_locals=True).format()
        chain += [link.__cause__ or (None if link.__suppress_context__ else link.__context__)]
    assert TOKEN not in "".join(shown)
    assert PASSWORD not in "".join(shown)


async def half(exchange: Exchange) -> None:
    await exchange.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    exchange.close()


@pytest.mark.parametrize("body", [{"password": PASSWORD}, Order(name="a", password=PASSWORD)])
@pytest.mark.parametrize(
    "step",
    [close, reset, hang, half, answer(500), answer(422, {"message": "no"}), answer(200, "<html>"), answer(200, "{}")],
)
@virtual
async def test_no_failure_shows_the_token_or_the_body(step: Step, body: Any) -> None:
    limiter = RateLimiter(clock=asyncio.get_running_loop().time)
    async with (
        RawServer(step) as server,
        AsyncSession(TOKEN, base_url=server.url, rate_limiter=limiter, timeout=2.0) as session,
    ):
        with pytest.raises(Exception, match="/v2/x") as caught:
            await session.request("POST", "/v2/x", Thing, key="thing", body=body)
        assert TOKEN in server.requests[0].headers["authorization"]
        assert PASSWORD in str(server.requests[0].body)
        assert_silent(caught.value)
        assert TOKEN not in repr(session) + repr(vars(session))


@virtual
async def test_a_connection_that_cannot_be_made_shows_nothing() -> None:
    once = RetryPolicy(max_attempts=1)
    async with AsyncSession(TOKEN, base_url="https://127.0.0.1:9", retry=once) as session:
        with pytest.raises(Exception, match="could not connect") as caught:
            await session.request("POST", "/v2/x", body={"password": PASSWORD})
        assert_silent(caught.value)


@pytest.mark.parametrize("body", [{"password": PASSWORD, "x": float("nan")}, {"password": PASSWORD, "x": object()}])
@virtual
async def test_a_refused_body_shows_nothing(body: Any) -> None:
    async with AsyncSession(TOKEN, base_url="http://127.0.0.1:9") as session:
        with pytest.raises(InvalidInputError) as caught:
            await session.request("POST", "/v2/x", body=body)
        assert_silent(caught.value)


@pytest.mark.parametrize("token", [f"{TOKEN}\n", f" {TOKEN}", f"{TOKEN}é"])
def test_a_token_that_is_refused_is_not_shown(token: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        AsyncSession(token)
    assert_silent(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        f"https://user:{TOKEN}@api.example",
        f"https://api.example/?token={TOKEN}",
        f"http://api.example/{TOKEN}",
        f"https://api.example:{TOKEN}",
        TOKEN,
    ],
)
@pytest.mark.parametrize("from_environment", [False, True])
def test_an_address_that_is_refused_is_not_shown(
    address: str, from_environment: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGITALOCEAN_API_URL", address)
    with pytest.raises(InvalidInputError) as caught:
        AsyncSession("token", base_url=None if from_environment else address)
    assert_silent(caught.value)


@virtual
async def test_a_token_that_a_function_gives_and_that_is_refused_is_not_shown() -> None:
    async with AsyncSession(lambda: f"{TOKEN}\n", base_url="http://127.0.0.1:9") as session:
        with pytest.raises(InvalidInputError) as caught:
            await session.request("GET", "/v2/x")
        assert_silent(caught.value)


@virtual
async def test_a_timeout_of_the_token_functions_own_comes_through() -> None:
    def ask() -> str:
        raise TimeoutError("the vault took too long")

    async with AsyncSession(ask, base_url="http://127.0.0.1:9") as session:
        with pytest.raises(TimeoutError, match="the vault took too long"):
            await session.request("GET", "/v2/x")
        assert session.rate_limiter.in_flight == 0


@virtual
async def test_events_and_log_report_what_happens_and_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    events: list[CallEvent] = []
    limiter = RateLimiter(per_minute=2, clock=asyncio.get_running_loop().time)
    retry = RetryPolicy(base_delay=0.0)
    async with (
        RawServer(answer(503), close, answer(200, "{}"), answer(500)) as server,
        AsyncSession(TOKEN, base_url=server.url, rate_limiter=limiter, retry=retry, on_event=events.append) as session,
    ):
        await session.request("PUT", "/v2/x", body={"password": PASSWORD})
        kinds = [type(event) for event in events]
        attempt = [AttemptStarted, AttemptEnded]
        again: list[Any] = [*attempt, RetryScheduled]
        assert kinds == [CallStarted, *again, *again, QuotaWait, *attempt, CallEnded]
        with pytest.raises(Exception, match="500") as caught:
            await session.request("POST", "/v2/x", body={"password": PASSWORD})
        assert_silent(caught.value)
    last = events[-1]
    assert isinstance(last, CallEnded)
    assert (last.attempts, last.error) == (1, caught.value)
    assert {event.call for event in events} == {1, 2}
    shown = repr(events) + caplog.text
    assert "/v2/x" in shown
    assert TOKEN not in shown
    assert PASSWORD not in shown


@virtual
async def test_a_listener_that_fails_is_logged_and_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def listen(_: CallEvent) -> None:
        raise LookupError("progress bar broke")

    limiter = RateLimiter(clock=asyncio.get_running_loop().time)
    async with (
        RawServer(answer(200, {"value": 1})) as server,
        AsyncSession(TOKEN, base_url=server.url, rate_limiter=limiter, on_event=listen) as session,
    ):
        assert await session.request("POST", "/v2/x", Thing) == Thing(value=1)
        assert len(server.requests) == 1
    assert "progress bar broke" in caplog.text
    assert TOKEN not in caplog.text


@pytest.mark.parametrize("name", ["x-key", "authorization"])
def test_a_header_that_is_rejected_is_not_shown_either(name: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        AsyncSession(TOKEN).with_options(headers={name: f"{PASSWORD}\n"})
    assert_silent(caught.value)
