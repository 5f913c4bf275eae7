"""One request from bytes to bytes, without a socket: who asks, may they, what do they want, what comes of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, NoReturn, TypeAlias, cast
from urllib.parse import parse_qsl

from asyncdbaas.emulator.errors import CODES, Refusal, bad_request
from asyncdbaas.emulator.limits import TokenLimits
from asyncdbaas.emulator.recorder import Recorder, SeenRequest
from asyncdbaas.emulator.resources import clusters, topics
from asyncdbaas.emulator.routing import Answer, Call, Match, Router
from asyncdbaas.emulator.world import World

Record: TypeAlias = dict[str, Any]

MODULES: Final = (clusters, topics)

_JSON: Final = "application/json; charset=utf-8"
_VERBS: Final = {"GET": "read", "POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}


class Response(NamedTuple):
    """An answer as bytes."""

    status: int
    headers: dict[str, str]
    body: bytes


class Visit:
    """One request on its way through the service, with what the answer's headers and the record need to know."""

    __slots__ = ("applied", "limit_headers", "match", "method", "path", "query", "request_id")

    def __init__(self, method: str, target: str, match: Match | None, request_id: str) -> None:
        self.method = method
        self.path, _, self.query = target.partition("?")
        self.match = match
        self.request_id = request_id
        self.limit_headers: dict[str, str] = {}
        self.applied = False


class Service:
    """Answer requests against a world: authentication, rate limits, routing, errors."""

    def __init__(self, world: World, requests: Recorder, per_minute: int, per_hour: int) -> None:
        self.world = world
        self.requests = requests
        self._router = Router(route for module in MODULES for route in module.ROUTES)
        self._per_minute = per_minute
        self._per_hour = per_hour
        self._limits: dict[str, TokenLimits] = {}
        self._scopes: dict[str, frozenset[str] | None] = {}

    def add_token(self, token: str, scopes: Iterable[str] | None) -> None:
        """Let a token in, with windows of its own; scopes of None allow everything."""
        self._scopes[token] = None if scopes is None else frozenset(scopes)
        self._limits.setdefault(token, TokenLimits(self._per_minute, self._per_hour))

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer one request.

        ``target`` is the request target as sent (path and query, percent-encoded); the names in ``headers`` are lower
        case, unless the mapping ignores case.
        """
        match = self._router.match(method, target.partition("?")[0])
        visit = Visit(method, target, match, self.world.seeds.uuid("request"))
        try:
            response = self._answer(visit, headers, body)
        except Refusal as refusal:
            response = _error(refusal, visit.request_id)
        response.headers.update(visit.limit_headers)
        response.headers["x-request-id"] = visit.request_id
        self._record(visit, response.status)
        return response

    def _answer(self, visit: Visit, headers: Mapping[str, str], body: bytes) -> Response:
        token = self._admit(visit, headers)
        if visit.match is None:
            return Response(404, {"content-type": "text/plain; charset=utf-8"}, b"404 page not found\n")
        self._authorize(visit, token)
        route, params = visit.match
        call = Call(
            method=visit.method,
            path=visit.path,
            operation=route.operation,
            params=params,
            query=dict(parse_qsl(visit.query, keep_blank_values=True)) if visit.query else {},
            body=_parsed(body) if route.takes_body else {},
            scopes=self._scopes[token],
        )
        self.world.settle()
        answer = route.handler(self.world, call, *params)
        visit.applied = visit.method != "GET"
        return _success(answer)

    def _admit(self, visit: Visit, headers: Mapping[str, str]) -> str:
        """Return the token of the request, counted in its windows."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        limits = self._limits.get(token)
        if scheme.lower() != "bearer" or limits is None:
            visit.limit_headers = TokenLimits(self._per_minute, self._per_hour).unused_headers(self.world.clock)
            raise Refusal(401, "Unable to authenticate you.")
        verdict = limits.arrive(self.world.clock)
        visit.limit_headers = verdict.headers
        if not verdict.admitted:
            raise Refusal(429, "API Rate limit exceeded.")
        return token

    def _authorize(self, visit: Visit, token: str) -> None:
        scopes = self._scopes[token]
        if scopes is not None and f"database:{_VERBS[visit.method]}" not in scopes:
            raise Refusal(403, "You do not have access for the attempted action.")

    def _record(self, visit: Visit, status: int) -> None:
        self.requests.add(
            SeenRequest(
                at=self.world.clock.now(),
                method=visit.method,
                path=visit.path,
                operation=visit.match.route.operation if visit.match else None,
                status=status,
                applied=visit.applied,
            )
        )


def _success(answer: Answer) -> Response:
    headers = {"x-gateway": "Edge-Gateway", "x-response-from": "service"}
    if answer.body is None:
        return Response(answer.status, headers, b"")
    headers["content-type"] = _JSON
    return Response(answer.status, headers, json.dumps(answer.body, separators=(",", ":")).encode())


def _error(refusal: Refusal, request_id: str) -> Response:
    body = {"id": CODES[refusal.status], "message": refusal.message, "request_id": request_id}
    return _success(Answer(refusal.status, body))


def _parsed(body: bytes) -> Record:
    """Read a request body, which must be a JSON object."""
    try:
        value: Any = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:  # also not UTF-8, and a number of too many digits
        raise bad_request("request body is not valid JSON") from error
    if not isinstance(value, dict):
        raise bad_request("json: cannot unmarshal the request body into an object")
    return cast("Record", value)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
