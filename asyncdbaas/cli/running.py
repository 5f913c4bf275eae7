"""Run the asynchronous parts of a command, with one session for all of them."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, Generator
from contextlib import AsyncExitStack, contextmanager
from types import FrameType
from typing import Final, TypeVar

from asyncdbaas.cli.connect import Connection, opened
from asyncdbaas.cli.progress import Progress, shown
from asyncdbaas.emulator import Emulator
from asyncdbaas.session import AsyncSession

__all__ = ["Worker", "working"]

T = TypeVar("T")
# Windows has no SIGTERM from outside, but Ctrl-Break, which services and CI runners send.
_STOPS: Final = ("SIGTERM", "SIGBREAK")


class Worker:
    """Run one step after the other, each with its progress; between steps the user can be asked something."""

    def __init__(self, runner: asyncio.Runner, session: AsyncSession) -> None:
        self.session = session
        self._runner = runner

    def run(self, step: Callable[[AsyncSession], Awaitable[T]], progress: Progress) -> T:
        """Run a step and show its progress. Ctrl-C and SIGTERM cancel it, and raise KeyboardInterrupt here."""
        return self._runner.run(self._shown(step, progress))

    async def _shown(self, step: Callable[[AsyncSession], Awaitable[T]], progress: Progress) -> T:
        progress.attach(self.session)
        with self.session.listening(progress.on_call):
            async with shown(progress):
                return await step(self.session)


@contextmanager
def working(connection: Connection, prepare: Callable[[Emulator], None]) -> Generator[Worker, None, None]:
    """Open the session for a command; an emulator of its own is prepared with what the command needs."""
    with _stopped_like_ctrl_c(), asyncio.Runner() as runner:
        stack = AsyncExitStack()
        session = runner.run(stack.enter_async_context(opened(connection, prepare)))
        try:
            yield Worker(runner, session)
        finally:
            runner.run(stack.aclose())


@contextmanager
def _stopped_like_ctrl_c() -> Generator[None]:
    """Treat SIGTERM like Ctrl-C, so that it, too, reports the requests whose outcome is unknown.

    asyncio.Runner turns SIGINT into a cancellation of the step, on every platform; loops on Windows have no
    `add_signal_handler`.
    """

    def interrupt(_: int, __: FrameType | None) -> None:
        signal.raise_signal(signal.SIGINT)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [number for name in _STOPS if (number := getattr(signal, name, None)) is not None]
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
