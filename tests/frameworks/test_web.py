"""Errors as HTTP answers, jobs that outlive their request, and lifespans."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asyncdbaas import (
    AcceptedError,
    APIError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    DBaaSError,
    DecodeError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionError,
    QuotaStoreError,
    QuotaWaitError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
    SessionStateError,
    TLSError,
    TokenError,
    TransportError,
    UnprocessableError,
    WaitTimeoutError,
)
from asyncdbaas.ensure import EnsureError
from asyncdbaas.waiters import WaitFailedError
from asyncdbaas.web import problem

REQUEST: dict[str, Any] = {"method": "POST", "path": "/v2/databases"}


def _api(kind: type[APIError], status: int, **more: Any) -> APIError:
    return kind("words of the service", status=status, **REQUEST, **more)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidInputError("name must not be empty"), 400),
        (TokenError("the token is empty"), 502),
        (_api(BadRequestError, 400), 400),
        (_api(AuthenticationError, 401), 502),
        (_api(PermissionDeniedError, 403), 502),
        (_api(NotFoundError, 404), 404),
        (_api(APIError, 405), 502),
        (_api(ConflictError, 409), 409),
        (_api(PreconditionError, 412), 409),
        (_api(UnprocessableError, 422), 422),
        (_api(RateLimitError, 429), 503),
        (_api(QuotaWaitError, 429), 503),
        (_api(ServerError, 500), 502),
        (_api(ServerError, 502), 502),
        (_api(ServerError, 503), 503),
        (_api(ServerError, 504), 504),
        (TransportError("broken", **REQUEST), 502),
        (TLSError("not trusted", **REQUEST), 502),
        (RequestTimeoutError("too late", **REQUEST), 504),
        (DecodeError("no such field", **REQUEST), 502),
        (AcceptedError("not yet", **REQUEST), 202),
        (WaitTimeoutError("not ready"), 504),
        (SessionStateError("closed"), 503),
        (QuotaStoreError("no rights"), 503),
        (EnsureError("cluster main differs"), 409),
        (WaitFailedError("cluster main has vanished"), 409),
    ],
    ids=lambda value: f"{type(value).__name__} {getattr(value, 'status', '')}" if isinstance(value, DBaaSError) else "",
)
def test_each_error_has_its_status(error: DBaaSError, status: int) -> None:
    answered, headers, body = problem(error)
    assert (answered, json.loads(body)["status"]) == (status, status)
    assert headers["content-type"] == "application/problem+json"
    assert ("retry-after" in headers) is (status == 503)
    assert ("words of the service" in json.loads(body)["detail"]) is (isinstance(error, APIError) and status < 500)


@pytest.mark.parametrize(
    ("retry_after", "header"), [(None, "60"), (0.0, "1"), (0.2, "1"), (29.0, "29"), (29.01, "30"), (3600.0, "3600")]
)
def test_retry_after_is_in_whole_seconds_rounded_up(retry_after: float | None, header: str) -> None:
    _, headers, _ = problem(_api(RateLimitError, 429, retry_after=retry_after))
    assert headers["retry-after"] == header


@pytest.mark.parametrize("unknown", [False, True])
def test_an_unknown_outcome_is_reported(unknown: bool) -> None:
    _, _, body = problem(TransportError("broken", **REQUEST, outcome_unknown=unknown))
    assert json.loads(body).get("outcome_unknown", False) is unknown


def test_our_own_failures_show_no_details() -> None:
    _, _, body = problem(_api(AuthenticationError, 401, request_id="abc"))
    assert json.loads(body) == {
        "title": "Bad Gateway",
        "status": 502,
        "detail": "The database service failed or could not be reached.",
    }
