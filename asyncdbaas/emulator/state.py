"""The emulator's state: all objects, and the scheduled changes."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar

import msgspec

from asyncdbaas.emulator.clock import Clock, rfc3339
from asyncdbaas.emulator.delays import Delays, Quirks
from asyncdbaas.emulator.engines import Capability, can
from asyncdbaas.emulator.errors import UNSUPPORTED, not_found, not_yet, unprocessable
from asyncdbaas.emulator.ids import Ids
from asyncdbaas.emulator.offer import Offer
from asyncdbaas.emulator.records import Account, Cluster, Listed, MetricsCredentials, Record
from asyncdbaas.emulator.routing import Action

Actions: TypeAlias = Mapping[str, Action]
"""Scheduled changes by name."""

_Args = ParamSpec("_Args")
_T = TypeVar("_T")
_ListedT = TypeVar("_ListedT", bound=Listed)


def found(objects: Mapping[str, _T], name: str, what: str) -> _T:
    """Return an object of a cluster, or refuse with 404."""
    if name not in objects:
        raise not_found(what)
    return objects[name]


class State:
    """Hold all objects, and apply scheduled changes before each request.

    All of `data` is JSON-able, and so is the schedule (a heap of `[at, number, action name, arguments]`): a snapshot
    saves both. There are no background tasks: `run_due` applies the changes that are due, in order.
    """

    def __init__(
        self, *, clock: Clock, ids: Ids, delays: Delays, quirks: Quirks, offer: Offer, actions: Actions
    ) -> None:
        self.clock = clock
        self.ids = ids
        self.delays = delays
        self.quirks = quirks
        self.offer = offer
        self._actions = actions
        metrics: MetricsCredentials = {"basic_auth_username": "doadmin", "basic_auth_password": ids.password("metrics")}
        self.data: Account = {"clusters": {}, "tokens": {}, "token": "", "metrics": metrics}
        self._scheduled: list[list[Any]] = []
        self._number = 0

    @property
    def clusters(self) -> dict[str, Cluster]:
        """All clusters by id, replicas among them."""
        return self.data["clusters"]

    def schedule(
        self, at: float, action: Callable[Concatenate[State, float, _Args], None], *args: _Args.args, **_: _Args.kwargs
    ) -> None:
        """Schedule a change for a time; one that is due at once is applied just before the next request."""
        self._number += 1
        heapq.heappush(self._scheduled, [at, self._number, action.__name__, list(args)])

    def after(
        self,
        delay: float,
        action: Callable[Concatenate[State, float, _Args], None],
        *args: _Args.args,
        **kwargs: _Args.kwargs,
    ) -> None:
        """Schedule a change after a delay."""
        self.schedule(self.clock.now() + delay, action, *args, **kwargs)

    def run_due(self) -> None:
        """Apply every change that is due, in order of time."""
        now = self.clock.now()
        while self._scheduled and self._scheduled[0][0] <= now:
            at, _, action, args = heapq.heappop(self._scheduled)
            self._actions[action](self, at, *args)

    def cluster(self, cluster_id: str, capability: Capability | None = None) -> Cluster:
        """Return a cluster, or refuse with 404 if it does not exist and with 422 if its engine lacks a capability."""
        cluster = self.clusters.get(cluster_id.lower())
        if cluster is None or cluster["visible_at"] > self.clock.now():
            raise not_found("cluster")
        if capability is not None and not can(cluster["engine"], capability):
            raise unprocessable(UNSUPPORTED)
        return cluster

    def primary_of(self, cluster: Cluster) -> Cluster:
        """Return the cluster whose users and databases a cluster shows: a replica shows its primary's."""
        return self.clusters.get(cluster["primary"] or "", cluster)

    def usable(self, cluster_id: str, action: str, capability: Capability | None = None) -> Cluster:
        """Return a cluster whose children can be changed, or refuse with 412 if it is being created or deleted."""
        cluster = self.cluster(cluster_id, capability)
        if cluster["deleting"]:
            raise not_yet(action, "cluster is being deleted")
        if cluster["status"] in ("creating", "forking"):
            raise not_yet(action, f"cluster is {cluster['status']}")
        return cluster

    def writable(self, cluster_id: str, action: str, capability: Capability | None = None) -> Cluster:
        """Return a usable cluster that is not a read-only replica."""
        cluster = self.usable(cluster_id, action, capability)
        if cluster["primary"] is not None:
            raise unprocessable(UNSUPPORTED)
        return cluster

    def idle(self, cluster_id: str, action: str, capability: Capability | None = None) -> Cluster:
        """Return a cluster that is online and not busy, as changes of the cluster itself need it."""
        cluster = self.usable(cluster_id, action, capability)
        if cluster["status"] != "online":
            raise not_yet(action, f"cluster is {cluster['status']}")
        if cluster["busy"]:
            raise not_yet(action, "cluster is undergoing maintenance")
        return cluster

    def shown_after(self, delay: float) -> float:
        """Return when a delay ends, or 0 without one."""
        return self.clock.now() + delay if delay else 0.0

    def listed(self, records: Iterable[_ListedT]) -> list[_ListedT]:
        """Return those records that lists show already."""
        now = self.clock.now()
        return [record for record in records if record["listed_at"] <= now]

    def log(self, cluster: Cluster, event: str, at: float | None = None) -> None:
        """Add to a cluster's events."""
        cluster["events"].append(
            {
                "id": self.ids.hex(8, "event", cluster["id"]),
                "cluster_name": cluster["name"],
                "event_type": event,
                "create_time": rfc3339(self.clock.now() if at is None else at),
            }
        )

    def dump(self) -> Record:
        """Return everything as plain data, which is not a copy."""
        return {
            "clock": self.clock.now(),
            "ids": self.ids.dump(),
            "data": self.data,
            "schedule": self._scheduled,
            "number": self._number,
        }

    def load(self, dumped: Record) -> None:
        """Restore a dump; the clock is moved forward to the dump's time if it is behind."""
        copy = msgspec.to_builtins(dumped)
        self.clock.advance(seconds=max(0.0, copy["clock"] - self.clock.now()))  # may raise, so it comes first
        self.ids.load(copy["ids"])
        self.data, self._scheduled, self._number = copy["data"], copy["schedule"], copy["number"]
