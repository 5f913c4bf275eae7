"""An emulator in a thread of its own, for code that does not run in an event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import TypeAlias

Step: TypeAlias = Callable[[], Awaitable[None]]


class LoopThread:
    """Run `start` in a new thread's event loop, keep the loop until `close`, and run `stop` there at the end."""

    def __init__(self, start: Step, stop: Step) -> None:
        self._steps = start, stop
        self._started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._ended: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="asyncdbaas emulator", daemon=True)
        self._thread.start()
        self._loop, self._end = self._started.result()

    def close(self) -> None:
        """End the loop and wait for its thread; raises what `stop` raised.

        A forked process has a copy of this object and no thread: there it does nothing.
        """
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join()
        if self._ended.done():
            self._ended.result()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # noqa: BLE001 -- it is raised in the thread that waits
            (self._ended if self._started.done() else self._started).set_exception(error)
        else:
            self._ended.set_result(None)

    async def _main(self) -> None:
        start, stop = self._steps
        end = asyncio.Event()
        await start()
        self._started.set_result((asyncio.get_running_loop(), end))
        try:
            await end.wait()
        finally:
            await stop()
