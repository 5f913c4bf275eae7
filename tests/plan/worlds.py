"""An emulator without a rate limit, with a clock that tests move, and a session with it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

from asyncdbaas import AsyncSession, RateLimiter, RetryPolicy
from asyncdbaas.catalogue import Catalogue, parse_catalogue
from asyncdbaas.emulator import Clock, Delays, Emulator
from asyncdbaas.plan import Forecast, Outcome, Plan, PlanEvent, Report, Result, apply

__all__ = ["World", "applied", "catalogue", "events_of", "opened", "reasons", "results"]

_PLENTY: Final = 10**6


class World(NamedTuple):
    """An emulator, a session with it, and the ids of its clusters by name."""

    emulator: Emulator
    session: AsyncSession
    ids: dict[str, str]


@asynccontextmanager
async def opened(*clusters: str, **settings: Any) -> AsyncGenerator[World, None]:
    """Open an emulator with Kafka clusters, whose time stands still, and a session with it that does not wait."""
    settings.setdefault("delays", Delays(delete=30.0, topic=5.0, topic_delete=5.0))
    async with Emulator(clock=Clock.stepped(), per_minute=_PLENTY, per_hour=_PLENTY, **settings) as emulator:
        ids = {name: emulator.add_cluster(name=name)["id"] for name in clusters}
        limiter = RateLimiter(_PLENTY, _PLENTY)
        retry = RetryPolicy(base_delay=0.0)
        async with AsyncSession(emulator.token, base_url=emulator.url, rate_limiter=limiter, retry=retry) as session:
            yield World(emulator, session, ids)


def catalogue(*topics: str, cluster: str = "events") -> Catalogue:
    """Return the catalogue of these topics of one cluster, each written as a YAML mapping without its braces."""
    items = "".join(f"\n- {{name: {topic}}}" for topic in topics)
    return parse_catalogue(f"cluster: {cluster}\ntopics:{items}", file="t.yaml")


async def applied(
    session: AsyncSession, plan: Plan, on_event: Callable[[PlanEvent], object] | None = None, **options: Any
) -> Report:
    """Apply a plan without real pauses."""
    return await apply(session, plan, on_event=on_event, interval=0.001, **options)


def results(report: Report) -> dict[str, Result]:
    """Map the name of each topic to its result."""
    return {outcome.change.name: outcome.result for outcome in report.outcomes}


def reasons(report: Report) -> dict[str, str]:
    """Map the name of each topic that failed to the reason."""
    return {outcome.change.name: outcome.reason for outcome in report.failures}


def events_of(events: list[PlanEvent], name: str) -> list[str]:
    """Return the kinds of events that a topic had, and at last its result."""
    of_topic = [event for event in events if not isinstance(event, Forecast) and event.change.name == name]
    return [event.result.value if isinstance(event, Outcome) else type(event).__name__ for event in of_topic]
