"""Objects that a session has deleted and the service may still list."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

# The longest time that other clients of this API wait for a deletion. A name can be used again after it.
_NAME_LIFETIME: Final = 1800.0
# Bounds the memory of a session that keeps deleting and never reads. An entry takes about 300 bytes.
_MOST: Final = 10_000
# `/v2/databases/{id}` has four parts. The id of a cluster is never used again, unlike the names below it.
_CLUSTER_PARTS: Final = 4


class Deletions:
    """Remember the paths of deleted objects until they are known to be gone.

    The service has no status for a cluster or replica that is being deleted. It shows the last status until the object
    is gone, and lists can be older than the deletion. An object below a deleted cluster counts as deleted, too.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._deleted: dict[tuple[str, ...], float] = {}
        self._paths: dict[str, str] = {}

    def add(self, path: str) -> None:
        """Remember that the object at a path was deleted."""
        key = _key(path)
        self._deleted.pop(key, None)  # the newest entry stands last
        self._deleted[key] = self._clock()
        if len(self._deleted) > _MOST:
            del self._deleted[next(iter(self._deleted))]

    def discard(self, path: str) -> None:
        """Forget a path, because the object is gone or has been created again."""
        self._deleted.pop(_key(path), None)

    def note_name(self, name: str, path: str) -> None:
        """Remember the name of an object whose path does not contain it."""
        self._paths.pop(name, None)  # as above
        self._paths[name] = path
        if len(self._paths) > _MOST:
            del self._paths[next(iter(self._paths))]

    def has_name(self, name: str) -> bool:
        """Return whether an object of this name, noted before, was deleted."""
        return name in self._paths and self._paths[name] in self

    def __len__(self) -> int:
        return len(self._deleted)

    def __contains__(self, path: str) -> bool:
        key, now = _key(path), self._clock()
        return any(self._holds(key[:length], now) for length in range(_CLUSTER_PARTS, len(key) + 1))

    def _holds(self, key: tuple[str, ...], now: float) -> bool:
        since = self._deleted.get(key)
        return since is not None and (len(key) == _CLUSTER_PARTS or now - since < _NAME_LIFETIME)


def _key(path: str) -> tuple[str, ...]:
    """Return the parts of a path, with the cluster's id in the spelling of the service."""
    return tuple(part.lower() if place < _CLUSTER_PARTS else part for place, part in enumerate(path.split("/")))
