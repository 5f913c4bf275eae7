"""An emulator whose clock moves with each round of the waits."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from asyncdbaas import AsyncSession, RateLimiter, RetryPolicy
from asyncdbaas.emulator import Clock, Delays, Emulator
from asyncdbaas.waiters import Round, StateSeen, Waiters, WaitEvent

__all__ = ["Watch", "opened", "waiters"]


class Watch:
    """Keep the events of waiters, and let time pass with each round."""

    def __init__(self, emulator: Emulator, seconds: float) -> None:
        self.events: list[WaitEvent] = []
        self._emulator = emulator
        self._seconds = seconds

    def __call__(self, event: WaitEvent) -> None:
        self.events.append(event)
        if isinstance(event, Round):
            self._emulator.clock.advance(seconds=self._seconds)

    @property
    def states(self) -> list[str]:
        return [event.state for event in self.events if isinstance(event, StateSeen)]

    @property
    def rounds(self) -> list[Round]:
        return [event for event in self.events if isinstance(event, Round)]


@asynccontextmanager
async def opened(**settings: Any) -> AsyncGenerator[tuple[Emulator, AsyncSession], None]:
    settings.setdefault("delays", Delays(delete=30.0, topic=5.0, topic_delete=5.0))
    async with Emulator(clock=Clock.stepped(), per_minute=10**6, per_hour=10**6, **settings) as emulator:
        limiter = RateLimiter(10**6, 10**6)
        retry = RetryPolicy(max_attempts=1)
        async with AsyncSession(emulator.token, base_url=emulator.url, rate_limiter=limiter, retry=retry) as session:
            yield emulator, session


def waiters(session: AsyncSession, watch: Watch, **settings: Any) -> Waiters:
    return Waiters(session, interval=0.001, on_event=watch, **settings)
