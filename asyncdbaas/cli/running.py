"""Run the asynchronous parts of a command, with one session for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import AsyncExitStack, contextmanager
from types import FrameType
from typing import Any, TypeVar

from asyncdbaas.cli.connect import Connection, opened
from asyncdbaas.cli.progress import Progress, shown
from asyncdbaas.cli.signals import end_signals, handled
from asyncdbaas.emulator import Emulator
from asyncdbaas.session import AsyncSession

__all__ = ["Worker", "working"]

T = TypeVar("T")


class _Stop:
    """Handle SIGTERM and its like as asyncio.Runner handles SIGINT, so that they, too, report what is in doubt.

    It does not raise SIGINT: a shell starts background jobs of a script with SIGINT ignored.
    """

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner
        self._task: asyncio.Task[Any] | None = None

    def __call__(self, _: int, __: FrameType | None) -> None:
        """Cancel the step; raise KeyboardInterrupt between two steps, and if the step has been cancelled before."""
        task, self._task = self._task, None
        if task is None:
            raise KeyboardInterrupt
        task.cancel()
        self._runner.get_loop().call_soon_threadsafe(lambda: None)  # the loop may be waiting for an event

    async def watch(self, step: Awaitable[T]) -> T:
        """Await a step, which the signals cancel."""
        self._task = asyncio.current_task()
        try:
            return await step
        finally:
            self._task = None


class Worker:
    """Run one step after the other, each with its progress; between steps the user can be asked something."""

    def __init__(self, runner: asyncio.Runner, session: AsyncSession, stop: _Stop) -> None:
        self.session = session
        self._runner = runner
        self._stop = stop

    def run(self, step: Callable[[AsyncSession], Awaitable[T]], progress: Progress) -> T:
        """Run a step and show its progress. Ctrl-C and SIGTERM cancel it, and raise KeyboardInterrupt here."""
        try:
            return self._runner.run(self._stop.watch(self._shown(step, progress)))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None

    async def _shown(self, step: Callable[[AsyncSession], Awaitable[T]], progress: Progress) -> T:
        progress.attach(self.session)
        with self.session.listening(progress.on_call):
            async with shown(progress):
                return await step(self.session)


@contextmanager
def working(connection: Connection, prepare: Callable[[Emulator], None]) -> Generator[Worker, None, None]:
    """Open the session for a command; an emulator of its own is prepared with what the command needs."""
    with asyncio.Runner() as runner, handled(end_signals(), stop := _Stop(runner)):
        stack = AsyncExitStack()
        session = runner.run(stack.enter_async_context(opened(connection, prepare)))
        try:
            yield Worker(runner, session, stop)
        finally:
            runner.run(stack.aclose())
