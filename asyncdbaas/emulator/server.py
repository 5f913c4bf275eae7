"""The sockets: a thin adapter from aiohttp's low-level server to the service."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from asyncdbaas.emulator.service import Response, Service

HOST: Final = "127.0.0.1"
IDLE_SECONDS: Final = 75.0  # what common load balancers grant an idle connection
BODY_SECONDS: Final = 30.0
MAX_BODY: Final = 32 * 1024 * 1024


class Server:
    """Serve a service on loopback."""

    def __init__(self, service: Service, port: int) -> None:
        self._service = service
        self._port = port
        self._runner: web.ServerRunner | None = None

    async def start(self) -> int:
        """Listen, and return the port."""
        server = web.Server(self._handle, access_log=None, keepalive_timeout=IDLE_SECONDS, lingering_time=1.0)
        self._runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self._port, backlog=1024, reuse_address=True).start()
        port: int = self._runner.addresses[0][1]
        return port

    async def stop(self) -> None:
        """Stop listening, and close all connections."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(request)
        except TimeoutError:
            return _closing(408, "request body was not received in time")
        if body is None:
            return _closing(413, "request body is too large")
        response = self._service.handle(request.method, request.raw_path, request.headers, body)
        return _to_aiohttp(response)


async def _body(request: web.BaseRequest) -> bytes | None:
    """Read the whole body, or return None if it is too large."""
    if not request.body_exists:
        return b""
    chunks, size = list[bytes](), 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > MAX_BODY:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _to_aiohttp(response: Response) -> web.StreamResponse:
    return web.Response(status=response.status, headers=response.headers, body=response.body or None)


def _closing(status: int, text: str) -> web.StreamResponse:
    answer = web.Response(status=status, text=text)
    answer.force_close()
    return answer
