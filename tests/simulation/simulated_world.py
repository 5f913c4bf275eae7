"""Client and emulator in one event loop, in virtual time, for one seed."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, TypeVar
from unittest import mock

import aiohttp
import attrs
from memory_network import MemoryLoop, Network, memory_uvloop
from scenarios import Scenario
from virtual_time import Lies

from asyncdbaas import AsyncSession, RateLimiter, hooks
from asyncdbaas.emulator import Delays, Emulator
from asyncdbaas.emulator.responses import Response
from asyncdbaas.plan import Outcome

T = TypeVar("T")

# Where client and service count time in floats of the same size, both round alike.
EPOCH: Final = 1_800_000_000.0
# Seconds by which timers may be late.
LATE: Final = 0.02
_SCOPES: Final = tuple(f"database:{verb}" for verb in ("read", "create", "update", "delete", "view_credentials"))


@attrs.frozen(kw_only=True)
class Entry:
    """One request as it arrived at the service."""

    at: float
    method: str
    path: str
    name: str
    """The object that it is about: the last part of the path, or the name in the body."""
    status: int
    ending: str
    applied: bool
    by_fault: bool
    """Whether a refusal by the rate limit is a fault's."""
    other_client: bool

    @property
    def is_harmless(self) -> bool:
        """Whether the response proves that nothing was done."""
        return self.status in (412, 429) or (self.status == 503 and not self.applied)


class WatchedEmulator(Emulator):
    """An emulator that keeps a full record of what arrives, but for what the test itself sends."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.entries: list[Entry] = []
        self.client_token = self.add_token(_SCOPES)

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Response:
        refusals = self._refusals_by_faults()
        response = super().handle(method, target, headers, body)
        if self.client_token in headers.get("authorization", ""):
            path = target.partition("?")[0]
            self.entries.append(
                Entry(
                    at=self.clock.now(),
                    method=method,
                    path=path,
                    name=_name(method, path, body),
                    status=response.status,
                    ending=response.ending,
                    applied=self.requests._last[-1].applied,
                    by_fault=self._refusals_by_faults() > refusals,
                    other_client="x-other-client" in headers,
                )
            )
        return response

    def by_owner(self, method: str, target: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send a request that is exempt from faults and limits."""
        data = b"" if body is None else json.dumps(body).encode()
        response = self.handle(method, target, {"authorization": f"Bearer {self.add_token()}"}, data)
        assert response.status < 300, response
        return json.loads(response.body or b"null")

    def by_other_client(self) -> None:
        """Send a request with the client's token."""
        self.handle("GET", "/v2/databases", {"authorization": f"Bearer {self.client_token}", "x-other-client": ""})

    def _refusals_by_faults(self) -> int:
        return sum(fault.injected for fault in self.planned if fault.kind in ("rate_limit", "hourly_limit"))

    @property
    def planned(self) -> list[Any]:
        if not hasattr(self, "_planned"):
            self._planned: list[Any] = []
        return self._planned

    def plan(self, scenario: Scenario) -> None:
        """Let the scenario's faults wait for the client's requests."""
        for fault in scenario.faults:
            self.planned.append(
                self.faults.add(fault.operation, fault.kind, when=lambda call: call.scopes is not None, **fault.options)
            )


def _name(method: str, path: str, body: bytes) -> str:
    tail = path.rsplit("/", 1)[1]
    if method == "POST" and tail == "reset_auth":
        return path.split("/")[-2]
    return str(json.loads(body)["name"]) if method == "POST" else tail


class OtherError(Exception):
    """Something of the application's own went wrong."""


@attrs.define(eq=False, kw_only=True)
class Op:
    """One call of an endpoint function, and the outcome that the caller got."""

    method: str
    name: str
    session: AsyncSession
    began: float
    ended: float | None = None
    error: BaseException | None = None

    def __str__(self) -> str:
        ended = "never" if self.ended is None else f"{self.ended - EPOCH:.3f}"
        return f"{self.method} {self.name}: {self.error!r} from {self.began - EPOCH:.3f} to {ended}"


@attrs.define(eq=False, kw_only=True)
class World:
    """All that takes part in one run, and what has happened."""

    scenario: Scenario
    rng: random.Random
    network: Network
    emulator: WatchedEmulator
    limiter: RateLimiter
    sessions: list[AsyncSession] = attrs.field(factory=list[AsyncSession])
    kafka: str = ""
    ops: list[Op] = attrs.field(factory=list[Op])
    events: list[hooks.CallEvent] = attrs.field(factory=list[hooks.CallEvent])
    departures: list[float] = attrs.field(factory=list[float])
    problems: list[str] = attrs.field(factory=list[str])
    closed_at: float | None = None
    finished: list[tuple[str, object]] = attrs.field(factory=list[tuple[str, object]])
    """The outcome of each job, in order of their ends."""
    wanted: dict[str, int] = attrs.field(factory=dict[str, int])
    """Topics that some plan creates, with their partitions."""
    ensured: set[str] = attrs.field(factory=set[str])
    """Other objects that are created again if a look shows that they are missing."""
    plan_outcomes: dict[str, Outcome] = attrs.field(factory=dict[str, Outcome])
    """The outcomes of `apply` for them."""
    _names: Counter[str] = attrs.field(factory=Counter[str])

    @property
    def at_once(self) -> float:
        """Seconds that may pass where none should: the clock moves when it is read."""
        return {"exact": 1e-3, "off": 5e-3, "jumpy": 1.0}[self.scenario.timers]

    @property
    def late(self) -> float:
        """Seconds by which something may be late that a timer starts."""
        return self.at_once + (0.0 if self.scenario.timers == "exact" else LATE)

    def name(self, kind: str) -> str:
        """Return a new name for an object."""
        self._names[kind] += 1
        return f"{kind}-{self._names[kind]}"

    async def call(self, method: str, name: str, session: AsyncSession, call: Coroutine[Any, Any, T]) -> T:
        """Await a call, and keep its outcome."""
        op = Op(method=method, name=name, session=session, began=asyncio.get_running_loop().time())
        self.ops.append(op)
        try:
            return await call
        except BaseException as error:
            op.error = error
            raise
        finally:
            op.ended = asyncio.get_running_loop().time()

    def expect(self, condition: object, problem: str) -> None:
        """Note a broken invariant."""
        if not condition:
            self.problems.append(problem)

    def trace(self) -> list[str]:
        """Return what has happened, for comparison with another run of the same seed."""
        arrived = [
            f"{each.at - EPOCH:.6f} {each.method} {each.name} {each.status} {each.ending}"
            for each in self.emulator.entries
        ]
        return [*arrived, *map(str, self.ops), *(f"{name}: {outcome!r}" for name, outcome in self.finished)]


class LimiterWatch:
    """Complains if somebody waits for longer than a timer may be late while the limiter would admit a request."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._since: float | None = None

    def look(self, now: float) -> None:
        """Look at the limiter, before time jumps."""
        limiter = self._world.limiter
        if not limiter.waiting or limiter._quota.copy().admit(now) > now:
            self._since = None
            return
        self._since = now if self._since is None else self._since
        stalled = now - self._since
        self._world.expect(
            stalled <= self._world.late, f"calls wait though the limiter would admit one: {stalled:.3f} s"
        )


class _OrderedTask(asyncio.Task[T]):
    """A task whose place in a set does not depend on its address, so that a seed replays exactly."""

    _count = 0

    def __init__(self, *args: Any, **settings: Any) -> None:
        _OrderedTask._count += 1
        self._number = _OrderedTask._count
        super().__init__(*args, **settings)

    def __hash__(self) -> int:
        return self._number


@contextmanager
def virtual_clocks(loop: Any, skew: float) -> Generator[None, None, None]:
    """Let the client's clocks follow the loop's, its wall clock ahead by a skew; and its jitter come from a seed."""
    state = random.getstate()
    random.seed(0)

    def wall() -> float:
        now: float = loop.time()
        return now + skew

    with mock.patch("time.time", wall), mock.patch("time.monotonic", loop.time):
        try:
            yield
        finally:
            random.setstate(state)


@asynccontextmanager
async def opened(
    scenario: Scenario, loop: Any, rng: random.Random, make_limiter: Callable[..., RateLimiter]
) -> AsyncGenerator[World, None]:
    """Open the emulator and the sessions of a scenario."""
    limits = {"per_minute": scenario.per_minute, "per_hour": scenario.per_hour}
    delays = Delays(create=60.0, visible=rng.choice((0.0, 5.0)), topic=rng.choice((0.0, 5.0)))
    async with WatchedEmulator(clock=loop.time, seed=scenario.seed, delays=delays, **limits) as emulator:
        limiter = make_limiter(**limits, clock=loop.time)
        world = World(scenario=scenario, rng=rng, network=loop.network, emulator=emulator, limiter=limiter)

        def watch(at: float, data: bytes) -> None:
            if b" /v2/" in data[:20]:
                world.departures.append(at)

        loop.network.watch = watch
        loop.on_jump(LimiterWatch(world).look)
        world.kafka = emulator.add_cluster(name="kafka")["id"]
        emulator.plan(scenario)
        http = aiohttp.ClientSession() if scenario.borrowed else None
        try:
            world.sessions = [_session(world, http) for _ in range(scenario.sessions)]
            for session in world.sessions:
                await session.__aenter__()
            yield world
        finally:
            for session in world.sessions:
                await session.close()
            if http is not None:
                await http.close()


_LIES: Final[dict[str, Callable[[random.Random], Lies | None]]] = {
    "exact": lambda _: None,
    "off": lambda rng: Lies(rng, late=LATE),
    "jumpy": lambda rng: Lies(rng, late=LATE, jump=1e-3, mostly_early=True),
}


def _session(world: World, http: aiohttp.ClientSession | None) -> AsyncSession:
    scenario = world.scenario

    async def token() -> str:
        await asyncio.sleep(scenario.token_seconds or 0.0)
        return world.emulator.client_token

    return AsyncSession(
        world.emulator.client_token if scenario.token_seconds is None else token,
        base_url=world.emulator.url,
        max_connections=scenario.max_connections,
        timeout=scenario.timeout,
        max_wait=scenario.max_wait,
        retry=scenario.retry,
        rate_limiter=world.limiter,
        http=http,
        on_event=world.events.append if scenario.observed else None,
    )


def new_loop(scenario: Scenario, rng: random.Random, *, uvloop: bool = False) -> Any:
    """Make the loop and the network of a scenario."""
    weather = scenario.weather
    network = Network(rng, latency=weather.latency_source(rng), fate=weather.fate_source(rng), pieces=weather.pieces)
    lies = _LIES[scenario.timers](random.Random(f"timers {scenario.seed}"))
    loop: Any = memory_uvloop(network, EPOCH, lies) if uvloop else MemoryLoop(network, EPOCH, lies)

    def make_task(loop: asyncio.AbstractEventLoop, coro: Any, **settings: Any) -> asyncio.Future[Any]:
        return _OrderedTask[Any](coro, loop=loop, **settings)

    loop.set_task_factory(make_task)
    return loop
