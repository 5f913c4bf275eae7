"""Run the asynchronous parts of a command, with one session for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import AsyncExitStack, contextmanager
from typing import TypeVar

from asyncdbaas.cli.connect import Connection, opened
from asyncdbaas.cli.progress import Tally, shown
from asyncdbaas.emulator import Emulator
from asyncdbaas.session import AsyncSession

__all__ = ["Worker", "working"]

T = TypeVar("T")


class Worker:
    """Run one step after the other, each with its progress; between steps the user can be asked something."""

    def __init__(self, runner: asyncio.Runner, session: AsyncSession) -> None:
        self.session = session
        self._runner = runner

    def run(self, step: Callable[[AsyncSession], Awaitable[T]], tally: Tally) -> T:
        """Run a step and show how far it has come. Ctrl-C cancels it, and raises KeyboardInterrupt here."""
        return self._runner.run(self._shown(step, tally))

    async def _shown(self, step: Callable[[AsyncSession], Awaitable[T]], tally: Tally) -> T:
        tally.attach(self.session)
        with self.session.listening(tally.on_call):
            async with shown(tally):
                return await step(self.session)


@contextmanager
def working(connection: Connection, prepare: Callable[[Emulator], None]) -> Generator[Worker, None, None]:
    """Open the session for a command; an emulator of its own is prepared with what the command needs."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        session = runner.run(stack.enter_async_context(opened(connection, prepare)))
        try:
            yield Worker(runner, session)
        finally:
            runner.run(stack.aclose())
