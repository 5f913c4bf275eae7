"""For every test: log at DEBUG with a listener on each session, and fail if a secret shows in any of it.

The marker `unobserved` leaves that out, so that calls take the shorter path that they take if nobody observes them.

With ASYNCDBAAS_TEST_LOOP=uvloop in the environment, all coroutine tests run on uvloop.

Hypothesis does not fail a test that is slow, as all are on a busy machine.

The machine's proxies, certificate authorities, tokens and settings of terminals are removed from the environment. Tests
that need some set their own.

No signal is ignored, as Ctrl-C is in background jobs of scripts, and SIGHUP under `nohup`: processes of tests would
inherit that.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Generator
from typing import Any, Final
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings
from leaks import LeakWatch

from asyncdbaas import AsyncSession

_open = AsyncSession.open
_OF_THE_MACHINE: Final = (
    *("SSL_CERT_FILE", "SSL_CERT_DIR"),  # reading authorities takes 30 ms for each session and each process
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN", "DIGITALOCEAN_API_URL", "ASYNCDBAAS_LOG"),
    *("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "COLUMNS", "LINES"),
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Run two workers per core: tests of processes and servers wait for a third of their time."""
    return 2 * (os.cpu_count() or 1)


class OnUvloop:
    """A plugin that gives pytest-asyncio, from 1.4 on, the loop to run tests on."""

    def pytest_asyncio_loop_factories(self) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
        import uvloop

        return {"uvloop": uvloop.new_event_loop}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "unobserved: neither log at DEBUG nor listen to the sessions")
    settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("patient")
    for name in _OF_THE_MACHINE:
        os.environ.pop(name, None)
        os.environ.pop(name.lower(), None)
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)
    if os.environ.get("ASYNCDBAAS_TEST_LOOP") == "uvloop":
        config.pluginmanager.register(OnUvloop())


@pytest.fixture(autouse=True)
def leak_watch(request: pytest.FixtureRequest) -> Generator[LeakWatch, None, None]:
    """Watch the logger and all sessions of a test."""
    watch, logger = LeakWatch(), logging.getLogger("asyncdbaas")
    if request.node.get_closest_marker("unobserved"):
        yield watch
        return

    async def open_watched(session: AsyncSession) -> Any:
        session._observers.add(watch.hear)
        return await _open(session)

    level = logger.level
    logger.addHandler(watch)
    logger.setLevel(logging.DEBUG)
    try:
        with mock.patch.object(AsyncSession, "open", open_watched):
            yield watch
    finally:
        logger.removeHandler(watch)
        logger.setLevel(level)
    assert not watch.leaks, watch.leaks
