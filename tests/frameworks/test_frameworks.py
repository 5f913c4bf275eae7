"""Each framework under its real server: errors, clients that go away, load, and shutting down with calls in flight."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import attrs
import pytest
import pytest_asyncio
from server_process import ServerProcess, free_port, running

from asyncdbaas.emulator import Delays, Emulator

pytestmark = pytest.mark.asyncio(loop_scope="module")

HERE: Final = Path(__file__).parent
UNKNOWN: Final = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
# Virtual seconds that pass only when a test lets them.
LONG: Final = 1_000_000
SECONDS: Final = 30.0
# What Python and asyncio say of things left open, and of errors that nobody saw.
TROUBLE: Final = re.compile(r"Warning|Traceback|Exception ignored|never (retrieved|awaited)|Unclosed|was destroyed")


@attrs.frozen
class Framework:
    """How an example application is started."""

    module: str
    ready: str
    command: tuple[str, ...]
    status: int = 0
    """Its exit status after SIGTERM."""
    warnings: tuple[str, ...] = ()
    """Warnings of the framework itself."""


UVICORN: Final = ("uvicorn", "{}:app", "--port={port}", "--no-access-log")
FRAMEWORKS: Final = {
    "fastapi": Framework("fastapi", "Uvicorn running on", UVICORN, -15),
    "litestar": Framework("litestar", "Uvicorn running on", UVICORN, -15),
    "quart": Framework(
        "quart",
        "Running on",
        ("hypercorn", "{}:app", "--bind=127.0.0.1:{port}", "--workers=0", "--graceful-timeout=10"),
    ),
    "sanic": Framework(
        "sanic",
        "Starting worker",
        ("sanic", "{}:app", "--port={port}", "--single-process", "--no-motd", "--no-access-logs"),
    ),
    "aiohttp": Framework("aiohttp", "Running on", ("{}", "{port}")),
    "django": Framework("django", "Uvicorn running on", UVICORN, -15),
}


@attrs.frozen
class Application:
    """An example application that runs, and the emulator that it talks to."""

    emulator: Emulator
    process: ServerProcess
    url: str
    client: aiohttp.ClientSession
    framework: Framework

    async def ask(self, method: str, path: str, **headers: str) -> tuple[int, Mapping[str, str], Any]:
        async with self.client.request(method, path, headers=headers) as answer:
            body = await answer.read()
            return answer.status, answer.headers, await answer.json(content_type=None) if body else None

    async def progress(self, name: str) -> str:
        status, _, body = await self.ask("GET", f"/tenants/{name}")
        return body["state"] if status == 200 else str(status)

    @property
    def creates(self) -> int:
        return self.emulator.requests.applied["POST", "/v2/databases"]


@asynccontextmanager
async def serving(name: str) -> AsyncGenerator[Application]:
    framework = FRAMEWORKS[name]
    pytest.importorskip(framework.module)
    port = free_port()
    command = [part.format(f"{name}_app", port=port) for part in framework.command]
    delays = attrs.evolve(Delays.none(), create=30.0)
    async with Emulator(delays=delays, time_scale=100, per_minute=100_000, per_hour=100_000) as emulator:
        environment = {"DIGITALOCEAN_TOKEN": emulator.token, "DIGITALOCEAN_API_URL": emulator.url}
        url = f"http://127.0.0.1:{port}"
        python = [sys.executable, "-X", "dev", "-W", "error", *framework.warnings, "-m"]
        async with (
            running(*python, *command, ready=framework.ready, env=environment, cwd=HERE) as process,
            aiohttp.ClientSession(url, timeout=aiohttp.ClientTimeout(SECONDS)) as client,
        ):
            yield Application(emulator, process, url, client, framework)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=FRAMEWORKS)
async def application(request: pytest.FixtureRequest) -> AsyncGenerator[Application]:
    async with serving(request.param) as started:
        yield started


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(SECONDS):
        while not await is_so():  # noqa: ASYNC110 -- it happens in another process
            await asyncio.sleep(0.02)


async def test_a_tenants_cluster_is_created_watched_and_deleted(application: Application) -> None:
    before = application.creates
    status, _, created = await application.ask("PUT", "/tenants/acme")
    assert (status, created["state"]) == (202, "creating")

    async def is_online() -> bool:
        return await application.progress("acme") == "online"

    await until(is_online)
    assert (await application.ask("PUT", "/tenants/acme"))[2]["id"] == created["id"]
    assert application.creates == before + 1
    assert (await application.ask("DELETE", "/tenants/acme"))[0] == 204
    assert (await application.ask("GET", f"/clusters/{created['id']}"))[0] == 404


async def test_errors_become_sensible_responses(application: Application) -> None:
    status, headers, body = await application.ask("GET", f"/clusters/{UNKNOWN}")
    assert (status, headers["content-type"]) == (404, "application/problem+json")
    assert body["title"] == "Not Found"
    status, _, body = await application.ask("GET", "/clusters/acme")
    assert (status, body["detail"][:26]) == (400, "cluster_id must be a UUID ")
    status, _, body = await application.ask("PUT", "/tenants/not_a_name")
    assert (status, body["detail"]) == (422, "invalid cluster name")


async def test_a_client_that_goes_away_in_the_middle_of_a_create_orphans_and_repeats_nothing(
    application: Application,
) -> None:
    before = application.creates
    application.emulator.faults.add("create_cluster", "delay", delay=LONG, times=1)

    async def is_on_the_wire() -> bool:
        return application.creates == before + 1

    async def is_online() -> bool:
        return await application.progress("gone") == "online"

    request = asyncio.create_task(application.ask("PUT", "/tenants/gone"))
    await until(is_on_the_wire)
    request.cancel()  # closes its connection
    with contextlib.suppress(asyncio.CancelledError):
        await request
    for _ in range(3):  # what the server answers now, it answers after it has seen the client go
        assert await application.progress("gone") == "404"
    application.emulator.clock.advance(seconds=LONG)
    await until(is_online)
    assert (await application.ask("PUT", "/tenants/gone"))[0] == 202
    assert application.creates == before + 1


async def test_a_thousand_requests_are_answered(application: Application) -> None:
    cluster = application.emulator.add_cluster(engine="pg")
    application.emulator.requests.clear()
    places = asyncio.Semaphore(20)

    async def look() -> int:
        async with places:
            return (await application.ask("GET", f"/clusters/{cluster['id']}"))[0]

    assert await asyncio.gather(*(look() for _ in range(1000))) == [200] * 1000
    assert application.emulator.requests.operations["get_cluster"] == 1000


# The last of those that share a server: after a refusal the session is careful for a while.
async def test_a_used_up_quota_is_503_with_retry_after_and_passes(application: Application) -> None:
    cluster = application.emulator.add_cluster(engine="pg")
    application.emulator.faults.add("get_cluster", "rate_limit", retry_after=60)  # 0.6 s by the wall clock

    async def is_well() -> bool:
        return (await application.ask("GET", f"/clusters/{cluster['id']}"))[0] == 200

    for _ in range(2):
        status, headers, body = await application.ask("GET", f"/clusters/{cluster['id']}")
        assert (status, headers["retry-after"], body["status"]) == (503, "1", 503)
    await until(is_well)
    assert application.emulator.requests.statuses[429] == 1
    application.emulator.requests.clear()


@pytest.mark.parametrize("name", FRAMEWORKS)
async def test_a_call_in_flight_is_finished_when_the_server_stops_and_nothing_leaks(name: str) -> None:
    async with serving(name) as application:
        application.emulator.faults.add("create_cluster", "delay", delay=LONG)

        async def is_on_the_wire() -> bool:
            return application.creates == 1

        async def is_closed_to_others() -> bool:
            try:
                async with asyncio.timeout(1), aiohttp.request("GET", application.url + "/tenants/nobody"):
                    return False
            except (aiohttp.ClientConnectionError, TimeoutError):
                return True

        request = asyncio.create_task(application.ask("PUT", "/tenants/late", connection="close"))
        await until(is_on_the_wire)
        stopping = asyncio.create_task(application.process.stop())
        await until(is_closed_to_others)
        application.emulator.clock.advance(seconds=LONG)
        assert (await request)[0] == 202
        assert await stopping == application.framework.status
    assert "the tenants are closed" in application.process.lines
    assert not [line for line in application.process.lines if TROUBLE.search(line)], "\n".join(
        application.process.lines
    )
