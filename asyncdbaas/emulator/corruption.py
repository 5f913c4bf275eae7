"""What a fault makes of an answer."""

from __future__ import annotations

import json
from typing import Final

from asyncdbaas.emulator.clock import Clock
from asyncdbaas.emulator.errors import Refusal
from asyncdbaas.emulator.faults import Fault
from asyncdbaas.emulator.limits import TokenLimits
from asyncdbaas.emulator.responses import Response, error_page, refuse

_PAGES: Final = {"bad_gateway": 502, "gateway_timeout": 504}
_REFUSALS: Final = {
    "precondition": Refusal(412, "update cluster cannot be performed. Reason: cluster is undergoing maintenance"),
    "not_found": Refusal(404, "The resource you were accessing could not be found."),
    "accepted": Refusal(202, "topic cannot be performed. Reason: topic is still provisioning"),
    "server_error": Refusal(500, "Server Error"),
}
_ENDINGS: Final = ("reset", "reset_after", "half_body", "endless_body", "silence")


def refused_by_limit(fault: Fault, limits: TokenLimits, clock: Clock) -> dict[str, str] | None:
    """Return the headers of a refusal by a rate limit, if that is what the fault is."""
    if fault.kind == "rate_limit":
        return limits.burst_headers(clock, fault.retry_after)
    return limits.refused_headers(clock) if fault.kind == "hourly_limit" else None


def has_no_limit_headers(fault: Fault) -> bool:
    """Tell whether the gateway answers, and so knows of no rate limit."""
    return fault.kind == "unavailable" or fault.kind in _PAGES


def corrupt(fault: Fault, response: Response | None, request_id: str) -> Response:
    """Return what comes instead of a response; None where the fault came before there was one."""
    if fault.kind in ("rate_limit", "hourly_limit"):
        return refuse(Refusal(429, "API Rate limit exceeded."), request_id)
    if fault.kind == "unavailable":
        message = "Failed to forward the request you made, please try again."
        return refuse(Refusal(503, message), request_id, "service-error")
    if fault.kind in _PAGES:
        return error_page(_PAGES[fault.kind])
    if fault.kind in _REFUSALS:
        return refuse(_REFUSALS[fault.kind], request_id)
    good = response or Response(0, {}, b"")
    if fault.kind in _ENDINGS:
        return good._replace(ending=fault.kind)
    return _rewritten(fault, good)


def _rewritten(fault: Fault, good: Response) -> Response:
    """Keep the status, and change the body."""
    if fault.kind == "empty_body":
        return good._replace(body=b"", headers={k: v for k, v in good.headers.items() if k != "content-type"})
    body = b'{"truncated": ' if fault.kind == "not_json" else json.dumps(fault.body).encode()
    return good._replace(body=body, headers=good.headers | {"content-type": "application/json; charset=utf-8"})
