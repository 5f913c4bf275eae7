"""Error responses, in the words of the service, and the errors that the emulator raises in code."""

from __future__ import annotations

from collections.abc import Collection, Generator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Final

CODES: Final = {
    202: "accepted",
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    412: "precondition_failed",
    422: "unprocessable_entity",
    429: "too_many_requests",
    500: "server_error",
    503: "service_unavailable",
}

UNSUPPORTED: Final = "operation is not supported for this cluster type"


class EmulatorError(ValueError):
    """Wrong use of the emulator, its clock or its state. Base class of its other errors."""


class Refusal(Exception):  # noqa: N818 -- a response to send, not an error of the emulator
    """Respond to the request with an error of this status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message


def bad_request(message: str) -> Refusal:
    """Make a 400: the body does not have the types of the request."""
    return Refusal(400, message)


def forbidden() -> Refusal:
    """Make a 403: the token lacks a scope."""
    return Refusal(403, "You do not have access for the attempted action.")


def not_found(what: str) -> Refusal:
    """Make a 404 for a missing object."""
    return Refusal(404, f"{what} not found")


def unprocessable(message: str) -> Refusal:
    """Make a 422: the request was understood and is not valid."""
    return Refusal(422, message)


def not_yet(action: str, reason: str) -> Refusal:
    """Make a 412: the object's state does not allow the action now."""
    return Refusal(412, f"{action} cannot be performed. Reason: {reason}")


def suggestion(name: str, known: Collection[str]) -> str:
    """Return the last part of an error about an unknown name: which one was meant, or which are known."""
    near = get_close_matches(name, known)
    return f"did you mean {' or '.join(map(repr, near))}?" if near else f"known: {', '.join(sorted(known))}"


def require_known(name: str, known: Collection[str], what: str) -> None:
    """Raise EmulatorError for a name that does not exist."""
    if name not in known:
        raise EmulatorError(f"there is no {what} {name!r}; {suggestion(name, known)}")


@contextmanager
def refusal_as_error() -> Generator[None]:
    """Raise EmulatorError instead of Refusal, for code that prepares the state without a request."""
    try:
        yield
    except Refusal as refusal:
        raise EmulatorError(refusal.message) from refusal
