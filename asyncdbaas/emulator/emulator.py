"""The emulator's outside: start and stop it, look into it, steer it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self, TypeAlias

from asyncdbaas.emulator.clock import Clock
from asyncdbaas.emulator.delays import Delays
from asyncdbaas.emulator.engines import ENGINES, REGIONS
from asyncdbaas.emulator.recorder import Recorder
from asyncdbaas.emulator.resources import clusters
from asyncdbaas.emulator.seeds import Seeds
from asyncdbaas.emulator.server import HOST, Server
from asyncdbaas.emulator.service import MODULES, Response, Service
from asyncdbaas.emulator.world import World

Record: TypeAlias = dict[str, Any]


class Emulator:
    """Run a local, stateful stand-in of the Managed Databases API.

    ``async with Emulator() as emulator`` listens on a free port of 127.0.0.1; ``emulator.url`` and ``emulator.token``
    are all that a client needs. ``clock`` is a ``Clock``, or any time source in seconds; without one the time is real,
    ``time_scale`` times as fast. ``per_minute`` and ``per_hour`` are the two rate limits of each token.
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
        token: str | None = None,
        keep_requests: int = 10_000,
    ) -> None:
        if clock is None:
            clock = Clock(time_scale)
        self.clock = clock if isinstance(clock, Clock) else Clock(time_scale, source=clock)
        self.requests = Recorder(keep_requests)
        self._world = World(self.clock, Seeds(seed), delays or Delays(), _actions())
        self._service = Service(self._world, self.requests, per_minute, per_hour)
        self.token = token or self._new_token()
        self._service.add_token(self.token, None)
        self._server = Server(self._service, port)
        self._port = port

    @property
    def url(self) -> str:
        """The base URL, to be given to a client."""
        return f"http://{HOST}:{self._port}"

    async def start(self) -> None:
        """Listen; ``async with`` does it."""
        self._port = await self._server.start()

    async def stop(self) -> None:
        """Stop listening and close every connection; ``async with`` does it."""
        await self._server.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Response:
        """Answer one request without a socket: ``(status, headers, body)``.

        ``target`` is path and query, percent-encoded; header names are lower case. The time is the clock's.
        """
        return self._service.handle(method, target, headers, body)

    def add_token(self, scopes: Iterable[str] | None = None) -> str:
        """Make another token, with rate-limit windows of its own; ``scopes=["database:read"]`` makes it read-only."""
        token = self._new_token()
        self._service.add_token(token, scopes)
        return token

    def add_cluster(self, *, engine: str = "kafka", name: str | None = None, **settings: Any) -> Record:
        """Add a cluster that is online at once, without a request, and return it as the API would show it.

        What is not given is the smallest that the engine offers; ``settings`` are keys of the create body.
        """
        offer = ENGINES[engine]
        nodes = settings.get("num_nodes", min(offer.layouts))
        body = {
            "name": name or f"{engine.replace('_', '-')}-{len(self._world.clusters) + 1}",
            "engine": engine,
            "num_nodes": nodes,
            "size": offer.layouts[nodes][0],
            "region": REGIONS[0],
            **settings,
        }
        cluster = clusters.new_cluster(self._world, body)
        self._world.clusters[cluster["id"]] = cluster
        clusters.cluster_online(self._world, self.clock.now(), cluster["id"])
        return clusters.view(self._world, cluster)

    def _new_token(self) -> str:
        return "dop_v1_" + self._world.seeds.hex(64, "token")


def _actions() -> dict[str, Any]:
    return {name: action for module in MODULES for name, action in module.ACTIONS.items()}
