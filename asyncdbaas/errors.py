"""All errors that this library raises.

DBaaSError
    InvalidInputError            rejected before anything was sent (also a ValueError)
        TokenError               there is no token, or the value cannot be one
        CatalogueError           a catalogue has problems; lists all of them (module `catalogue`)
        PlanError                a plan cannot be made or applied as asked (module `plan`)
    SessionStateError            the session is not open, or belongs to another event loop (also a RuntimeError)
    WaitTimeoutError             a waiter timed out (also a TimeoutError)
    WaitFailedError              a wait cannot succeed any more
    EnsureError                  an object exists and differs, or could not be created: outcome_unknown
    QuotaStoreError              the store of a shared quota could not be used, so nothing was sent
    RequestError                 one request failed: method, path, attempts, outcome_unknown, may_have_applied
        TransportError           no usable response came back
            RequestTimeoutError  no complete response in time (also a TimeoutError)
            TLSError             the server's certificate is not trusted
        DecodeError              the request succeeded, but its response does not fit the class asked for
        AcceptedError            the request was accepted; its result is not visible yet
        SettingsLostError        an update was applied, but reset settings that it did not name
        APIError                 the service refused or failed: status, code, message, request_id, headers, body
            BadRequestError 400, AuthenticationError 401, PermissionDeniedError 403, NotFoundError 404,
            ConflictError 409, PreconditionError 412, UnprocessableError 422, RateLimitError 429, ServerError 5xx
            QuotaWaitError       raised by the session itself: the call was not sent, see `max_wait`
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from asyncdbaas._documented import Documented

__all__ = [
    "APIError",
    "AcceptedError",
    "AuthenticationError",
    "BadRequestError",
    "ConflictError",
    "DBaaSError",
    "DecodeError",
    "EnsureError",
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
    "SettingsLostError",
    "TLSError",
    "TokenError",
    "TransportError",
    "UnprocessableError",
    "WaitFailedError",
    "WaitTimeoutError",
]

SAFE_METHODS: Final = ("GET", "HEAD")
"""The methods that change nothing."""


class DBaaSError(Documented, Exception):
    """Base class of all errors of this library. All of them can be pickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__.copy())


def _restore(cls: type[DBaaSError], args: tuple[Any, ...], state: dict[str, Any]) -> DBaaSError:
    error = cls.__new__(cls)
    error.args = args  # a TimeoutError sets them in its constructor only
    error.__dict__.update(state)
    return error


class InvalidInputError(DBaaSError, ValueError):
    """Bad input, rejected before anything was sent; the message names the field."""


class TokenError(InvalidInputError):
    """No token was found, or its value is not valid. The message never contains it."""


class SessionStateError(DBaaSError, RuntimeError):
    """The object cannot be used here: not open, closed, or in use in another event loop or thread."""


class QuotaStoreError(DBaaSError):
    """The Redis or Valkey server of a shared quota could not be used from the first call on; nothing was sent.

    The message names the reason: unreachable, missing permissions, too old, or foreign data under its keys. Once the
    store has been used, its failures raise nothing: each process continues with a safe part of the quota.
    """


class RequestError(DBaaSError):
    """Base class of the errors of a single request.

    Args:
        message: What happened.
        method: Method of the request.
        path: Path of the request.
        attempts: Number of attempts.
        request_id: Id that the service gave the request.
        outcome_unknown: Whether a write may have been applied.
    """

    _succeeded: ClassVar = False

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
        """How many times the request was sent, or tried to be sent."""
        self.request_id = request_id
        """The service's id of the request. Quote it to the vendor's support."""
        self.outcome_unknown = outcome_unknown
        """True if nobody can tell whether the service applied a write. Check before sending it again."""

    @property
    def may_have_applied(self) -> bool:
        """False if the service certainly applied nothing.

        True if the outcome is unknown, and if a write succeeded but its response could not be read.
        """
        return self.outcome_unknown or (self._succeeded and self.method not in SAFE_METHODS)

    def __str__(self) -> str:
        text = f"{self.method} {self.path}: {self._reason()}"
        if self.outcome_unknown:
            text += "; the request may have been applied; check before sending it again"
        if self.attempts > 1:
            text += f" (after {self.attempts} attempts)"
        return f"{text} [request id {self.request_id}]" if self.request_id else text

    def _reason(self) -> str:
        return self.message


class TransportError(RequestError):
    """No usable response came back: refused, broken or closed connection, unknown host, TLS failure."""

    def __init__(self, message: str, *, sent: bool = True, **context: Any) -> None:
        super().__init__(message, **context)
        self.sent = sent
        """False if no byte of the request was sent."""


class RequestTimeoutError(TransportError, TimeoutError):
    """No complete response came within the session's `timeout`."""


class TLSError(TransportError):
    """The server's certificate is not trusted or does not match. Nothing was sent, and a retry cannot help."""


class DecodeError(RequestError):
    """The service reported success, but the body does not fit the class asked for.

    The message names the place, such as `$.topic.partitions[0].size`. A write was applied.
    """

    _succeeded = True


class AcceptedError(RequestError):
    """The service accepted the request (`id: accepted`), but its result is not visible yet: read it later."""

    _succeeded = True


class SettingsLostError(RequestError):
    """The service applied an update, and changed settings that were to stay as they were.

    Somebody else may have changed them at the same moment. The message names the settings with both values.
    """

    _succeeded = True


class WaitTimeoutError(DBaaSError, TimeoutError):
    """A waiter timed out; `last` is the last value that it saw, or None."""

    def __init__(self, message: str, *, last: object = None) -> None:
        super().__init__(message)
        self.last = last


class WaitFailedError(DBaaSError):
    """A wait cannot succeed any more: the object vanished, never appeared, or failed.

    `last` is the last value that was seen of it, or None.
    """

    def __init__(self, message: str, *, last: object = None) -> None:
        super().__init__(message)
        self.last = last


class EnsureError(DBaaSError):
    """An object exists and differs from what was asked for, or could not be created."""

    def __init__(self, message: str, *, outcome_unknown: bool = False) -> None:
        super().__init__(message)
        self.outcome_unknown = outcome_unknown
        """True if the object may have been created or changed; check before trying again."""


class APIError(RequestError):
    """The service responded with a status other than 2xx.

    The class depends on the status only; `code` and `message` are the service's own words.

    Args:
        message: The service's own words.
        status: Status of the response.
        code: The service's id of the error.
        retry_after: Seconds until the service accepts another try.
        headers: Headers of the response.
        body: Body of the response.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str | None = None,
        retry_after: float | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        **context: Any,
    ) -> None:
        super().__init__(message, **context)
        self.status = status
        self.code = code
        """The service's "id" of the error, such as `unprocessable_entity`."""
        self.retry_after = retry_after
        """Seconds after which the service asks to retry, if it said so."""
        self.headers: Mapping[str, str] = {} if headers is None else headers
        """The headers of the response, without cookies; names match in any case. The token is replaced by `***`."""
        self.body = body
        """The beginning of the response's body, at least 64 KiB of it. Secrets of the request are replaced by `***`."""

    def _reason(self) -> str:
        return f"{self.status} {self.code}: {self.message}" if self.code else f"{self.status}: {self.message}"


class BadRequestError(APIError):
    """400: the service does not understand the body."""


class AuthenticationError(APIError):
    """401: the token is missing, wrong or expired."""


class PermissionDeniedError(APIError):
    """403: the token lacks a scope."""


class NotFoundError(APIError):
    """404: the object does not exist, or does not exist yet."""


class ConflictError(APIError):
    """409: the object's state does not allow the request."""


class PreconditionError(APIError):
    """412: not yet. The cluster is busy, or something that it needs does not exist yet."""


class UnprocessableError(APIError):
    """422: rejected by validation, not supported by this engine, or the name is taken."""


class RateLimitError(APIError):
    """429: the token's quota is used up, by other clients or because the limiter allows too much."""


class QuotaWaitError(RateLimitError):
    """The quota is used up, and waiting would exceed `max_wait`: the call was not sent.

    `retry_after` says when there would be room.
    """


class ServerError(APIError):
    """5xx: the service or a gateway in front of it failed."""
