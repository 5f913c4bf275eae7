"""Processing of a request, from bytes to bytes: authentication, rate limits, routing, faults and errors."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from typing import Any, Final, NoReturn, cast

import attrs

from asyncdbaas.emulator import corruption
from asyncdbaas.emulator.errors import CODES, Refusal, bad_request, forbidden, not_found
from asyncdbaas.emulator.faults import Fault, Faults
from asyncdbaas.emulator.limits import RateLimits
from asyncdbaas.emulator.paging import paged
from asyncdbaas.emulator.recorder import Recorder
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.responses import Response, encode, page_not_found, refuse
from asyncdbaas.emulator.routing import Answer, Call, Match, Router
from asyncdbaas.emulator.state import State

_VERBS: Final = {"GET": "read", "POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}


@attrs.define(kw_only=True)
class RequestContext:
    """A request while it is processed, with what its response headers and its record need."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    match: Match | None
    request_id: str
    limit_headers: dict[str, str] = attrs.field(factory=dict[str, str])
    applied: bool = False
    token: str | None = None
    started: float = attrs.field(factory=time.perf_counter)


class RequestHandler:
    """Process requests against a state."""

    def __init__(
        self, state: State, router: Router, faults: Faults, requests: Recorder, *, limits: RateLimits, scheme: str
    ) -> None:
        self._state = state
        self._router = router
        self._faults = faults
        self._requests = requests
        self._limits = limits
        self._scheme = scheme

    def perform(self, method: str, target: str, body: Record | None = None) -> Answer:
        """Run an operation directly: no token, no rate limit, no fault, no record."""
        path, _, query = target.partition("?")
        try:
            match = self._router.match(method, path)
            if match is None:
                raise not_found("route")
            self._state.run_due()
            return match.answer(self._state, match.call(path, query, body or {}))
        except Refusal as refusal:
            return Answer(refusal.status, {"id": CODES[refusal.status], "message": refusal.message})

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Process one request.

        `target` is the request target as sent (path and query, percent-encoded); the names in `headers` are lower
        case, unless the mapping ignores case.
        """
        path, _, query = target.partition("?")
        context = RequestContext(
            method=method,
            path=path,
            query=query,
            headers=headers,
            match=self._router.match(method, path),
            request_id=self._state.ids.uuid("request"),
        )
        try:
            response = self._answer(context, body)
        except Refusal as refusal:
            response = refuse(refusal, context.request_id)
        response.headers.update(context.limit_headers)
        response.headers["x-request-id"] = context.request_id
        self._record(context, response)
        return response

    def _answer(self, context: RequestContext, body: bytes) -> Response:
        token = self._admit(context)
        if context.match is None:
            return page_not_found()
        call = self._call(context, context.match, token, body)
        fault, delay = self._faults.inject(call)
        if fault is not None and fault.is_before_change:
            return self._corrupted(fault, context, token, None)._replace(delay=delay)
        response = self._apply(context, context.match, call)
        delay += response.delay
        if fault is not None:
            response = self._corrupted(fault, context, token, response)
        return response._replace(delay=delay)

    def _admit(self, context: RequestContext) -> str:
        """Return the token of the request, and count the request. One without a valid token is not counted."""
        scheme, _, token = context.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or token not in self._state.data["tokens"]:
            context.limit_headers = self._limits.new().unused_headers()
            raise Refusal(401, "Unable to authenticate you.")
        context.token = token
        verdict = self._limits.of(token).arrive()
        context.limit_headers = verdict.headers
        if not verdict.admitted:
            raise Refusal(429, "API Rate limit exceeded.")
        return token

    def _call(self, context: RequestContext, match: Match, token: str, body: bytes) -> Call:
        """Check the scope, parse the body and return the call."""
        scopes = self._state.data["tokens"][token]
        resource = "tag" if context.path.startswith("/v2/tags") else "database"
        if scopes is not None and f"{resource}:{_VERBS[context.method]}" not in scopes:
            raise forbidden()
        return match.call(context.path, context.query, parse(body) if match.route.takes_body else {}, scopes)

    def _apply(self, context: RequestContext, match: Match, call: Call) -> Response:
        self._state.run_due()
        answer = match.answer(self._state, call)
        context.applied = context.method != "GET"
        page_size = self._state.quirks.page_size
        if page_size is not None and isinstance(answer.body, dict):
            answer = self._paged(context, call, answer, page_size)
        return encode(answer)

    def _paged(self, context: RequestContext, call: Call, answer: Answer, page_size: int) -> Answer:
        url = f"{self._scheme}://{context.headers.get('host', 'localhost')}{context.path}"
        return answer._replace(body=paged(answer.body, url, call.query, page_size))

    def _corrupted(self, fault: Fault, context: RequestContext, token: str, response: Response | None) -> Response:
        """Return the response that a fault causes, and set the rate-limit headers for it."""
        if corruption.has_no_limit_headers(fault):
            context.limit_headers = {}
        limits = self._limits.of(token)
        if (headers := corruption.refused_by_limit(fault, limits)) is not None:
            limits.take_back()
            context.limit_headers = headers
        return corruption.corrupt(fault, response, context.request_id)

    def _record(self, context: RequestContext, response: Response) -> None:
        cut = response.ending in ("reset", "silence")
        now = self._state.clock.now()
        left = (None, None) if context.token is None else self._limits.of(context.token).left(now)
        self._requests.add(
            at=now,
            method=context.method,
            path=context.path,
            operation=context.match.route.operation if context.match else None,
            status=0 if cut else response.status,
            applied=context.applied,
            seconds=time.perf_counter() - context.started,
            minute_left=left[0],
            hour_left=left[1],
        )


def parse(body: bytes) -> Record:
    """Read a request body, which must be a JSON object."""
    try:
        value: Any = _DECODER.decode(body.decode())
    except (ValueError, RecursionError) as error:  # also not UTF-8, and a number of too many digits
        raise bad_request("error parsing request body") from error
    if not isinstance(value, dict):
        raise bad_request("json: cannot unmarshal the request body into an object")
    return cast("Record", value)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text} is too large")
    return value


_DECODER: Final = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)
