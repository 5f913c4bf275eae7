"""The emulator's outside: start and stop it, look into it, steer it."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from asyncdbaas.emulator import certificates, seeding, storage
from asyncdbaas.emulator.admin import PREFIX, Admin
from asyncdbaas.emulator.clock import Clock
from asyncdbaas.emulator.delays import Delays, Quirks
from asyncdbaas.emulator.faults import Faults
from asyncdbaas.emulator.ids import Ids
from asyncdbaas.emulator.limits import TokenLimits
from asyncdbaas.emulator.operations import ACTIONS, ROUTES
from asyncdbaas.emulator.recorder import Recorder
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.responses import Response
from asyncdbaas.emulator.routing import Router
from asyncdbaas.emulator.server import HOST, Server
from asyncdbaas.emulator.service import Service
from asyncdbaas.emulator.state import State
from asyncdbaas.emulator.state_file import StateFile
from asyncdbaas.emulator.threaded import LoopThread


class Emulator:
    """Run a local, stateful stand-in of the Managed Databases API.

    `async with Emulator() as emulator` listens on a free port of 127.0.0.1; `emulator.url` and `emulator.token`
    are all that a client needs. Plain `with` does the same in a thread of its own, for code without an event loop;
    all methods may be called from any thread. The same `seed` gives the same ids and credentials.

    `clock` is a `Clock`, or any time source in seconds; without one the time is real, `time_scale` times as fast.
    `per_minute` and `per_hour` are the two rate limits of each token. `state` names a file that the state is read
    from and kept in. `tls` serves https with a certificate of the emulator's own authority, which `client_context`
    trusts; it needs `cryptography` (extra `emulator`). `keep_requests` bounds `requests`.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        seed: int = 0,
        time_scale: float = 1.0,
        clock: Clock | Callable[[], float] | None = None,
        per_minute: int = 250,
        per_hour: int = 5000,
        delays: Delays | None = None,
        quirks: Quirks | None = None,
        token: str | None = None,
        state: str | PathLike[str] | None = None,
        tls: bool = False,
        keep_requests: int = 10_000,
    ) -> None:
        self.per_minute: Final = per_minute
        self.per_hour: Final = per_hour
        self.clock = clock if isinstance(clock, Clock) else _clock(time_scale, clock)
        self.faults = Faults(seed, [route.operation for route in ROUTES])
        self.requests = Recorder(keep_requests)
        self._state = State(self.clock, Ids(seed), delays or Delays(), quirks or Quirks(), ACTIONS)
        self._service = Service(
            self._state, Router(ROUTES), self.faults, self.requests, lambda: TokenLimits(per_minute, per_hour)
        )
        self._admin = Admin(self)
        self._authority = _authority() if tls else None
        self._server = Server(self._serve, self.clock, _server_context(self._authority))
        self._thread: LoopThread | None = None
        self._lock = threading.RLock()
        self._port = port
        self._file = None if state is None else StateFile(Path(state), self.snapshot)
        self._set_token(token or self._new_token())
        self._start = self.snapshot()
        self._load(token)

    @property
    def url(self) -> str:
        """The base URL, to be given to a client."""
        return f"{'https' if self._authority else 'http'}://{HOST}:{self._port}"

    @property
    def token(self) -> str:
        """A token with all scopes."""
        token: str = self._state.data["token"]
        return token

    @property
    def authority_pem(self) -> str:
        """The certificate of the authority that signs the emulator's own; for clients of `tls=True`."""
        if self._authority is None:
            raise RuntimeError("the emulator was made without tls=True, so there is no certificate to trust")
        return self._authority.certificate

    def client_context(self) -> ssl.SSLContext:
        """Make a TLS context that trusts the emulator."""
        return ssl.create_default_context(cadata=self.authority_pem)

    async def start(self) -> None:
        """Listen; `async with` does it. Raises `StateError` if the state file cannot be used."""
        if self._file is not None:
            self._file.open()
        try:
            self._port = await self._server.start(self._port)
        except BaseException:
            if self._file is not None:
                self._file.close()
            raise

    async def stop(self) -> None:
        """Stop listening, close every connection and write the state file; `async with` does it."""
        try:
            await self._server.stop()
        finally:
            if self._file is not None:
                self._file.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def __enter__(self) -> Self:
        self._thread = LoopThread(self.start, self.stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is not None:
            self._thread.close()

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Response:
        """Answer one request without a socket: `(status, headers, body, delay, ending)`.

        `target` is path and query, percent-encoded; header names are lower case. The answer is made at once: it is
        for the caller to let `delay` virtual seconds pass, and to act out a connection fault that `ending` names.
        """
        with self._lock:
            if target.startswith(PREFIX):
                return self._admin.handle(method, target.partition("?")[0], headers, body)
            return self._service.handle(method, target, headers, body)

    def add_token(self, scopes: Iterable[str] | None = None) -> str:
        """Make another token, with rate-limit windows of its own; `scopes=["database:read"]` makes it read-only."""
        with self._lock:
            token = self._new_token()
            self._state.data["tokens"][token] = None if scopes is None else sorted(scopes)
        return token

    def add_cluster(self, *, engine: str = "kafka", name: str | None = None, **settings: Any) -> Record:
        """Add a cluster that is online at once, without a request, and return it as the API would show it.

        What is not given is the smallest that the engine offers; `settings` are keys of the create body. Redis, which
        can no longer be ordered, can be had here.
        """
        with self._lock:
            return seeding.add_cluster(self._state, engine, name, settings)

    def turn_into_valkey(self, cluster_id: str) -> None:
        """Turn a redis cluster into valkey in place, as the service did: engine and names of settings change."""
        with self._lock:
            seeding.turn_into_valkey(self._state, cluster_id)

    def add_index(self, cluster_id: str, name: str, **values: Any) -> None:
        """Add an index to an OpenSearch cluster; `values` are keys of the index as the API shows it."""
        with self._lock:
            seeding.add_index(self._state, cluster_id, name, values)

    def add_consumer_group(self, cluster_id: str, topic: str, group: str) -> None:
        """Let a consumer group read a topic; it shows in each partition."""
        with self._lock:
            seeding.add_consumer_group(self._state, cluster_id, topic, group)

    def announce_update(self, cluster_id: str, *descriptions: str) -> None:
        """Let an update be pending, as the maintenance window shows it."""
        with self._lock:
            seeding.announce_update(self._state, cluster_id, descriptions)

    def check(self) -> None:
        """Raise `UnusedFaultError` if a fault was added that never applied to a request and is not `optional`."""
        self.faults.check()

    def snapshot(self) -> Record:
        """Return everything there is as plain, JSON-able data, apart from faults, requests and rate-limit windows."""
        with self._lock:
            self._state.run_due()
            return {"format": storage.FORMAT, **self._state.dump()}

    def restore(self, snapshot: Record) -> None:
        """Take on a snapshot with its tokens; raises `StateError` if it is none. The clock never goes back."""
        storage.check(snapshot, "snapshot")
        with self._lock:
            self._state.load(snapshot)

    def reset(self) -> None:
        """Go back to the start: no clusters, `token` alone, no faults, nothing counted. The clock goes on."""
        with self._lock:
            token = self.token
            self.restore(self._start)
            self._state.data["tokens"].clear()
            self._set_token(token)
            self.faults.clear()
            self.requests.clear()
            self._service.forget_limits()

    def _new_token(self) -> str:
        return "dop_v1_" + self._state.ids.hex(64, "token")

    def _set_token(self, token: str) -> None:
        self._state.data["token"] = token
        self._state.data["tokens"][token] = None

    def _load(self, token: str | None) -> None:
        """Read the state file; a token that was asked for is valid whatever the file says."""
        snapshot = self._file.load() if self._file else None
        if snapshot is not None:
            self.restore(snapshot)
        if token is not None:
            self._set_token(token)

    def _serve(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer a request that came by a socket, and let the state file follow what may have changed."""
        response = self.handle(method, target, headers, body)
        if method != "GET" and self._file is not None:
            self._file.changed()
        return response


def _clock(scale: float, source: Callable[[], float] | None) -> Clock:
    return Clock(scale) if source is None else Clock(scale, source=source)


def _authority() -> certificates.Pair:
    if not certificates.available():
        raise RuntimeError("tls=True needs the package cryptography: pip install 'asyncdbaas[emulator]'")
    return certificates.make_authority("asyncdbaas emulator")


def _server_context(authority: certificates.Pair | None) -> ssl.SSLContext | None:
    return None if authority is None else certificates.server_context(authority, HOST, "localhost")
