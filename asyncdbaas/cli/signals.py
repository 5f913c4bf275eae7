"""Signals that ask a command to end, on every platform."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from types import FrameType

__all__ = ["end_signals", "handled"]


def end_signals() -> list[signal.Signals]:
    """Return the signals by which other programs end this one, except those that it was started to ignore.

    SIGTERM comes from init systems and containers, SIGHUP from a terminal that closes (`nohup` ignores it), SIGBREAK
    from services and CI runners on Windows.
    """
    known = [getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP", "SIGBREAK")]
    return [number for number in known if number is not None and signal.getsignal(number) is not signal.SIG_IGN]


@contextmanager
def handled(
    numbers: Iterable[signal.Signals], handler: Callable[[int, FrameType | None], object]
) -> Generator[None, None, None]:
    """Call a function for these signals while the block runs; outside the main thread do nothing.

    Event loops have no signal handlers on Windows; `signal.signal` works everywhere.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, signal.SIG_DFL if old is None else old)
