"""The token of a session and the headers made from it."""

from __future__ import annotations

import inspect
import os
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from multidict import CIMultiDict

from asyncdbaas._core.aiohttp_request import AIOHTTP
from asyncdbaas._core.call import Call
from asyncdbaas._core.http import check_header, check_token
from asyncdbaas._core.lifetime import Lifetime, closed_error
from asyncdbaas._core.secrets import hide, secrets_in
from asyncdbaas._version import __version__
from asyncdbaas.errors import RequestError, RequestTimeoutError, TokenError, TransportError
from asyncdbaas.types import Secret

Token = str | Callable[[], str | Awaitable[str]]
"""An API token, or a function or coroutine function that returns one. It is called before each attempt."""

_TOKEN_VARIABLES: Final = ("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN")
_USER_AGENT: Final = f"asyncdbaas/{__version__} aiohttp/{AIOHTTP} Python/{sys.version.split()[0]}"
# A response can come back after a few more tokens have been issued.
_REMEMBERED: Final = 8


class Credentials:
    """Provide the headers of requests, and hide the token wherever it comes back."""

    def __init__(self, token: Token | None, user_agent: str | None, lifetime: Lifetime) -> None:
        self._provider = token if callable(token) else None
        self.token: Final = None if callable(token) else check_token(_default_token() if token is None else token)
        """The token, if it is a fixed one."""
        name = "" if user_agent is None else check_header(user_agent, "user_agent") + " "
        self._common = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": name + _USER_AGENT,
        }
        self._lifetime = lifetime
        self._headers: tuple[CIMultiDict[str], CIMultiDict[str]] = CIMultiDict(), CIMultiDict()
        self._headers_of: Secret | None = None
        self._tokens: deque[Secret] = deque(maxlen=_REMEMBERED)
        self._others: tuple[Secret, ...] = ()

    def also_hide(self, *secrets: str | None) -> None:
        """Hide further secrets, such as the login of a proxy, in what the other side sends."""
        self._others = tuple(Secret(secret) for secret in secrets if secret)

    def headers(self, token: Secret, call: Call) -> CIMultiDict[str]:
        """Return the headers of an attempt."""
        if token != self._headers_of:
            bare = {"Authorization": Secret(f"Bearer {token}"), **self._common}
            self._headers = CIMultiDict(bare), CIMultiDict({**bare, "Content-Type": "application/json"})
            self._headers_of = token
            self._tokens.append(token)
        headers = self._headers[call.body is not None]
        if call.options.headers:
            headers = headers.copy()
            headers.update(call.options.headers)
        return headers

    def hide(self, text: str, call: Call) -> str:
        """Replace the token, and the secrets in the body of a request, in a text that the other side sent."""
        headers = (value for _, value in call.options.headers)
        return hide(text, (*self._tokens, *self._others, *headers, *secrets_in(call.body)))

    def hide_in(self, error: RequestError, call: Call) -> None:
        """Replace them in an error."""
        error.message = self.hide(error.message, call)
        error.args = (error.message,)
        if error.request_id is not None:
            error.request_id = self.hide(error.request_id, call)

    def hide_in_headers(self, headers: Mapping[str, str], call: Call) -> CIMultiDict[str]:
        """Return the headers of a response without cookies, which are secret, and with the same secrets replaced."""
        kept = [(name, value) for name, value in headers.items() if name.lower() != "set-cookie"]
        values = self.hide("\n".join(value for _, value in kept), call).split("\n")  # no value contains a line end
        if len(values) != len(kept):
            return CIMultiDict()
        return CIMultiDict((name, value) for (name, _), value in zip(kept, values, strict=True))

    async def ask(self, call: Call) -> Secret | TransportError:
        """Call the token function; return an error if it did not return in time.

        This comes just before the request is sent: a token that waited for the quota could have expired.
        """
        if self._provider is None:
            raise AssertionError("a fixed token is not requested")
        if not self._lifetime.is_open:  # closed after the permit was granted, and after it ended all deadlines
            raise closed_error()
        deadline = self._lifetime.deadline(call.options.timeout)
        try:
            with deadline:
                answer: object = self._provider()
                if inspect.isawaitable(answer):
                    answer = await answer
                answer = Secret(answer) if isinstance(answer, str) else answer
        except TimeoutError:
            if not deadline.passed:
                raise
            if not self._lifetime.is_open:
                raise closed_error() from None
            reason = f"the token function did not return within {call.options.timeout:g} s"
            return RequestTimeoutError(reason, sent=False, method=call.method, path=call.path)
        return check_token(answer)


def _default_token() -> Any:
    for name in _TOKEN_VARIABLES:
        if token := os.environ.get(name):
            return Secret(token)
    raise TokenError(f"no token: pass token=..., or set {_TOKEN_VARIABLES[0]}")
