"""Rate limiters: one for a process, and one that many processes share."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from asyncdbaas.ratelimit.limiter import RateLimiter
from asyncdbaas.ratelimit.queue import Priority, current_priority, priority

if TYPE_CHECKING:
    from asyncdbaas.ratelimit.shared import SharedRateLimiter as SharedRateLimiter

__all__ = ["Priority", "RateLimiter", "SharedRateLimiter", "current_priority", "priority"]


def __getattr__(name: str) -> Any:
    if name == "SharedRateLimiter":  # it needs the extra `redis`
        return import_module(f"{__name__}.shared").SharedRateLimiter
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
