"""When a write is sent again, and when it is given up."""

from __future__ import annotations

import math

import pytest

from asyncdbaas import ConflictError, NotFoundError, UnprocessableError
from asyncdbaas._core.polling import check_seconds
from asyncdbaas._core.resend import ResendSchedule, is_rejection, says_taken
from asyncdbaas.errors import InvalidInputError


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
def test_a_taken_name_is_told_from_a_bad_value_by_the_words(message: str, *, taken: bool) -> None:
    assert says_taken(rejected(message)) is taken


def test_only_a_rejection_can_say_that_a_name_is_taken() -> None:
    missing = NotFoundError("name already taken", status=404, method="POST", path="/v2/databases")
    conflict = ConflictError("name already taken", status=409, method="POST", path="/v2/databases")
    assert [is_rejection(error) for error in (missing, conflict, None)] == [False, True, False]
    assert [says_taken(error) for error in (missing, conflict, None)] == [False, True, False]


def sends(schedule: ResendSchedule, *, unknown: bool) -> list[int]:
    """Return after how many looks a write is sent, if no look shows its effect."""
    found: list[int] = []
    looks = 0
    while not schedule.is_spent:
        if schedule.is_due:
            found.append(looks)
            schedule.note_send(unknown=unknown)
        schedule.note_look()
        looks += 1
    return found


def test_pauses_double_up_to_eight_looks_and_end_after_sixty() -> None:
    assert sends(ResendSchedule(), unknown=False) == [0, 1, 3, 7, 15, 23, 31, 39, 47, 55]


def test_a_write_with_an_unknown_outcome_is_sent_five_times_at_most() -> None:
    assert sends(ResendSchedule(), unknown=True) == [0, 1, 3, 7, 15]


def test_the_timeout_counts_from_the_first_problem() -> None:
    schedule = ResendSchedule(timeout=10)
    assert not schedule.is_over(1e9)
    schedule.begin(5.0)
    schedule.begin(9.0)
    assert [schedule.is_over(now) for now in (14.9, 15.0)] == [False, True]


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, "5", None, True])
def test_what_is_no_number_of_seconds_is_rejected_by_name(value: object) -> None:
    with pytest.raises(InvalidInputError, match=r"^interval must be"):
        check_seconds("interval", value)


def test_a_number_of_seconds_is_returned() -> None:
    assert (check_seconds("interval", 5), check_seconds("interval", 0.5)) == (5, 0.5)
