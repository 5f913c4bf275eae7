"""What the emulator has been asked."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator

import attrs


@attrs.frozen(kw_only=True)
class SeenRequest:
    """One request that arrived, and the status it was answered with (0: the connection was cut)."""

    at: float
    method: str
    path: str
    operation: str | None
    status: int
    applied: bool


class Recorder:
    """Keep the last requests in order, and count all of them.

    `applied` counts by (method, path) the writes that changed something, also those whose answer a fault then
    spoiled: a client that repeats what it should not shows up there.
    """

    def __init__(self, keep: int) -> None:
        self._last: deque[SeenRequest] = deque(maxlen=keep)
        self.total = 0
        self.statuses: Counter[int] = Counter()
        self.operations: Counter[str] = Counter()
        self.applied: Counter[tuple[str, str]] = Counter()

    def add(self, seen: SeenRequest) -> None:
        """Record a request."""
        self._last.append(seen)
        self.total += 1
        self.statuses[seen.status] += 1
        if seen.operation:
            self.operations[seen.operation] += 1
        if seen.applied:
            self.applied[seen.method, seen.path] += 1

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
