"""The same 2,000 creates under the rate limits, with what else people use to keep to them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final, TypeAlias

import aiohttp
import attrs

from asyncdbaas import AsyncSession, DBaaSError, RateLimiter, topics
from benchmarks.emulation import Seen, Service, emulating
from benchmarks.limits import PER_HOUR, PER_MINUTE, optimum
from benchmarks.optional import optional
from benchmarks.report import Figure, Report, Table

__all__ = ["run"]

Create: TypeAlias = Callable[[str], Any]
"""Creates a topic, or fails."""
Open: TypeAlias = Callable[[Service, float], AbstractAsyncContextManager[Create]]
"""Opens a client for a service whose minute takes the given seconds."""
# Of 4, 8, 16, 32, 64 and 250, the one with the fewest refusals of those that lost none of 1,000 topics.
BEST_SEMAPHORE: Final = 32
THIN: Final = 10


@attrs.frozen(kw_only=True)
class Run:
    """One client's fan-out."""

    makespan: float
    """Seconds until the last response or failure."""
    failed: int
    """Calls that ended in an error."""
    seen: Seen
    answers: list[float] = attrs.field(repr=False)
    """When every tenth success came, in seconds from the start; the last one is among them."""


@asynccontextmanager
async def _ours(service: Service, minute: float) -> AsyncGenerator[Create]:
    limiter = RateLimiter(PER_MINUTE, PER_HOUR, minute=minute, hour=60 * minute)
    async with AsyncSession(service.token, base_url=service.url, rate_limiter=limiter) as session:
        yield lambda name: topics.create_topic(session, service.cluster_id, topics.TopicCreate(name=name))


@asynccontextmanager
async def _pydo(service: Service, _: float) -> AsyncGenerator[Create]:
    async with optional("pydo.aio").Client(service.token, endpoint=service.url) as client:
        databases: Any = client.databases
        yield lambda name: databases.create_kafka_topic(service.cluster_id, {"name": name}, enforce_https=False)


@asynccontextmanager
async def _pydo_semaphore(service: Service, minute: float) -> AsyncGenerator[Create]:
    slots = asyncio.Semaphore(BEST_SEMAPHORE)
    async with _pydo(service, minute) as create_freely:

        async def create(name: str) -> None:
            async with slots:
                await create_freely(name)

        yield create


@asynccontextmanager
async def _leaky_bucket(service: Service, minute: float) -> AsyncGenerator[Create]:
    """Use bare aiohttp behind a leaky bucket of the documented quota, and repeat what is refused."""
    bucket = optional("aiolimiter").AsyncLimiter(PER_MINUTE, minute)
    headers = {"Authorization": f"Bearer {service.token}"}
    address = f"{service.url}/v2/databases/{service.cluster_id}/topics"
    async with aiohttp.ClientSession(headers=headers, cookie_jar=aiohttp.DummyCookieJar()) as http:

        async def create(name: str) -> None:
            while True:
                async with bucket, http.post(address, json={"name": name}) as response:
                    if response.status != 429:
                        response.raise_for_status()
                        return
                    pause = float(response.headers.get("retry-after", minute))
                await asyncio.sleep(pause)

        yield create


CLIENTS: Final[Mapping[str, Open]] = {
    "asyncdbaas, gather": _ours,
    "leaky bucket, gather": _leaky_bucket,
    f"pydo.aio, Semaphore({BEST_SEMAPHORE})": _pydo_semaphore,
    "pydo.aio, gather": _pydo,
}


def run(*, quick: bool) -> Report:
    """Let each client create the topics on an emulator of its own, in scaled time."""
    creates, minute = (300, 0.5) if quick else (2000, 5.0)
    logging.getLogger("azure").setLevel(logging.ERROR)
    runs = {name: _run(open_, creates, minute) for name, open_ in CLIENTS.items()}
    least = optimum(creates, minute)
    columns = ["client", "makespan s", "over optimum", "requests sent", "refused", "failed", "topics there"]
    notes = [
        f"{creates} creates; a minute passes in {minute:g} s; the optimum is {least:g} s",
        "makespan: until the last call has ended, well or not",
    ]
    return Report(
        scenario="pacing",
        tables=[
            Table(
                title="keeping to the rate limits",
                columns=columns,
                rows=[_row(name, one, least) for name, one in runs.items()],
                notes=notes,
            )
        ],
        figures=[
            Figure(name=f"{name}: makespan over optimum", value=one.makespan / least, unit="x")
            for name, one in runs.items()
        ],
        data={"minute": minute, "every": THIN, "answers": {name: one.answers for name, one in runs.items()}},
    )


def _run(open_: Open, creates: int, minute: float) -> Run:
    with emulating(time_scale=60 / minute) as service:
        ends = asyncio.run(_fan_out(open_, service, creates, minute))
        return Run(
            makespan=max(at for at, _ in ends),
            failed=sum(not succeeded for _, succeeded in ends),
            seen=service.seen(),
            answers=sorted(round(at, 3) for at, succeeded in ends if succeeded)[::-THIN][::-1],
        )


async def _fan_out(open_: Open, service: Service, creates: int, minute: float) -> list[tuple[float, bool]]:
    """Return when each call ended, and whether it succeeded."""
    errors = optional("azure.core.exceptions").AzureError, DBaaSError, aiohttp.ClientError, TimeoutError
    async with open_(service, minute) as create:
        start = time.perf_counter()

        async def call(number: int) -> tuple[float, bool]:
            try:
                await create(f"topic-{number}")
            except errors:
                return time.perf_counter() - start, False
            return time.perf_counter() - start, True

        return await asyncio.gather(*map(call, range(creates)))


def _row(name: str, run: Run, least: float) -> list[str]:
    sent = run.seen.created + run.seen.refused + run.seen.others
    ratio = f"{run.makespan / least:.3f}"
    return [name, f"{run.makespan:.2f}", ratio, *map(str, (sent, run.seen.refused, run.failed, run.seen.topics))]
