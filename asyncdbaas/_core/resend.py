"""Schedule for resending a write whose effect is not visible yet."""

from __future__ import annotations

import math
import re
from typing import Final

import attrs

from asyncdbaas.errors import ConflictError, RequestError, UnprocessableError

# Status 422 means a taken name or a bad value. The words decide only how long to wait, never what to raise.
_TAKEN: Final = re.compile(
    r"\bname\b.*\b(not available|unavailable|taken|in use)\b|\balready\b.*\b(exists?|taken|used?)\b|\bduplicate\b",
    re.IGNORECASE,
)
# The longest pause between two sends, in checks.
_LONGEST: Final = 8
# 5 minutes at the default interval of 5 s; lists have been seen to lag by less than one.
_MOST_CHECKS: Final = 60
# Each could be applied, if the service did not check names.
_MOST_UNKNOWN: Final = 5


def is_rejection(error: RequestError | None) -> bool:
    """Return whether the service rejected a request by validation, or because the name is taken."""
    return isinstance(error, (UnprocessableError, ConflictError))


def says_taken(error: RequestError | None) -> bool:
    """Return whether the service rejected a create because the name is taken, going by its message."""
    return error is not None and is_rejection(error) and _TAKEN.search(error.message) is not None


@attrs.define(kw_only=True)
class ResendSchedule:
    """Decide when one write is sent again, and when to give up.

    The caller checks once an interval whether the effect is visible, which is cheap for many objects in one list, and
    resends less often.
    """

    timeout: float = math.inf
    _began: float | None = attrs.field(default=None, init=False)
    _checks: int = attrs.field(default=0, init=False)
    _sends: int = attrs.field(default=0, init=False)
    _unknown_sends: int = attrs.field(default=0, init=False)
    _next: int = attrs.field(default=0, init=False)

    def begin(self, now: float) -> None:
        """Start the timeout, if it has not started yet."""
        self._began = now if self._began is None else self._began

    def note_send(self, *, unknown: bool) -> None:
        """Count a send whose effect must be checked, and whether its outcome is unknown."""
        self._next = self._checks + min(2**self._sends, _LONGEST)
        self._sends += 1
        self._unknown_sends += unknown

    def note_check(self) -> None:
        """Count a check that did not show the effect."""
        self._checks += 1

    @property
    def is_spent(self) -> bool:
        """Whether there were enough checks: an effect that is not visible by now may never be."""
        return self._checks >= _MOST_CHECKS

    @property
    def is_due(self) -> bool:
        """Whether the write may be sent."""
        return self._checks >= self._next and self._unknown_sends < _MOST_UNKNOWN

    def is_over(self, now: float) -> bool:
        """Return whether `timeout` is over."""
        return self._began is not None and now - self._began >= self.timeout
