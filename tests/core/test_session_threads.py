"""A session used from another thread, another event loop or no event loop; and the ways that work."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
from raw_server import RawServer, answer

from asyncdbaas import AsyncSession, DBaaSError, SessionStateError, SharedRateLimiter, Waiters, clusters, users
from asyncdbaas.emulator import Delays, Emulator

OK = answer(200, {"value": 1})
CLUSTER = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
T = TypeVar("T")


USES: dict[str, Callable[[AsyncSession], Coroutine[Any, Any, Any]]] = {
    "request": lambda session: session.request("GET", "/v2/x"),
    "a write that takes a lock": lambda session: users.create_user(session, CLUSTER, users.UserCreate(name="a")),
    "open": lambda session: session.open(),
    "close": lambda session: session.close(),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
async def test_a_second_thread_gets_an_error_and_leaves_the_first_alone(
    use: Callable[[AsyncSession], Coroutine[Any, Any, Any]],
) -> None:
    async with RawServer(OK) as server, AsyncSession("token-of-tests", base_url=server.url) as session:
        async with session.lock("of the first"):
            with pytest.raises(SessionStateError, match=r"another event loop|opened before"):
                await asyncio.to_thread(asyncio.run, use(session))
        await session.request("GET", "/v2/x")


def test_a_later_event_loop_gets_an_error_that_says_what_to_do() -> None:
    async def open_and_forget() -> AsyncSession:
        return await AsyncSession("token-of-tests", base_url="http://127.0.0.1:9").open()

    runner = asyncio.Runner()
    session = runner.run(open_and_forget())
    runner.run(session._transport.close())
    runner.close()
    for use in (session.request("GET", "/v2/x"), session.close()):
        with pytest.raises(SessionStateError, match="which has ended; close sessions before"):
            asyncio.run(use)
    session._lifetime.is_open = False  # else it warns that it was never closed


async def test_a_lock_needs_an_open_session() -> None:
    with pytest.raises(SessionStateError, match="not open"):
        AsyncSession("token-of-tests").lock("topics")


def test_without_an_event_loop_of_asyncio_it_is_our_error() -> None:
    # As under trio, whose tasks are driven by something else.
    for use in (AsyncSession("token-of-tests").open(), AsyncSession("token-of-tests").request("GET", "/v2/x")):
        with pytest.raises(DBaaSError, match=r"not open|no asyncio event loop is running"):
            use.send(None)


# What works.


class Background:
    """An event loop in a thread of its own, for synchronous programs: the recipe of the guide."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


def test_threads_share_one_session_by_a_loop_in_a_thread_of_its_own() -> None:
    with Emulator(delays=Delays.none()) as emulator:
        cluster = emulator.add_cluster(engine="pg", name="main")["id"]
        background = Background()
        session = background.run(AsyncSession(emulator.token, base_url=emulator.url).open())
        try:
            seen: list[str] = []

            def work(number: int) -> None:
                background.run(users.create_user(session, cluster, users.UserCreate(name=f"u{number}")))
                seen.extend(each.name or "" for each in background.run(clusters.list_clusters(session)))

            threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert seen == ["main"] * 8
        finally:
            background.run(session.close())
            background.stop()


def test_each_thread_may_have_a_session_of_its_own() -> None:
    with Emulator() as emulator:
        seen: list[int] = []

        async def work() -> None:
            async with AsyncSession(emulator.token, base_url=emulator.url) as session:
                seen.append(len(await clusters.list_clusters(session)))

        threads = [threading.Thread(target=asyncio.run, args=(work(),)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert seen == [0] * 4


@pytest.mark.parametrize("attempt", [pickle.dumps, copy.deepcopy])
@pytest.mark.parametrize("kind", ["session", "waiters", "limiter", "shared limiter"])
async def test_what_belongs_to_an_event_loop_refuses_to_be_pickled_or_deep_copied(
    attempt: Callable[[object], object], kind: str, recwarn: pytest.WarningsRecorder
) -> None:
    async with RawServer(OK) as server, AsyncSession("token-of-tests", base_url=server.url) as session:
        shared = SharedRateLimiter("redis://:hidden@127.0.0.1:1", name="test")
        made = {"waiters": Waiters(session), "limiter": session.rate_limiter, "shared limiter": shared}
        with pytest.raises(SessionStateError, match="cannot be pickled or deep-copied") as caught:
            attempt(made.get(kind, session))
        assert "hidden" not in str(caught.value)
        gc.collect()
        await session.request("GET", "/v2/x")
    assert not recwarn.list, "half a copy must not be reported as never closed"
