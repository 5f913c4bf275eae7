"""The exception tree: its classes, their messages, and pickling."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from typing import Any

import pytest

import asyncdbaas
from asyncdbaas import errors

Sample = errors.DBaaSError

CONTEXT: dict[str, Any] = {
    "method": "POST",
    "path": "/v2/databases",
    "attempts": 3,
    "request_id": "4f0d",
    "outcome_unknown": True,
}
CLASSES: list[type[Sample]] = [
    cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, errors.DBaaSError)
]


class CustomError(errors.NotFoundError):
    """A subclass as an application may write it, with a constructor of its own."""

    def __init__(self, team: str) -> None:
        super().__init__("nothing there", status=404, method="GET", path="/v2")
        self.team = team


def make(cls: type[Sample]) -> Sample:
    """Build one of any class, with every attribute set."""
    if cls is CustomError:
        return CustomError("storage")
    settings: dict[str, Any] = {}
    if issubclass(cls, errors.RequestError):
        settings |= CONTEXT
    if issubclass(cls, errors.APIError):
        settings |= {"status": 418, "code": "teapot", "retry_after": 1.5}
    if issubclass(cls, errors.TransportError):
        settings |= {"sent": False}
    if issubclass(cls, errors.WaitTimeoutError):
        settings |= {"last": {"status": "creating"}}
    return cls("no", **settings)


def test_every_class_is_exported_and_listed_in_the_tree_above_them() -> None:
    tree = errors.__doc__ or ""
    listed = set(re.findall(r"[A-Za-z]+Error\b", tree)) - {"ValueError", "RuntimeError", "TimeoutError"}
    assert {cls.__name__ for cls in CLASSES} == set(errors.__all__)
    assert listed == {name for name in asyncdbaas.__all__ if name.endswith("Error")}
    assert all(issubclass(getattr(asyncdbaas, name), errors.DBaaSError) for name in listed)


@pytest.mark.parametrize("cls", [*CLASSES, CustomError])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_keeps_class_text_arguments_and_attributes(cls: type[Sample], protocol: int) -> None:
    error = make(cls)
    error.__dict__["hint"] = "added by the application"
    again = pickle.loads(pickle.dumps(error, protocol))
    assert type(again) is cls
    assert str(again) == str(error) != ""
    assert repr(again) == repr(error)
    assert again.args == error.args
    assert vars(again) == vars(error)


@pytest.mark.parametrize("cls", CLASSES)
def test_copies_are_equal_in_all_but_identity(cls: type[Sample]) -> None:
    error = make(cls)
    for again in (copy.copy(error), copy.deepcopy(error)):
        assert (type(again), str(again), again.args, vars(again)) == (cls, str(error), error.args, vars(error))


def test_notes_survive_pickle() -> None:
    error = make(errors.ConflictError)
    error.add_note("while creating orders")
    assert pickle.loads(pickle.dumps(error)).__notes__ == ["while creating orders"]


@pytest.mark.parametrize(
    ("cls", "standard"),
    [
        (errors.InvalidInputError, ValueError),
        (errors.SessionStateError, RuntimeError),
        (errors.WaitTimeoutError, TimeoutError),
        (errors.RequestTimeoutError, TimeoutError),
    ],
)
def test_those_with_a_standard_counterpart_can_be_caught_as_it(cls: type[Sample], standard: type[Exception]) -> None:
    with pytest.raises(standard, match="no"):
        raise make(cls)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "GET /v2/x: 404: gone"),
        ({"code": "not_found"}, "GET /v2/x: 404 not_found: gone"),
        ({"request_id": "77"}, "GET /v2/x: 404: gone [request id 77]"),
        ({"attempts": 2}, "GET /v2/x: 404: gone (after 2 attempts)"),
        (
            {"code": "c", "attempts": 5, "request_id": "77", "outcome_unknown": True},
            (
                "GET /v2/x: 404 c: gone; the request may have been applied; check before sending it again "
                "(after 5 attempts) [request id 77]"
            ),
        ),
    ],
)
def test_an_api_error_reads_as_a_sentence(changes: dict[str, Any], text: str) -> None:
    assert str(errors.NotFoundError("gone", status=404, method="GET", path="/v2/x", **changes)) == text


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.TransportError("refused", method="POST", path="/v2/x"), False),
        (errors.TransportError("broken", method="POST", path="/v2/x", outcome_unknown=True), True),
        (errors.NotFoundError("gone", status=404, method="DELETE", path="/v2/x"), False),
        (errors.ServerError("late", status=504, method="PUT", path="/v2/x", outcome_unknown=True), True),
        (errors.DecodeError("201, but", method="POST", path="/v2/x"), True),
        (errors.DecodeError("200, but", method="GET", path="/v2/x"), False),
        (errors.AcceptedError("202", method="POST", path="/v2/x"), True),
    ],
)
def test_an_error_says_whether_a_write_may_have_been_applied(error: errors.RequestError, expected: bool) -> None:
    assert error.may_have_applied is expected


def test_a_transport_error_reads_without_a_status() -> None:
    assert str(errors.TransportError("refused", method="GET", path="/v2/x")) == "GET /v2/x: refused"
