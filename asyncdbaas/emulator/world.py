"""What exists in the emulator: plain data, and the agenda of changes to come."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from asyncdbaas.emulator.clock import Clock
from asyncdbaas.emulator.delays import Delays
from asyncdbaas.emulator.errors import UNSUPPORTED, not_found, not_yet, unprocessable
from asyncdbaas.emulator.seeds import Seeds

Record: TypeAlias = dict[str, Any]
"""One object of the service as plain, JSON-able data."""

Action: TypeAlias = Callable[..., None]
"""A change that falls due: ``action(world, at, *args)``."""


class World:
    """Hold the state, and let what is due happen when it is looked at.

    All of ``data`` is JSON-able, and so is the agenda (a heap of ``[at, number, action name, arguments]``): a snapshot
    saves both. There are no background tasks: ``settle`` applies in order what has fallen due, before each request.
    """

    def __init__(self, clock: Clock, seeds: Seeds, delays: Delays, actions: Mapping[str, Action]) -> None:
        self.clock = clock
        self.seeds = seeds
        self.delays = delays
        self._actions = actions
        self.data: Record = {"clusters": {}, "events": []}
        self._agenda: list[list[Any]] = []
        self._number = 0

    @property
    def clusters(self) -> dict[str, Record]:
        """All clusters by id, replicas among them."""
        clusters: dict[str, Record] = self.data["clusters"]
        return clusters

    def schedule(self, delay: float, action: str, *args: str) -> None:
        """Let a change happen after a delay; after no delay, just before the next request."""
        self._number += 1
        heapq.heappush(self._agenda, [self.clock.now() + delay, self._number, action, list(args)])

    def settle(self) -> None:
        """Apply every change that has fallen due, in order of time."""
        now = self.clock.now()
        while self._agenda and self._agenda[0][0] <= now:
            at, _, action, args = heapq.heappop(self._agenda)
            self._actions[action](self, at, *args)

    def cluster(self, cluster_id: str, *engines: str) -> Record:
        """Return a cluster, refused with 404 if there is none and with 422 if it is of none of the engines."""
        cluster = self.clusters.get(cluster_id.lower())
        if cluster is None or cluster["visible_at"] > self.clock.now():
            raise not_found("cluster")
        if engines and cluster["engine"] not in engines:
            raise unprocessable(UNSUPPORTED)
        return cluster

    def online(self, cluster_id: str, action: str, *engines: str) -> Record:
        """Return a cluster that must be online for the action, refused with 412 if it is not."""
        cluster = self.cluster(cluster_id, *engines)
        if cluster["status"] != "online":
            raise not_yet(action, f"cluster is {cluster['status']}")
        return cluster
