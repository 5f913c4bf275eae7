"""A timer that is set again and again, and the event loop that an object serves."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import NoReturn

from asyncdbaas.errors import SessionStateError
from asyncdbaas.ratelimit.windows import NEVER

__all__ = ["LoopBinding", "Timer", "running_loop"]


class Timer:
    """One timer for many that wait: calls an action with the time, at the earliest time that it was set to.

    It may fire early or late; the action sets it again if there is something left to wait for.
    """

    def __init__(self, clock: Callable[[], float], action: Callable[[float], object]) -> None:
        self._clock = clock
        self._action = action
        self._handle: asyncio.TimerHandle | None = None
        self._at = NEVER

    @property
    def is_set(self) -> bool:
        """Whether it will fire."""
        return self._handle is not None

    def set(self, when: float, now: float) -> None:
        """Fire at `when`, or before if it is set to an earlier time already; `NEVER` cancels it."""
        if self._handle is not None:
            if self._at <= when < NEVER:
                return
            self._handle.cancel()
            self._handle = None
        if when < NEVER:
            self._handle = asyncio.get_running_loop().call_later(when - now, self._fire)
            self._at = when

    def forget(self) -> None:
        """Drop the timer, whose event loop was closed."""
        self._handle = None

    def _fire(self) -> None:
        self._handle = None
        self._action(self._clock())


class LoopBinding:
    """The event loop that an object serves, one at a time."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    def __reduce__(self) -> NoReturn:
        raise SessionStateError(
            f"a {self._name} cannot be pickled or deep-copied; make one in each process, and share one "
            "quota by SharedRateLimiter"
        )

    def enter(self, *, in_use: bool) -> bool:
        """Check that the running event loop is the one that is served; return True if it is served from now on.

        Raise SessionStateError if another one is served that is not closed, and the object is in use there.
        """
        loop = running_loop()
        if loop is self.loop:
            return False
        with self._lock:  # two threads may try at once
            before = self.loop
            if in_use and before is not None and not before.is_closed():
                raise SessionStateError(
                    f"this {self._name} is in use in another event loop or thread; give each event loop one of its own "
                    "with a part of the limits, or share one quota through a SharedRateLimiter in each"
                )
            self.loop = loop
        return True


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the running event loop; raise SessionStateError if there is none."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise SessionStateError("no asyncio event loop is running here; call this in a coroutine of asyncio") from None
