"""The data of one call: its options, its request and its response."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeAlias, get_args

import attrs
from multidict import CIMultiDict
from yarl import URL

from asyncdbaas._checks import check_instance, check_mapping, check_seconds
from asyncdbaas._core.http import check_header, check_header_name, read_request_id
from asyncdbaas._documented import Documented
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.ratelimit import Priority
from asyncdbaas.retry import RetryPolicy
from asyncdbaas.types import UNSET, Unset

Params: TypeAlias = Mapping[str, str | int] | None
"""Query parameters of a request."""

# The session sets these itself, or they would change how the other side reads the body or what it sends back.
_OWN_HEADERS: Final = frozenset(
    {
        "accept-encoding",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


@attrs.frozen(kw_only=True)
class Options:
    """The options of the calls of a session."""

    max_wait: float | None
    timeout: float
    retry: RetryPolicy
    coalesce_reads: bool
    headers: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    priority: Priority | None = None
    """None means the priority of the block in which the call is made."""

    def __attrs_post_init__(self) -> None:
        if self.max_wait is not None:
            check_seconds(self.max_wait, "max_wait", zero=True)
        check_seconds(self.timeout, "timeout")
        check_instance(self.retry, RetryPolicy, "retry", "RetryPolicy(max_attempts=3)")
        check_instance(self.coalesce_reads, bool, "coalesce_reads", "False")
        if self.priority is not None and self.priority not in get_args(Priority):
            raise InvalidInputError('priority must be "interactive", "bulk" or None')

    def changed(self, headers: Mapping[str, str] | Unset, **changes: Any) -> Options:
        """Return these options with some changed, unless they are UNSET, and with more headers."""
        changes = {name: value for name, value in changes.items() if value is not UNSET}
        if headers is not UNSET:
            changes["headers"] = (*self.headers, *_checked(headers))
        return attrs.evolve(self, **changes)


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


_collections: Final[ContextVar[tuple[tuple[object, list[ResponseInfo]], ...]]] = ContextVar(
    "asyncdbaas.collections", default=()
)


@contextmanager
def collected_responses(owner: object) -> Generator[list[ResponseInfo]]:
    """Collect what `collect_response` gets for this owner in the block, and in tasks that start there."""
    collected: list[ResponseInfo] = []
    before = _collections.get()
    _collections.set((*before, (owner, collected)))
    try:
        yield collected
    finally:
        _collections.set(before)


def collect_response(owner: object, call: Call, response: Response) -> None:
    """Add a successful response to the lists of the blocks that collect for this owner."""
    for its_owner, collected in _collections.get():
        if its_owner is owner:
            collected.append(
                ResponseInfo(
                    method=call.method,
                    path=call.path,
                    status=response.status,
                    headers=CIMultiDict(response.headers),  # unlike what aiohttp gives, it can be pickled
                    request_id=read_request_id(response.headers),
                    attempts=call.attempts,
                    seconds=time.monotonic() - call.began,
                    waited=call.waited,
                )
            )


def _checked(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return headers as pairs; reject those that the session sets itself, and what cannot be a header."""
    for name, value in check_mapping(headers, "headers").items():
        check_header(value, f"headers: the value of {check_header_name(name)}")
        if name.lower() in _OWN_HEADERS:
            raise InvalidInputError(f"headers must not set {name}; the session does")
    return tuple(headers.items())
