"""Find out with one request whether the token has the scope for many."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from asyncdbaas.errors import APIError, AuthenticationError, PermissionDeniedError
from asyncdbaas.plan.kinds import KINDS
from asyncdbaas.plan.model import WRITES, Action

__all__ = ["Gate", "NotSentError"]

_Key = tuple[str, Action]  # kind of object, and what is done with it


class NotSentError(Exception):
    """A request was not sent, because the token lacks the scope: one like it was rejected."""


class Gate:
    """Send the first request of each kind before the others: its response shows whether the token may send them."""

    def __init__(self) -> None:
        self._answered: dict[_Key, asyncio.Event] = {}
        self._refusals: dict[_Key, APIError] = {}

    async def pass_through(self, kind: str, action: Action, send: Callable[[], Awaitable[object]]) -> None:
        """Send, unless one like it was rejected: then raise NotSentError."""
        key = kind, action
        answered = self._answered.get(key)
        if answered is not None:
            await answered.wait()
        if key in self._refusals:
            raise NotSentError(
                f"not sent, because an earlier request of this kind was rejected: {self._refusals[key].message}"
            )
        answered = self._answered.setdefault(key, asyncio.Event())
        try:
            await send()
        except (AuthenticationError, PermissionDeniedError) as error:
            all_keys = [(each.name, write) for each in KINDS for write in WRITES]
            refused = all_keys if isinstance(error, AuthenticationError) else [key]
            self._refusals |= dict.fromkeys(refused, error)
            raise
        finally:
            answered.set()
