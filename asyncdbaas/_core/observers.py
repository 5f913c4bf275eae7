"""Pass events on to listeners and to the log."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import count
from typing import Any, Final, TypeAlias, TypeVar

from asyncdbaas import hooks
from asyncdbaas._checks import check_function
from asyncdbaas._core.call import Call, Response
from asyncdbaas.errors import InvalidInputError, RequestError

E = TypeVar("E")
Listener: TypeAlias = Callable[[hooks.CallEvent], None]

_log: Final = logging.getLogger("asyncdbaas")
_VARIABLE: Final = "ASYNCDBAAS_LOG"
_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO}


class Observers:
    """The listeners of a session and the log, for the events of its calls.

    Whether anybody observes a call is decided when it is made: ask `call.observed` before each method.
    """

    def __init__(self, on_event: Callable[[hooks.CallEvent], object] | None) -> None:
        self._listeners: tuple[Listener, ...] = ()
        self.numbers = count(1)
        """The numbers of calls."""
        if on_event is not None:
            self.add(on_event)

    @property
    def active(self) -> bool:
        """Whether anybody observes a call made now."""
        return bool(self._listeners) or _log.isEnabledFor(logging.INFO)

    def add(self, listener: Callable[[hooks.CallEvent], object]) -> Listener:
        """Call a function with the events of all calls made from now on."""
        added = guarded(listener)
        self._listeners = (*self._listeners, added)
        return added

    @contextmanager
    def listening(self, listener: Callable[[hooks.CallEvent], object]) -> Generator[None]:
        """Call a function with the events of all calls made while the block runs."""
        added = self.add(listener)
        try:
            yield
        finally:  # the same function may have been added more than once
            self._listeners = tuple(other for other in self._listeners if other is not added)

    def started(self, call: Call) -> None:
        """Emit CallStarted."""
        # Without the path of `base_url`, which can hold a secret.
        query = call.url.raw_query_string
        url = f"{call.url.origin()}{call.path}{query and '?'}{query}"
        self.emit(hooks.CallStarted, call, url=url)

    def attempt_ended(
        self,
        call: Call,
        sent_at: float,
        response: Response | RequestError,
        outcome: Response | RequestError,
        request_id: str | None,
    ) -> None:
        """Emit AttemptEnded with the response and its error."""
        self.emit(
            hooks.AttemptEnded,
            call,
            attempt=call.attempts,
            seconds=time.monotonic() - sent_at,
            status=response.status if isinstance(response, Response) else None,
            request_id=request_id,
            error=outcome if isinstance(outcome, RequestError) else None,
        )

    def ended(self, call: Call, error: BaseException | None) -> None:
        """Emit CallEnded."""
        seconds = time.monotonic() - call.began
        self.emit(hooks.CallEnded, call, attempts=call.attempts, seconds=seconds, waited=call.waited, error=error)

    def emit(self, kind: Callable[..., hooks.CallEvent], call: Call, **details: Any) -> None:
        """Emit an event of a call."""
        event = kind(session=id(self), call=call.number, method=call.method, path=call.path, **details)
        hooks.log(_log, event)
        for emit in self._listeners:
            emit(event)


def guarded(on_event: Callable[[E], object] | None) -> Callable[[E], None]:
    """Return a function that logs what `on_event` raises: a broken progress bar must not stop the work it shows.

    Reject anything but a plain function.
    """
    if on_event is None:
        return lambda _: None
    check_function(on_event, "on_event")

    def emit(event: E) -> None:
        try:
            on_event(event)
        except Exception:  # noqa: BLE001 -- see above
            _log.exception("on_event failed on %s", type(event).__name__)

    return emit


def log_as_environment_says() -> None:
    """Write the log to standard error if ASYNCDBAAS_LOG is `debug` or `info`, unless the program has set it up."""
    name = os.environ.get(_VARIABLE, "").lower()
    if not name:
        return
    if name not in _LEVELS:
        raise InvalidInputError(f"{_VARIABLE} must be `debug` or `info`")
    _log.setLevel(_LEVELS[name])
    if not _log.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        _log.addHandler(handler)
