"""For every test: log at DEBUG with a listener on each session, and fail if a secret shows in any of it."""

from __future__ import annotations

import logging
from collections.abc import Generator
from typing import Any
from unittest import mock

import pytest
from leaks import LeakWatch

from asyncdbaas import AsyncSession

_open = AsyncSession.__aenter__


@pytest.fixture(autouse=True)
def leak_watch() -> Generator[LeakWatch, None, None]:
    """Watch the logger and all sessions of a test."""
    watch, logger = LeakWatch(), logging.getLogger("asyncdbaas")

    async def open_watched(session: AsyncSession) -> Any:
        session._listeners = (*session._listeners, watch.hear)
        return await _open(session)

    level = logger.level
    logger.addHandler(watch)
    logger.setLevel(logging.DEBUG)
    try:
        with mock.patch.object(AsyncSession, "__aenter__", open_watched):
            yield watch
    finally:
        logger.removeHandler(watch)
        logger.setLevel(level)
    assert not watch.leaks, watch.leaks
