"""Async, typed client for DigitalOcean's Managed Databases API.

    async with AsyncSession() as session:
        await asyncio.gather(*(topics.create_topic(session, cluster_id, topic) for topic in wanted))

`AsyncSession` holds the connections, the token and the quota. Each resource has a module of plain coroutine functions,
such as `asyncdbaas.topics`. `asyncdbaas.emulator` is a local stand-in for the service. Everything but the errors is
loaded when it is first used, so that importing the package is fast.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from asyncdbaas._version import __version__
from asyncdbaas.errors import (
    AcceptedError,
    APIError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    DBaaSError,
    DecodeError,
    EnsureError,
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
    SettingsLostError,
    TLSError,
    TokenError,
    TransportError,
    UnprocessableError,
    WaitFailedError,
    WaitTimeoutError,
)

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
        emulator,
        ensure,
        errors,
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
        retry,
        schemas,
        settings,
        sql_mode,
        topics,
        types,
        users,
        waiters,
        web,
    )
    from asyncdbaas import otel as otel  # not in `__all__`: a star import must not need its extra
    from asyncdbaas._core.plain import to_dict, to_json
    from asyncdbaas.catalogue import CatalogueError
    from asyncdbaas.emulator import Emulator
    from asyncdbaas.plan import PlanError
    from asyncdbaas.ratelimit import RateLimiter, priority
    from asyncdbaas.ratelimit.shared import SharedRateLimiter as SharedRateLimiter  # the same
    from asyncdbaas.retry import RetryPolicy
    from asyncdbaas.session import AsyncSession
    from asyncdbaas.types import UNSET, Unset
    from asyncdbaas.waiters import Waiters

__all__ = [
    "UNSET",
    "APIError",
    "AcceptedError",
    "AsyncSession",
    "AuthenticationError",
    "BadRequestError",
    "CatalogueError",
    "ConflictError",
    "DBaaSError",
    "DecodeError",
    "Emulator",
    "EnsureError",
    "InvalidInputError",
    "NotFoundError",
    "PermissionDeniedError",
    "PlanError",
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
    "SettingsLostError",
    "TLSError",
    "TokenError",
    "TransportError",
    "UnprocessableError",
    "Unset",
    "WaitFailedError",
    "WaitTimeoutError",
    "Waiters",
    "__version__",
    "autoscale",
    "backups",
    "bulk",
    "catalogue",
    "clusters",
    "configs",
    "connect",
    "databases",
    "emulator",
    "ensure",
    "errors",
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
    "retry",
    "schemas",
    "settings",
    "sql_mode",
    "to_dict",
    "to_json",
    "topics",
    "types",
    "users",
    "waiters",
    "web",
]

# The module that defines each name, for names that are not modules and not imported above.
_HOMES: Final = {
    "AsyncSession": "session",
    "CatalogueError": "catalogue",
    "Emulator": "emulator",
    "PlanError": "plan",
    "RateLimiter": "ratelimit",
    "RetryPolicy": "retry",
    "SharedRateLimiter": "ratelimit.shared",
    "UNSET": "types",
    "Unset": "types",
    "Waiters": "waiters",
    "priority": "ratelimit",
    "to_dict": "_core.plain",
    "to_json": "_core.plain",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    if name in __all__ or name == "otel":
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _Package(ModuleType):
    """The type of this module, which lets `dir` of each module below it show its public names only.

    Tab completion uses `dir`. The import system binds each module here when it has been loaded.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        names = getattr(value, "__all__", None)
        if isinstance(value, ModuleType) and names is not None and "__dir__" not in vars(value):
            setattr(value, "__dir__", lambda: sorted(names))  # noqa: B010 -- PEP 562; type checkers see a method


sys.modules[__name__].__class__ = _Package
setattr(sys.modules[__name__], "errors", sys.modules[f"{__name__}.errors"])  # noqa: B010 -- it was bound before that


def __dir__() -> list[str]:
    return sorted({*__all__, "SharedRateLimiter", "otel"})
