"""A session for a command: with the service, or with an emulator of its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import Final

import click

from asyncdbaas.emulator import Emulator
from asyncdbaas.ratelimit import RateLimiter
from asyncdbaas.session import AsyncSession

__all__ = ["TIME_SCALE", "open_emulated"]

# A minute passes in three seconds: fast enough to wait for, slow enough to see the rate limit at work.
TIME_SCALE: Final = 20


_KAFKA_SIZES: Final = (3, 6, 9, 15)


@asynccontextmanager
async def open_emulated(clusters: Iterable[str], replicas: int) -> AsyncGenerator[AsyncSession, None]:
    """Start an emulator with Kafka clusters of these names, large enough for so many replicas, and open a session."""
    num_nodes = next((size for size in _KAFKA_SIZES if size >= replicas), _KAFKA_SIZES[-1])
    async with Emulator(time_scale=TIME_SCALE) as emulator:
        for name in clusters:
            emulator.add_cluster(engine="kafka", name=name, num_nodes=num_nodes)
        click.echo(
            f"Local emulator at {emulator.url}: no account is touched. Its time runs {TIME_SCALE} times as fast, "
            f"so a minute's quota of 250 requests is back after {60 / TIME_SCALE:g} s.",
            err=True,
        )
        limiter = RateLimiter(minute=60 / TIME_SCALE, hour=3600 / TIME_SCALE)
        async with AsyncSession(emulator.token, base_url=emulator.url, rate_limiter=limiter) as session:
            yield session
