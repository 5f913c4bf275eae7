"""Run a server as a process of the test's own: wait until it is ready, keep what it says, stop it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import attrs

__all__ = ["ServerProcess", "free_port", "running"]

# Generous, since the machine may be busy; no test waits so long unless something is broken.
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0


@attrs.define(eq=False)
class ServerProcess:
    """A server that runs."""

    process: asyncio.subprocess.Process
    lines: list[str] = attrs.field(factory=list[str])
    """What it has written, to stdout and stderr."""
    _ready: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def read(self, ready: str) -> None:
        """Take down what it writes until it ends."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(line.decode(errors="replace").rstrip())
            if ready in self.lines[-1]:
                self._ready.set()

    async def wait_ready(self, reader: asyncio.Task[None]) -> None:
        """Wait until it says that it is ready; fail with what it said if it ends."""
        waiter = asyncio.create_task(self._ready.wait())
        await asyncio.wait({waiter, reader}, timeout=_START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        waiter.cancel()
        assert self._ready.is_set(), "\n".join(["the server did not start:", *self.lines])

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end, and return its exit status; kill it if it does not end in time."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                return await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
            raise AssertionError("\n".join(["the server did not stop:", *self.lines])) from None


@asynccontextmanager
async def running(
    *command: str | Path, ready: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> AsyncGenerator[ServerProcess]:
    """Run a server while the block runs; `ready` is part of the line that it writes when it is ready."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **(env or {})},
        cwd=cwd,
    )
    server = ServerProcess(process)
    reader = asyncio.create_task(server.read(ready))
    try:
        await server.wait_ready(reader)
        yield server
    finally:
        await server.stop()
        await asyncio.wait({reader}, timeout=_STOP_SECONDS)


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
