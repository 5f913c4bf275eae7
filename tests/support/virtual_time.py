"""An event loop in which time passes only when there is nothing else to do.

    run(main())            # a day of timers in milliseconds

Timers jump: when no callback is ready, no socket has traffic and no thread works for the loop, `loop.time()` moves to
the next timer at once. Sockets stay real. Client and server belong into the same loop: then every byte on its way
between them is known here (each socket counts what it sends and receives), and time stands still until it has arrived.
For a peer outside of the loop, time stands still for `GRACE` real seconds after each exchange, which is a guess.

Timers fire on time and the clock stands still between them, unless a loop is made with `Lies`: then timers fire early
or late, and the clock moves between any two readings, as on real machines.

Only `loop.time()` is virtual. Give it to what takes a clock, such as `RateLimiter(clock=loop.time)` and
`Emulator(clock=loop.time)`.
"""

from __future__ import annotations

import asyncio
import functools
import math
import random
import selectors
import socket
from collections import Counter
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, ParamSpec, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
P = ParamSpec("P")

# Real seconds that bytes on their way may take before they count as never to be read. Loopback needs microseconds; a
# machine whose cores are all taken may need more.
GRACE = 0.25
# Real seconds after which a loop with no timer, no traffic and no working thread is declared stuck.
PATIENCE = 2.0

Address = Any
End = tuple[Address, Address]
"""One end of a connection, as (its own address, the peer's)."""


class Lies:
    """What a real loop does to those who believe its clock and its timers."""

    def __init__(
        self,
        rng: random.Random,
        *,
        early: float = 1e-3,
        late: float = 0.02,
        jump: float = 0.0,
        mostly_early: bool = False,
    ) -> None:
        self._rng = rng
        self._jump = jump
        self._kinds = ("early",) if mostly_early else ("exact", "early", "late")
        self.early = early
        """Seconds by which a timer may fire early: uvloop's clock counts milliseconds."""
        self.late = late
        """Seconds by which a timer may fire late."""

    def shift(self) -> float:
        """Return by how much a timer is off."""
        early, late = self._rng.uniform(0.0, self.early), self._rng.uniform(0.0, self.late)
        return {"exact": 0.0, "early": -early, "late": late}[self._rng.choice(self._kinds)]

    def step(self, now: float) -> float:
        """Return what the clock says when it is read again."""
        if self._rng.random() >= 0.3:
            return now
        return now + self._rng.uniform(0.0, self._jump) if self._jump else math.nextafter(now, math.inf)


class TimerWatch:
    """Complains if the library sets a timer into the past twice in a row, or again and again within a second.

    A timer that fires late finds that what it was set for has passed, which is nothing to complain about.
    """

    _PAST = 1e-3
    _MOST = 1000

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self._past: Counter[object] = Counter()
        self._set: dict[object, tuple[int, int]] = {}

    def note(self, now: float, when: float, callback: Callable[..., object]) -> None:
        """Look at a timer that is set at `now`."""
        module: str = getattr(callback, "__module__", "") or ""
        if not module.startswith("asyncdbaas.") or module.startswith("asyncdbaas.emulator"):
            return
        self._past[callback] = self._past[callback] + 1 if when < now - self._PAST else 0
        if self._past[callback] == 2:
            self.complaints.append(f"{callback} was set into the past twice in a row, by {now - when:.6f} s")
        second, count = self._set.get(callback, (0, 0))
        count = count + 1 if second == int(now) else 1
        self._set[callback] = int(now), count
        if count == self._MOST:
            self.complaints.append(f"{callback} was set {count} times within a second")


class StuckError(RuntimeError):
    """Nothing can ever happen again: no timer is set and nothing is on its way."""


class Wire:
    """What has been sent between sockets and has not been read at the other end."""

    def __init__(self) -> None:
        self.changes = 0
        self.connecting = 0
        self._under_way: dict[End, int] = {}
        self._closed: set[End] = set()

    @property
    def busy(self) -> bool:
        """Whether something should arrive soon."""
        return bool(self._under_way) or self.connecting > 0

    def opened(self, end: End) -> None:
        self._closed.discard(end)

    def sent(self, end: End, size: int) -> None:
        self.changes += 1
        if end[::-1] not in self._closed:
            self._under_way[end] = self._under_way.get(end, 0) + size

    def received(self, end: End, size: int) -> None:
        """Note what was read; a size of 0 is the end of the stream."""
        self.changes += 1
        way = end[::-1]
        left = self._under_way.get(way, 0) - size
        if size and left > 0:
            self._under_way[way] = left
        else:
            self._under_way.pop(way, None)

    def closed(self, end: End) -> None:
        self.changes += 1
        other = end[::-1]
        self._under_way.pop(other, None)
        if other in self._closed:
            self._closed.discard(other)
            self._under_way.pop(end, None)
        else:
            self._closed.add(end)
            self._under_way[end] = self._under_way.get(end, 0) + 1  # the news of the end travels, too


class _CountingSocket(socket.socket):
    """A connected socket that tells the wire what it sends and receives."""

    def __init__(self, plain: socket.socket, wire: Wire) -> None:
        family, kind, proto = plain.family, plain.type, plain.proto
        super().__init__(family, kind, proto, fileno=plain.detach())
        self.setblocking(False)
        self._wire = wire
        self._end: End | None = None
        try:
            self._end = (self.getsockname(), self.getpeername())
        except OSError:
            return  # reset already: there is nothing to count
        wire.opened(self._end)

    def send(self, *args: Any) -> int:
        return self._sent(super().send(*args))

    def sendmsg(self, *args: Any) -> int:
        return self._sent(super().sendmsg(*args))

    def recv(self, *args: Any) -> bytes:
        try:
            data = super().recv(*args)
        except ConnectionError:
            self._received(0)
            raise
        self._received(len(data))
        return data

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        try:
            size = super().recv_into(buffer, nbytes, flags)
        except ConnectionError:
            self._received(0)
            raise
        self._received(size)
        return size

    def shutdown(self, how: int) -> None:
        super().shutdown(how)
        self._sent(1)

    def close(self) -> None:
        end, self._end = self._end, None
        super().close()
        if end is not None:
            self._wire.closed(end)

    def _sent(self, size: int) -> int:
        if self._end is not None:
            self._wire.sent(self._end, size)
        return size

    def _received(self, size: int) -> None:
        if self._end is not None:
            self._wire.received(self._end, size)


class _JumpingSelector(selectors.DefaultSelector):
    """Look for traffic without waiting; where there is none, and none can come, let time jump."""

    def __init__(self, wire: Wire, start: float) -> None:
        super().__init__()
        self.now = start
        self.jobs = 0
        self.watch: Callable[[float], object] = lambda _: None
        self._wire = wire
        self._given_up_at = -1

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if events or (timeout is not None and timeout <= 0):
            return events
        return self._await_arrivals() or self._jump(timeout)

    def _await_arrivals(self) -> list[tuple[selectors.SelectorKey, int]]:
        if self.jobs:
            return super().select(PATIENCE)
        if not self._wire.busy or self._given_up_at == self._wire.changes:
            return []
        events = super().select(GRACE)
        if not events:
            self._given_up_at = self._wire.changes  # nobody reads it; do not wait for the same bytes again
        return events

    def _jump(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        self.watch(self.now)
        if timeout is not None:
            self.now += timeout
            return []
        events = super().select(PATIENCE)
        if not events:
            raise StuckError("no timer is set and nothing is on its way, so that no task can ever go on")
        return events


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next timer when nothing else is to be done."""

    def __init__(self, start: float = 1000.0, lies: Lies | None = None) -> None:
        self._wire = Wire()
        self._jumping = _JumpingSelector(self._wire, start)
        self._lies = lies
        self.timers = TimerWatch()
        super().__init__(self._jumping)

    def on_jump(self, watch: Callable[[float], object]) -> None:
        """Call a function with the time, each time before time jumps."""
        self._jumping.watch = watch

    def time(self) -> float:
        if self._lies is not None:
            self._jumping.now = self._lies.step(self._jumping.now)
        return self._jumping.now

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        self.timers.note(self._jumping.now, when, callback)
        off = self._lies.shift() if self._lies is not None else 0.0
        return super().call_at(when + off, callback, *args, context=context)

    @property
    def _clock_resolution(self) -> float:
        # asyncio fires what is due before `time() + _clock_resolution`, which must be later than `time()` at any time.
        return math.ulp(self._jumping.now)

    @_clock_resolution.setter
    def _clock_resolution(self, _: float) -> None:
        """Ignore what asyncio finds out about the real clock."""

    def run_in_executor(self, executor: Any, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        job = super().run_in_executor(executor, func, *args)
        self._jumping.jobs += 1
        job.add_done_callback(self._job_done)
        return job

    def _job_done(self, _: object) -> None:
        self._jumping.jobs -= 1

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109
        # asyncio.run gives the threads 300 s from Python 3.12 on, which virtual time would pass at once.
        self._jumping.jobs += 1
        try:
            await super().shutdown_default_executor()
        finally:
            self._jumping.jobs -= 1

    async def sock_connect(self, sock: socket.socket, address: Address) -> None:
        self._wire.connecting += 1
        self._wire.changes += 1
        try:
            await super().sock_connect(sock, address)
        finally:
            self._wire.connecting -= 1

    # asyncio has no public way to make the sockets of its transports; these two names are as old as selectors.
    def _make_socket_transport(self, sock: socket.socket, *args: Any, **settings: Any) -> Any:
        return super()._make_socket_transport(_CountingSocket(sock, self._wire), *args, **settings)  # type: ignore[misc]  # not in typeshed

    def _make_ssl_transport(self, rawsock: socket.socket, *args: Any, **settings: Any) -> Any:
        return super()._make_ssl_transport(_CountingSocket(rawsock, self._wire), *args, **settings)  # type: ignore[misc]  # not in typeshed


def run(main: Coroutine[Any, Any, T], lies: Lies | None = None) -> T:
    """Run a coroutine to its end in virtual time, and return its result."""
    loop = VirtualTimeLoop(lies=lies)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        result = runner.run(main)
    assert not loop.timers.complaints, loop.timers.complaints
    return result


def virtual(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Turn a coroutine function into a plain test that runs in virtual time."""

    @functools.wraps(test)
    def run_test(*args: P.args, **fixtures: P.kwargs) -> None:
        run(test(*args, **fixtures))

    return run_test


async def settle_down() -> None:
    """Let all that is ready, or on its way, be dealt with: come back when only timers are left."""
    await asyncio.sleep(1e-6)
