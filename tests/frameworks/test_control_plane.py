"""The control plane of the examples on four workers: tenants' jobs survive when visitors use up the quota."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import attrs
import pytest
from pages import EXAMPLES
from server_process import free_port, running

from asyncdbaas.emulator import Delays, Emulator

HERE: Final = Path(__file__).parent
WORKERS: Final = 4
TENANTS: Final = [f"tenant-{number}" for number in range(30)]
PER_MINUTE: Final = 100
SECONDS: Final = 180.0
READY: Final = "Application startup complete"


@asynccontextmanager
async def quota_store() -> AsyncGenerator[dict[str, str]]:
    """Run a store for the quota of the workers, if one is installed, and yield the settings that name it."""
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if program is None:
        yield {}
    else:
        port = free_port()
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
        async with running(*command, ready="eady to accept connections"):
            yield {"QUOTA_URL": f"redis://127.0.0.1:{port}"}


@asynccontextmanager
async def serving(emulator: Emulator, settings: dict[str, str]) -> AsyncGenerator[aiohttp.ClientSession]:
    port = free_port()
    environment = {
        "DIGITALOCEAN_TOKEN": emulator.token,
        "DIGITALOCEAN_API_URL": emulator.url,
        "PER_MINUTE": str(PER_MINUTE),
        "PYTHONPATH": os.pathsep.join([str(EXAMPLES), str(HERE)]),
        **settings,
    }
    command = ["uvicorn", "--factory", "scaled_control_plane:create_scaled_app", f"--port={port}"]
    command += [f"--workers={WORKERS}", "--no-access-log"]
    async with (
        running(sys.executable, "-m", *command, ready=READY, env=environment) as process,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", timeout=aiohttp.ClientTimeout(SECONDS)) as client,
        asyncio.timeout(SECONDS),
    ):

        async def is_serving() -> bool:
            return sum(READY in line for line in process.lines) >= WORKERS and await is_listening(client)

        await until(is_serving)
        try:
            yield client
        finally:
            sys.stdout.write("\n".join(process.lines))  # pytest shows it if the test fails


async def is_listening(client: aiohttp.ClientSession) -> bool:
    try:
        async with client.get("/openapi.json"):
            return True
    except aiohttp.ClientConnectionError:
        return False


async def ask(client: aiohttp.ClientSession, method: str, name: str) -> tuple[int, Any]:
    async with client.request(method, f"/tenants/{name}") as response:
        return response.status, await response.json(content_type=None)


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    while not await is_so():  # noqa: ASYNC110 -- it happens in other processes
        await asyncio.sleep(0.1)


@pytest.mark.long  # five processes, in scaled time: it needs a machine that is not overloaded
async def test_jobs_survive_a_burst_of_reads_that_uses_up_the_quota() -> None:
    pytest.importorskip("fastapi")
    pytest.importorskip("uvicorn")
    delays = attrs.evolve(Delays.none(), create=60.0)
    async with (
        Emulator(delays=delays, time_scale=60, per_minute=PER_MINUTE) as emulator,
        quota_store() as settings,
        serving(emulator, settings) as client,
    ):
        created = await asyncio.gather(*(ask(client, "PUT", name) for name in TENANTS))
        assert created == [(202, None)] * len(TENANTS)
        burst = await asyncio.gather(*(ask(client, "GET", TENANTS[number % len(TENANTS)]) for number in range(500)))
        # Of some tenants the cluster is not there yet, and some visitors get 503 with Retry-After.
        statuses = Counter(status for status, _ in burst)
        assert statuses.keys() <= {200, 404, 503}
        assert statuses[503]

        missing = set(TENANTS)

        async def are_ready() -> bool:  # each of them once: a visitor may get 503 at any time
            for name in sorted(missing):
                if await ask(client, "GET", name) == (200, {"cluster": "online", "ready": True}):
                    missing.remove(name)
            return not missing

        await until(are_ready)
        assert emulator.requests.operations["create_cluster"] == len(TENANTS)
        assert emulator.requests.operations["create_database"] == len(TENANTS)


def test_mypy_strict_passes_the_control_plane() -> None:
    pytest.importorskip("fastapi")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", str(EXAMPLES / "control_plane.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
