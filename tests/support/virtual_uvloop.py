"""A uvloop in which time passes only when there is nothing else to do; for what needs no sockets.

uvloop steps its tasks and callbacks in C, in an order of its own. Its timers and its clock are replaced: a callback
that comes back in each round of the loop lets time jump to the next timer when nothing was scheduled since the last
round.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# uvloop is imported by name, as type checkers run where it is not installed.

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from contextvars import Context
from importlib import import_module
from typing import Any

from virtual_time import Lies, StuckError, TimerWatch

__all__ = ["VirtualUvloop"]

uvloop: Any = import_module("uvloop")

# Rounds without a timer or a callback after which the loop is declared stuck.
_PATIENCE = 100


class VirtualUvloop(uvloop.Loop):  # type: ignore[misc]  # its type is unknown
    """A uvloop whose time jumps to the next timer when nothing else is to be done."""

    def __init__(self, start: float = 1000.0, lies: Lies | None = None) -> None:
        super().__init__()
        self._now = start
        self._lies = lies
        self.timers = TimerWatch()
        self._heap: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._numbers = itertools.count()
        self._called = True
        self._idle_rounds = 0
        self._jobs = 0
        self._watch: Callable[[float], object] = lambda _: None
        super().call_soon(self._round)

    def on_jump(self, watch: Callable[[float], object]) -> None:
        """Call a function with the time, each time before time jumps."""
        self._watch = watch

    def time(self) -> float:
        if self._lies is not None:
            self._now = self._lies.step(self._now)
        return self._now

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> Any:
        self._called = True
        return super().call_soon(callback, *args, context=context)

    def call_later(self, delay: float, callback: Any, *args: Any, context: Context | None = None) -> Any:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Context | None = None) -> Any:
        self.timers.note(self._now, when, callback)
        if self._lies is not None:
            when += self._lies.shift()
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._heap, (when, next(self._numbers), timer))
        return timer

    def _timer_handle_cancelled(self, _: asyncio.TimerHandle) -> None:
        """Leave it in the heap: it is dropped when it is due."""

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        job = super().run_in_executor(executor, func, *args)
        self._jobs += 1
        job.add_done_callback(self._job_done)
        return job

    def _job_done(self, _: object) -> None:
        self._jobs -= 1

    def _round(self) -> None:
        if not self._called and not self._jobs:
            self._jump()
        self._called = False
        super().call_soon(self._round)

    def _jump(self) -> None:
        self._drop_cancelled()
        if not self._heap:
            self._idle_rounds += 1  # a loop that is told to stop makes another round or two
            if self._idle_rounds > _PATIENCE:
                raise StuckError("no timer is set and nothing is on its way, so that no task can ever go on")
            return
        self._idle_rounds = 0
        self._watch(self._now)
        self._now = max(self._now, self._heap[0][0])
        while self._heap and self._heap[0][0] <= self._now:
            self.call_soon(self._fire, heapq.heappop(self._heap)[2])

    def _fire(self, timer: asyncio.TimerHandle) -> None:
        if not timer.cancelled():
            timer._run()

    @property
    def _scheduled(self) -> list[asyncio.TimerHandle]:
        """The timers that are set, as asyncio's own loops name them."""
        return [timer for _, _, timer in self._heap]

    def _drop_cancelled(self) -> None:
        while self._heap and self._heap[0][2].cancelled():
            heapq.heappop(self._heap)
