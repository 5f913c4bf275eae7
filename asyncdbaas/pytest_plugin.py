"""Fixtures for tests of code that uses the API: an emulator, a session on it, and faults.

    async def test_orders_get_a_topic(emulator, session, faults):
        cluster = emulator.add_cluster(engine="kafka")
        faults.add("create_topic", "server_error")
        ...

`emulator` runs in a thread of its own, so it serves asynchronous tests (pytest-asyncio or anyio) and plain ones alike;
each test has a new one, at once at every goal (`Delays.none()`) and with limits too high to matter. The marker
`emulator` changes that: `@pytest.mark.emulator(per_minute=250, delays=Delays())`. `session` is an open `AsyncSession`
that keeps to the emulator's limits and, with `tls=True`, trusts its certificate. pytest
loads this module by itself where the package is installed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import aiohttp

    from asyncdbaas.emulator import Emulator, Faults
    from asyncdbaas.session import AsyncSession

__all__ = ["emulator", "faults", "pytest_configure", "session"]

# Enough for any test; one that is about limits sets its own.
_PER_MINUTE = 100_000
_PER_HOUR = 1_000_000


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", "emulator(**options): what the fixture `emulator` is made with")


@pytest.fixture
def emulator(request: pytest.FixtureRequest) -> Generator[Emulator]:
    """Run an emulator for this test."""
    from asyncdbaas.emulator import Delays, Emulator  # loaded where used: most test runs need neither

    options: dict[str, Any] = {"delays": Delays.none(), "per_minute": _PER_MINUTE, "per_hour": _PER_HOUR}
    for marker in reversed(list(request.node.iter_markers("emulator"))):  # the closest has the last word
        options |= marker.kwargs
    with Emulator(**options) as running:
        yield running


@pytest.fixture
def faults(emulator: Emulator) -> Faults:
    """Return the emulator's faults: `faults.add("create_topic", "server_error", times=2)`."""
    return emulator.faults


@pytest.fixture
def session(request: pytest.FixtureRequest) -> AsyncSession:
    """Open a session on the emulator, in the event loop of the plugin that runs the test."""
    by_anyio = request.node.get_closest_marker("anyio") is not None
    opened: AsyncSession = request.getfixturevalue("_anyio_session" if by_anyio else "_asyncio_session")
    return opened


async def _session(emulator: Emulator) -> AsyncGenerator[AsyncSession]:
    from asyncdbaas.ratelimit import RateLimiter
    from asyncdbaas.session import AsyncSession

    minute, hour = (emulator.clock.wall_span(span) for span in (60.0, 3600.0))
    limiter = RateLimiter(emulator.per_minute, emulator.per_hour, minute=minute, hour=hour)
    async with (
        _trusting(emulator) as http,
        AsyncSession(emulator.token, base_url=emulator.url, rate_limiter=limiter, http=http) as opened,
    ):
        yield opened


@asynccontextmanager
async def _trusting(emulator: Emulator) -> AsyncGenerator[aiohttp.ClientSession | None]:
    """Open an HTTP session that trusts the emulator's own authority; None if it serves without TLS."""
    if not emulator.url.startswith("https:"):
        yield None
        return
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=emulator.client_context())) as http:
        yield http


_anyio_session = pytest.fixture(_session, name="_anyio_session")

if find_spec("pytest_asyncio") is not None:
    import pytest_asyncio

    _asyncio_session = pytest_asyncio.fixture(_session, name="_asyncio_session")
