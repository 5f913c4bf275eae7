"""Call a caller's function with events."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, TypeVar

__all__ = ["guarded"]

E = TypeVar("E")

_log: Final = logging.getLogger("asyncdbaas")


def guarded(on_event: Callable[[E], object] | None) -> Callable[[E], None]:
    """Return a function that logs what `on_event` raises: a broken progress bar must not stop the work it shows."""

    def tell(event: E) -> None:
        if on_event is None:
            return
        try:
            on_event(event)
        except Exception:  # noqa: BLE001 -- see above
            _log.exception("on_event failed on %s", type(event).__name__)

    return tell
