"""The test loop itself: what is built on it is worth no more than this."""

from __future__ import annotations

import asyncio
import random
import socket
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from virtual_time import Lies, StuckError, run, settle_down, virtual


@asynccontextmanager
async def echo_server(delay: float = 0.0) -> AsyncGenerator[int, None]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(2**16):
                await asyncio.sleep(delay)
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@virtual
async def test_a_year_of_timers_passes_at_once_and_exactly() -> None:
    loop = asyncio.get_running_loop()
    start = loop.time()
    await asyncio.sleep(365 * 86400)
    assert loop.time() - start == 365 * 86400


@virtual
async def test_timers_fire_in_order_at_their_own_times() -> None:
    loop = asyncio.get_running_loop()
    seen: list[float] = []
    start = loop.time()
    for delay in (30.0, 0.5, 7.25, 86400.0 * 3):
        loop.call_later(delay, lambda: seen.append(loop.time() - start))
    await asyncio.sleep(86400 * 4)
    assert seen == [0.5, 7.25, 30.0, 86400.0 * 3]


@virtual
async def test_time_stands_still_while_bytes_travel_however_many() -> None:
    loop = asyncio.get_running_loop()
    payload = bytes(8 * 2**20)  # many times what a socket buffers
    async with echo_server() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**16)
        start = loop.time()
        writer.write(payload)
        assert len(await reader.readexactly(len(payload))) == len(payload)
        assert loop.time() == start
        writer.close()
        assert await reader.read() == b""
        assert loop.time() == start


@virtual
async def test_a_servers_delay_is_the_only_time_that_passes() -> None:
    loop = asyncio.get_running_loop()
    async with echo_server(delay=20.0) as port:
        start = loop.time()

        async def ask() -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"ping")
            assert await reader.readexactly(4) == b"ping"
            writer.close()

        await asyncio.gather(*(ask() for _ in range(50)))
        assert loop.time() - start == 20.0


@virtual
async def test_a_timeout_wins_over_a_server_that_never_answers() -> None:
    loop = asyncio.get_running_loop()
    async with echo_server(delay=1e6) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"ping")
        start = loop.time()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await reader.read(1)
        assert loop.time() - start == 60.0
        writer.close()


@virtual
async def test_bytes_that_nobody_reads_do_not_stop_time() -> None:
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:  # the kernel accepts, nobody else does
        _, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(b"anyone there?")
        start = loop.time()
        await asyncio.sleep(1000)
        assert loop.time() - start == 1000.0
        writer.close()


@virtual
async def test_a_broken_connection_is_noticed_without_time_passing() -> None:
    loop = asyncio.get_running_loop()

    def abort(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    server = await asyncio.start_server(abort, "127.0.0.1", 0)
    async with server:
        start = loop.time()
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        assert await reader.read() == b""
        assert loop.time() == start
        writer.close()


@virtual
async def test_time_stands_still_while_a_thread_works_for_the_loop() -> None:
    loop = asyncio.get_running_loop()
    release = threading.Event()
    threading.Timer(0.02, release.set).start()
    start = loop.time()
    async with asyncio.timeout(1.0):  # virtual: would be over at once
        assert await asyncio.to_thread(release.wait, 30.0)
    assert loop.time() == start


@virtual
async def test_settle_down_comes_back_when_all_that_is_ready_is_done() -> None:
    loop = asyncio.get_running_loop()
    steps: list[int] = []

    async def walk() -> None:
        for step in range(100):
            await asyncio.sleep(0)
            steps.append(step)

    task = asyncio.create_task(walk())
    start = loop.time()
    await settle_down()
    assert len(steps) == 100
    assert loop.time() - start < 1e-5
    await task


def test_a_loop_in_which_nothing_can_happen_any_more_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("virtual_time.PATIENCE", 0.01)

    async def wait_for_ever() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(StuckError):
        run(wait_for_ever())


def test_timers_that_are_off_fire_early_and_late_and_the_clock_moves_when_it_is_read() -> None:
    async def look() -> list[float]:
        loop = asyncio.get_running_loop()
        off: list[float] = []
        for _ in range(100):
            due = loop.time() + 1.0
            await asyncio.sleep(1.0)
            off.append(loop.time() - due)
        readings = {loop.time() for _ in range(100)}
        assert len(readings) > 10
        return off

    off = run(look(), Lies(random.Random(1)))
    assert -1e-3 <= min(off) < -1e-6
    assert 1e-3 < max(off) <= 0.021


def test_a_timer_of_the_library_that_is_set_into_the_past_again_and_again_is_noticed() -> None:
    def fire() -> None:
        asyncio.get_running_loop().call_later(-0.5, fire)

    async def use() -> None:
        fire()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    fire.__module__ = "asyncdbaas.anything"
    with pytest.raises(AssertionError, match="into the past twice in a row"):
        run(use())


def test_a_timer_of_the_library_that_spins_is_noticed() -> None:
    def fire() -> None:
        asyncio.get_running_loop().call_later(1e-6, fire)

    async def use() -> None:
        fire()
        await asyncio.sleep(0.002)

    fire.__module__ = "asyncdbaas.anything"
    with pytest.raises(AssertionError, match="within a second"):
        run(use())
