"""A loopback server that answers with the bytes it is given, and keeps what it was sent."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import attrs
from aiohttp import web

from asyncdbaas import AsyncSession

__all__ = ["Canned", "Sent", "serve"]


@attrs.frozen
class Sent:
    """A request as it came: the path still percent-encoded, the body parsed, None if there was none."""

    method: str
    path: str
    body: Any = None
    query: dict[str, str] = attrs.field(factory=dict[str, str])


class Canned:
    """Calling it sets the response to the requests that follow; before that, they get a 204."""

    def __init__(self) -> None:
        self.session: AsyncSession
        self.requests: list[Sent] = []
        self._status = 204
        self._body = b""

    def __call__(self, status: int, body: str | bytes | dict[str, Any] = b"") -> None:
        self._status = status
        self._body = (
            json.dumps(body).encode() if isinstance(body, dict) else body.encode() if isinstance(body, str) else body
        )

    @property
    def sent(self) -> Sent:
        """Return the one request that was sent."""
        (request,) = self.requests
        return request

    async def answer(self, request: web.Request) -> web.Response:
        """Handle a request."""
        body = await request.read()
        self.requests.append(
            Sent(request.method, request.rel_url.raw_path, json.loads(body) if body else None, dict(request.query))
        )
        return web.Response(status=self._status, body=self._body, content_type="application/json")


@asynccontextmanager
async def serve(canned: Canned | None = None) -> AsyncGenerator[Canned]:
    """Run a server with a session that talks to it."""
    canned = Canned() if canned is None else canned
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", canned.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        async with AsyncSession("token", base_url=f"http://{host}:{port}") as canned.session:
            yield canned
    finally:
        await runner.cleanup()
