"""When a write is sent again, and when it is given up."""

from __future__ import annotations

import pytest

from asyncdbaas import (
    ConflictError,
    DecodeError,
    NotFoundError,
    RequestError,
    TLSError,
    TransportError,
    UnprocessableError,
)
from asyncdbaas._core.http import api_error
from asyncdbaas._core.polling import is_transient
from asyncdbaas._core.resend import ResendSchedule, is_rejection, says_taken


def rejected(message: str) -> UnprocessableError:
    return UnprocessableError(message, status=422, method="POST", path="/v2/databases")


@pytest.mark.parametrize(
    ("message", "taken"),
    [
        ("cluster name is not available", True),
        ("database name is not available", True),
        ("topic already exists", True),
        ("Name has already been taken", True),
        ("the name is in use", True),
        ("duplicate user", True),
        ("invalid size", False),
        ("size is not available in this region", False),
        ("region does not exist", False),
        ("invalid cluster name", False),
    ],
)
def test_a_taken_name_is_distinguished_from_a_bad_value_by_the_message(message: str, *, taken: bool) -> None:
    assert says_taken(rejected(message)) is taken


def test_only_a_rejection_can_say_that_a_name_is_taken() -> None:
    missing = NotFoundError("name already taken", status=404, method="POST", path="/v2/databases")
    conflict = ConflictError("name already taken", status=409, method="POST", path="/v2/databases")
    assert [is_rejection(error) for error in (missing, conflict, None)] == [False, True, False]
    assert [says_taken(error) for error in (missing, conflict, None)] == [False, True, False]


def sends(schedule: ResendSchedule, *, unknown: bool) -> list[int]:
    """Return after how many checks a write is sent, if no check shows its effect."""
    found: list[int] = []
    looks = 0
    while not schedule.is_spent:
        if schedule.is_due:
            found.append(looks)
            schedule.note_send(unknown=unknown)
        schedule.note_check()
        looks += 1
    return found


def test_pauses_double_up_to_eight_checks_and_end_after_sixty() -> None:
    assert sends(ResendSchedule(), unknown=False) == [0, 1, 3, 7, 15, 23, 31, 39, 47, 55]


def test_a_write_with_an_unknown_outcome_is_sent_five_times_at_most() -> None:
    assert sends(ResendSchedule(), unknown=True) == [0, 1, 3, 7, 15]


def test_the_timeout_counts_from_the_first_problem() -> None:
    schedule = ResendSchedule(timeout=10)
    assert not schedule.is_over(1e9)
    schedule.begin(5.0)
    schedule.begin(9.0)
    assert [schedule.is_over(now) for now in (14.9, 15.0)] == [False, True]


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        *(
            (api_error(status, {}, b"", method="GET", path="/v2/databases"), True)
            for status in (408, 412, 425, 429, 504)
        ),
        *(
            (api_error(status, {}, b"", method="GET", path="/v2/databases"), False)
            for status in (400, 401, 403, 404, 422)
        ),
        (TransportError("broken", method="GET", path="/v2/databases"), True),
        (DecodeError("odd", method="GET", path="/v2/databases"), True),
        (TLSError("not trusted", method="GET", path="/v2/databases"), False),
    ],
)
def test_an_error_that_the_next_read_may_not_meet_is_transient(error: RequestError, *, passes: bool) -> None:
    assert is_transient(error) is passes
