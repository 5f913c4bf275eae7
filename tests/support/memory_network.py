"""TCP inside of one event loop: in virtual time, without sockets, and the same each time.

    loop = MemoryLoop(Network(random.Random(7), latency=lambda: 0.2))

aiohttp's client and server run on it as they are: the loop's public methods make pipes instead of connections. What a
network can do to a connection, this one does on demand: delay, cut into pieces, refuse, swallow, reset, fall silent.
"""

from __future__ import annotations

import asyncio
import errno
import itertools
import random
import socket
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final, Literal
from weakref import WeakKeyDictionary

import attrs
from virtual_time import Lies, VirtualTimeLoop

_HIGH_WATER: Final = 2**16
_HOST: Final = "127.0.0.1"


@attrs.frozen(kw_only=True)
class Fate:
    """What is going to happen to one connection."""

    connect: Literal["ok", "refused", "never"] = "ok"
    resets_after: int | None = None
    """Bytes, both ways together, after which both ends see a reset."""
    silent_after: int | None = None
    """Bytes after which nothing passes any more, not even the news of an end."""


class Network:
    """All connections of a loop, and the weather that they meet."""

    def __init__(
        self,
        rng: random.Random,
        *,
        latency: Callable[[], float] = lambda: 0.0,
        fate: Callable[[], Fate] = Fate,
        pieces: bool = False,
        watch: Callable[[float, bytes], None] = lambda _at, _data: None,
    ) -> None:
        self.latency = latency
        self.fate = fate
        self.watch = watch
        """Called with what clients write, when they write it."""
        self.ends: dict[End, None] = {}
        """The ends that are open, in the order of their making."""
        self.listeners: dict[int, Listener] = {}
        self.late = 0
        """How many pieces arrived at a server after their sender had let go of the connection."""
        self.ports = itertools.count(49152)
        self._rng = rng
        self._pieces = pieces

    def cut(self, data: bytes) -> Iterable[bytes]:
        """Cut what is written into what arrives at once."""
        if not self._pieces or len(data) < 2:
            return (data,)
        places = sorted(self._rng.randrange(1, len(data)) for _ in range(self._rng.randrange(4)))
        return (data[start:stop] for start, stop in itertools.pairwise((0, *places, len(data))) if start < stop)

    def open(self, client: asyncio.BaseProtocol, server: asyncio.BaseProtocol, fate: Fate, port: int) -> End:
        """Connect two protocols, and return the client's end."""
        wire = Wire(fate)
        address = (_HOST, next(self.ports))
        ours, theirs = End(self, wire, client, (_HOST, port)), End(self, wire, server, address)
        ours.peer, theirs.peer = theirs, ours
        ours.sends = lambda data: self.watch(asyncio.get_running_loop().time(), data)
        for end in (theirs, ours):
            end.protocol.connection_made(end)
        return ours


@attrs.define(eq=False)
class Wire:
    """What both ways of a connection share."""

    fate: Fate
    carried: int = 0

    @property
    def is_silent(self) -> bool:
        return self.fate.silent_after is not None and self.carried >= self.fate.silent_after

    @property
    def is_broken(self) -> bool:
        return self.fate.resets_after is not None and self.carried >= self.fate.resets_after


class End(asyncio.Transport):
    """One end of a connection: what it writes arrives at its peer, in order, some time later."""

    peer: End

    def __init__(self, network: Network, wire: Wire, protocol: asyncio.BaseProtocol, peername: tuple[str, int]) -> None:
        super().__init__({"peername": peername})
        self.protocol: Any = protocol
        self.sends: Callable[[bytes], None] = lambda _: None
        self._network = network
        self._wire = wire
        self._loop = asyncio.get_running_loop()
        self._under_way: deque[tuple[float, bytes | ConnectionError | None]] = deque()
        self._size = 0
        self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._paused = False
        self._blocked = False
        self._closing = False
        self._lost = False
        network.ends[self] = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing:
            return
        self.sends(bytes(data))
        for piece in self._network.cut(bytes(data)):
            self._size += len(piece)
            self._send(piece)
        if self._size > _HIGH_WATER and not self._blocked:
            self._blocked = True
            self.protocol.pause_writing()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(list_of_data))

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        self._end(None)

    def abort(self) -> None:
        self._end(_reset())

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        self.peer._arm()

    def is_reading(self) -> bool:
        return not self._paused

    def get_protocol(self) -> asyncio.BaseProtocol:
        protocol: asyncio.BaseProtocol = self.protocol
        return protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def get_write_buffer_size(self) -> int:
        return 0  # all that was written is on its way

    def can_write_eof(self) -> bool:
        return False

    def _end(self, news: ConnectionError | None) -> None:
        if not self._closing:
            self._closing = True
            self._send(news)
            self._loop.call_soon(self._lose, None)

    def _send(self, item: bytes | ConnectionError | None) -> None:
        self._last = max(self._last, self._loop.time() + self._network.latency())
        self._under_way.append((self._last, item))
        self._arm()

    def _arm(self) -> None:
        if self._timer is None and self._under_way and not self.peer._paused:
            self._timer = self._loop.call_at(self._under_way[0][0], self._deliver)

    def _deliver(self) -> None:
        self._timer = None
        if self.peer._paused:
            return
        _, item = self._under_way.popleft()
        if isinstance(item, bytes):
            self._carry(item)
        elif not self._wire.is_silent:
            self.peer._hear(item)
        self._arm()

    def _carry(self, data: bytes) -> None:
        self._size -= len(data)
        if self._blocked and self._size <= _HIGH_WATER // 4:
            self._blocked = False
            if not self._lost:
                self.protocol.resume_writing()
        if self._wire.is_silent:
            return
        self._network.late += self._closing
        self._wire.carried += len(data)
        if self._wire.is_broken:
            for end in (self, self.peer):
                end._closing = True
                end._lose(_reset())
        elif self.peer._closing:
            self._hear(_reset())  # a closed socket answers data with a reset
        else:
            self.peer.protocol.data_received(data)

    def _hear(self, news: ConnectionError | None) -> None:
        """Handle that the peer has closed, or reset, the connection."""
        if self._closing:
            return
        if news is None and self.protocol.eof_received():
            return
        if news is None:
            self.close()
        else:
            self._closing = True
            self._lose(news)

    def _lose(self, error: ConnectionError | None) -> None:
        if not self._lost:
            self._lost = True
            del self._network.ends[self]
            self.protocol.connection_lost(error)


def _reset() -> ConnectionError:
    return ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")


class _Address:
    """As much of a listening socket as servers ask for."""

    def __init__(self, port: int) -> None:
        self._name = (_HOST, port)

    def getsockname(self) -> tuple[str, int]:
        return self._name


class Listener(asyncio.AbstractServer):
    """A server in a network."""

    def __init__(self, network: Network, factory: Callable[[], asyncio.BaseProtocol], port: int) -> None:
        self.factory = factory
        self.sockets = (_Address(port),)
        self._network = network
        self._port = port
        network.listeners[port] = self

    def close(self) -> None:
        self._network.listeners.pop(self._port, None)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    def is_serving(self) -> bool:
        return self._port in self._network.listeners

    async def start_serving(self) -> None:
        """Return: it serves from the beginning."""

    async def serve_forever(self) -> None:
        await self.get_loop().create_future()

    async def wait_closed(self) -> None:
        """Return: there is nothing to wait for."""


class _InMemory:
    """The methods of a loop whose connections are pipes in a network."""

    network: Network
    create_future: Callable[[], asyncio.Future[None]]
    _connected: WeakKeyDictionary[socket.socket, tuple[int, Fate]]

    async def create_server(self, protocol_factory: Any, host: Any = None, port: Any = None, **_: Any) -> Any:  # noqa: ARG002 -- the base's signature
        return Listener(self.network, protocol_factory, port or next(self.network.ports))

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        fate = self.network.fate()
        await asyncio.sleep(self.network.latency())
        if fate.connect == "never":
            await self.create_future()
        if fate.connect == "refused" or address[1] not in self.network.listeners:
            raise ConnectionRefusedError(errno.ECONNREFUSED, f"Connect call failed {address}")
        self._connected[sock] = (address[1], fate)

    async def create_connection(self, protocol_factory: Any, *_: Any, sock: Any = None, **__: Any) -> Any:
        port, fate = self._connected.pop(sock)
        sock.close()
        listener = self.network.listeners.get(port)
        if listener is None:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed")
        protocol = protocol_factory()
        return self.network.open(protocol, listener.factory(), fate, port), protocol


class MemoryLoop(_InMemory, VirtualTimeLoop):
    """A loop in virtual time whose connections are pipes in a network."""

    def __init__(self, network: Network, start: float = 1000.0, lies: Lies | None = None) -> None:
        super().__init__(start, lies)
        self.network = network
        self._connected = WeakKeyDictionary()


def memory_uvloop(network: Network, start: float, lies: Lies | None) -> Any:
    """Make a uvloop in virtual time whose connections are pipes in a network."""
    from virtual_uvloop import VirtualUvloop

    class MemoryUvloop(_InMemory, VirtualUvloop):
        pass

    loop = MemoryUvloop(start, lies)
    loop.network = network
    loop._connected = WeakKeyDictionary()
    return loop
