"""The queue of calls that wait for a permit, with two priorities."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Generic, Literal, TypeVar

from asyncdbaas.errors import InvalidInputError

__all__ = ["Priority", "WaitQueue", "current_priority", "priority"]

Priority = Literal["interactive", "bulk"]
"""The priority of a call that waits for the quota: `bulk` calls are sent when no `interactive` call waits."""

_priority: Final[ContextVar[Priority]] = ContextVar("asyncdbaas.priority", default="interactive")

_log: Final = logging.getLogger("asyncdbaas")

T = TypeVar("T")


@contextmanager
def priority(value: Priority) -> Generator[None]:
    """Set the priority of calls made in the block, and by tasks started there.

        with priority("bulk"):
            await asyncio.gather(...)

    The default is `interactive`. Bulk calls get what the interactive ones leave of the quota, which may be nothing as
    long as those use all of it. With a shared limiter this holds across all processes.

    It holds in the context in which the block begins, and in copies of it. A dependency of a web framework that sets
    it must be `async def`: a plain `def` runs in a thread with a context of its own.
    """
    if value not in ("interactive", "bulk"):
        raise InvalidInputError('the priority must be "interactive" or "bulk"')
    in_loop = _runs_in_loop()
    token = _priority.set(value)
    try:
        yield
    finally:
        try:
            _priority.reset(token)
        except ValueError:
            # The block ends in another context, as when a framework closes a generator elsewhere. That context never
            # had the priority. If the block began in a thread without an event loop, no call can have had it.
            if not in_loop:
                _log.warning(
                    'priority("%s") began and ended in different contexts, so that calls in between may not have had '
                    "it; in a dependency of a web framework, use `async def`",
                    value,
                )


def _runs_in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def current_priority() -> Priority:
    """Return the priority of a call made here."""
    return _priority.get()


class WaitQueue(Generic[T]):
    """Calls that wait for a permit: the interactive ones first, each priority in order of arrival.

    A call joins and awaits the future, which gets the value that `wake` passes to it. If that await raises, the call
    must leave. If it had been woken already, it passes its permit on, so that a cancelled call never blocks another.
    Joining, leaving and waking cost the same however many calls wait.
    """

    def __init__(self) -> None:
        self._interactive: Final[OrderedDict[asyncio.Future[T], object]] = OrderedDict()
        self._bulk: Final[OrderedDict[asyncio.Future[T], object]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._interactive) + len(self._bulk)

    def count(self, priority: Priority) -> int:
        """Return how many calls of a priority wait."""
        return len(self._interactive if priority == "interactive" else self._bulk)

    def ahead(self) -> int:
        """Return how many calls wait that go before a call made here."""
        return len(self) if _priority.get() == "bulk" else len(self._interactive)

    def join(self, owner: object) -> asyncio.Future[T]:
        """Put a call at the end of the queue of the current priority; `owner` is what `fail` finds it by."""
        waiter: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        (self._interactive if _priority.get() == "interactive" else self._bulk)[waiter] = owner
        return waiter

    def leave(self, waiter: asyncio.Future[T]) -> bool:
        """Remove a call that no longer waits; return whether it had been woken and must pass its permit on."""
        self._interactive.pop(waiter, None)
        self._bulk.pop(waiter, None)
        return waiter.done() and not waiter.cancelled() and waiter.exception() is None

    def wake(self, value: T, *, bulk: bool = True) -> bool:
        """Wake the next call, a bulk one only if `bulk`; return False if none waits."""
        for calls in (self._interactive, self._bulk) if bulk else (self._interactive,):
            while calls:
                waiter, _ = calls.popitem(last=False)
                if not waiter.done():
                    waiter.set_result(value)
                    return True
        return False

    def fail(self, owner: object, error: Callable[[], Exception]) -> None:
        """Raise an error in each call that waits for `owner`."""
        for calls in (self._interactive, self._bulk):
            for waiter in [waiter for waiter, its_owner in calls.items() if its_owner is owner]:
                del calls[waiter]
                if not waiter.done():
                    waiter.set_exception(error())

    def clear(self) -> None:
        """Forget all calls; their event loop was closed."""
        self._interactive.clear()
        self._bulk.clear()
