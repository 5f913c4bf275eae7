"""The server socket: a thin adapter from aiohttp's low-level server."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
import struct
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from ipaddress import ip_address
from typing import Final, TypeAlias

from aiohttp import web

from asyncdbaas.emulator.clock import Clock
from asyncdbaas.emulator.responses import Response

IDLE_SECONDS: Final = 75.0  # the idle timeout of common load balancers
BODY_SECONDS: Final = 30.0
MAX_BODY: Final = 32 * 1024 * 1024
_DRIP_SECONDS: Final = 0.05
# Iterations of the event loop in which a client's connection becomes one that the server can close. asyncio leaves a
# connection open that is accepted while the server closes.
_ACCEPT_STEPS: Final = 3
_LINGER_FORMAT: Final = "hh" if sys.platform == "win32" else "ii"  # two shorts in Winsock, two ints in POSIX

Handle: TypeAlias = Callable[[str, str, Mapping[str, str], bytes], Response]


class Server:
    """Serve a function of requests on one address; deadlines for slow senders are in real time."""

    def __init__(self, handle: Handle, clock: Clock, host: str, tls: ssl.SSLContext | None) -> None:
        self._handle = handle
        self._clock = clock
        self._host = host
        self._tls = tls
        self._runner: web.ServerRunner | None = None

    @property
    def is_running(self) -> bool:
        """Whether it listens."""
        return self._runner is not None

    async def start(self, port: int) -> int:
        """Listen, and return the port."""
        server = web.Server(
            self._serve,
            handler_cancellation=True,  # a client that disconnects ends the wait for its response
            access_log=None,
            auto_decompress=False,  # as servers in Go; one that fails would end in a 500 and tracebacks
            keepalive_timeout=IDLE_SECONDS,
            lingering_time=1.0,
        )
        runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await runner.setup()
        self._runner = runner
        try:
            return await self._listen(runner, port)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop listening, and close all connections."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        for _ in range(_ACCEPT_STEPS):
            await asyncio.sleep(0)
        await runner.cleanup()

    async def _listen(self, runner: web.ServerRunner, port: int) -> int:
        """Listen on all addresses of the host, and return their port.

        `localhost` often has two addresses. asyncio would choose a port for each, and clients know of one. It may also
        name an address that the machine does not have: in containers `::1` is in /etc/hosts, but there is no IPv6.
        """
        for address in await _addresses(self._host, port):
            try:
                await web.TCPSite(runner, address, port, backlog=1024, ssl_context=self._tls).start()
            except OSError as error:
                if error.errno not in (errno.EADDRNOTAVAIL, None):  # None on Python 3.13
                    raise
            if runner.addresses:
                port = runner.addresses[0][1]
        if not runner.addresses:
            raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
        return port

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            body = await _read(request)
        except TimeoutError:
            return _closing(web.Response(status=408, text="the request's body did not arrive in time"))
        if body is None:
            return _closing(web.Response(status=413, text="the request's body is too large"))
        target = request.raw_path
        if not target.startswith("/"):  # an absolute URL, which servers must accept
            target = request.rel_url.raw_path_qs
        response = self._handle(request.method, target, request.headers, body)
        if response.delay:
            await self._clock.sleep(response.delay)
        return await _ENDINGS[response.ending](request, response)


async def _addresses(host: str, port: int) -> list[str]:
    """Return the addresses of a host; "" stands for all of this machine."""
    with suppress(ValueError):
        return [str(ip_address(host))]  # without the thread that asks the system for a name
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def _read(request: web.BaseRequest) -> bytes | None:
    """Read the whole body, or return None if it is too large."""
    if not request.body_exists:
        return b""
    if request.content.is_eof():  # a short body arrives with its headers
        body = request.content.read_nowait()
        return body if len(body) <= MAX_BODY else None
    if request.headers.get("expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    chunks, size = list[bytes](), 0
    async with asyncio.timeout(BODY_SECONDS):
        async for chunk in request.content.iter_any():
            size += len(chunk)
            if size > MAX_BODY:
                return None
            chunks.append(chunk)
    return b"".join(chunks)


def _closing(answer: web.StreamResponse) -> web.StreamResponse:
    answer.force_close()
    return answer


async def _whole(_request: web.BaseRequest, response: Response) -> web.StreamResponse:
    return web.Response(status=response.status, headers=response.headers, body=response.body or None)


async def _reset(request: web.BaseRequest, _response: Response) -> web.StreamResponse:
    _abort(request)
    return web.Response()


async def _reset_after(request: web.BaseRequest, response: Response) -> web.StreamResponse:
    answer = await _whole(request, response)
    await answer.prepare(request)
    await answer.write_eof()
    _abort(request)
    return answer


async def _half_body(request: web.BaseRequest, response: Response) -> web.StreamResponse:
    answer = web.StreamResponse(status=response.status, headers=response.headers)
    answer.content_length = max(2, len(response.body))
    await answer.prepare(request)
    await answer.write(response.body[: len(response.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return answer


async def _endless_body(request: web.BaseRequest, response: Response) -> web.StreamResponse:
    answer = web.StreamResponse(status=response.status, headers=response.headers)
    answer.enable_chunked_encoding()
    await answer.prepare(request)
    await answer.write(response.body[:-1])
    while True:  # ends by cancellation, when the client disconnects or the server stops
        await answer.write(b" ")
        await asyncio.sleep(_DRIP_SECONDS)


async def _silence(_request: web.BaseRequest, _response: Response) -> web.StreamResponse:
    await asyncio.get_running_loop().create_future()  # ends by cancellation, as above
    raise AssertionError


def _abort(request: web.BaseRequest) -> None:
    """Reset the connection: a closing socket that lingers for no time sends RST."""
    if request.transport is None:
        return
    plain: socket.socket | None = request.transport.get_extra_info("socket")
    if plain is not None:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(_LINGER_FORMAT, 1, 0))
    request.transport.abort()


_ENDINGS: Final = {
    "": _whole,
    "reset": _reset,
    "reset_after": _reset_after,
    "half_body": _half_body,
    "endless_body": _endless_body,
    "silence": _silence,
}
