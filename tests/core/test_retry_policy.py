"""RetryPolicy: what is retried, how often, and after how long."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncdbaas import RateLimitError, RetryPolicy, errors
from asyncdbaas._core.http import api_error

METHODS = ["GET", "HEAD", "PUT", "PATCH", "DELETE", "POST"]
IDEMPOTENT = {"GET", "HEAD", "PUT", "PATCH", "DELETE"}
TRANSIENT = [500, 502, 503, 504, 520, 521, 522, 523, 524]
PERMANENT = [301, 400, 401, 403, 404, 405, 409, 410, 412, 413, 418, 422, 501, 505, 519, 525, 530, 599]
NOT_FORWARDED = b'{"id":"service_unavailable","message":"Failed to forward the request you made, please try again."}'


def status(code: int, method: str = "GET", *, body: bytes = b"", retry_after: str | None = None) -> errors.APIError:
    headers = {} if retry_after is None else {"retry-after": retry_after}
    return api_error(code, headers, body, method=method, path="/v2/x")


def transport(method: str, *, sent: bool, cls: type[errors.TransportError] = errors.TransportError) -> Any:
    return cls("broken", method=method, path="/v2/x", sent=sent)


def goes_on(
    error: errors.RequestError, policy: RetryPolicy | None = None, failures: int = 1, refusals: int = 0
) -> bool:
    return (policy or RetryPolicy()).retries(error, failures=failures, refusals=refusals)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("code", TRANSIENT)
def test_a_transient_status_is_retried_unless_it_could_be_done_twice(method: str, code: int) -> None:
    assert goes_on(status(code, method)) == (method in IDEMPOTENT)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("code", PERMANENT)
def test_any_other_status_is_not_retried(method: str, code: int) -> None:
    assert not goes_on(status(code, method))


@pytest.mark.parametrize("method", METHODS)
def test_what_the_gateway_never_forwarded_is_retried_for_every_method(method: str) -> None:
    assert goes_on(status(503, method, body=NOT_FORWARDED))


def test_the_gateways_words_count_with_its_status_only() -> None:
    assert not goes_on(status(500, "POST", body=NOT_FORWARDED))
    assert not goes_on(status(400, "POST", body=NOT_FORWARDED))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("cls", [errors.TransportError, errors.RequestTimeoutError])
@pytest.mark.parametrize("sent", [True, False])
def test_a_transport_error_is_retried_if_nothing_was_sent_or_a_retry_is_harmless(
    method: str, cls: type[errors.TransportError], sent: bool
) -> None:
    assert goes_on(transport(method, sent=sent, cls=cls)) == (method in IDEMPOTENT or not sent)


@pytest.mark.parametrize("method", METHODS)
def test_a_tls_failure_is_never_retried(method: str) -> None:
    assert not goes_on(transport(method, sent=False, cls=errors.TLSError))


@pytest.mark.parametrize("cls", [errors.DecodeError, errors.AcceptedError])
def test_a_success_that_cannot_be_read_is_never_retried(cls: type[errors.RequestError]) -> None:
    assert not goes_on(cls("odd", method="GET", path="/v2/x"))


@pytest.mark.parametrize("method", METHODS)
def test_a_refusal_by_the_rate_limit_is_retried_for_every_method_whatever_failed_before(method: str) -> None:
    error = status(429, method)
    assert goes_on(error, failures=99, refusals=59)
    assert not goes_on(error, failures=0, refusals=60)
    assert goes_on(error, RetryPolicy(max_attempts=1), failures=1, refusals=1)
    assert not goes_on(error, RetryPolicy(max_refusals=0), failures=0, refusals=1)


@pytest.mark.parametrize("method", METHODS)
def test_statuses_in_also_are_retried_for_every_method(method: str) -> None:
    policy = RetryPolicy(also={412, 404})
    assert policy.also == frozenset({412, 404})
    assert goes_on(status(412, method), policy)
    assert goes_on(status(404, method), policy)
    assert not goes_on(status(409, method), policy)
    assert not goes_on(status(412, method), policy, failures=5)


@pytest.mark.parametrize(("failures", "expected"), [(1, True), (4, True), (5, False), (6, False)])
def test_failures_are_bounded(failures: int, expected: bool) -> None:
    for error in (status(503), transport("GET", sent=True), transport("POST", sent=False)):
        assert goes_on(error, failures=failures) == expected


@pytest.mark.parametrize("error", [status(503), transport("GET", sent=False)])
def test_one_attempt_turns_retries_off(error: errors.RequestError) -> None:
    assert not goes_on(error, RetryPolicy(max_attempts=1))


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize(
    ("retry_after", "expected"), [(None, True), ("0", True), ("300", True), ("301", False), ("1e300", False)]
)
def test_a_wait_that_is_too_long_turns_into_the_error(code: int, retry_after: str | None, expected: bool) -> None:
    assert goes_on(status(code, retry_after=retry_after)) == expected


def test_the_longest_wait_can_be_set() -> None:
    policy = RetryPolicy(max_retry_after=2.0)
    assert goes_on(status(503, retry_after="2"), policy)
    assert not goes_on(status(503, retry_after="3"), policy)


@pytest.mark.parametrize("code", [429, 503])
def test_where_no_wait_is_asked_for_none_is_too_long(code: int) -> None:
    assert goes_on(status(code, body=NOT_FORWARDED), RetryPolicy(max_retry_after=0.0))


def test_waits_double_with_full_jitter_up_to_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[float, float]] = []

    def draw(low: float, high: float) -> float:
        drawn.append((low, high))
        return high

    monkeypatch.setattr("random.uniform", draw)
    bounds = [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert list(itertools.islice(RetryPolicy().waits(), 8)) == bounds
    assert drawn == [(0.0, bound) for bound in bounds]


@given(base=st.floats(0, 100), longest=st.floats(0, 100))
def test_no_wait_is_negative_or_longer_than_allowed(base: float, longest: float) -> None:
    policy = RetryPolicy(base_delay=base, max_delay=longest)
    for turn, wait in enumerate(itertools.islice(policy.waits(), 12)):
        assert 0 <= wait <= min(base * 2**turn, longest)


def test_each_call_has_waits_of_its_own() -> None:
    policy = RetryPolicy(base_delay=1.0)
    first = policy.waits()
    for _ in range(10):
        next(first)
    assert next(policy.waits()) <= 1.0


def test_a_base_delay_of_zero_never_waits_however_often() -> None:
    assert set(itertools.islice(RetryPolicy(base_delay=0.0, max_attempts=3000).waits(), 3000)) == {0.0}


@given(asked=st.floats(0, 300), drawn=st.floats(0, 30), base=st.floats(0, 5))
def test_what_the_service_asks_for_wins_and_jitter_only_adds(asked: float, drawn: float, base: float) -> None:
    wait = RetryPolicy(base_delay=base).wait(drawn, status(503, retry_after=repr(asked)))
    assert asked <= wait <= asked + min(base, 1.0)


@pytest.mark.parametrize("error", [status(503), transport("GET", sent=True), status(503, retry_after="soon")])
def test_without_a_word_from_the_service_the_drawn_wait_is_taken(error: errors.RequestError) -> None:
    assert RetryPolicy().wait(12.5, error) == 12.5


def test_a_refusal_is_a_rate_limit_error() -> None:
    assert isinstance(status(429), RateLimitError)
