"""Creates by plain `gather` under the rate limits, in scaled time, against the least time that the limits allow."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import attrs

from asyncdbaas import AsyncSession, RateLimiter, topics
from benchmarks.emulation import Seen, Service, emulating
from benchmarks.report import Figure, Report, Table

__all__ = ["optimum", "run"]

PER_MINUTE: Final = 250
PER_HOUR: Final = 5000
# Creates, who disturbs them, and the seconds that a minute takes: long ones, or the time that the first burst needs on
# this machine shows in the makespan. Only the hour of 6,000 creates would then be long to wait for.
PLAN: Final = ((2000, "none", 10.0), (6000, "none", 5.0), (2000, "drip", 10.0), (2000, "bursts", 10.0))
QUICK_PLAN: Final = ((300, "none", 0.5), (300, "drip", 0.5), (300, "bursts", 0.5))


@attrs.frozen(kw_only=True)
class Run:
    """One fan-out under the limits."""

    creates: int
    other_client: str
    minute: float
    """How many seconds a minute takes."""
    optimum: float
    """Seconds; for a client that has the token for itself."""
    makespan: float
    seen: Seen

    @property
    def lost(self) -> int:
        """How many topics are missing."""
        return self.creates - self.seen.topics

    @property
    def sent_twice(self) -> int:
        """How many creates were sent again although they had been applied, or were otherwise in error."""
        return self.seen.created + self.seen.others - self.creates

    @property
    def refused(self) -> float:
        """The refused share of what was sent."""
        return self.seen.refused / (self.seen.refused + self.seen.created + self.seen.others)


def run(*, quick: bool) -> Report:
    """Measure fan-outs alone on the token, and with another client that uses half of each minute."""
    runs = [_run(*one) for one in (QUICK_PLAN if quick else PLAN)]
    columns = [
        "creates, other client",
        "minute s",
        "optimum s",
        "makespan s",
        "over optimum",
        "refused",
        "lost",
        "sent twice",
    ]
    notes = ["the optimum is that of a client alone on its token"]
    return Report(
        scenario="limits",
        tables=[
            Table(title="creates under the rate limits", columns=columns, rows=[_row(r) for r in runs], notes=notes)
        ],
        figures=[figure for one in runs for figure in _figures(one)],
        data={f"{one.creates} {one.other_client}": attrs.asdict(one) for one in runs},
    )


def optimum(creates: int, minute: float) -> float:
    """Return the least seconds between the first and the last of a number of creates, if responses took no time."""
    times: list[float] = []
    for number in range(creates):
        windows = ((PER_MINUTE, minute), (PER_HOUR, 60 * minute))
        opens = [times[number - limit] + span for limit, span in windows if number >= limit]
        times.append(max([*times[-1:], *opens], default=0.0))
    return times[-1]


def _run(creates: int, other_client: str, minute: float) -> Run:
    with emulating(time_scale=60 / minute, other_client=other_client) as service:
        makespan = asyncio.run(_fan_out(service, creates, minute))
        seen = service.seen()
    return Run(
        creates=creates,
        other_client=other_client,
        minute=minute,
        optimum=optimum(creates, minute),
        makespan=makespan,
        seen=seen,
    )


async def _fan_out(service: Service, creates: int, minute: float) -> float:
    limiter = RateLimiter(PER_MINUTE, PER_HOUR, minute=minute, hour=60 * minute)
    async with AsyncSession(service.token, base_url=service.url, rate_limiter=limiter) as session:
        start = time.perf_counter()

        wanted = [topics.TopicCreate(name=f"topic-{number}") for number in range(creates)]
        await asyncio.gather(*(topics.create_topic(session, service.cluster_id, topic) for topic in wanted))
        return time.perf_counter() - start


def _row(run: Run) -> list[str]:
    return [
        f"{run.creates}, {run.other_client}",
        f"{run.minute:g}",
        f"{run.optimum:.2f}",
        f"{run.makespan:.2f}",
        f"{run.makespan / run.optimum:.4f}",
        f"{run.seen.refused} ({run.refused:.1%})",
        str(run.lost),
        str(run.sent_twice),
    ]


def _figures(run: Run) -> list[Figure]:
    name = (
        f"{run.creates} creates"
        if run.other_client == "none"
        else f"{run.creates} creates, {run.other_client} of another client"
    )
    figures = [
        Figure(name=f"{name}: lost", value=run.lost, unit="", target=0),
        Figure(name=f"{name}: sent twice", value=run.sent_twice, unit="", target=0),
    ]
    if run.other_client != "none":
        return [*figures, Figure(name=f"{name}: refused", value=100 * run.refused, unit="%", target=8)]
    return [
        *figures,
        Figure(name=f"{name}: refused", value=run.seen.refused, unit="", target=0),
        Figure(name=f"{name}: makespan over optimum", value=run.makespan / run.optimum, unit="x", target=1.01),
    ]
