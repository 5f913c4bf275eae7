"""The emulator: the emulated service behind a server on loopback."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NoReturn, Self

from asyncdbaas.emulator import access, certificates
from asyncdbaas.emulator.clock import Clock
from asyncdbaas.emulator.delays import Delays, Quirks
from asyncdbaas.emulator.emulated_service import EmulatedService
from asyncdbaas.emulator.errors import EmulatorError
from asyncdbaas.emulator.ids import Ids
from asyncdbaas.emulator.limits import RateLimits
from asyncdbaas.emulator.offer import make_offer
from asyncdbaas.emulator.operations import ACTIONS
from asyncdbaas.emulator.responses import Response, encode_json
from asyncdbaas.emulator.server import Server
from asyncdbaas.emulator.state import State
from asyncdbaas.emulator.state_file import StateFile
from asyncdbaas.emulator.threaded import LoopThread

_LOCAL: Final = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104 -- this is what they mean here
"""Addresses that stand for all addresses of this machine, with the loopback address to use for each."""


class Emulator(EmulatedService):
    """Run a local, stateful stand-in of the Managed Databases API.

    `async with Emulator() as emulator` listens on a free port of 127.0.0.1; `emulator.url` and `emulator.token`
    are all that a client needs. Plain `with` does the same in a thread of its own, for code without an event loop;
    all methods may be called from any thread. The same `seed` gives the same ids and credentials.

    Args:
        host: Address to listen on. An address that is not loopback makes the emulator reachable for other machines.
        allow_remote: Allow such a host. Then tokens are random, and `/_emulator/` needs one, too.
        port: Port to listen on; 0 takes a free one.
        seed: Number that all ids and credentials are derived from.
        time_scale: How many virtual seconds pass per second, if `clock` is not given.
        clock: A `Clock`, or any source of time in seconds.
        per_minute: Requests per token and minute.
        per_hour: Requests per token and hour.
        delays: How long changes take.
        quirks: Which behaviours to show where sources disagree.
        offer: What can be ordered: a mapping, or a JSON file, with the shape of the response to
            GET /v2/databases/options. The default is the service's offer of late 2026.
        strict: Accept only orders that the offer lists, and check parameters of the advanced editions against the
            ranges of PostgreSQL's own documentation. By default retired versions and sizes are accepted too.
        lenient: Accept any version, size and region.
        token: The token with all scopes; the default is derived from the seed.
        state: A file that the state is read from and kept in.
        tls: Serve https with a certificate of the emulator's own authority, which `client_context` trusts. Needs
            `cryptography` (extra `emulator`).
        tls_names: Further host names and addresses in that certificate.
        keep_requests: How many requests `requests` keeps.
    """

    _thread: LoopThread | None = None

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        allow_remote: bool = False,
        seed: int = 0,
        time_scale: float = 1.0,
        clock: Clock | Callable[[], float] | None = None,
        per_minute: int = 250,
        per_hour: int = 5000,
        delays: Delays | None = None,
        quirks: Quirks | None = None,
        offer: Mapping[str, Any] | str | PathLike[str] | None = None,
        strict: bool = False,
        lenient: bool = False,
        token: str | None = None,
        state: str | PathLike[str] | None = None,
        tls: bool = False,
        tls_names: Iterable[str] = (),
        keep_requests: int = 10_000,
    ) -> None:
        _require_host(host, allow_remote=allow_remote)
        self._scheme = "https" if tls else "http"
        wanted, time = make_offer(offer, strict=strict, lenient=lenient), _clock(time_scale, clock)
        limits = RateLimits(clock=time, per_minute=per_minute, per_hour=per_hour)
        delays, quirks = delays or Delays(), quirks or Quirks()
        data = State(clock=time, ids=Ids(seed), delays=delays, quirks=quirks, offer=wanted, actions=ACTIONS)
        super().__init__(
            data, limits, scheme=self._scheme, allow_remote=allow_remote, token=token, keep_requests=keep_requests
        )
        self._authority = _authority() if tls else None
        self._server = Server(self._serve, self.clock, host, _server_context(self._authority, host, tls_names))
        self._host, self._port = host, port
        self._file = None if state is None else StateFile(Path(state), self._encoded_snapshot)
        self._load(token)

    @property
    def url(self) -> str:
        """The base URL for a client on this machine."""
        host = _LOCAL.get(self._host, self._host)
        name = f"[{host}]" if ":" in host else host
        return f"{self._scheme}://{name}:{self._port}"

    @property
    def authority_pem(self) -> str:
        """The certificate of the authority that signs the emulator's own; for clients of `tls=True`."""
        if self._authority is None:
            raise EmulatorError("the emulator was made without tls=True, so there is no certificate to trust")
        return self._authority.certificate

    def client_context(self) -> ssl.SSLContext:
        """Make a TLS context that trusts the emulator."""
        return ssl.create_default_context(cadata=self.authority_pem)

    def __reduce__(self) -> NoReturn:
        raise EmulatorError("an emulator cannot be pickled or copied; pass its url and token to other processes")

    async def start(self) -> None:
        """Listen; `async with` does it. Raises `StateError` if the state file cannot be used."""
        if self._server.is_running:
            raise EmulatorError("the emulator is running already; make another Emulator, or use this one's url")
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

    def _load(self, token: str | None) -> None:
        """Read the state file; a token that was asked for is valid whatever the file says."""
        snapshot = self._file.load() if self._file else None
        if snapshot is not None:
            self.restore(snapshot)
        if token is not None:
            self._set_token(token)

    def _encoded_snapshot(self) -> bytes:
        with self._lock:
            return encode_json(self._dump())

    def _serve(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer a request from a socket, and update the state file."""
        response = self.handle(method, target, headers, body)
        if method != "GET" and self._file is not None:
            self._file.changed()
        return response


def _clock(scale: float, source: Clock | Callable[[], float] | None) -> Clock:
    if isinstance(source, Clock):
        return source
    return Clock(scale) if source is None else Clock(scale, source=source)


def _require_host(host: str, *, allow_remote: bool) -> None:
    if not (allow_remote or access.is_loopback(host)):
        raise EmulatorError(
            f"host {host!r} makes the emulator reachable for other machines; pass allow_remote=True to allow it"
        )


def _authority() -> certificates.Pair:
    if not certificates.available():
        raise EmulatorError("tls=True needs the package cryptography: pip install 'asyncdbaas[emulator]'")
    return certificates.make_authority("asyncdbaas emulator")


def _server_context(authority: certificates.Pair | None, host: str, names: Iterable[str]) -> ssl.SSLContext | None:
    if authority is None:
        return None
    return certificates.server_context(authority, _LOCAL.get(host, host), "127.0.0.1", "localhost", *names)
