"""The admin path `/_emulator/...`: what `Emulator` offers in code, for tests in other languages.

It needs no token and counts in no limit. Only requests whose `Host` is this machine, and that no web page sent, get
in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Final, Protocol
from urllib.parse import urlsplit

import attrs

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.clock import Clock
from asyncdbaas.emulator.errors import Refusal, bad_request, unprocessable
from asyncdbaas.emulator.faults import KINDS, Faults
from asyncdbaas.emulator.recorder import Recorder
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.responses import Response, encode, page_not_found, refuse
from asyncdbaas.emulator.routing import Answer
from asyncdbaas.emulator.service import parse

PREFIX: Final = "/_emulator"
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_LAST_REQUESTS: Final = 1000


class Steered(Protocol):
    """What the admin path steers; `Emulator` is one."""

    clock: Clock
    faults: Faults
    requests: Recorder

    def snapshot(self) -> Record:
        """Return everything as plain data."""
        ...

    def restore(self, snapshot: Record) -> None:
        """Take on a snapshot."""
        ...

    def reset(self) -> None:
        """Go back to the start."""
        ...


class Admin:
    """Answer requests to the admin path."""

    def __init__(self, emulator: Steered) -> None:
        self._emulator = emulator
        self._routes: Mapping[tuple[str, str], Callable[[bytes], Answer]] = {
            ("GET", ""): self._index,
            ("GET", "/faults"): self._get_faults,
            ("POST", "/faults"): self._add_fault,
            ("DELETE", "/faults"): self._clear_faults,
            ("GET", "/clock"): self._get_clock,
            ("POST", "/clock"): self._advance,
            ("GET", "/state"): self._state,
            ("GET", "/snapshot"): self._snapshot,
            ("PUT", "/snapshot"): self._restore,
            ("POST", "/reset"): self._reset,
            ("GET", "/requests"): self._requests,
            ("DELETE", "/requests"): self._clear_requests,
        }

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer one request."""
        if not _is_local(headers):
            return refuse(Refusal(403, "the admin path answers this machine only"), "")
        route = self._routes.get((method, path.removeprefix(PREFIX).rstrip("/")))
        if route is None:
            return page_not_found()
        try:
            return encode(route(body))
        except Refusal as refusal:
            return refuse(refusal, "")

    def _index(self, _body: bytes) -> Answer:
        return Answer(
            200, {"routes": [f"{method} {PREFIX}{path}" for method, path in self._routes], "faults": {**KINDS}}
        )

    def _get_faults(self, _body: bytes) -> Answer:
        return Answer(200, {"faults": self._emulator.faults.dump()})

    def _add_fault(self, body: bytes) -> Answer:
        given = parse(body)
        given.pop("when", None)  # a predicate exists in code only
        operation, kind = fields.string(given, "operation", "*"), fields.required(given, "kind")
        options = {name: value for name, value in given.items() if name not in ("operation", "kind")}
        try:
            fault = self._emulator.faults.add(operation, kind, **options)
        except (TypeError, ValueError) as error:
            raise unprocessable(str(error)) from error
        return Answer(201, {"fault": fault.dump()})

    def _clear_faults(self, _body: bytes) -> Answer:
        self._emulator.faults.clear()
        return Answer(204)

    def _get_clock(self, _body: bytes) -> Answer:
        clock = self._emulator.clock
        return Answer(200, {"now": clock.now(), "scale": clock.scale})

    def _advance(self, body: bytes) -> Answer:
        spans = parse(body)
        try:
            self._emulator.clock.advance(**spans)
        except (TypeError, ValueError) as error:
            raise bad_request(f"give seconds, minutes, hours or days as numbers: {error}") from error
        return self._get_clock(b"")

    def _state(self, _body: bytes) -> Answer:
        return Answer(200, self._emulator.snapshot()["data"])

    def _snapshot(self, _body: bytes) -> Answer:
        return Answer(200, self._emulator.snapshot())

    def _restore(self, body: bytes) -> Answer:
        try:
            self._emulator.restore(parse(body))
        except ValueError as error:  # a StateError, or a clock beyond the year 9999
            raise unprocessable(str(error)) from error
        return Answer(204)

    def _reset(self, _body: bytes) -> Answer:
        self._emulator.reset()
        return Answer(204)

    def _requests(self, _body: bytes) -> Answer:
        requests = self._emulator.requests
        last = islice(reversed(tuple(requests)), _LAST_REQUESTS)
        counts = {
            "total": requests.total,
            "statuses": {str(status): count for status, count in requests.statuses.items()},
            "operations": dict(requests.operations),
        }
        return Answer(200, counts | {"last": [attrs.asdict(seen) for seen in last]})

    def _clear_requests(self, _body: bytes) -> Answer:
        self._emulator.requests.clear()
        return Answer(204)


def _is_local(headers: Mapping[str, str]) -> bool:
    """Tell whether a request comes from this machine and not from a web page (DNS rebinding, forms, fetch)."""
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return False
    origin = headers.get("origin")
    places = [f"//{headers.get('host', '')}"] + ([] if origin is None else [origin])
    return all(_host(place) in _LOOPBACK for place in places)


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
