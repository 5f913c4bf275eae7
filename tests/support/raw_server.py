"""A server that answers with literal bytes, or does worse.

    async with RawServer(answer(503), HANG, answer(200, b"{}")) as server:
        ...                                        # the n-th request meets the n-th step; the last step goes on
        assert server.requests[0].method == "POST"

A step is bytes to write, or a coroutine function that gets the `Exchange`. After a step the connection stays open,
unless the step closed it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self

import attrs

Headers = Mapping[str, str]


@attrs.frozen(kw_only=True)
class Request:
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    """Names are lower case."""
    body: bytes
    connection: int
    """Number of the connection on which it came, from 0."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@attrs.define
class Exchange:
    """What a step has in its hands: a request, and the way back."""

    request: Request
    _writer: asyncio.StreamWriter

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def close(self) -> None:
        """Close the connection, after what has been written."""
        self._writer.close()

    def reset(self) -> None:
        """Break the connection: the client sees a reset."""
        connection: socket.socket = self._writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def hang(self) -> None:
        """Say nothing more, for as long as the server lives."""
        await asyncio.get_running_loop().create_future()


Step = bytes | Callable[[Exchange], Awaitable[None]]


def answer(
    status: int, body: bytes | str | Mapping[str, Any] = b"", headers: Headers | None = None, *, reason: str = "Said"
) -> bytes:
    """Build a whole response."""
    if isinstance(body, str):
        body = body.encode()
    elif not isinstance(body, bytes):
        body = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} {reason}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


async def hang(exchange: Exchange) -> None:
    """Never answer."""
    await exchange.hang()


async def close(exchange: Exchange) -> None:
    """Close the connection without a response."""
    exchange.close()


async def reset(exchange: Exchange) -> None:
    """Reset the connection without a response."""
    exchange.reset()


class RawServer:
    """Answer each request with the next step; see the top of this file."""

    def __init__(self, *steps: Step, ssl_context: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self.arrived = asyncio.Event()
        """Set at each request; clear it to wait for the next."""
        self._steps = steps
        self._ssl = ssl_context
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"{'https' if self._ssl else 'http'}://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self._ssl, limit=2**20)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    def stop_listening(self) -> None:
        """Refuse further connections."""
        self._server.close()

    async def __aexit__(self, *_: object) -> None:
        self.stop_listening()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer, self.connections))
        self.connections += 1
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: writer.close())  # also if it was cancelled before it began

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while not writer.is_closing():
                await self._exchange(await _read_request(reader, connection), writer)

    async def _exchange(self, request: Request, writer: asyncio.StreamWriter) -> None:
        step = self._steps[min(len(self.requests), len(self._steps) - 1)]
        self.requests.append(request)
        self.arrived.set()
        exchange = Exchange(request, writer)
        if isinstance(step, bytes):
            await exchange.write(step)
        else:
            await step(exchange)


async def _read_request(reader: asyncio.StreamReader, connection: int) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method=method, target=target, headers=headers, body=body, connection=connection)
