"""The responses that faults cause."""

from __future__ import annotations

import json
from typing import Final, cast

from asyncdbaas.emulator.errors import Refusal
from asyncdbaas.emulator.faults import Fault
from asyncdbaas.emulator.limits import TokenLimits
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.responses import Response, encode_json, error_page, page_not_found, refuse

_PAGES: Final = {
    "bad_gateway": 502,
    "gateway_timeout": 504,
    "request_timeout": 408,
    "misdirected": 421,
    "too_early": 425,
}
_REFUSALS: Final = {
    "rate_limit": Refusal(429, "API Rate limit exceeded."),
    "hourly_limit": Refusal(429, "API Rate limit exceeded."),
    "unavailable": Refusal(503, "Failed to forward the request you made, please try again."),
    "precondition": Refusal(412, "update cluster cannot be performed. Reason: cluster is undergoing maintenance"),
    "not_found": Refusal(404, "The resource you were accessing could not be found."),
    "accepted": Refusal(202, "topic cannot be performed. Reason: topic is still provisioning"),
    "server_error": Refusal(500, "Server Error"),
}
_ENDINGS: Final = ("reset", "reset_after", "half_body", "endless_body", "silence")


def refused_by_limit(fault: Fault, limits: TokenLimits) -> dict[str, str] | None:
    """Return the rate-limit headers of a fault that is a 429; None for other faults."""
    if fault.kind == "rate_limit":
        return limits.burst_headers(fault.retry_after)
    return limits.hourly_headers() if fault.kind == "hourly_limit" else None


def has_no_limit_headers(fault: Fault) -> bool:
    """Return whether the response comes from the gateway, which sends no rate-limit headers."""
    return fault.kind in ("unavailable", "no_route") or fault.kind in _PAGES


def corrupt(fault: Fault, response: Response | None, request_id: str) -> Response:
    """Return what is sent instead of a response; `response` is None if the request was not applied."""
    if (instead := _instead(fault, request_id)) is not None:
        return instead
    good = response or Response(0, {}, b"")
    return good._replace(ending=fault.kind) if fault.kind in _ENDINGS else _rewritten(fault, good)


def _instead(fault: Fault, request_id: str) -> Response | None:
    """Return the response of faults that replace it; None for faults that change the original one."""
    if fault.kind in _PAGES:
        return error_page(_PAGES[fault.kind])
    if fault.kind == "no_route":
        return page_not_found()
    if fault.kind in _REFUSALS:
        return refuse(_REFUSALS[fault.kind], request_id, "service-error" if fault.kind == "unavailable" else "service")
    return None


def _rewritten(fault: Fault, good: Response) -> Response:
    """Keep the status and replace the body."""
    if fault.kind == "empty_body":
        return good._replace(body=b"", headers={k: v for k, v in good.headers.items() if k != "content-type"})
    if fault.kind == "null_list":
        return good._replace(body=_without_lists(good.body))
    body = b'{"truncated": ' if fault.kind == "not_json" else encode_json(fault.body)
    return good._replace(body=body, headers=good.headers | {"content-type": "application/json; charset=utf-8"})


def _without_lists(body: bytes) -> bytes:
    """Replace the top-level lists of a body with null."""
    value = json.loads(body or b"null")
    if isinstance(value, dict):
        value = {name: None if isinstance(item, list) else item for name, item in cast("Record", value).items()}
    return encode_json(None if isinstance(value, list) else value)
