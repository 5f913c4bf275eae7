"""The connection pool: open it with the right proxy and certificates, send one request, close in bounded time."""

from __future__ import annotations

import ssl
from typing import Final

import aiohttp
from yarl import URL

from asyncdbaas._checks import check_instance
from asyncdbaas._core.aiohttp_request import (
    PermitLapsedError,
    UnsolicitedResponseError,
    close_within,
    lent_connector,
    lent_proxy,
    open_client,
    request,
)
from asyncdbaas._core.call import Call, Response
from asyncdbaas._core.credentials import Credentials
from asyncdbaas._core.lifetime import Lifetime, closed_error
from asyncdbaas._core.networks import basic, environment_proxy, split_login, tls_setting
from asyncdbaas._core.text import LONGEST_TEXT
from asyncdbaas.errors import SAFE_METHODS, DecodeError, RequestError, RequestTimeoutError, TLSError, TransportError
from asyncdbaas.types import Secret

# The largest responses known, lists of thousands of topics, are smaller than a tenth of this.
_LARGEST_BODY: Final = 64 * 2**20
# Of an error, only the beginning is read.
_LARGEST_ERROR: Final = 64 * 2**10
# How long a peer may take to read what has been written to it, when the session closes.
_CLOSE_SECONDS: Final = 1.0
# Connections with an unsolicited response that one attempt may meet. The first one removes all that lie in the pool.
_MOST_UNSOLICITED: Final = 3


class Transport:
    """The connections of a session, its own or those of a lent `aiohttp.ClientSession`.

    Of a lent session only the connections are used, with their TLS settings, and the proxy. Everything else that it is
    set to, such as `raise_for_status`, `auth`, `cookies` or middlewares, could change what an error means, send a
    request twice, or send its credentials to the service.
    """

    def __init__(
        self,
        base: str,
        lifetime: Lifetime,
        credentials: Credentials,
        *,
        max_connections: int,
        lent: aiohttp.ClientSession | None,
        trust_env: bool,
        ssl_context: ssl.SSLContext | None,
    ) -> None:
        if lent is not None:
            check_instance(lent, aiohttp.ClientSession, "http", "aiohttp.ClientSession()")
        if ssl_context is not None:
            check_instance(ssl_context, ssl.SSLContext, "ssl_context", "ssl.create_default_context()")
        self.base = base
        self._lifetime = lifetime
        self._credentials = credentials
        self._max_connections = max_connections
        self._lent = lent
        self._trust_env = check_instance(trust_env, bool, "trust_env", "False")
        self._ssl_context = ssl_context
        self._proxy: URL | None = None
        self._proxy_headers: dict[str, str] | None = None
        self.http: aiohttp.ClientSession | None = None

    def open(self) -> Secret | None:
        """Open the pool; return the login for its proxy, if it needs one."""
        if self._lent is None:
            tls: ssl.SSLContext | bool = self._ssl_context or tls_setting(self.base, trust_env=self._trust_env)
            self._proxy, login = environment_proxy(self.base) if self._trust_env else (None, None)
            connector: aiohttp.BaseConnector = aiohttp.TCPConnector(limit=self._max_connections, ssl=tls)
        else:
            connector = lent_connector(self._lent)
            self._proxy, login = _login_of(*lent_proxy(self._lent))
        self._proxy_headers = None if login is None else {"Proxy-Authorization": login}
        self.http = open_client(connector, owned=self._lent is None)
        return login

    async def close(self) -> None:
        """Close the pool, unless it is lent."""
        if self.http is not None:
            await close_within(_CLOSE_SECONDS, self.http)

    async def send(self, call: Call) -> Response | RequestError:
        """Send one request and read its response."""
        http, unsolicited = self.http, 0
        call.sent = False
        if http is None or http.closed or not self._lifetime.is_open:
            raise closed_error()
        try:
            with self._lifetime.deadline(call.options.timeout):
                while True:
                    try:
                        # Not `async with`: a response that is read to its end has given its connection back, and
                        # leaving the block would take 3 % of a call.
                        response = await request(http, call, self._proxy, self._proxy_headers)
                        break
                    except UnsolicitedResponseError:  # nothing was sent, so that another connection can do it
                        unsolicited += 1
                        if unsolicited == _MOST_UNSOLICITED:
                            raise
                content = response.content
                # A short body comes in one piece with the headers.
                whole = content.is_eof() and response.status != 101
                body = content.read_nowait() if whole else await _read_body(response)
                return Response(response.status, response.headers, body)
        except _TooLargeError as error:
            return DecodeError(str(error), method=call.method, path=call.path)
        except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
            return self._error(call, error)

    def _error(self, call: Call, failure: BaseException) -> TransportError:
        kind, sent = TransportError, call.sent
        text = self._credentials.hide(_text_of(failure), call)[:LONGEST_TEXT]
        reason = f"no usable response ({type(failure).__name__}: {text})"
        if not self._lifetime.is_open:
            reason = "the session was closed before the response came"
        elif isinstance(failure, aiohttp.ClientSSLError):
            kind, reason = TLSError, f"TLS failed: {text}"
        elif isinstance(failure, aiohttp.ClientHttpProxyError):
            reason = f"could not connect: the proxy responded {failure.status} ({text})"
        elif isinstance(failure, PermitLapsedError):
            kind, reason = NotAdmittedError, f"not sent: {text}"
        elif type(failure) is TimeoutError:
            within = "could not connect" if not sent else "no complete response"
            kind, reason = RequestTimeoutError, f"{within} within {call.options.timeout:g} s"
        elif not sent:
            reason = f"could not connect: {text}"
        unknown = sent and call.method not in SAFE_METHODS
        error = kind(reason, sent=sent, method=call.method, path=call.path, outcome_unknown=unknown)
        # Keep only an error of the operating system as the cause: the others hold the token, or what the other side
        # sent. The frames and the errors behind it hold the token and the body.
        failure.__cause__ = failure.__context__ = None
        error.__cause__ = failure.with_traceback(None) if isinstance(failure, OSError) else None
        return error


class NotAdmittedError(TransportError):
    """The attempt needs another permit of the rate limiter."""


class _TooLargeError(Exception):
    """The response is larger than any that is known."""


def _login_of(proxy: URL | None, auth: aiohttp.BasicAuth | None) -> tuple[URL | None, Secret | None]:
    """Return the address and the login of a lent session's proxy."""
    if proxy is None:
        return None, None
    address, login = split_login(proxy)
    return address, basic(auth.login, auth.password) if auth is not None else login  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] -- aiohttp types it in part


def _text_of(failure: BaseException) -> str:
    """Return what a failure says, in one line."""
    if isinstance(failure, aiohttp.ServerDisconnectedError):  # its message may be the half response that came
        return "the server closed the connection"
    text = failure.message if isinstance(failure, aiohttp.ClientResponseError) else str(failure)
    return " ".join(text.split())


async def _read_body(response: aiohttp.ClientResponse) -> bytes:
    is_success = 200 <= response.status < 300
    limit = _LARGEST_BODY if is_success else _LARGEST_ERROR
    chunks: list[bytes] = []
    size = 0
    try:
        if response.status == 101:  # aiohttp leaves a connection that has switched protocols to its caller
            response.close()
            return b""
        async for chunk in response.content.iter_any():
            chunks.append(chunk)
            size += len(chunk)
            if size > limit:
                response.close()
                if not is_success:
                    break
                raise _TooLargeError(f"the response is larger than {limit >> 20} MiB, so it was not read to its end")
        return b"".join(chunks)
    except BaseException:
        response.close()
        raise
