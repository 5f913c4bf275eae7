"""A session for a command: with the service, or with an emulator of its own."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import attrs
import click

from asyncdbaas._core.http import check_base_url, is_loopback
from asyncdbaas.catalogue import Catalogue
from asyncdbaas.cli.terminal import note
from asyncdbaas.emulator import Delays, Emulator
from asyncdbaas.errors import DBaaSError
from asyncdbaas.plan import SavedPlan
from asyncdbaas.ratelimit import RateLimiter
from asyncdbaas.retry import RetryPolicy
from asyncdbaas.session import AsyncSession
from asyncdbaas.types import UNSET

__all__ = ["Connection", "opened", "prepare_demo", "prepare_for_catalogue", "prepare_for_plan"]

# A minute passes in three seconds: short enough to wait for, long enough to see the rate limit at work.
_TIME_SCALE: Final = 20.0
_VENDOR: Final = "digitalocean.com"
_KAFKA_SIZES: Final = (3, 6, 9, 15)


@attrs.frozen(kw_only=True)
class Connection:
    """Choice of the service that a command uses."""

    emulator: bool
    """Start an emulator for this command."""
    api_url: str | None
    time_scale: float | None
    """How many times as fast the service's time runs; None if the user did not say."""

    @property
    def scale(self) -> float:
        """How many times as fast the service's time runs."""
        return self.time_scale or (_TIME_SCALE if self.emulator else 1.0)


@asynccontextmanager
async def opened(connection: Connection, prepare: Callable[[Emulator], None]) -> AsyncGenerator[AsyncSession, None]:
    """Open a session. An emulator started for it is prepared with what the command needs.

    Raise UsageError if the real service's quota would be treated as one that comes back faster.
    """
    is_local = connection.emulator or is_loopback(_host(connection.api_url) or "")
    if connection.time_scale is not None and not is_local:
        raise click.UsageError("--time-scale is for emulators on this machine: the service's quota keeps real time")
    scale = connection.scale
    limiter = RateLimiter(minute=60 / scale, hour=3600 / scale)
    if not connection.emulator:
        if connection.time_scale is None and (known := await _emulator_limiter(connection.api_url)) is not None:
            limiter = known
        async with AsyncSession(base_url=connection.api_url, rate_limiter=limiter) as session:
            yield session
        return
    async with Emulator(time_scale=scale, delays=Delays(create=60.0)) as emulator:
        prepare(emulator)
        note(
            f"Local emulator at {emulator.url}: no account is touched. Its time runs {scale:g} times as fast, "
            f"so a minute's quota of 250 requests is back after {60 / scale:g} s."
        )
        async with AsyncSession(emulator.token, base_url=emulator.url, rate_limiter=limiter) as session:
            yield session


@attrs.frozen(kw_only=True)
class _EmulatorLimits:
    """Speed of an emulator's clock, and its limits for a minute and an hour."""

    scale: float
    per_minute: int
    per_hour: int


async def _emulator_limiter(api_url: str | None) -> RateLimiter | None:
    """Return a limiter for the emulator at an address; None for another service. It never asks the vendor's."""
    host = _host(api_url)
    if host is None or host == _VENDOR or host.endswith(f".{_VENDOR}"):
        return None
    once = RetryPolicy(max_attempts=1, max_refusals=0)
    try:
        async with AsyncSession(base_url=api_url, retry=once, timeout=5) as session:
            limits = await session.request("GET", "/_emulator/limits", _EmulatorLimits)
    except DBaaSError:  # no emulator, or not reachable: the command's own session reports what is wrong
        return None
    scale = limits.scale or 1.0  # a stopped clock keeps real time for its clients
    return RateLimiter(limits.per_minute, limits.per_hour, minute=60 / scale, hour=3600 / scale)


def _host(api_url: str | None) -> str | None:
    """Return the host that a user has named as the service's address."""
    address = os.environ.get("DIGITALOCEAN_API_URL") if api_url is None else api_url
    return urlsplit(check_base_url(address)).hostname if address else None


def prepare_for_catalogue(catalogue: Catalogue, clusters: Sequence[str]) -> Callable[[Emulator], None]:
    """Return the function that adds all Kafka clusters that a catalogue needs, large enough for its replicas."""
    factors = [topic.topic.replication_factor for topic in catalogue.topics]
    replicas = max((factor for factor in factors if factor is not UNSET), default=0)
    num_nodes = next((size for size in _KAFKA_SIZES if size >= replicas), _KAFKA_SIZES[-1])
    named = [*(entry.cluster for entry in catalogue.entries), *clusters]
    return partial(_add_clusters, {name: num_nodes for name in named if name is not None})


def prepare_for_plan(saved: SavedPlan) -> Callable[[Emulator], None]:
    """Return the function that adds the clusters of a saved plan; a new emulator gives the same names the same ids."""
    return partial(_add_clusters, {target.cluster.name: target.cluster.num_nodes for target in saved.targets})


def _add_clusters(nodes: Mapping[str, int | None], emulator: Emulator) -> None:
    for name, num_nodes in nodes.items():
        try:
            emulator.add_cluster(engine="kafka", name=name, num_nodes=num_nodes)
        except ValueError as error:
            raise click.ClickException(f"the emulator rejects the cluster {name!r}: {error}") from None


def prepare_demo(emulator: Emulator) -> None:
    """Add some clusters: Kafka with a few topics, PostgreSQL, and one that is still being created."""
    kafka = emulator.add_cluster(engine="kafka", name="shop-events")
    emulator.add_cluster(engine="pg", name="shop-db")
    _post(emulator, "/v2/databases", _NEW_CLUSTER)
    for topic in _TOPICS:
        _post(emulator, f"/v2/databases/{kafka['id']}/topics", topic)


def _post(emulator: Emulator, path: str, body: Mapping[str, Any]) -> None:
    emulator.handle("POST", path, {"authorization": f"Bearer {emulator.token}"}, json.dumps(body).encode())


_NEW_CLUSTER: Final[Mapping[str, Any]] = {
    "name": "orders",
    "engine": "kafka",
    "num_nodes": 3,
    "size": "db-s-2vcpu-2gb",
    "region": "nyc1",
}
_TOPICS: Final[tuple[Mapping[str, Any], ...]] = (
    {"name": "orders.placed", "partition_count": 12, "replication_factor": 3},
    {"name": "orders.state", "partition_count": 12, "config": {"cleanup_policy": "compact"}},
    {"name": "payments.captured", "partition_count": 6, "config": {"retention_ms": 7776000000}},
)
