"""Two counterparts for the endpoint functions: canned bytes, and the emulator."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from canned import Canned, serve

from asyncdbaas import AsyncSession
from asyncdbaas.emulator import Delays, Emulator


@pytest.fixture
async def canned() -> AsyncGenerator[Canned]:
    """Answer with literal bytes: `canned(200, '{"db": null}')`; call with `canned.session`; look at `canned.sent`."""
    async with serve() as server:
        yield server


@pytest.fixture
async def emulator() -> AsyncGenerator[Emulator]:
    """Run an emulator in which everything is done at once."""
    async with Emulator(delays=Delays.none()) as server:
        yield server


@pytest.fixture
async def session(emulator: Emulator) -> AsyncGenerator[AsyncSession]:
    """Open a session with the emulator."""
    async with AsyncSession(emulator.token, base_url=emulator.url) as opened:
        yield opened
