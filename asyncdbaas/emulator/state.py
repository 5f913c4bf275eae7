"""What exists in the emulator: plain data, and the schedule of changes to come."""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from asyncdbaas.emulator.clock import Clock, rfc3339
from asyncdbaas.emulator.delays import Delays, Quirks
from asyncdbaas.emulator.errors import UNSUPPORTED, not_found, not_yet, unprocessable
from asyncdbaas.emulator.ids import Ids
from asyncdbaas.emulator.records import Record

Action: TypeAlias = Callable[..., None]
"""A change that falls due: `action(state, at, *args)`."""

Actions: TypeAlias = Mapping[str, Action]
"""Changes by the name that the schedule knows them by."""


class State:
    """Hold the state, and let what is due happen when it is looked at.

    All of `data` is JSON-able, and so is the schedule (a heap of `[at, number, action name, arguments]`): a snapshot
    saves both. There are no background tasks: `settle` applies in order what has fallen due, before each request.
    """

    def __init__(self, clock: Clock, ids: Ids, delays: Delays, quirks: Quirks, actions: Actions) -> None:
        self.clock = clock
        self.ids = ids
        self.delays = delays
        self.quirks = quirks
        self._actions = actions
        self.data: Record = {"clusters": {}, "tokens": {}, "metrics": {}}
        self._scheduled: list[list[Any]] = []
        self._number = 0

    @property
    def clusters(self) -> dict[str, Record]:
        """All clusters by id, replicas among them."""
        clusters: dict[str, Record] = self.data["clusters"]
        return clusters

    def schedule(self, at: float, action: str, *args: Any) -> None:
        """Let a change happen at a time; what is due at once happens just before the next request."""
        self._number += 1
        heapq.heappush(self._scheduled, [at, self._number, action, list(args)])

    def after(self, delay: float, action: str, *args: Any) -> None:
        """Let a change happen after a delay."""
        self.schedule(self.clock.now() + delay, action, *args)

    def run_due(self) -> None:
        """Apply every change that has fallen due, in order of time."""
        now = self.clock.now()
        while self._scheduled and self._scheduled[0][0] <= now:
            at, _, action, args = heapq.heappop(self._scheduled)
            self._actions[action](self, at, *args)

    def cluster(self, cluster_id: str, *engines: str) -> Record:
        """Return a cluster, refused with 404 if there is none and with 422 if it is of none of the engines."""
        cluster = self.clusters.get(cluster_id.lower())
        if cluster is None or cluster["visible_at"] > self.clock.now():
            raise not_found("cluster")
        if engines and cluster["engine"] not in engines:
            raise unprocessable(UNSUPPORTED)
        return cluster

    def source(self, cluster: Record) -> Record:
        """Return the cluster whose users and databases a cluster shows: a replica shows its primary's."""
        return self.clusters.get(cluster["primary"], cluster)

    def usable(self, cluster_id: str, action: str, *engines: str) -> Record:
        """Return a cluster whose children can be changed, refused with 412 if it is not up (yet, or any more)."""
        cluster = self.cluster(cluster_id, *engines)
        if cluster["deleting"]:
            raise not_yet(action, "cluster is being deleted")
        if cluster["status"] in ("creating", "forking"):
            raise not_yet(action, f"cluster is {cluster['status']}")
        return cluster

    def writable(self, cluster_id: str, action: str, *engines: str) -> Record:
        """Return a usable cluster that is no read-only replica."""
        cluster = self.usable(cluster_id, action, *engines)
        if cluster["primary"] is not None:
            raise unprocessable(UNSUPPORTED)
        return cluster

    def idle(self, cluster_id: str, action: str, *engines: str) -> Record:
        """Return a cluster that is online with nothing going on, as changes of the cluster itself need it."""
        cluster = self.usable(cluster_id, action, *engines)
        if cluster["status"] != "online":
            raise not_yet(action, f"cluster is {cluster['status']}")
        if cluster["busy"]:
            raise not_yet(action, "cluster is undergoing maintenance")
        return cluster

    def listed_at(self) -> float:
        """Return when lists show an object that is made now."""
        return self.clock.now() + self.delays.listed if self.delays.listed else 0.0

    def listed(self, records: Iterable[Record]) -> list[Record]:
        """Return those records that lists show already."""
        now = self.clock.now()
        return [record for record in records if record["listed_at"] <= now]

    def log(self, cluster: Record, event: str, at: float | None = None) -> None:
        """Add to a cluster's events."""
        when = self.clock.now() if at is None else at
        entry = {
            "id": self.ids.hex(8, "event", cluster["id"]),
            "cluster_name": cluster["name"],
            "event_type": event,
            "create_time": rfc3339(when),
        }
        cluster["events"].append(entry)

    def dump(self) -> Record:
        """Return everything as plain data, apart from the state."""
        state = {
            "clock": self.clock.now(),
            "ids": self.ids.dump(),
            "data": self.data,
            "schedule": self._scheduled,
            "number": self._number,
        }
        copy: Record = json.loads(json.dumps(state))
        return copy

    def load(self, state: Record) -> None:
        """Take on a dumped state; the clock is moved forward to the dump's time if it is behind."""
        copy = json.loads(json.dumps(state))
        self.clock.advance(seconds=max(0.0, copy["clock"] - self.clock.now()))  # may refuse, so it comes first
        self.ids.load(copy["ids"])
        self.data, self._scheduled, self._number = copy["data"], copy["schedule"], copy["number"]
