"""A Redis or Valkey server of the test's own, on a Unix socket, and the script of the shared limiter on it."""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from server_process import ServerProcess, running

__all__ = ["Ledger", "Store", "serving", "stopped", "warnings"]


_SPANS = {
    "minute": 60_000_000,
    "hour": 3_600_000_000,
    "lease": 30_000_000,
    "grace": 3_000_000,
    "keep": 600_000_000,
    "tolerance": 500_000,
    "settling": 0,
}
_NOTHING: dict[str, Any] = {
    **dict.fromkeys(
        ("in_flight", "interactive", "bulk", "used", "first", "free", "subscribed", "replied", "elapsed"), 0
    ),
    **dict.fromkeys(("leaving", "restoring", "kept"), False),
    "workers": 1,
    "part": 1,
    "batch": 1000,
}
_KEYS = ["ledger", "responses", "deadlines", "waiting", "interactive", "bulk"]


class Store:
    """A server that can be killed and started again; it forgets everything."""

    def __init__(self, program: str, folder: Path, *options: str) -> None:
        self.command = (program, "--port", "0", "--save", "", "--dir", str(folder), *options)
        self.socket = folder / "store"
        self.url = f"unix://{self.socket}"

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[ServerProcess]:
        """Run while the block does."""
        self.socket.unlink(missing_ok=True)
        async with running(*self.command, "--unixsocket", self.socket, ready="eady to accept connections") as server:
            yield server

    @asynccontextmanager
    async def client(self, **settings: Any) -> AsyncGenerator[Any]:
        """Talk to it past the limiter."""
        client: Any = Redis.from_url(self.url, protocol=2, **settings)  # pyright: ignore[reportUnknownMemberType]  # untyped settings
        try:
            yield client
        finally:
            await client.aclose()


@contextmanager
def stopped(*options: str) -> Generator[Store]:
    """Offer a server that does not run yet; skip the test by name if none is installed."""
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if program is None:
        pytest.skip("neither valkey-server nor redis-server is installed")
    # Its own short path: the name of a Unix socket may have 107 bytes, pytest's folders may have more.
    with tempfile.TemporaryDirectory(prefix="quota") as folder:
        yield Store(program, Path(folder), *options)


@asynccontextmanager
async def serving(*options: str) -> AsyncGenerator[Store]:
    """Run a server while the block runs."""
    with stopped(*options) as store:
        async with store.running():
            yield store


class Ledger:
    """The script itself, with a clock that the test sets, in seconds."""

    def __init__(self, client: Any, *, per_minute: int = 10, per_hour: int = 1000) -> None:
        script = (files("asyncdbaas.ratelimit") / "ledger.lua").read_text(encoding="utf-8")
        fixed = script.replace("redis.call('TIME')", "{0, tonumber(ARGV[2])}")
        assert fixed != script
        self._run = client.register_script(fixed)
        self._limits = {"per_minute": per_minute, "per_hour": per_hour}
        self._sequences: dict[str, int] = {}
        self.now = 1_700_000_000.0

    async def exchange(self, worker: str, **report: Any) -> dict[str, Any]:
        """Send a report of a worker, with spans in seconds; return the reply, with the wait in seconds."""
        self._sequences[worker] = self._sequences.get(worker, 0) + 1
        ages = [round(age * 1e6) for age in report.pop("ages", [])]
        whole: dict[str, Any] = {
            **self._limits,
            **_SPANS,
            **_NOTHING,
            "worker": worker,
            "sequence": self._sequences[worker],
            "ages": ages,
            **report,
        }
        for span in ("subscribed", "elapsed"):
            whole[span] = round(whole[span] * 1e6)
        arguments = [json.dumps(whole), round(self.now * 1e6)]
        reply: dict[str, Any] = json.loads(await self._run(keys=_KEYS, args=arguments))
        return {**reply, "wait": reply.get("wait", 0) / 1e6}


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged as a warning, but for what a busy machine causes: its processes stand still."""
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    return [message for message in told if "stood still" not in message]
