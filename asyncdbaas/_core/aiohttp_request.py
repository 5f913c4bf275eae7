"""Workarounds for aiohttp: a cheaper request class, whether a request was sent, bounded close, lent sessions.

This is the only module that uses aiohttp's private names.

The request takes less CPU time than aiohttp's own. For a body, aiohttp starts a task that writes it. A callback of the
event loop does the same and saves a tenth of a call. Both write one iteration of the loop later, so that the requests
of a burst leave together: writing at once costs 6 % more, in the kernel, which wakes the other side for each. aiohttp
also merges and checks headers that need neither, and looks for a way to send what is always bytes, for another 3 %.
Its `ClientSession.request` looks at redirects, cookies, traces, middlewares and timeouts that a session does not use; a
request goes straight to the connector instead, which saves 9 % of a call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from aiohttp import hdrs, http_writer
from multidict import CIMultiDict
from yarl import URL

from asyncdbaas.errors import SessionStateError
from asyncdbaas.types import SecretBytes

if TYPE_CHECKING:
    from aiohttp.connector import Connection

    from asyncdbaas._core.call import Call

AIOHTTP: Final = aiohttp.__version__
"""The version of aiohttp."""

# A longer body may have to wait for the socket, which aiohttp's task can do.
_LONGEST: Final = 64 * 2**10
# Written against these versions. Any other gets aiohttp's own way to write, which is slower but not wrong.
_VERSION: Final = "3.14."
_RESPONSE: Final = (
    *("self", "method", "url", "writer", "continue100", "timer", "request_info", "traces", "loop", "session"),
    "stream_writer",
)
# Longer than a TLS handshake over a slow line takes.
_CONNECT_SECONDS: Final = 30.0
# It rejects control characters. Its public caller is a coroutine.
_serialize: Final[Any] = getattr(http_writer, "_serialize_headers", None)


def request_class() -> type[aiohttp.ClientRequest]:
    """Return the class for the requests of an `aiohttp.ClientSession` without cookies, traces and default headers."""
    code = aiohttp.ClientResponse.__init__.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    is_known = aiohttp.__version__.startswith(_VERSION) and names == _RESPONSE and _serialize is not None
    return _Request if is_known else _PlainRequest


def open_client(connector: aiohttp.BaseConnector, *, owned: bool) -> aiohttp.ClientSession:
    """Open a client with our own settings on a connector, which it closes only if `owned`."""
    client = aiohttp.ClientSession(
        connector=connector,
        connector_owner=owned,
        cookie_jar=aiohttp.DummyCookieJar(),  # the edge network sets cookies that mean nothing here
        request_class=request_class(),
        # The deadline of an attempt is the session's own, so that closing the session can bring it forward.
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
    )
    # Else aiohttp silently sends a request again whose connection broke. A retry has to pass the rate limiter, too.
    client._retry_connection = False  # noqa: SLF001 -- a middleware could do it, for 2 % of a call
    return client


def request(
    http: aiohttp.ClientSession, call: Call, proxy: URL | None, proxy_headers: Mapping[str, str] | None
) -> Awaitable[aiohttp.ClientResponse]:
    """Send a call over a client of `open_client`, and set `call.sent` just before the first byte is written.

    The call takes the place of the body, because aiohttp passes nothing else on to its request class as it is.
    """
    if http._request_class is _Request:  # noqa: SLF001 -- the one that `open_client` chose
        return _exchange(http, call, proxy, proxy_headers)
    return http.request(
        call.method,
        call.url,
        data=call,
        allow_redirects=False,  # the token must not follow
        proxy=proxy,
        proxy_headers=proxy_headers,
    )


async def _exchange(
    http: aiohttp.ClientSession, call: Call, proxy: URL | None, proxy_headers: Mapping[str, str] | None
) -> aiohttp.ClientResponse:
    """Do what `http.request` does, without all that `open_client` leaves unset."""
    connector: Any = http.connector
    request = _Request(
        call.method,
        call.url,
        headers=call.headers,
        data=call,
        loop=asyncio.get_running_loop(),
        proxy=proxy,
        proxy_headers=proxy_headers,
        session=http,
    )
    try:
        connection = await connector.connect(request, traces=[], timeout=http.timeout)
    except TimeoutError as error:
        raise aiohttp.ConnectionTimeoutError(f"Connection timeout to host {call.url}") from error
    try:
        connection.protocol.set_response_params(skip_payload=call.method == hdrs.METH_HEAD, read_until_eof=True)
        response = await request.send(connection)
        try:
            return await response.start(connection)
        except BaseException:
            response.close()
            raise
    except BaseException:
        connection.close()
        raise


def lent_connector(http: aiohttp.ClientSession) -> aiohttp.BaseConnector:
    """Return the connector of a lent session, for use in the running event loop."""
    connector = http.connector
    if connector is None or http.closed:
        raise SessionStateError("the aiohttp.ClientSession given as `http` is closed")
    if connector._loop is not asyncio.get_running_loop():  # noqa: SLF001 -- `loop` is deprecated
        raise SessionStateError("the aiohttp.ClientSession given as `http` belongs to another event loop")
    return connector


def lent_proxy(http: aiohttp.ClientSession) -> tuple[URL | None, aiohttp.BasicAuth | None]:
    """Return the proxy that a lent session uses for all requests, and its login."""
    proxy: Any = http._default_proxy  # noqa: SLF001 -- bypassing a proxy by accident is worse
    return None if proxy is None else URL(proxy), http._default_proxy_auth  # noqa: SLF001


async def close_within(seconds: float, http: aiohttp.ClientSession) -> None:
    """Close a session; abort the connections whose peer has stopped reading, which would never end otherwise."""
    acquired: tuple[Any, ...] = tuple(getattr(http.connector, "_acquired", ()))
    try:
        async with asyncio.timeout(seconds):
            await http.close()
    except TimeoutError:
        for protocol in acquired:
            protocol.abort()


class UnsolicitedResponseError(aiohttp.ClientConnectionError):
    """The connection held a response before a request was sent. Nothing was sent over it."""


class PermitLapsedError(aiohttp.ClientConnectionError):
    """The permit of the rate limiter lapsed before anything was sent, because the process stood still."""


class _PlainRequest(aiohttp.ClientRequest):
    """aiohttp's own request, which notes that it is sent."""

    _call: Call

    def update_body_from_data(self, body: Call, _stacklevel: int = 3) -> None:
        """Take headers and body from the call."""
        self._call = body
        self.headers.update(body.headers)
        super().update_body_from_data(body.body, _stacklevel)

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Send the request at once."""
        _refuse_unsolicited(conn)
        _begin(self._call)
        return await super().send(conn)


class _Request(aiohttp.ClientRequest):
    """A request with complete headers, and a short body of bytes or none."""

    _call: Call
    _content: bytes | None = None
    _wire: bytes = b""

    def update_headers(self, headers: Any) -> None:
        """Set the headers of the call."""
        self.headers: CIMultiDict[str] = headers.copy()
        self.headers[hdrs.HOST] = self.url.host_port_subcomponent or ""

    def update_auto_headers(self, skip_auto_headers: Iterable[str] | None) -> None:
        """Add nothing."""

    def update_body_from_data(self, body: Call, _stacklevel: int = 3) -> None:
        """Take the body of the call as it is if it is short."""
        self._call, content = body, body.body
        if self.proxy is None and content is not None and len(content) <= _LONGEST:
            self.headers[hdrs.CONTENT_LENGTH] = str(len(content))
            self._content = content
        else:
            super().update_body_from_data(content, _stacklevel)

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Send the request in the next iteration of the event loop."""
        content, protocol = self._content, conn.protocol
        _refuse_unsolicited(conn)
        if content is None or protocol is None or protocol.writing_paused:
            if content is not None:
                super().update_body_from_data(content)
            _begin(self._call)
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
        wire, self._wire = self._wire, b""
        # A call that was cancelled in between has closed its connection.
        if (transport := protocol.transport) is None:
            return
        # The loop may have read a response, or the end, between `send` and here. Still nothing was sent.
        if protocol.should_close or transport.is_closing():
            protocol._buffer.clear()  # noqa: SLF001 -- what is in it would be read before the exception
            reason = "a pooled connection ended, or held a response, before the request was written"
            protocol.set_exception(UnsolicitedResponseError(reason))
            return
        try:
            _begin(self._call)
        except PermitLapsedError as error:
            protocol.set_exception(error)
        else:
            transport.write(wire)
            protocol.start_timeout()


def _begin(call: Call) -> None:
    """Note that the first byte is about to be written."""
    if not call.has_permit():
        raise PermitLapsedError("the process stood still until the permit of the rate limiter lapsed")
    call.sent = True


def _refuse_unsolicited(conn: Connection) -> None:
    # A gateway that drops idle connections may say so with a 408 first. aiohttp would take it for our response.
    if conn.protocol is not None and conn.protocol.should_close:
        pool = conn._connector._conns.get(conn._key, ())  # noqa: SLF001 -- the pool may hold others like this one
        for other, _ in pool:
            if other.should_close:
                other.close()  # the pool passes over what is closed
        raise UnsolicitedResponseError("a pooled connection held an unsolicited response")
