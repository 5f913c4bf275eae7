"""Secrets planted wherever one can stand, and looked for wherever they must not show."""

from __future__ import annotations

import asyncio
import logging
import pickle
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from leaks import CANARY, LeakWatch, found_in, traceback_text
from raw_server import Exchange, RawServer, Step, answer, hang
from virtual_time import virtual

from asyncdbaas import AsyncSession, DBaaSError, RateLimiter, RetryPolicy, clusters, logsinks, migrations, users
from asyncdbaas.emulator import Delays, Emulator

CLUSTER = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
TOKEN = f"{CANARY}-token"
SECRET = f"{CANARY}-secret"
ONCE = RetryPolicy(max_attempts=1)


@asynccontextmanager
async def talking(*steps: Step, token: Any = TOKEN) -> AsyncGenerator[AsyncSession, None]:
    limiter = RateLimiter(clock=asyncio.get_running_loop().time)
    async with (
        RawServer(*steps) as server,
        AsyncSession(token, base_url=server.url, retry=ONCE, rate_limiter=limiter, timeout=5.0) as session,
    ):
        yield session


async def create_sink(session: AsyncSession) -> object:
    config = logsinks.OpenSearchSink(url=f"https://u:{SECRET}@host", index_prefix="p")
    return await logsinks.create_logsink(session, CLUSTER, "sink", config)


async def start_migration(session: AsyncSession) -> object:
    source = migrations.MigrationSource(host="h", port=1, dbname="d", username="u", password=SECRET)
    return await migrations.start_migration(session, CLUSTER, migrations.MigrationStart(source=source))


async def send_plain_data(session: AsyncSession) -> object:
    return await session.request("PUT", "/v2/x", dict[str, Any], body={"password": SECRET, "list": [{"uri": SECRET}]})


async def send_wrong_type(session: AsyncSession) -> object:
    return await session.request("PUT", "/v2/x", str, body={"password": SECRET, "bad": object()})


async def read_user(session: AsyncSession) -> object:
    return await users.get_user(session, CLUSTER, "u")


async def read_cluster(session: AsyncSession) -> object:
    return await clusters.get_cluster(session, CLUSTER)


CALLS: list[Callable[[AsyncSession], Awaitable[object]]] = [
    create_sink,
    start_migration,
    send_plain_data,
    send_wrong_type,
    read_user,
    read_cluster,
]


async def drop(exchange: Exchange) -> None:
    exchange.reset()


async def half(exchange: Exchange) -> None:
    await exchange.write(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{")
    exchange.close()


WRONG_TYPES = {"user": {"name": {"x": SECRET}, "password": [SECRET]}, "database": {"id": [SECRET], "name": SECRET}}
STEPS: list[Step] = [
    answer(200, WRONG_TYPES),
    answer(200, f'{{"{SECRET}'),
    answer(200, [SECRET].__repr__()),
    answer(401, {"id": "unauthorized", "message": "no"}),
    answer(429, b""),
    answer(500, b"{}"),
    drop,
    half,
    hang,
    b"SSH-2.0-nonsense\r\n\r\n",
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("step", range(len(STEPS)))
@virtual
async def test_no_error_shows_a_secret_however_it_is_printed(
    step: int, call: Callable[[AsyncSession], Awaitable[object]]
) -> None:
    async with talking(STEPS[step]) as session:
        (outcome,) = await asyncio.gather(call(session), return_exceptions=True)
        if isinstance(outcome, BaseException):
            assert isinstance(outcome, DBaaSError)
            assert found_in(f"{outcome} {vars(outcome)!r} {traceback_text(outcome)}") is None
            assert CANARY.encode() not in pickle.dumps(outcome)
        else:  # plain data is the caller's own affair
            assert isinstance(outcome, dict) or found_in(repr(outcome)) is None


@virtual
async def test_a_traceback_out_of_a_cancelled_call_shows_none_either() -> None:
    async with talking(hang) as session:
        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(1):
                await send_plain_data(session)
        assert found_in(traceback_text(caught.value)) is None


@pytest.mark.parametrize("bad", [f"{SECRET}\n", f"{SECRET} ", f"{SECRET}\x00", f"\ud800{SECRET}"])
def test_a_token_that_is_refused_is_not_shown(bad: str) -> None:
    with pytest.raises(DBaaSError) as caught:
        AsyncSession(bad)
    assert found_in(f"{caught.value} {traceback_text(caught.value)}") is None


@virtual
async def test_what_a_token_function_gives_is_not_shown() -> None:
    async def ask() -> str:
        return f"{SECRET}\n"

    async with talking(answer(200), token=ask) as session:
        with pytest.raises(DBaaSError) as caught:
            await session.request("GET", "/v2/x")
        assert found_in(f"{caught.value} {traceback_text(caught.value)}") is None


async def test_neither_asyncios_debug_mode_nor_the_session_shows_one(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0.0
    caplog.set_level(logging.DEBUG)
    async with RawServer(answer(500)) as server, AsyncSession(TOKEN, base_url=server.url, retry=ONCE) as session:
        with pytest.raises(DBaaSError):
            await send_plain_data(session)
        assert found_in(f"{session!r} {session.rate_limit!r} {session.rate_limiter!r}") is None
    assert "took" in caplog.text
    assert found_in(caplog.text) is None


@pytest.mark.parametrize("engine", ["pg", "mysql", "mongodb", "kafka", "opensearch", "valkey"])
async def test_no_response_of_any_engine_shows_its_passwords_and_keys(engine: str) -> None:
    async with Emulator(delays=Delays.none()) as emulator:
        cluster = emulator.add_cluster(engine=engine)
        assert found_in(repr(cluster)) is not None, "the service does show them"
        async with AsyncSession(emulator.token, base_url=emulator.url) as session:
            answers: list[object] = [
                await clusters.get_cluster(session, cluster["id"]),
                await clusters.list_clusters(session),
            ]
            if engine != "valkey":
                answers.append(await users.list_users(session, cluster["id"]))
                answers.append(await users.create_user(session, cluster["id"], users.UserCreate(name="new")))
            assert found_in(repr(answers)) is None
            assert found_in(repr(emulator)) is None


# The watch itself: what it would find, it must find.


@pytest.mark.parametrize("leak", [TOKEN, "dop_v1_" + "0" * 64, "AVNS_" + "0" * 19, "-----BEGIN PRIVATE KEY-----\nMII"])
def test_the_watch_finds_each_kind_of_secret(leak: str) -> None:
    watch = LeakWatch()
    watch.handle(logging.LogRecord("asyncdbaas", logging.DEBUG, "f", 1, "sent %s", (leak,), None))
    assert len(watch.leaks) == 1


def test_the_watch_finds_a_secret_in_a_variable_of_a_frame_below() -> None:
    namespace: dict[str, Any] = {}
    exec(compile("def f():\n    secret = '" + SECRET + "'\n    raise LookupError", "other.py", "exec"), namespace)
    with pytest.raises(LookupError) as caught:
        namespace["f"]()
    assert found_in(traceback_text(caught.value)) is not None


async def test_the_watch_is_on_every_session(leak_watch: LeakWatch) -> None:
    async with RawServer(answer(200)) as server, AsyncSession("t", base_url=server.url) as session:
        await session.request("GET", "/v2/x")
    assert leak_watch.looked_at > 2
