"""The outcome of each kind of call for every fault of the emulator: the table of the guide."""

from __future__ import annotations

import pytest
from faults_table import GUIDE, outcome, with_table

from asyncdbaas.emulator import KINDS

OPERATIONS = ("get_topic", "create_topic", "update_topic", "delete_topic")
_AGAIN = ("done 2",) * 4
_UNKNOWN_POST = ("done 2", "ServerError? 1", "done 2", "done 2")
_NO_BODY = ("DecodeError 1", "DecodeError 1", "DecodeError 1", "done 1")
# The results of a GET, POST, PUT and DELETE, and the number of requests of each. The write is applied before the fault
# is injected, where the fault allows it.
EXPECTED = {
    "delay": ("done 1",) * 4,
    "precondition": ("PreconditionError 1",) * 4,
    "rate_limit": _AGAIN,
    "hourly_limit": _AGAIN,
    "server_error": _UNKNOWN_POST,
    "bad_gateway": _UNKNOWN_POST,
    "gateway_timeout": _UNKNOWN_POST,
    "unavailable": _AGAIN,
    "request_timeout": ("done 2", "APIError? 1", "done 2", "done 2"),
    "misdirected": _AGAIN,
    "too_early": _AGAIN,
    "not_found": ("NotFoundError 1",) * 4,
    "no_route": ("NotFoundError 1",) * 4,
    "null_list": ("done 1",) * 4,  # none of these is a list
    "accepted": ("AcceptedError 1", "done 1", "AcceptedError 1", "done 1"),
    "reset": ("done 2", "TransportError? 1", "done 2", "done 2"),
    "reset_after": ("done 1",) * 4,
    "half_body": ("done 2", "TransportError? 1", "done 2", "done 1"),  # a 204 has no body
    "endless_body": ("done 2", "RequestTimeoutError? 1", "done 2", "done 2"),
    "silence": ("done 2", "RequestTimeoutError? 1", "done 2", "done 2"),
    "empty_body": _NO_BODY,
    "wrong_shape": _NO_BODY,
    "not_json": _NO_BODY,
}


def test_every_fault_of_the_emulator_has_its_outcome_here() -> None:
    assert EXPECTED.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_the_outcome_of_a_call_with_one_injected_fault(kind: str) -> None:
    seen = [outcome(kind, operation, applied=operation != "get_topic") for operation in OPERATIONS]
    assert tuple(f"{each.result} {each.sent}" for each in seen) == EXPECTED[kind]


@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_writer_learns_the_outcome_or_that_it_is_unknown(kind: str, *, applied: bool) -> None:
    for operation in OPERATIONS[1:]:
        each = outcome(kind, operation, applied=applied)
        assert each.is_true, (operation, each)
        assert operation != "create_topic" or each.applied <= 1


def test_the_table_of_the_guide_is_what_these_tests_see() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert all(kind in text for kind in ("| 429", "| no response ever comes"))
    assert text == with_table(), "run python tests/hostile/faults_table.py"
