"""The emulated service without a server: answer requests, prepare the state, save and restore it."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable, Mapping
from typing import Any, Final

from asyncdbaas.emulator import seed_data, seeding, storage
from asyncdbaas.emulator.admin import PREFIX, Admin
from asyncdbaas.emulator.clock import Clock
from asyncdbaas.emulator.delays import Delays, Quirks
from asyncdbaas.emulator.errors import refusal_as_error
from asyncdbaas.emulator.faults import Faults
from asyncdbaas.emulator.ids import Ids
from asyncdbaas.emulator.limits import Usage
from asyncdbaas.emulator.offer import Offer
from asyncdbaas.emulator.operations import ACTIONS, ROUTES
from asyncdbaas.emulator.recorder import Recorder
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.responses import Response
from asyncdbaas.emulator.routing import Answer, Router
from asyncdbaas.emulator.service import Service
from asyncdbaas.emulator.state import State


class EmulatedService:
    """Hold the state of the emulated service, and answer requests that come as bytes.

    All methods may be called from any thread.
    """

    def __init__(
        self,
        *,
        scheme: str,
        allow_remote: bool,
        clock: Clock,
        seed: int,
        per_minute: int,
        per_hour: int,
        delays: Delays,
        quirks: Quirks,
        offer: Offer,
        token: str | None,
        keep_requests: int,
    ) -> None:
        self.allow_remote: Final = allow_remote
        self.per_minute: Final = per_minute
        self.per_hour: Final = per_hour
        self.clock = clock
        self.faults = Faults(seed, [route.operation for route in ROUTES])
        self.requests = Recorder(keep_requests)
        self._lock = threading.RLock()
        self._state = State(clock=clock, ids=Ids(seed), delays=delays, quirks=quirks, offer=offer, actions=ACTIONS)
        self._service = Service(
            self._state,
            Router(ROUTES),
            self.faults,
            self.requests,
            scheme=scheme,
            per_minute=per_minute,
            per_hour=per_hour,
        )
        self._admin = Admin(self)
        self._set_token(token or self._new_token())
        self._start = self.snapshot()

    @property
    def token(self) -> str:
        """A token with all scopes."""
        return self._state.data["token"]

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Response:
        """Answer one request without a socket: `(status, headers, body, delay, ending)`.

        `target` is path and query, percent-encoded; header names are lower case. The response is made at once: the
        caller waits for `delay` virtual seconds, and injects the connection fault that `ending` names.
        """
        with self._lock:
            if target.startswith(PREFIX):
                return self._admin.handle(method, target, headers, body)
            return self._service.handle(method, target, headers, body)

    def perform(self, method: str, target: str, body: Record | None = None) -> Answer:
        """Run an operation directly: `(status, body, delay)`.

        It needs no token, counts in no rate limit, is subject to no fault and is not recorded.
        """
        with self._lock:
            return self._service.perform(method, target, body)

    @property
    def delays(self) -> Delays:
        """How long changes take; a new value holds for changes that begin later."""
        return self._state.delays

    @delays.setter
    def delays(self, delays: Delays) -> None:
        """Replace them for changes that begin later."""
        self._state.delays = delays

    @property
    def quirks(self) -> Quirks:
        """Which of two attested behaviours is shown."""
        return self._state.quirks

    @quirks.setter
    def quirks(self, quirks: Quirks) -> None:
        """Replace them."""
        self._state.quirks = quirks

    @property
    def tokens(self) -> dict[str, list[str] | None]:
        """All tokens with their scopes; None allows everything."""
        return dict(self._state.data["tokens"])

    def usage(self) -> dict[str, Usage]:
        """Return what counts in the two rate-limit windows of each token that has sent a request."""
        with self._lock:
            return self._service.usage()

    def seed_from(self, data: Mapping[str, Any]) -> None:
        """Add clusters with what is in them, all online and active at once; `seed_data` describes the format.

        Clusters whose name exists are not changed. All or nothing: `SeedError` names the entry that is wrong. `reset`
        returns to the state after the last call.
        """
        with self._lock:
            seed_data.apply(self, data)
            self._start = self.snapshot()

    def add_token(self, scopes: Iterable[str] | None = None) -> str:
        """Make another token, with rate-limit windows of its own; `scopes=["database:read"]` makes it read-only."""
        with self._lock:
            token = self._new_token()
            self._state.data["tokens"][token] = None if scopes is None else sorted(scopes)
        return token

    def add_cluster(self, *, engine: str = "kafka", name: str | None = None, **settings: Any) -> Record:
        """Add a cluster that is online at once, without a request, and return it as the API would show it.

        The default is the smallest that the engine offers. `settings` are keys of the create body. Redis clusters,
        which can no longer be ordered, can be added here.
        """
        with self._lock, refusal_as_error():
            return seeding.add_cluster(self._state, engine, name, settings)

    def turn_into_valkey(self, cluster_id: str) -> None:
        """Turn a redis cluster into valkey in place, as the service did: engine and names of settings change."""
        with self._lock, refusal_as_error():
            seeding.turn_into_valkey(self._state, cluster_id)

    def add_index(self, cluster_id: str, name: str, **values: Any) -> None:
        """Add an index to an OpenSearch cluster; `values` are keys of the index as the API shows it."""
        with self._lock, refusal_as_error():
            seeding.add_index(self._state, cluster_id, name, values)

    def add_consumer_group(self, cluster_id: str, topic: str, group: str) -> None:
        """Add a consumer group to each partition of a topic."""
        with self._lock, refusal_as_error():
            seeding.add_consumer_group(self._state, cluster_id, topic, group)

    def announce_update(self, cluster_id: str, *descriptions: str) -> None:
        """Announce an update, as the maintenance window shows it."""
        with self._lock, refusal_as_error():
            seeding.announce_update(self._state, cluster_id, descriptions)

    def check(self) -> None:
        """Raise `UnusedFaultError` if a fault was added that never applied to a request and is not `optional`."""
        self.faults.check()

    def snapshot(self) -> Record:
        """Return the state as plain, JSON-able data, without faults, requests and rate-limit windows."""
        with self._lock:
            self._state.run_due()
            return {"format": storage.FORMAT, **self._state.dump()}

    def restore(self, snapshot: Record) -> None:
        """Restore a snapshot with its tokens; raises `StateError` if it is not one. The clock never goes back."""
        storage.check(snapshot, "snapshot")
        with self._lock:
            self._state.load(snapshot)

    def reset(self) -> None:
        """Return to the state after the last `seed_from`, else to no clusters.

        Other tokens than `token`, faults and counted requests are removed. The clock continues.
        """
        with self._lock:
            token = self.token
            self.restore(self._start)
            self._state.data["tokens"].clear()
            self._set_token(token)
            self.faults.clear()
            self.requests.clear()
            self._service.forget_limits()

    def _new_token(self) -> str:
        # Everybody can derive the token from the seed: good enough on this machine, but not for others.
        return "dop_v1_" + (secrets.token_hex(32) if self.allow_remote else self._state.ids.hex(64, "token"))

    def _set_token(self, token: str) -> None:
        self._state.data["token"] = token
        self._state.data["tokens"][token] = None
