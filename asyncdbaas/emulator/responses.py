"""Responses as bytes."""

from __future__ import annotations

import json
from typing import Final, NamedTuple

import msgspec

from asyncdbaas.emulator.errors import CODES, Refusal
from asyncdbaas.emulator.routing import Answer

_JSON: Final = "application/json; charset=utf-8"
_HTML: Final = (
    b"<!DOCTYPE html>\n<html><head><title>DigitalOcean - Something went wrong!</title></head>"
    b"<body><h1>DigitalOcean - Something went wrong!</h1></body></html>\n"
)


class Response(NamedTuple):
    """A response as bytes, delayed by `delay` virtual seconds.

    `ending` names the fault of the connection ("" for none): `reset`, `reset_after`, `half_body`,
    `endless_body` or `silence`, as in `faults.KINDS`.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    delay: float = 0.0
    ending: str = ""


def encode(answer: Answer, source: str = "service") -> Response:
    """Encode a handler's answer."""
    headers = {"x-gateway": "Edge-Gateway", "x-response-from": source}
    if answer.body is None:
        return Response(answer.status, headers, b"", answer.delay)
    headers["content-type"] = _JSON
    return Response(answer.status, headers, encode_json(answer.body), answer.delay)


def encode_json(body: object) -> bytes:
    """Encode plain data."""
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:  # half of a surrogate pair, which a request can hold and JSON can escape
        return json.dumps(body, separators=(",", ":")).encode()


def refuse(refusal: Refusal, request_id: str, source: str = "service") -> Response:
    """Encode an error: `{"id", "message", "request_id"}`."""
    body = {"id": CODES[refusal.status], "message": refusal.message, "request_id": request_id}
    return encode(Answer(refusal.status, body), source)


def page_not_found() -> Response:
    """Return the response to a route that does not exist: plain text."""
    return Response(404, {"content-type": "text/plain; charset=utf-8"}, b"404 page not found\n")


def error_page(status: int) -> Response:
    """Return an error page of the gateway, in HTML."""
    return Response(status, {"content-type": "text/html; charset=UTF-8", "server": "cloudflare"}, _HTML)
