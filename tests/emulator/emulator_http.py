"""A plain HTTP client for an emulator, that knows nothing of the library."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import attrs
from emulator_contract import CheckedEmulator

from asyncdbaas.emulator import Emulator, storage


@attrs.frozen(kw_only=True)
class Got:
    """A response, read to its end."""

    status: int
    headers: Any
    text: str
    json: Any

    @property
    def message(self) -> str:
        """The text of an error."""
        return str(self.json["message"])


class Caller:
    """Send requests with a token."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    async def __call__(self, method: str, path: str, json: Any = None, **options: Any) -> Got:
        async with self.session.request(method, path, json=json, **options) as answer:
            text = await answer.text()
            parsed = await answer.json() if answer.content_type == "application/json" and text else None
            return Got(status=answer.status, headers=answer.headers, text=text, json=parsed)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what other tasks of the loop, or its timers, bring about."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 -- the emulator has no event for it
            await asyncio.sleep(0.001)


@asynccontextmanager
async def calling(emulator: Emulator, token: str | None = None) -> AsyncGenerator[Caller, None]:
    """Open a client for an emulator that runs."""
    headers = {"Authorization": f"Bearer {token or emulator.token}"}
    async with aiohttp.ClientSession(emulator.url, headers=headers) as session:
        yield Caller(session)


@asynccontextmanager
async def emulating(**options: Any) -> AsyncGenerator[tuple[Emulator, Caller], None]:
    """Run an emulator, with a client for it, and hold all its responses against the description."""
    async with CheckedEmulator(**options) as emulator, calling(emulator) as call:
        yield emulator, call
    assert not emulator.problems
    storage.check(emulator.snapshot(), "a snapshot of any emulator that runs")
