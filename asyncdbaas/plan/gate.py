"""Find out with one request whether the token has the scope for many."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from asyncdbaas.errors import APIError, AuthenticationError, PermissionDeniedError
from asyncdbaas.plan.model import WRITES, Action

__all__ = ["Gate", "NotSentError"]


class NotSentError(Exception):
    """A request was not sent, because one like it was rejected for want of a scope."""


class Gate:
    """Send the first request of each kind alone: its response tells whether the token may send the others."""

    def __init__(self) -> None:
        self._answered: dict[Action, asyncio.Event] = {}
        self._refusals: dict[Action, APIError] = {}

    async def pass_through(self, action: Action, send: Callable[[], Awaitable[object]]) -> None:
        """Send, unless one like it was rejected: then raise NotSentError."""
        answered = self._answered.get(action)
        if answered is not None:
            await answered.wait()
        if action in self._refusals:
            raise NotSentError(f"not tried, since one like it was refused: {self._refusals[action].message}")
        answered = self._answered.setdefault(action, asyncio.Event())
        try:
            await send()
        except (AuthenticationError, PermissionDeniedError) as error:
            refused = WRITES if isinstance(error, AuthenticationError) else (action,)
            self._refusals |= dict.fromkeys(refused, error)
            raise
        finally:
            answered.set()
