"""Turn errors into HTTP responses, for web applications.

No framework is imported: any framework can send the status, headers and body that `problem` returns. The guide "Web
frameworks" has a complete application for each of six frameworks.
"""

from __future__ import annotations

import json
import math
from http import HTTPStatus
from typing import Any, Final

from asyncdbaas.errors import (
    AcceptedError,
    APIError,
    BadRequestError,
    ConflictError,
    DBaaSError,
    DecodeError,
    InvalidInputError,
    NotFoundError,
    PreconditionError,
    QuotaStoreError,
    RateLimitError,
    RequestError,
    RequestTimeoutError,
    SessionStateError,
    TokenError,
    TransportError,
    UnprocessableError,
    WaitTimeoutError,
)

__all__ = ["problem"]

# The first class that matches counts. A problem with the application's token is not the visitor's: 401 and 403 are 502.
_STATUSES: Final[tuple[tuple[type[DBaaSError], int], ...]] = (
    (TokenError, 502),
    (InvalidInputError, 400),
    (SessionStateError, 503),
    (QuotaStoreError, 503),
    (WaitTimeoutError, 504),
    (AcceptedError, 202),
    (DecodeError, 502),
    (RequestTimeoutError, 504),
    (TransportError, 502),
    (BadRequestError, 400),
    (NotFoundError, 404),
    (ConflictError, 409),
    (PreconditionError, 409),
    (UnprocessableError, 422),
    (RateLimitError, 503),
    (APIError, 502),
)
# What a visitor sees of failures that the visitor did not cause.
_DETAILS: Final = {
    502: "The database service failed or could not be reached.",
    503: "The database service is rate limiting this application; try again later.",
    504: "The database service did not respond in time.",
}
# The default where the service does not say: the shorter of its two limits covers a minute.
_RETRY_SECONDS: Final = 60.0


def problem(error: DBaaSError) -> tuple[int, dict[str, str], bytes]:
    """Turn an error into an HTTP response: status, headers and a body of problem details (RFC 9457).

    Errors of the request stay 400, 404, 409 or 422, with the message of the service. An exhausted quota is 503 with
    Retry-After. Failures between the application and the service are 502, 503 or 504 without details: log the error
    yourself. The body has `outcome_unknown` if a write may have been applied.
    """
    status = _status(error)
    body: dict[str, Any] = {"title": HTTPStatus(status).phrase, "status": status}
    body["detail"] = _DETAILS.get(status) or getattr(error, "message", str(error))
    if isinstance(error, RequestError) and error.outcome_unknown:
        body["outcome_unknown"] = True
    headers = {"content-type": "application/problem+json"}
    if status == 503:
        seconds = getattr(error, "retry_after", None)
        headers["retry-after"] = str(max(1, math.ceil(_RETRY_SECONDS if seconds is None else seconds)))
    return status, headers, json.dumps(body).encode()


def _status(error: DBaaSError) -> int:
    if isinstance(error, APIError) and error.status in (503, 504):
        return error.status
    # Errors of other modules, such as EnsureError, mean a conflict with the live state.
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 409)
