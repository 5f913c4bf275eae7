"""The data of one call: its options, its request and its response."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final, get_args

import attrs
from multidict import CIMultiDict
from yarl import URL

from asyncdbaas._checks import check_instance, check_mapping, check_seconds
from asyncdbaas._core.http import check_header, check_header_name, read_request_id
from asyncdbaas._documented import Documented
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.ratelimit import Priority
from asyncdbaas.retry import RetryPolicy

__all__ = ["Call", "Options", "Response", "ResponseInfo", "check_headers", "response_info"]

# The session sets these itself.
_OWN_HEADERS: Final = frozenset({"authorization", "connection", "content-length", "content-type", "host"})


@attrs.frozen(kw_only=True)
class Options:
    """The options that `AsyncSession.with_options` changes."""

    max_wait: float | None
    timeout: float
    retry: RetryPolicy
    headers: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    priority: Priority | None = None
    """None means the priority of the block in which the call is made."""

    def __attrs_post_init__(self) -> None:
        """Check the values."""
        if self.max_wait is not None:
            check_seconds(self.max_wait, "max_wait", zero=True)
        check_seconds(self.timeout, "timeout")
        check_instance(self.retry, RetryPolicy, "retry", "RetryPolicy(max_attempts=3)")
        if self.priority is not None and self.priority not in get_args(Priority):
            raise InvalidInputError('priority must be "interactive", "bulk" or None')


@attrs.define
class Call:
    """A request that can be sent any number of times, and what has happened to it so far."""

    method: str
    path: str
    url: URL = attrs.field(repr=False)
    body: bytes | None = attrs.field(repr=False)
    options: Options
    observed: bool
    number: int
    began: float
    queued: float = attrs.field(init=False)
    """When it began to wait for the admission of the attempt."""
    waited: float = 0.0
    attempts: int = 0
    headers: CIMultiDict[str] = attrs.field(init=False, repr=False)
    """The headers of the attempt."""
    has_permit: Callable[[], bool] = attrs.field(init=False, repr=False)
    """Returns whether the permit of the attempt may still be spent."""
    sent: bool = False
    """Whether the first byte of the attempt may have been written."""
    on_admission: Callable[[], None] | None = attrs.field(default=None, repr=False)
    """Called when the first attempt is about to be sent; the read is not shared with later callers from then on."""

    @property
    def is_read(self) -> bool:
        """Whether the call changes nothing."""
        return self.method in ("GET", "HEAD")


@attrs.define  # not frozen: one is made for each attempt, and frozen takes three times as long
class Response:
    """A response, read to its end."""

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300


@attrs.frozen(kw_only=True)
class ResponseInfo(Documented):
    """Status, headers and timing of a successful response; see `AsyncSession.responses`."""

    method: str
    path: str
    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    """Names match in any case."""
    request_id: str | None
    """Quote it to the vendor's support."""
    attempts: int
    """How many times the request was sent; 0 if another call's request served this one."""
    seconds: float
    """Seconds from the start of the call to its end."""
    waited: float
    """How many of these seconds the call waited for a connection slot and the rate limit."""


def response_info(call: Call, response: Response) -> ResponseInfo:
    """Return the status, headers and timing of a successful response."""
    return ResponseInfo(
        method=call.method,
        path=call.path,
        status=response.status,
        headers=CIMultiDict(response.headers),  # unlike what aiohttp gives, it can be pickled
        request_id=read_request_id(response.headers),
        attempts=call.attempts,
        seconds=time.monotonic() - call.began,
        waited=call.waited,
    )


def check_headers(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return headers as pairs; reject those that the session sets itself, and what cannot be a header."""
    for name, value in check_mapping(headers, "headers").items():
        check_header(value, f"headers: the value of {check_header_name(name)}")
        if name.lower() in _OWN_HEADERS:
            raise InvalidInputError(f"headers must not set {name}; the session does")
    return tuple(headers.items())
