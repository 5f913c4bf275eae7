"""Pure helpers for HTTP: path segments, header values, and errors from responses."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import quote, urlsplit
from uuid import UUID

import attrs

from asyncdbaas import errors
from asyncdbaas._checks import check_mapping, check_text, kind_of
from asyncdbaas._core.decoding import decode_error_body
from asyncdbaas._core.text import LONGEST_TEXT, printable
from asyncdbaas._documented import Documented
from asyncdbaas.errors import APIError, InvalidInputError, TokenError
from asyncdbaas.types import Id, Secret

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

_ERROR_BY_STATUS: Final[Mapping[int, type[APIError]]] = {
    400: errors.BadRequestError,
    401: errors.AuthenticationError,
    403: errors.PermissionDeniedError,
    404: errors.NotFoundError,
    409: errors.ConflictError,
    412: errors.PreconditionError,
    422: errors.UnprocessableError,
    429: errors.RateLimitError,
}
# Of 646 POSTs that a gateway's 408 crossed, the server had read 54.
_REQUEST_TIMEOUT: Final = 408
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
# With these the server certainly did not process the request: RFC 9110, 15.4.8 and 15.4.9.
_UNPROCESSED: Final = frozenset({307, 308})
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PATH: Final = re.compile(r"/[A-Za-z0-9\-._~%!$&'()*+,;=:@/]*")
_ADDRESS: Final = re.compile(r"https?://[A-Za-z0-9\-._:\[\]]+(/[A-Za-z0-9\-._~%/]*)?", re.IGNORECASE)
# RFC 3986, 2.3
_UNRESERVED: Final = re.compile(r"[A-Za-z0-9\-._~]+")
_DOTS: Final = re.compile(r"/(\.|%2[eE]){1,2}(/|$)")
_NO_TOKEN_CHARACTER: Final = re.compile(r"[^\x21-\x7e]")
_HEADER: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, a token
# A cluster's name, which people pass as its id.
_NAME: Final = re.compile(r"[a-z0-9-]{1,63}")


def seg(value: str, what: str) -> str:
    """Percent-encode one segment of a path, `/` included.

    Reject "", "." and "..": they would address another object. `what` names the value in the error.
    """
    if _UNRESERVED.fullmatch(check_text(value, what)) and value not in (".", ".."):
        return value
    if value in ("", ".", ".."):
        raise InvalidInputError(f"{what} must not be {value!r}")
    if not _is_encodable(value):
        raise InvalidInputError(f"{what} is not valid text: it contains half of a surrogate pair")
    return quote(value, safe="")


def check_path(path: str) -> str:
    """Reject a path that is not encoded, or that could reach another object or host."""
    if not _PATH.fullmatch(check_text(path, "path")) or _DOTS.search(path):
        raise InvalidInputError(
            "path must start with / and be percent-encoded, without . or .. segments; quote names in it with "
            "urllib.parse.quote(name, safe='')"
        )
    return path


def check_params(params: Mapping[str, str | int]) -> dict[str, str]:
    """Return query parameters as strings; reject those that are neither strings nor integers."""
    for name, value in check_mapping(params, "params").items():
        check_text(name, "params: a name")
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise InvalidInputError(f"params: {name} must be a string or an integer, not {kind_of(value)}")
        if isinstance(value, str) and not _is_encodable(value):
            raise InvalidInputError(f"params: {name} is not valid text: it contains half of a surrogate pair")
    return {name: str(value) for name, value in params.items()}


def _is_encodable(text: str) -> bool:
    """Return whether text is free of lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_token(token: object) -> Secret:
    """Reject what cannot be a token; no message shows it."""
    if not isinstance(token, Secret):
        raise TokenError(f"the token must be a string, not {kind_of(token)}")
    if not token:
        raise TokenError("the token is empty")
    if found := _NO_TOKEN_CHARACTER.search(token):
        where = f"at position {found.start()} of {len(token)}"
        hint = "strip the trailing newline" if token.rstrip() == token[: found.start()] else "pass the token only"
        raise TokenError(f"the token contains {found.group()!r} {where}; {hint}")
    return token


def check_base_url(base_url: object) -> str:
    """Reject an address that the token must not be sent to; return it without a slash at its end."""
    address = Secret(base_url) if isinstance(base_url, str) else Secret()
    del base_url  # it can hold a password, or be something else altogether, which a traceback with locals must not show
    scheme, host = _scheme_and_host(address)
    if not host:
        raise InvalidInputError(
            "base_url must be an http(s) address without user, password, query or fragment, such as "
            "'https://api.digitalocean.com'"
        )
    if scheme == "http" and not is_loopback(host):
        raise InvalidInputError(f"base_url must use https, or the token travels in the clear to {host}")
    return address.rstrip("/")


def _scheme_and_host(address: str) -> tuple[str, str]:
    """Return the scheme and the host of an address of the API, and two empty strings for anything else."""
    try:
        url = urlsplit(address)
        usable = url.scheme in ("http", "https") and url.port != 0 and _ADDRESS.fullmatch(address) is not None
    except ValueError:
        return "", ""
    return (url.scheme, url.hostname or "") if usable else ("", "")


def origin(base_url: str) -> str:
    """Return a checked address without its path, which can hold a secret."""
    return "/".join(base_url.split("/")[:3])


def check_header(value: str, what: str) -> str:
    """Reject what cannot be a header; `what` names it in the error."""
    if not _HEADER.fullmatch(check_text(value, what)):
        raise InvalidInputError(f"{what} must be printable ASCII, without line ends and outer spaces")
    return value


def check_header_name(name: str) -> str:
    """Reject what is not the name of a header; the error does not quote it, as it may be a value in the wrong place."""
    if not _HEADER_NAME.fullmatch(check_text(name, "headers: a name")):
        raise InvalidInputError("headers: a name must consist of letters, digits and characters such as - and _")
    return name


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, where nobody can intercept the token and no real service runs."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def cluster_segment(cluster_id: Id) -> str:
    """Check a cluster's id and return it as a path segment.

    Reject what is not a UUID, above all a cluster's name, which the service would answer with a bare 404.
    """
    if isinstance(cluster_id, UUID):
        return str(cluster_id)
    if isinstance(cluster_id, str) and _UUID.fullmatch(cluster_id):
        return cluster_id
    shown = repr(cluster_id) if isinstance(cluster_id, str) and _NAME.fullmatch(cluster_id) else kind_of(cluster_id)
    raise InvalidInputError(f"cluster_id must be a UUID (the `id` that list_clusters gives), not {shown}")


@attrs.frozen(kw_only=True)
class RateLimitHeaders(Documented):
    """Hourly quota of a token, as a response shows it; each value can be missing."""

    limit: int | None = None
    """Requests that an hour allows."""
    remaining: int | None = None
    """Requests left in the current hour; 0 on a refusal by the minute's limit too."""
    reset: float | None = None
    """Unix time at which the oldest counted request drops out; it has been seen to lie in the past."""


def read_rate_limit(headers: Mapping[str, str]) -> RateLimitHeaders:
    """Read the `ratelimit-*` headers; what is absent or no number reads as None."""
    return RateLimitHeaders(
        limit=parse_count(headers.get("ratelimit-limit")),
        remaining=parse_count(headers.get("ratelimit-remaining")),
        reset=_parse_seconds(headers.get("ratelimit-reset")),
    )


def parse_count(text: str | None) -> int | None:
    """Read a plain decimal header value; None if it is anything else."""
    return int(text) if text is not None and len(text) < 10 and text.isascii() and text.isdigit() else None


def _parse_seconds(text: str | None) -> float | None:
    try:
        seconds = float(text or "")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) else None


def parse_retry_after(text: str | None, now: float) -> float | None:
    """Read a Retry-After header, in seconds or as an HTTP date; never negative, None if it makes no sense."""
    if text is None:
        return None
    seconds = _parse_seconds(text)
    if seconds is None:
        try:
            seconds = _utc(parsedate_to_datetime(text)).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return max(seconds, 0.0)


def _utc(date: datetime) -> datetime:
    """Return a date without a zone, as the zone -0000 makes one, in UTC; Python would take it for local time."""
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date


def api_error(status: int, headers: Mapping[str, str], body: bytes, *, method: str, path: str) -> APIError:
    """Turn a response other than 2xx into its error; never fail, whatever the body contains."""
    fields = decode_error_body(body)
    message = _text(fields.get("message")) or _plain_text(body) or "the response has no text"
    if status in _REDIRECTS:
        message += "; redirects are not followed, so that the token is not sent elsewhere: check base_url"
    cls = _ERROR_BY_STATUS.get(status, errors.ServerError if status >= 500 else APIError)
    return cls(
        message,
        status=status,
        code=_text(fields.get("id")),
        request_id=_text(fields.get("request_id")) or read_request_id(headers),
        headers=headers,
        body=body,
        retry_after=parse_retry_after(headers.get("retry-after"), time.time()),
        method=method,
        path=path,
        outcome_unknown=method not in errors.SAFE_METHODS and not _was_refused(status, message),
    )


def read_request_id(headers: Mapping[str, str]) -> str | None:
    """Read the request id that the vendor's support asks for, as printable text."""
    text = headers.get("x-request-id")
    return text and printable(text.encode("utf-8", "replace").decode())[:LONGEST_TEXT]


def _was_refused(status: int, message: str) -> bool:
    """Return whether a write was certainly not applied. A 303, for example, follows a POST that was."""
    if 400 <= status < 500:
        return status != _REQUEST_TIMEOUT
    # The gateway says with these words that the service itself never saw the request.
    return status in _UNPROCESSED or (status == 503 and "failed to forward" in message.lower())


def _text(value: Any) -> str | None:
    """Return a text of the service on one line, without what a terminal or a log could take for something else."""
    return printable(value)[:LONGEST_TEXT] if isinstance(value, str) and value else None


def _plain_text(body: bytes) -> str:
    text = body[: 20 * LONGEST_TEXT].decode("utf-8", "replace")
    if text.lstrip().startswith("<"):
        # A gateway's HTML page: its first words say which.
        text = re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL | re.IGNORECASE)
    return printable(" ".join(text.split()))[:LONGEST_TEXT]
