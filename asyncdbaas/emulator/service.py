"""One request from bytes to bytes, without a socket: who asks, may they, what do they want, what comes of it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn, cast
from urllib.parse import parse_qsl

from asyncdbaas.emulator import breakage
from asyncdbaas.emulator.errors import Refusal, bad_request
from asyncdbaas.emulator.faults import Fault, Faults
from asyncdbaas.emulator.limits import TokenLimits
from asyncdbaas.emulator.paging import paged
from asyncdbaas.emulator.recorder import Recorder, SeenRequest
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.responses import Response, encode, page_not_found, refuse
from asyncdbaas.emulator.routing import Answer, Call, Match, Router
from asyncdbaas.emulator.world import World

_VERBS: Final = {"GET": "read", "POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}


class Visit:
    """One request on its way through the service, with what the answer's headers and the record need to know."""

    __slots__ = ("applied", "headers", "limit_headers", "match", "method", "path", "query", "request_id")

    def __init__(
        self, method: str, target: str, headers: Mapping[str, str], match: Match | None, request_id: str
    ) -> None:
        self.method = method
        self.path, _, self.query = target.partition("?")
        self.headers = headers
        self.match = match
        self.request_id = request_id
        self.limit_headers: dict[str, str] = {}
        self.applied = False


class Service:
    """Answer requests against a world: authentication, rate limits, routing, faults, errors."""

    def __init__(
        self,
        world: World,
        router: Router,
        faults: Faults,
        requests: Recorder,
        new_limits: Callable[[], TokenLimits],
    ) -> None:
        self.world = world
        self._router = router
        self._faults = faults
        self._requests = requests
        self._new_limits = new_limits
        self._limits: dict[str, TokenLimits] = {}

    def forget_limits(self) -> None:
        """Let every token start with empty windows."""
        self._limits.clear()

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer one request.

        `target` is the request target as sent (path and query, percent-encoded); the names in `headers` are lower
        case, unless the mapping ignores case.
        """
        match = self._router.match(method, target.partition("?")[0])
        visit = Visit(method, target, headers, match, self.world.seeds.uuid("request"))
        try:
            response = self._answer(visit, body)
        except Refusal as refusal:
            response = refuse(refusal, visit.request_id)
        response.headers.update(visit.limit_headers)
        response.headers["x-request-id"] = visit.request_id
        self._record(visit, response)
        return response

    def _answer(self, visit: Visit, body: bytes) -> Response:
        token = self._admit(visit)
        if visit.match is None:
            return page_not_found()
        call = self._call(visit, visit.match, token, body)
        fault, delay = self._faults.strike(call)
        if fault is not None and fault.strikes_before:
            return self._struck(fault, visit, token, None)._replace(delay=delay)
        response = self._apply(visit, visit.match, call)
        delay += response.delay
        if fault is not None:
            response = self._struck(fault, visit, token, response)
        return response._replace(delay=delay)

    def _admit(self, visit: Visit) -> str:
        """Return the token of the request, counted in its windows; a request without a valid one is not counted."""
        scheme, _, token = visit.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or token not in self.world.data["tokens"]:
            visit.limit_headers = self._new_limits().unused_headers(self.world.clock)
            raise Refusal(401, "Unable to authenticate you.")
        verdict = self._limits_of(token).arrive(self.world.clock)
        visit.limit_headers = verdict.headers
        if not verdict.admitted:
            raise Refusal(429, "API Rate limit exceeded.")
        return token

    def _limits_of(self, token: str) -> TokenLimits:
        limits = self._limits.get(token)
        if limits is None:
            limits = self._limits[token] = self._new_limits()
        return limits

    def _call(self, visit: Visit, match: Match, token: str, body: bytes) -> Call:
        """Make the call of a visit, if the token has the scope for it and the body can be read."""
        scopes = self.world.data["tokens"][token]
        if scopes is not None and f"database:{_VERBS[visit.method]}" not in scopes:
            raise Refusal(403, "You do not have access for the attempted action.")
        return Call(
            method=visit.method,
            path=visit.path,
            operation=match.route.operation,
            params=match.params,
            query=dict(parse_qsl(visit.query, keep_blank_values=True)) if visit.query else {},
            body=parse(body) if match.route.takes_body else {},
            scopes=scopes,
        )

    def _apply(self, visit: Visit, match: Match, call: Call) -> Response:
        self.world.settle()
        answer = match.route.handler(self.world, call, *match.params)
        visit.applied = visit.method != "GET"
        page_size = self.world.quirks.page_size
        if page_size is not None and isinstance(answer.body, dict):
            answer = self._paged(visit, call, answer, page_size)
        return encode(answer)

    def _paged(self, visit: Visit, call: Call, answer: Answer, page_size: int) -> Answer:
        url = f"http://{visit.headers.get('host', 'localhost')}{visit.path}"
        return answer._replace(body=paged(answer.body, url, call.query, page_size))

    def _struck(self, fault: Fault, visit: Visit, token: str, response: Response | None) -> Response:
        """Return what a fault makes of the answer, and put the rate-limit headers right for it."""
        if breakage.has_no_limit_headers(fault):
            visit.limit_headers = {}
        limits = self._limits_of(token)
        if (headers := breakage.refused_by_limit(fault, limits, self.world.clock)) is not None:
            limits.take_back()
            visit.limit_headers = headers
        return breakage.spoil(fault, response, visit.request_id)

    def _record(self, visit: Visit, response: Response) -> None:
        cut = response.ending in ("reset", "silence")
        self._requests.add(
            SeenRequest(
                at=self.world.clock.now(),
                method=visit.method,
                path=visit.path,
                operation=visit.match.route.operation if visit.match else None,
                status=0 if cut else response.status,
                applied=visit.applied,
            )
        )


def parse(body: bytes) -> Record:
    """Read a request body, which must be a JSON object."""
    try:
        value: Any = json.loads(body, parse_constant=_no_constant, parse_float=_finite)
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
