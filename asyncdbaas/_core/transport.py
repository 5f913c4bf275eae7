"""What the session needs of aiohttp beyond its public way: cheaper requests, the environment's proxy, closing in time.

The request takes less time than aiohttp's own, where aiohttp is as it was when this was measured. For a body, aiohttp
starts a task that writes it. A callback of the event loop does the same for a tenth of a call less. Both write one turn
of the loop later, so that the requests of a burst leave together: writing at once takes 6 % more, in the kernel, where
the other side is woken for each. aiohttp also merges and checks headers that need neither, and looks for a way to send
what are always bytes, for another 3 %.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp import hdrs, http_writer
from multidict import CIMultiDict
from yarl import URL

from asyncdbaas.errors import InvalidInputError
from asyncdbaas.types import Secret, SecretBytes

if TYPE_CHECKING:
    from aiohttp.connector import Connection

__all__ = ["UnsolicitedResponseError", "close_within", "environment_proxy", "request_class"]

# A longer body may have to wait for the socket, which aiohttp's task can do.
_LONGEST: Final = 64 * 2**10
# Written against these; any other gets aiohttp's own request class, which is slower, and not wrong.
_VERSION: Final = "3.14."
_RESPONSE: Final = (
    *("self", "method", "url", "writer", "continue100", "timer", "request_info", "traces", "loop", "session"),
    "stream_writer",
)
# It refuses control characters; the public way to it makes a coroutine.
_serialize: Final[Any] = getattr(http_writer, "_serialize_headers", None)


def request_class() -> type[aiohttp.ClientRequest]:
    """Return the class for the requests of an `aiohttp.ClientSession` without cookies, traces and default headers."""
    code = aiohttp.ClientResponse.__init__.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    is_known = aiohttp.__version__.startswith(_VERSION) and names == _RESPONSE and _serialize is not None
    return _Request if is_known else aiohttp.ClientRequest


def environment_proxy(base: str) -> tuple[URL | None, dict[str, str] | None]:
    """Return the environment's proxy for an address, and the headers with which to ask it.

    aiohttp can look itself, but in a thread for each request, and fails where .netrc has a password for the host.
    """
    scheme, host = URL(base).scheme, URL(base).host or ""
    address = Secret("" if proxy_bypass(host) else getproxies().get(scheme, ""))
    if not address:
        return None, None
    proxy: URL | None = None
    try:
        proxy = URL(address)
        if proxy.scheme in ("http", "https") and proxy.host:
            # In the address, user and password would show in errors.
            login = None if proxy.user is None else Secret(f"{proxy.user}:{proxy.password or ''}")
            return proxy.with_user(None), None if login is None else {hdrs.PROXY_AUTHORIZATION: _basic(login)}
    except ValueError:
        pass  # said below, without the address
    finally:
        del proxy
    raise InvalidInputError(f"the environment's proxy for {scheme} must be an http:// or https:// address")


def _basic(login: Secret) -> Secret:
    return Secret(f"Basic {b64encode(login.encode()).decode()}")


async def close_within(seconds: float, http: aiohttp.ClientSession) -> None:
    """Close a session, and abort after so much time what a peer that has stopped reading would hold for ever."""
    acquired: tuple[Any, ...] = tuple(getattr(http.connector, "_acquired", ()))
    try:
        async with asyncio.timeout(seconds):
            await http.close()
    except TimeoutError:
        for protocol in acquired:
            protocol.abort()


class UnsolicitedResponseError(aiohttp.ClientConnectionError):
    """The connection held a response before anything was asked; nothing was sent over it."""


class _Request(aiohttp.ClientRequest):
    """A request with complete headers, and a short body of bytes or none."""

    _content: SecretBytes | None = None
    _wire: bytes = SecretBytes()

    def update_headers(self, headers: Any) -> None:
        """Take the headers as they are: aiohttp has just made this copy of them."""
        self.headers = cast("CIMultiDict[str]", headers)
        self.headers[hdrs.HOST] = self.url.host_port_subcomponent or ""

    def update_auto_headers(self, skip_auto_headers: Iterable[str] | None) -> None:
        """Add nothing."""

    def update_body_from_data(self, body: Any, _stacklevel: int = 3) -> None:
        """Keep a short body as it is."""
        if self.proxy is None and isinstance(body, SecretBytes) and len(body) <= _LONGEST:
            self.headers[hdrs.CONTENT_LENGTH] = str(len(body))
            self._content = body
        else:
            super().update_body_from_data(body, _stacklevel)

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Send the request in the next turn of the event loop."""
        content, protocol = self._content, conn.protocol
        # A gateway that drops idle connections may say so with a 408 first. aiohttp would take it for our answer.
        if protocol is not None and protocol.should_close:
            pool = conn._connector._conns.get(conn._key, ())  # noqa: SLF001 -- others may lie there like this one
            for other, _ in pool:
                if other.should_close:
                    other.close()  # the pool passes over what is closed
            raise UnsolicitedResponseError("a connection out of the pool held an unsolicited response")
        if content is None or protocol is None or protocol.writing_paused:
            if content is not None:
                super().update_body_from_data(content)
            return await super().send(conn)
        self._wire = SecretBytes(_serialize(f"{self.method} {self.url.raw_path_qs} HTTP/1.1", self.headers) + content)
        self.loop.call_soon(self._write, protocol)
        return self.response_class(
            self.method,
            self.original_url,
            writer=None,
            continue100=None,
            timer=self._timer,
            request_info=self.request_info,
            traces=self._traces,
            loop=self.loop,
            session=self.session,
            stream_writer=http_writer.StreamWriter(protocol, self.loop),
        )

    def _write(self, protocol: Any) -> None:
        wire, self._wire = self._wire, SecretBytes()
        # A call that was cancelled in between has closed its connection.
        if (transport := protocol.transport) is None:
            return
        # The loop may have read an answer, or the end, between `send` and here; still nothing was sent.
        if protocol.should_close or transport.is_closing():
            protocol._buffer.clear()  # noqa: SLF001 -- what is in it would be read before the exception
            reason = "a connection out of the pool ended, or held a response, before the request was written"
            protocol.set_exception(UnsolicitedResponseError(reason))
        else:
            transport.write(wire)
            protocol.start_timeout()
