"""A record of the requests that the emulator has received."""

from __future__ import annotations

import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import attrs

from asyncdbaas.emulator.errors import EmulatorError


@attrs.frozen(kw_only=True)
class SeenRequest:
    """One request that arrived, and the status of its response (0: the connection was cut)."""

    number: int
    """Starts at 1, and continues when the recorder is cleared."""
    at: float
    """Virtual epoch seconds."""
    method: str
    path: str
    operation: str | None
    status: int
    applied: bool
    seconds: float
    """Real seconds that the response took, without delays."""
    minute_left: int | None
    """Requests left in the token's minute after this one; None without a valid token."""
    hour_left: int | None
    """The same for the hour."""


class Recorder:
    """Keep the last requests in order, and count all requests.

    `applied` counts the writes that changed something by (method, path), also those whose response a fault corrupted.
    It shows whether a client sent a write twice. `listener` is called with each request.
    """

    def __init__(self, keep: int) -> None:
        if isinstance(keep, bool) or not isinstance(keep, int) or not 0 <= keep <= sys.maxsize:
            raise EmulatorError(f"keep_requests must be an integer of at least 0, not {keep!r}")
        self._last: deque[SeenRequest] = deque(maxlen=keep)
        self._numbers = count(1)
        self.listener: Callable[[SeenRequest], None] | None = None
        self.total = 0
        self.statuses: Counter[int] = Counter()
        self.operations: Counter[str] = Counter()
        self.applied: Counter[tuple[str, str]] = Counter()

    def add(self, **values: Any) -> None:
        """Record a request; the values are the fields of `SeenRequest` except its number."""
        seen = SeenRequest(number=next(self._numbers), **values)
        self._last.append(seen)
        self.total += 1
        self.statuses[seen.status] += 1
        if seen.operation:
            self.operations[seen.operation] += 1
        if seen.applied:
            self.applied[seen.method, seen.path] += 1
        if self.listener is not None:
            self.listener(seen)

    def clear(self) -> None:
        """Forget everything."""
        self._last.clear()
        self.total = 0
        for counter in (self.statuses, self.operations, self.applied):
            counter.clear()

    def __iter__(self) -> Iterator[SeenRequest]:
        return iter(tuple(self._last))

    def __len__(self) -> int:
        return len(self._last)
