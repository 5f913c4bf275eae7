"""Workers that share a quota in virtual time: the real script on a real server, connections that a test can break."""

from __future__ import annotations

import asyncio
import json
import random
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Literal
from unittest import mock

import attrs
from redis import Redis, ResponseError

from asyncdbaas import QuotaStoreError
from asyncdbaas.ratelimit.shared import SharedRateLimiter

__all__ = ["LIMIT", "MINUTE", "Connection", "Simulation", "Worker", "simulated"]

MINUTE: Final = 60.0
LIMIT: Final = 60
# As in `store.py`, and how long a request or an exchange travels in one direction.
_PATIENCE: Final = 2.0
_TRAVEL: Final = 0.005
# Connections of a worker, which is how many calls wait for the limiter at a time.
_SLOTS: Final = 16


class Server:
    """The server of the quota, whose clock, memory and listeners are the test's."""

    def __init__(self, client: Any, clock: Callable[[], float]) -> None:
        self.client = client
        script = (files("asyncdbaas.ratelimit") / "ledger.lua").read_text(encoding="utf-8")
        for real, virtual in (
            ("redis.call('TIME')", "{0, tonumber(ARGV[2])}"),
            ("redis.call('INFO', 'server')", "ARGV[3]"),
            ("redis.call('PUBLISH', LEDGER, epoch)", "tonumber(ARGV[4])"),
        ):
            assert script.count(real) == 1
            script = script.replace(real, virtual)
        self._run = client.register_script(script)
        self._clock = clock
        self.skew = 0.0
        self.started_at = clock() - 1e6
        self.is_down = False
        self.refuses = ""
        self.listeners: set[Connection] = set()
        self._epoch = ""
        self.keys = ["ledger", "responses", "deadlines", "waiting", "interactive", "bulk"]

    def exchange(self, report: dict[str, Any]) -> dict[str, Any]:
        now = self._clock()
        uptime = f"uptime_in_seconds:{int(now - self.started_at)}"
        arguments = [json.dumps(report), round((now + self.skew) * 1e6), uptime, len(self.listeners)]
        reply: dict[str, Any] = json.loads(self._run(keys=self.keys, args=arguments))
        if reply.get("epoch", self._epoch) != self._epoch:
            self._epoch = reply["epoch"]
            for listener in self.listeners:
                asyncio.get_running_loop().call_later(_TRAVEL, listener.hear, self._epoch)
        return reply

    def save(self) -> dict[str, bytes]:
        """Return a copy of all data."""
        return {key: self.client.dump(key) for key in self.keys if self.client.exists(key)}

    def restart(self, data: dict[str, bytes] | None = None) -> None:
        """Drop all connections; go on with other data, or none."""
        self.client.flushall()
        for key, value in (data or {}).items():
            self.client.restore(key, 0, value)
        self.is_down, self.started_at = False, self._clock()
        listeners, self.listeners = self.listeners, set()
        for listener in listeners:
            listener.hear("")


@attrs.define(eq=False)
class Connection:
    """What `QuotaStore` is, to a simulated server."""

    address: object
    quota: str
    hear: Callable[[str], object]
    server: Server
    lost: Literal["", "reports", "replies"] = ""
    delay: float = 0.0
    thawed: asyncio.Event = attrs.field(factory=asyncio.Event)
    _subscribed_at: float = 0.0

    async def exchange(self, report: dict[str, object]) -> dict[str, Any]:
        try:
            async with asyncio.timeout(_PATIENCE):
                reply = await self._exchange(report)
        except (TimeoutError, ConnectionError, ResponseError) as error:
            await self.thawed.wait()
            raise QuotaStoreError(str(error) or "it did not respond") from error
        await self.thawed.wait()
        return reply

    async def _exchange(self, report: dict[str, object]) -> dict[str, Any]:
        await asyncio.sleep(_TRAVEL + self.delay)
        if self.lost == "reports":
            await asyncio.sleep(_PATIENCE)
        if self.server.is_down:
            raise ConnectionRefusedError("connection refused")
        if self not in self.server.listeners:
            self.server.listeners.add(self)
            self._subscribed_at = asyncio.get_running_loop().time()
        if self.server.refuses:
            raise ResponseError(self.server.refuses)
        subscribed = asyncio.get_running_loop().time() - self._subscribed_at
        reply = self.server.exchange({**report, "subscribed": round(subscribed * 1e6)})
        await asyncio.sleep(_TRAVEL)
        if self.lost == "replies":
            await asyncio.sleep(_PATIENCE)
        return reply

    async def close(self) -> None:
        self.server.listeners.discard(self)


class Service:
    """Counts requests of the last minute, as the service does."""

    def __init__(self) -> None:
        self._window: deque[float] = deque()
        self.accepted: list[float] = []
        self.refused: list[float] = []

    def arrive(self, now: float) -> float:
        """Return 0.0 for a request that is accepted, else after how many seconds it may be repeated."""
        while self._window and self._window[0] <= now - MINUTE:
            self._window.popleft()
        if len(self._window) >= LIMIT:
            self.refused.append(now)
            return self._window[0] + MINUTE - now
        self._window.append(now)
        self.accepted.append(now)
        return 0.0


class Worker:
    """A process with a limiter and requests to make."""

    def __init__(self, simulation: Simulation, name: str) -> None:
        self.name = name
        self._service = simulation.service
        self._freezes_for = 0.0
        clock = asyncio.get_running_loop().time
        self.limiter = SharedRateLimiter(f"redis://{name}", LIMIT, minute=MINUTE, hour=60 * MINUTE, clock=clock)
        self.limiter.attach(self, "token")
        self.connection = simulation.connections[-1]
        self.connection.thawed.set()

    async def create(self, count: int) -> None:
        """Make a number of requests as fast as the limiter allows."""
        slots = asyncio.Semaphore(_SLOTS)

        async def one() -> None:
            async with slots:
                await self._create()

        await asyncio.gather(*(one() for _ in range(count)))

    async def _create(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            lease = await self.limiter.acquire(self)
            if self._freezes_for:
                self.freeze(self._freezes_for)
                self._freezes_for = 0.0
            await self.connection.thawed.wait()
            if not self.limiter.is_current(lease):
                self.limiter.release(counted=False)
                continue
            await asyncio.sleep(_TRAVEL)
            pause = self._service.arrive(loop.time())
            await asyncio.sleep(_TRAVEL)
            if not pause:
                self.limiter.succeeded(None)
                self.limiter.release()
                return
            self.limiter.refused(pause)
            self.limiter.release(counted=False)

    def freeze(self, seconds: float) -> None:
        """Let the process stand still."""
        self.connection.thawed.clear()
        asyncio.get_running_loop().call_later(seconds, self.connection.thawed.set)

    def freeze_with_permits(self, seconds: float) -> None:
        """Let the process stand still when it has got its next permits."""
        self._freezes_for = seconds


class Simulation:
    """Workers, the server of their quota, and the service."""

    def __init__(self, client: Any) -> None:
        clock = asyncio.get_running_loop().time
        client.flushall()
        self.server = Server(client, clock)
        self.service = Service()
        self.connections: list[Connection] = []
        self.workers: list[Worker] = []
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, count: int) -> Worker:
        """Start another worker, which makes a number of requests."""
        worker = Worker(self, f"w{len(self.workers)}")
        self.workers.append(worker)
        self._tasks.append(asyncio.create_task(worker.create(count)))
        return worker

    def connect(self, address: object, quota: str, hear: Callable[[str], object]) -> Connection:
        self.connections.append(Connection(address, quota, hear, self.server))
        return self.connections[-1]

    async def done(self) -> None:
        """Wait until all requests are made, then close all limiters."""
        await asyncio.gather(*self._tasks)
        for worker in self.workers:
            await worker.limiter.detach(worker)

    @property
    def optimum(self) -> float:
        """The least seconds that the limit allows for what was accepted."""
        return MINUTE * ((len(self.service.accepted) - 1) // LIMIT)

    @property
    def makespan(self) -> float:
        """Seconds from the first accepted request to the last."""
        return self.service.accepted[-1] - self.service.accepted[0]


@contextmanager
def simulated(socket: Path, seed: int) -> Generator[Simulation]:
    """Open a simulation in the running loop."""
    with Redis(unix_socket_path=str(socket), protocol=2) as client:
        simulation = Simulation(client)
        state = random.getstate()
        random.seed(seed)
        try:
            with mock.patch("asyncdbaas.ratelimit.shared.QuotaStore", simulation.connect):
                yield simulation
        finally:
            random.setstate(state)
