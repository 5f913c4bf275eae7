"""The emulated service without a server: answer requests, save and restore the state.

A request goes from `server` to `EmulatedService.handle`. `request_handler` checks its token, counts it, finds its route
and injects faults; a function in `resources` answers it. Requests to `/_emulator/` go to `admin` and `admin_routes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from asyncdbaas.emulator import seed_data, storage
from asyncdbaas.emulator.admin import PREFIX, Admin
from asyncdbaas.emulator.delays import Delays, Quirks
from asyncdbaas.emulator.faults import Faults
from asyncdbaas.emulator.limits import RateLimits
from asyncdbaas.emulator.operations import ROUTES
from asyncdbaas.emulator.recorder import Recorder
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.request_handler import RequestHandler
from asyncdbaas.emulator.responses import Response
from asyncdbaas.emulator.routing import Answer, Router
from asyncdbaas.emulator.seeding import Seeding
from asyncdbaas.emulator.state import State


class EmulatedService(Seeding):
    """Hold the state of the emulated service, and answer requests that come as bytes."""

    def __init__(
        self,
        state: State,
        limits: RateLimits,
        *,
        scheme: str,
        allow_remote: bool,
        token: str | None,
        keep_requests: int,
    ) -> None:
        super().__init__(state, random_tokens=allow_remote)
        self.allow_remote: Final = allow_remote
        self.clock = state.clock
        self.limits = limits
        self.faults = Faults(state.ids.seed, [route.operation for route in ROUTES])
        self.requests = Recorder(keep_requests)
        self._handler = RequestHandler(state, Router(ROUTES), self.faults, self.requests, limits=limits, scheme=scheme)
        self._admin = Admin(self)
        self._set_token(token or self._new_token())
        self._start = self.snapshot(), state.delays, state.quirks

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Response:
        """Answer one request without a socket: `(status, headers, body, delay, ending)`.

        `target` is path and query, percent-encoded; header names are lower case. The response is made at once: the
        caller waits for `delay` virtual seconds, and injects the connection fault that `ending` names.
        """
        with self._lock:
            if target.startswith(PREFIX):
                return self._admin.handle(method, target, headers, body)
            return self._handler.handle(method, target, headers, body)

    def perform(self, method: str, target: str, body: Record | None = None) -> Answer:
        """Run an operation directly: `(status, body, delay)`.

        It needs no token, counts in no rate limit, is subject to no fault and is not recorded.
        """
        with self._lock:
            answer = self._handler.perform(method, target, body)
            return answer._replace(body=msgspec.to_builtins(answer.body))  # apart from what happens later

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
        """The behaviours shown where sources disagree."""
        return self._state.quirks

    @quirks.setter
    def quirks(self, quirks: Quirks) -> None:
        """Replace them."""
        self._state.quirks = quirks

    def seed_from(self, data: Mapping[str, Any]) -> None:
        """Add clusters with what is in them, all online and active at once; `seed_data` describes the format.

        Clusters whose name exists are not changed. All or nothing: `SeedError` names the entry that is wrong. `reset`
        returns to the state after the last call.
        """
        with self._lock:
            seed_data.apply(self, data)
            self._start = self.snapshot(), self.delays, self.quirks

    def check(self) -> None:
        """Raise `UnusedFaultError` if a fault was added that never applied to a request and is not `optional`."""
        self.faults.check()

    def snapshot(self) -> Record:
        """Return the state as plain, JSON-able data, without faults, requests and rate-limit windows."""
        with self._lock:
            copy: Record = msgspec.to_builtins(self._dump())
            return copy

    def restore(self, snapshot: Record) -> None:
        """Restore a snapshot with its tokens; raises `StateError` if it is not one. The clock never goes back."""
        storage.check(snapshot, "snapshot")
        with self._lock:
            self._state.load(snapshot)

    def reset(self) -> None:
        """Return to the state, delays and quirks after the last `seed_from`, else to those at the start.

        Other tokens than `token`, faults and counted requests are removed. The clock continues.
        """
        with self._lock:
            token = self.token
            snapshot, self.delays, self.quirks = self._start
            self._state.load(snapshot)
            self._state.data["tokens"].clear()
            self._set_token(token)
            self.faults.clear()
            self.requests.clear()
            self.limits.clear()

    def _dump(self) -> Record:
        self._state.run_due()
        return {"format": storage.FORMAT, **self._state.dump()}
