"""What a seed stands for: the service's mood, the network's, and what the client is asked to do."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final, Literal

import attrs
from memory_network import Fate

from asyncdbaas import RetryPolicy

Profile = Literal["calm", "uneven", "stormy"]
"""`calm` has no fault at all, so that every call must succeed; `uneven` has few, `stormy` many."""
Timers = Literal["exact", "off", "jumpy"]
"""`off`: timers fire early and late, and the clock moves between any two readings. `jumpy`: timers fire early, and the
clock moves by up to a millisecond, so that windows often open between two readings."""

_PROFILES: Final[tuple[Profile, ...]] = ("calm", "uneven", "stormy")
WORKLOADS: Final = (
    "lone",
    "gather",
    "group",
    "map_all",
    "settle",
    "as_completed",
    "timeout",
    "users",
    "wait_clusters",
    "wait_topics",
    "apply",
    "ensure",
)
# On which operations a kind of fault makes sense. A 404 on a delete would be a lie that no client can see through.
_ON_READS: Final = ("list_topics", "get_topic", "list_users", "list_clusters")
_ON_ANY: Final = (*_ON_READS, "create_topic", "update_topic", "delete_topic", "create_user", "reset_user_auth", "*")
_KINDS: Final[dict[str, tuple[str, ...]]] = {
    "delay": _ON_ANY,
    "precondition": _ON_ANY,
    "rate_limit": _ON_ANY,
    "hourly_limit": _ON_ANY,
    "server_error": _ON_ANY,
    "bad_gateway": _ON_ANY,
    "gateway_timeout": _ON_ANY,
    "unavailable": _ON_ANY,
    "not_found": _ON_READS,
    "accepted": ("create_topic",),
    "reset": _ON_ANY,
    "reset_after": _ON_ANY,
    "half_body": _ON_ANY,
    "endless_body": ("list_topics", "create_topic"),
    "silence": _ON_ANY,
    "empty_body": _ON_ANY,
    "wrong_shape": _ON_ANY,
    "not_json": _ON_ANY,
}
_DAY: Final = 86400.0


@attrs.frozen(kw_only=True)
class FaultPlan:
    """A fault of the service, as `Faults.add` takes it."""

    operation: str
    kind: str
    options: dict[str, Any]


@attrs.frozen(kw_only=True)
class Job:
    """Something that the client is asked to do."""

    workload: str
    starts: float
    size: int
    patience: float | None
    """Seconds after which it is cancelled; None if it is left alone."""


@attrs.frozen(kw_only=True)
class Weather:
    """What the network does."""

    latency: tuple[float, float] = (0.0, 0.0)
    """Seconds of one way, at least and at most."""
    pieces: bool = False
    refused: float = 0.0
    never: float = 0.0
    resets: float = 0.0
    silent: float = 0.0

    def latency_source(self, rng: random.Random) -> Callable[[], float]:
        low, high = self.latency
        return (lambda: rng.uniform(low, high)) if high > low else lambda: low

    def fate_source(self, rng: random.Random) -> Callable[[], Fate]:
        kinds = ("refused", "never", "resets", "silent", "ok")
        rates = (self.refused, self.never, self.resets, self.silent)
        weights = (*rates, 1 - sum(rates))

        def draw() -> Fate:
            match rng.choices(kinds, weights)[0]:
                case "refused":
                    return Fate(connect="refused")
                case "never":
                    return Fate(connect="never")
                case "resets":
                    return Fate(resets_after=rng.randrange(1, 4000))
                case "silent":
                    return Fate(silent_after=rng.randrange(4000))
                case _:
                    return Fate()

        return draw


@attrs.frozen(kw_only=True)
class Scenario:
    """All that is decided before the clock starts."""

    seed: int
    profile: Profile
    per_minute: int
    per_hour: int
    sessions: int
    observed: bool
    """Whether the sessions have a listener."""
    borrowed: bool
    """Whether the sessions borrow one aiohttp session."""
    token_seconds: float | None
    """How long a token function takes; None if the token is a plain string."""
    max_connections: int
    timeout: float
    max_wait: float | None
    retry: RetryPolicy
    weather: Weather
    faults: tuple[FaultPlan, ...]
    skew: float
    """Seconds by which the client's wall clock is ahead of the service's."""
    other_clients: tuple[tuple[float, int], ...]
    """When others on the token send how many requests."""
    jobs: tuple[Job, ...]
    closes_at: float | None
    """When the client closes its sessions, whatever is going on."""
    timers: Timers


def scenario(seed: int) -> Scenario:
    """Draw the scenario of a seed; each tenth is one in which calls queue for a small quota by a jumpy clock."""
    drawn = _scenario(seed)
    return _jumpy(drawn) if seed % 10 == 9 else drawn


def _jumpy(drawn: Scenario) -> Scenario:
    """Turn a scenario into one that fails if a decision reads the clock twice."""
    rng = random.Random(f"jumpy {drawn.seed}")
    jobs = (
        Job(workload="gather", starts=0.0, size=8, patience=None),
        *(Job(workload="lone", starts=rng.uniform(59, 61), size=2, patience=None) for _ in range(3)),
    )
    per_minute = rng.choice((1, 2, 3))
    return attrs.evolve(
        drawn,
        profile="calm",
        per_minute=per_minute,
        per_hour=per_minute * 20,
        max_wait=None,
        timeout=20.0,
        weather=Weather(latency=rng.choice(((0.0, 0.0), (0.0, 0.4)))),
        faults=(),
        other_clients=(),
        jobs=jobs,
        closes_at=None,
        timers="jumpy",
    )


def _scenario(seed: int) -> Scenario:
    rng = random.Random(f"scenario {seed}")
    profile = rng.choices(_PROFILES, (2, 4, 3))[0]
    per_minute = rng.choice((3, 5, 8, 20, 250))
    return Scenario(
        seed=seed,
        profile=profile,
        per_minute=per_minute,
        per_hour=per_minute * rng.choice((3, 5, 20)),
        sessions=rng.choice((1, 1, 1, 2)),
        observed=rng.random() < 0.5,
        borrowed=rng.random() < 0.2,
        token_seconds=rng.choice((None, None, 0.0, 1.5)),
        max_connections=rng.choice((1, 2, 5, 100)),
        timeout=rng.choice((2.5, 5.0, 20.0)),
        max_wait=rng.choice((None, None, None, 0.0, 45.0)),
        retry=_retry(rng),
        weather=_weather(rng, profile),
        faults=_faults(rng, profile),
        skew=rng.choice((0.0, 0.0, rng.uniform(-30, 30), rng.uniform(-_DAY, _DAY))),
        other_clients=_other_clients(rng, profile, per_minute),
        jobs=tuple(_job(rng) for _ in range(rng.randint(1, 4))),
        closes_at=rng.uniform(0, 90) if rng.random() < 0.2 else None,
        timers=rng.choice(("exact", "off", "off")),
    )


def _retry(rng: random.Random) -> RetryPolicy:
    return RetryPolicy(
        max_attempts=rng.randint(1, 6),
        base_delay=rng.choice((0.0, 0.1, 1.0)),
        max_retry_after=rng.choice((10.0, 300.0)),
        also=frozenset(rng.choice(((), (412,)))),
    )


def _weather(rng: random.Random, profile: Profile) -> Weather:
    latency = rng.choice(((0.0, 0.0), (0.05, 0.05), (0.0, 0.4)))
    if profile == "calm":
        return Weather(latency=latency, pieces=rng.random() < 0.3)
    rates = [rng.choice((0.0, 0.05, 0.15 if profile == "stormy" else 0.02)) for _ in range(4)]
    refused, never, resets, silent = rates
    latency = rng.choice((latency, (0.0, 3.0)))
    pieces = rng.random() < 0.5
    return Weather(latency=latency, pieces=pieces, refused=refused, never=never, resets=resets, silent=silent)


def _faults(rng: random.Random, profile: Profile) -> tuple[FaultPlan, ...]:
    if profile == "calm":
        return ()
    count = rng.randint(1, 3) if profile == "uneven" else rng.randint(3, 8)
    return tuple(_fault(rng, profile) for _ in range(count))


def _fault(rng: random.Random, profile: Profile) -> FaultPlan:
    kind = rng.choice(tuple(_KINDS))
    options: dict[str, Any] = {
        "times": rng.choice((1, 2, 3) if profile == "uneven" else (2, 5, 20)),
        "probability": rng.choice((1.0, 0.3)),
        "skip": rng.choice((0, 0, 1, 3)),
        "applied": rng.random() < 0.5,
        "delay": rng.choice((0.0, 0.0, rng.uniform(0, 8))),
        "retry_after": rng.choice((0.0, 1.0, 29.0)),
    }
    return FaultPlan(operation=rng.choice(_KINDS[kind]), kind=kind, options=options)


def _other_clients(rng: random.Random, profile: Profile, per_minute: int) -> tuple[tuple[float, int], ...]:
    if profile == "calm" or rng.random() < 0.6:
        return ()
    return tuple((rng.uniform(0, 200), rng.randint(1, per_minute)) for _ in range(rng.randint(1, 6)))


def _job(rng: random.Random) -> Job:
    return Job(
        workload=rng.choice(WORKLOADS),
        starts=rng.choice((0.0, 0.0, rng.uniform(0, 60))),
        size=rng.choice((1, 2, 4, 8)),
        patience=rng.choice((0.0, rng.uniform(0, 2), rng.uniform(0, 80))) if rng.random() < 0.3 else None,
    )
