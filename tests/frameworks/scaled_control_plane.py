"""The control plane of the examples, for an emulator whose time passes 60 times as fast as the service's."""

from __future__ import annotations

import os

from control_plane import create_app
from fastapi import FastAPI

from asyncdbaas import AsyncSession, RateLimiter, SharedRateLimiter


def create_scaled_app() -> FastAPI:
    return create_app(_new_session, interval=0.5)


def _new_session() -> AsyncSession:
    url, limits = (
        os.environ.get("QUOTA_URL"),
        {"per_minute": int(os.environ["PER_MINUTE"]), "minute": 1.0, "hour": 60.0},
    )
    limiter = SharedRateLimiter(url, **limits) if url else RateLimiter(**limits)
    return AsyncSession(max_wait=5.0 / 60.0, rate_limiter=limiter)
