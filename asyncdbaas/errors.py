"""Every error that this library raises.

DBaaSError
    InvalidInputError            refused before anything was sent (also a ValueError); CatalogueError and PlanError, in
                                 `catalogue` and `plan`, list all their problems
        TokenError               there is no token, or what is there cannot be one
    SessionStateError            the session is not open, or belongs to another event loop (also a RuntimeError)
    WaitTimeoutError             a waiter gave up (also a TimeoutError)
    QuotaStoreError              the store of a shared quota could not be used, so nothing was sent
    RequestError                 one request failed: method, path, attempts, outcome_unknown
        TransportError           no usable answer came back
            RequestTimeoutError  ... in time (also a TimeoutError)
            TLSError             the server's certificate is not trusted
        DecodeError              the request succeeded, but its answer does not fit
        AcceptedError            the request was taken; its result does not show yet
        APIError                 the service refused or failed: status, code, message, request_id
            BadRequestError 400, AuthenticationError 401, PermissionDeniedError 403, NotFoundError 404,
            ConflictError 409, PreconditionError 412, UnprocessableError 422, RateLimitError 429, ServerError 5xx
            QuotaWaitError       a RateLimitError of our own: not sent, see `max_wait`
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "APIError",
    "AcceptedError",
    "AuthenticationError",
    "BadRequestError",
    "ConflictError",
    "DBaaSError",
    "DecodeError",
    "InvalidInputError",
    "NotFoundError",
    "PermissionDeniedError",
    "PreconditionError",
    "QuotaStoreError",
    "QuotaWaitError",
    "RateLimitError",
    "RequestError",
    "RequestTimeoutError",
    "ServerError",
    "SessionStateError",
    "TLSError",
    "TokenError",
    "TransportError",
    "UnprocessableError",
    "WaitTimeoutError",
]


class DBaaSError(Exception):
    """The base of all errors here. Every one of them survives `pickle`."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__.copy())


def _restore(cls: type[DBaaSError], args: tuple[Any, ...], state: dict[str, Any]) -> DBaaSError:
    error = cls.__new__(cls)
    error.args = args  # those that are a TimeoutError take them nowhere else but in a constructor
    error.__dict__.update(state)
    return error


class InvalidInputError(DBaaSError, ValueError):
    """Bad input, refused before anything was sent; the message names the field."""


class TokenError(InvalidInputError):
    """There is no token, or what is there cannot be one; no message shows it."""


class SessionStateError(DBaaSError, RuntimeError):
    """The session cannot be used here: not opened, closed, or opened in another event loop."""


class QuotaStoreError(DBaaSError):
    """The Redis or Valkey server of a shared quota could not be used from the first call on; nothing was sent.

    Out of reach, no rights, too old, or its keys hold something else: the message tells. Once it has been used, a
    failing store raises nothing: each process goes on with a safe part of the quota.
    """


class RequestError(DBaaSError):
    """What the errors of one request share."""

    def __init__(
        self,
        message: str,
        *,
        method: str,
        path: str,
        attempts: int = 1,
        request_id: str | None = None,
        outcome_unknown: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.method = method
        self.path = path
        self.attempts = attempts
        """How many times the request was sent, or tried to be."""
        self.request_id = request_id
        """Quote this to the vendor's support."""
        self.outcome_unknown = outcome_unknown
        """True if a write may have been carried out: look before sending it again."""

    def __str__(self) -> str:
        text = f"{self.method} {self.path}: {self._reason()}"
        if self.outcome_unknown:
            text += "; it may have been carried out all the same, look before you repeat it"
        if self.attempts > 1:
            text += f" (after {self.attempts} attempts)"
        return f"{text} [request id {self.request_id}]" if self.request_id else text

    def _reason(self) -> str:
        return self.message


class TransportError(RequestError):
    """No usable answer came back: refused, broken or closed connection, unknown host, TLS failure."""

    def __init__(self, message: str, *, sent: bool = True, **context: Any) -> None:
        super().__init__(message, **context)
        self.sent = sent
        """False if the request provably never left."""


class RequestTimeoutError(TransportError, TimeoutError):
    """No complete answer came within the session's `timeout`."""


class TLSError(TransportError):
    """The server's certificate is not trusted or not its own; repeating cannot help, so nothing was sent."""


class DecodeError(RequestError):
    """The service reported success, but the body does not fit the class asked for.

    The message names the place, such as `$.topic.partitions[0].size`. A write was carried out.
    """


class AcceptedError(RequestError):
    """The service took the request (`id: accepted`), but its result does not show yet: read it later."""


class WaitTimeoutError(DBaaSError, TimeoutError):
    """A waiter gave up; `last` is the last thing it saw, or None."""

    def __init__(self, message: str, *, last: object = None) -> None:
        super().__init__(message)
        self.last = last


class APIError(RequestError):
    """The service answered with a status other than 2xx.

    The class follows the status alone; `code` and `message` are the service's own words.
    """

    def __init__(
        self, message: str, *, status: int, code: str | None = None, retry_after: float | None = None, **context: Any
    ) -> None:
        super().__init__(message, **context)
        self.status = status
        self.code = code
        """The service's "id" of the error, such as `unprocessable_entity`."""
        self.retry_after = retry_after
        """Seconds until the service wants to be asked again, if it said so."""

    def _reason(self) -> str:
        return f"{self.status} {self.code}: {self.message}" if self.code else f"{self.status}: {self.message}"


class BadRequestError(APIError):
    """400: the body holds something that the service does not know."""


class AuthenticationError(APIError):
    """401: the token is missing, wrong or expired."""


class PermissionDeniedError(APIError):
    """403: the token lacks a scope."""


class NotFoundError(APIError):
    """404: no such object, or not yet."""


class ConflictError(APIError):
    """409: the object's state stands in the way."""


class PreconditionError(APIError):
    """412: not yet; the cluster is busy, or something that it needs does not exist so far."""


class UnprocessableError(APIError):
    """422: refused by validation, or not supported by this engine, or the name is taken."""


class RateLimitError(APIError):
    """429: the token's quota is used up, by others or because the limiter was set too high."""


class QuotaWaitError(RateLimitError):
    """The quota is used up, and the call may not wait so long (`max_wait`): it was not sent.

    `retry_after` tells when there would be room.
    """


class ServerError(APIError):
    """5xx: the service or a gateway in front of it failed."""
