"""Async, typed client for DigitalOcean's Managed Databases API.

    async with AsyncSession() as session:
        await asyncio.gather(*(topics.create_topic(session, cluster_id, topic) for topic in wanted))

`AsyncSession` holds the connections, the token and the quota. Each resource has a module of plain coroutine
functions, such as `asyncdbaas.topics`; it is loaded when it is first asked for. `asyncdbaas.emulator` is a local
stand-in of the service.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from asyncdbaas._version import __version__
from asyncdbaas.errors import (
    AcceptedError,
    APIError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    DBaaSError,
    DecodeError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionError,
    QuotaStoreError,
    QuotaWaitError,
    RateLimitError,
    RequestError,
    RequestTimeoutError,
    ServerError,
    SessionStateError,
    TLSError,
    TokenError,
    TransportError,
    UnprocessableError,
    WaitTimeoutError,
)
from asyncdbaas.ratelimit import RateLimiter, priority
from asyncdbaas.retry import RetryPolicy
from asyncdbaas.session import AsyncSession
from asyncdbaas.types import UNSET, Unset

if TYPE_CHECKING:
    from asyncdbaas import (
        autoscale,
        backups,
        bulk,
        catalogue,
        clusters,
        configs,
        connect,
        databases,
        ensure,
        events,
        eviction_policy,
        firewall,
        hooks,
        indexes,
        logsinks,
        maintenance,
        metrics,
        migrations,
        options,
        plan,
        pools,
        replicas,
        schemas,
        settings,
        sql_mode,
        topics,
        users,
        waiters,
        web,
    )

    # Not in `__all__`: a star import must not need their extras.
    from asyncdbaas import otel as otel
    from asyncdbaas.ratelimit.shared import SharedRateLimiter as SharedRateLimiter

__all__ = [
    "UNSET",
    "APIError",
    "AcceptedError",
    "AsyncSession",
    "AuthenticationError",
    "BadRequestError",
    "ConflictError",
    "DBaaSError",
    "DecodeError",
    "InvalidInputError",
    "NotFoundError",
    "PermissionDeniedError",
    "PreconditionError",
    "QuotaStoreError",
    "QuotaWaitError",
    "RateLimitError",
    "RateLimiter",
    "RequestError",
    "RequestTimeoutError",
    "RetryPolicy",
    "ServerError",
    "SessionStateError",
    "TLSError",
    "TokenError",
    "TransportError",
    "UnprocessableError",
    "Unset",
    "WaitTimeoutError",
    "__version__",
    "autoscale",
    "backups",
    "bulk",
    "catalogue",
    "clusters",
    "configs",
    "connect",
    "databases",
    "ensure",
    "events",
    "eviction_policy",
    "firewall",
    "hooks",
    "indexes",
    "logsinks",
    "maintenance",
    "metrics",
    "migrations",
    "options",
    "plan",
    "pools",
    "priority",
    "replicas",
    "schemas",
    "settings",
    "sql_mode",
    "topics",
    "users",
    "waiters",
    "web",
]

# What __all__ names and nothing above has imported: the modules.
_MODULES = frozenset(__all__) - frozenset(globals()) | {"otel"}


def __getattr__(name: str) -> Any:
    # Loaded when first asked for: most applications use two or three of the endpoint modules.
    if name == "SharedRateLimiter":
        return import_module(f"{__name__}.ratelimit.shared").SharedRateLimiter
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES, "SharedRateLimiter"})
