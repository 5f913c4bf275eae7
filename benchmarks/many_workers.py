"""200 workers on one token, and what an exchange with the store costs as workers become many."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from asyncdbaas import AsyncSession, topics
from asyncdbaas.emulator import Delays, Emulator
from asyncdbaas.ratelimit.lease import Worker
from asyncdbaas.ratelimit.shared import SharedRateLimiter
from asyncdbaas.ratelimit.windows import HOUR, MINUTE, PER_HOUR, PER_MINUTE, Quota
from benchmarks.limits import optimum
from benchmarks.optional import optional
from benchmarks.report import Figure

__all__ = ["figures", "running"]

_WORKERS: Final = 200
_FEW: Final = 10
_MANY: Final = 1000
_KEYS: Final = ("ledger", "responses", "deadlines", "waiting", "interactive", "bulk")


async def figures(server: str, creates: int, minute: float) -> list[Figure]:
    """Race 200 workers in this process; then measure exchanges by the server's own count."""
    async with running(server) as socket:
        raced = await _race(socket, creates, minute)
    async with running(server) as socket:
        costs = [await asyncio.to_thread(_cost, socket, workers) for workers in (_FEW, _MANY)]
    return [
        *raced,
        Figure(name=f"store CPU of an exchange, {_MANY:,} workers", value=costs[1], unit="us", target=1000),
        Figure(name=f"the same over {_FEW} workers", value=costs[1] / costs[0], unit="x", target=1.5),
    ]


@asynccontextmanager
async def running(server: str) -> AsyncGenerator[Path]:
    """Run a store while the block runs; yield its Unix socket."""
    with tempfile.TemporaryDirectory(prefix="quota") as folder:
        socket = Path(folder) / "store"
        words = (server, "--port", "0", "--unixsocket", str(socket), "--save", "")
        process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        while b"eady to accept connections" not in await process.stdout.readline():
            pass
        try:
            yield socket
        finally:
            process.terminate()
            await process.wait()


async def _race(socket: Path, creates: int, minute: float) -> list[Figure]:
    done: list[int] = []
    async with AsyncExitStack() as stack:
        scale = 60 / minute
        emulator = await stack.enter_async_context(
            Emulator(time_scale=scale, delays=Delays.none(), keep_requests=10**6)
        )
        cluster: str = emulator.add_cluster(engine="kafka", num_nodes=3)["id"]
        sessions = [
            await stack.enter_async_context(
                AsyncSession(
                    emulator.token,
                    base_url=emulator.url,
                    rate_limiter=SharedRateLimiter(f"unix://{socket}", minute=minute, hour=60 * minute),
                )
            )
            for _ in range(_WORKERS)
        ]

        async def create(number: int) -> None:
            worker = number % _WORKERS
            await topics.create_topic(sessions[worker], cluster, topics.TopicCreate(name=f"topic-{number}"))
            done.append(worker)

        began = time.monotonic()
        await asyncio.gather(*map(create, range(creates)))
        makespan = time.monotonic() - began
        refused = emulator.requests.statuses.get(429, 0)
    parts = Counter(done[: creates // 2])
    even = creates / 2 / _WORKERS
    off = max(abs(parts[worker] - even) for worker in range(_WORKERS)) / even * 100
    name = f"{_WORKERS} workers"
    return [
        Figure(name=f"{name}: refused", value=refused, unit="", target=0),
        Figure(name=f"{name}: share off by", value=off, unit="%", target=20),
        Figure(name=f"{name}: makespan over optimum", value=makespan / optimum(creates, minute), unit="x", target=1.05),
    ]


def _cost(socket: Path, workers: int, exchanges: int = 3000) -> float:
    """Return the microseconds that the server spends on an exchange, while all workers wait for the quota."""
    client: Any = optional("redis").Redis(unix_socket_path=str(socket), protocol=2)
    with client:
        client.flushall()
        run = client.register_script((files("asyncdbaas.ratelimit") / "ledger.lua").read_text(encoding="utf-8"))
        crowd = [Worker(Quota(PER_MINUTE, PER_HOUR, MINUTE, HOUR)) for _ in range(workers)]

        def exchange(worker: Worker) -> None:
            now = time.monotonic()
            report = {**worker.report(now, 10, 0), "subscribed": 0, "settling": 0}
            granted: int = json.loads(run(keys=_KEYS, args=[json.dumps(report)]))["granted"]
            for _ in range(granted):
                worker.quota.in_flight += 1
                worker.quota.release(now, counted=True)
                worker.answered += 1

        for worker in crowd:
            exchange(worker)
        client.config_resetstat()
        for number in range(exchanges):
            exchange(crowd[number % workers])
        microseconds: float = client.info("commandstats")["cmdstat_evalsha"]["usec_per_call"]
    return microseconds
