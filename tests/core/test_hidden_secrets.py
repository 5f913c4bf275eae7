"""Secrets are replaced in whatever comes back from the other side."""

from __future__ import annotations

import asyncio
import base64
import html
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw_server import Exchange, RawServer, answer
from virtual_time import virtual

from asyncdbaas import APIError, AsyncSession, DBaaSError, DecodeError, RetryPolicy, TransportError, hooks
from asyncdbaas._core.secrets import hide, secrets_in

TOKEN = "dop_v1_canary_token"
PASSWORD = 'p"<&>wörd/7'
ONCE = RetryPolicy(max_attempts=1)


@pytest.mark.parametrize(
    ("text", "secrets", "expected"),
    [
        ("Bearer dop_v1_abc is wrong", ["dop_v1_abc"], "Bearer *** is wrong"),
        ("a cat sat, a", ["a"], "*** cat sat, ***"),
        ("user=pw&x, pwd", ["pw"], "user=***&x, pwd"),
        ("five: xabcdex, six: xabcdefx", ["abcde", "abcdef"], "five: xabcdex, six: x***x"),
        ("nothing here", ["secret"], "nothing here"),
        ("nothing here", [""], "nothing here"),
        ("longest first: abcdefgh abcdef", ["abcdef", "abcdefgh"], "longest first: *** ***"),
    ],
)
def test_secrets_are_replaced(text: str, secrets: list[str], expected: str) -> None:
    assert hide(text, secrets) == expected


@given(st.text(min_size=6, alphabet=st.characters(exclude_categories=["Cs"])))
def test_every_spelling_of_a_secret_is_replaced(secret: str) -> None:
    spellings = [secret, json.dumps(secret)[1:-1], html.escape(secret), quote(secret, safe="")]
    for spelling in spellings:
        shown = hide(f"[{spelling}]", [secret])
        assert shown == "[***]" or secret in "[***]"


ENCODINGS: dict[str, Callable[[str], str]] = {
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
    "percent, every letter": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "percent, twice": lambda text: quote(quote(text, safe=""), safe=""),
    "HTML, every letter": lambda text: "".join(f"&#{ord(letter)};" for letter in text),
    "JSON, every letter": lambda text: "".join(f"\\u{ord(letter):04x}" for letter in text),
    "JSON, with \\/": lambda text: text.replace("/", "\\/"),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "UTF-16": lambda text: text.encode("utf-16").decode("utf-8", "replace"),
    "in lines": lambda text: "\n ".join(text[start : start + 5] for start in range(0, len(text), 5)),
    "between tags": lambda text: f"{text[:7]}<wbr>{text[7:]}",
}


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
@pytest.mark.parametrize("before", ["", "a", "ab", "Authorization: Bearer "])
@pytest.mark.parametrize("secret", ["dop_v1_/0+b\\c", "dop_v1_0123456789abcdef=="])
def test_a_secret_in_another_encoding_hides_the_whole_text(
    encode: Callable[[str], str], before: str, secret: str
) -> None:
    shown = hide(f"echo: {encode(before + secret + ' after')}", [secret])
    assert "***" in shown
    assert encode(secret)[4:12] not in shown


@given(st.text())
def test_a_text_without_a_secret_stays_as_it_is(text: str) -> None:
    assert hide(text, ["dop_v1_0123456789abcdef"]) == text


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (None, set[str]()),
        ({"name": "orders", "partition_count": 3}, set[str]()),
        ({"source": {"host": "h", "password": "one"}}, {"one"}),
        ({"config": {"access_key": "one", "tls": {"client_cert": ["two"]}}}, {"one", "two"}),
        ([{"uri": "one"}, {"api_token": {"deep": "two"}}], {"one", "two"}),
    ],
)
def test_the_secrets_of_a_body_are_found_by_their_names(body: object, expected: set[str]) -> None:
    assert set(secrets_in(None if body is None else json.dumps(body).encode())) == expected


async def echo_headers(exchange: Exchange) -> None:
    page = f"<html><pre>{exchange.request.headers}</pre></html>"
    await exchange.write(answer(502, page, {"X-Request-Id": exchange.request.headers["authorization"]}))


async def echo_as_base64(exchange: Exchange) -> None:
    page = base64.b64encode(f"{exchange.request.headers}{exchange.request.body!r}".encode())
    await exchange.write(answer(502, page, {"X-Echo": page.decode()}))


async def echo_body(exchange: Exchange) -> None:
    await exchange.write(answer(422, {"id": "unprocessable_entity", "message": f"wrong: {exchange.request.body!r}"}))


async def echo_value(exchange: Exchange) -> None:
    await exchange.write(answer(422, {"message": "x" * 280 + exchange.request.json["source"]["password"]}))


async def echo_in_the_status_line(exchange: Exchange) -> None:
    await exchange.write(f"HTTP/1.1 99 {exchange.request.headers['authorization']}\r\n\r\n".encode())


async def echo_as_success(exchange: Exchange) -> None:
    await exchange.write(answer(200, {exchange.request.headers["authorization"]: 1}))


@pytest.mark.parametrize(
    "step", [echo_headers, echo_as_base64, echo_body, echo_value, echo_in_the_status_line, echo_as_success]
)
@virtual
async def test_neither_the_token_nor_a_password_comes_back(step: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    events: list[hooks.CallEvent] = []
    async with (
        RawServer(step) as server,
        AsyncSession(TOKEN, base_url=server.url, retry=ONCE, on_event=events.append) as session,
    ):
        with pytest.raises(DBaaSError) as caught:
            await session.request("POST", "/v2/x", list[int], key="x", body={"source": {"password": PASSWORD}})
        error = caught.value
        assert isinstance(error, (APIError, DecodeError, TransportError))
        info = getattr(error.__cause__, "request_info", None)
        everything = f"{error} {error!r} {vars(error)} {pickle.dumps(error)!r} {events!r} {caplog.text} {info}"
        for secret in (TOKEN, PASSWORD, PASSWORD[:6], json.dumps(PASSWORD)[1:-1]):
            assert secret not in everything
        assert base64.b64encode(TOKEN.encode())[4:20].decode() not in everything


@virtual
async def test_a_token_that_was_replaced_meanwhile_is_still_hidden() -> None:
    tokens = (f"dop_v1_canary_{n}" for n in range(9))

    async def late_echo(exchange: Exchange) -> None:
        if exchange.request.target == "/v2/late":
            await asyncio.sleep(5)
        await exchange.write(answer(403, {"message": exchange.request.headers["authorization"]}))

    async with (
        RawServer(late_echo) as server,
        AsyncSession(lambda: next(tokens), base_url=server.url, retry=ONCE) as session,
    ):
        late = asyncio.create_task(session.request("GET", "/v2/late"))
        await server.arrived.wait()
        for _ in range(3):
            with pytest.raises(APIError, match=r"Bearer \*\*\*"):
                await session.request("GET", "/v2/x")
        with pytest.raises(APIError, match=r"Bearer \*\*\*"):
            await late


@virtual
async def test_no_frame_and_no_context_of_a_transport_error_holds_the_request() -> None:
    async def stop(exchange: Exchange) -> None:
        exchange.reset()

    async with RawServer(stop) as server, AsyncSession(TOKEN, base_url=server.url, retry=ONCE) as session:
        with pytest.raises(TransportError) as caught:
            await session.request("POST", "/v2/x", body={"password": PASSWORD})
    cause = caught.value.__cause__
    while cause is not None:
        assert cause.__traceback__ is None
        assert cause.__context__ is None
        cause = cause.__cause__
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
