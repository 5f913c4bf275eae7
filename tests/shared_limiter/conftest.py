"""Fixtures of the shared limiter's tests."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a server that has just been started grant permits at once: each test starts one."""
    monkeypatch.setattr("asyncdbaas.ratelimit.lease._SETTLING", 0.0)
