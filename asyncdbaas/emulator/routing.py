"""Map a method and a path to an operation, and collect the operations of each resource."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar
from urllib.parse import parse_qsl, unquote

import attrs

from asyncdbaas.emulator.errors import forbidden
from asyncdbaas.emulator.records import Record

PARAMETER: Final = "{}"


class Answer(NamedTuple):
    """The result of a handler. A `body` of None sends none; `delay` is in virtual seconds."""

    status: int
    body: Any = None
    delay: float = 0.0


@attrs.frozen(kw_only=True)
class Call:
    """An authenticated, routed and parsed request, as handlers get it."""

    method: str
    path: str
    operation: str
    params: tuple[str, ...]
    query: Mapping[str, str]
    body: Record
    scopes: Collection[str] | None
    """The scopes of the token; None allows everything."""

    def may(self, scope: str) -> bool:
        """Return whether the token has a scope."""
        return self.scopes is None or scope in self.scopes

    def require(self, scope: str) -> None:
        """Refuse the call with 403 if the token lacks a scope."""
        if not self.may(scope):
            raise forbidden()


Handler: TypeAlias = Callable[..., Answer]
"""`handler(owner, call, *parameters of the path)`; the owner is the state, or the emulator for `/_emulator/`."""

Action: TypeAlias = Callable[..., None]
"""A scheduled change: `action(state, at, *args)`."""

_HandlerT = TypeVar("_HandlerT", bound=Handler)
_ActionT = TypeVar("_ActionT", bound=Action)


class Route(NamedTuple):
    """One operation: `{}` in the path stands for a parameter."""

    method: str
    path: str
    operation: str
    handler: Handler
    takes_body: bool = False


class Resource:
    """Collect the operations and scheduled changes of one module, which decorates its functions with these methods.

    The name of an operation is the name of its function. Paths are below `prefix`.
    """

    def __init__(self, prefix: str = "/v2/databases") -> None:
        self._prefix = prefix
        self.routes: list[Route] = []
        self.actions: dict[str, Action] = {}

    def get(self, path: str) -> Callable[[_HandlerT], _HandlerT]:
        """Register a function for GET."""
        return self._register("GET", path, takes_body=False)

    def post(self, path: str, *, takes_body: bool = True) -> Callable[[_HandlerT], _HandlerT]:
        """Register a function for POST."""
        return self._register("POST", path, takes_body=takes_body)

    def put(self, path: str, *, takes_body: bool = True) -> Callable[[_HandlerT], _HandlerT]:
        """Register a function for PUT."""
        return self._register("PUT", path, takes_body=takes_body)

    def patch(self, path: str) -> Callable[[_HandlerT], _HandlerT]:
        """Register a function for PATCH."""
        return self._register("PATCH", path, takes_body=True)

    def delete(self, path: str, *, takes_body: bool = False) -> Callable[[_HandlerT], _HandlerT]:
        """Register a function for DELETE."""
        return self._register("DELETE", path, takes_body=takes_body)

    def action(self, function: _ActionT) -> _ActionT:
        """Register a function for `State.schedule`; a snapshot keeps its name."""
        self.actions[function.__name__] = function
        return function

    def _register(self, method: str, path: str, *, takes_body: bool) -> Callable[[_HandlerT], _HandlerT]:
        def register(handler: _HandlerT) -> _HandlerT:
            self.routes.append(Route(method, f"{self._prefix}{path}", handler.__name__, handler, takes_body))
            return handler

        return register


class Match(NamedTuple):
    """A route with the parameters from the path."""

    route: Route
    params: tuple[str, ...]

    def call(self, path: str, query: str, body: Record, scopes: Collection[str] | None = None) -> Call:
        """Make the call that a request to this route is."""
        return Call(
            method=self.route.method,
            path=path,
            operation=self.route.operation,
            params=self.params,
            query=dict(parse_qsl(query, keep_blank_values=True)) if query else {},
            body=body,
            scopes=scopes,
        )

    def answer(self, owner: Any, call: Call) -> Answer:
        """Call the handler, which acts on `owner`: the state, or the emulator."""
        answer: Answer = self.route.handler(owner, call, *self.params)
        return answer


class _Node:
    __slots__ = ("children", "routes")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.routes: dict[str, Route] = {}


class Router:
    """Find the route of a request in a tree of path segments. A fixed segment takes precedence over a parameter."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            node = self._root
            for segment in route.path.strip("/").split("/"):
                node = node.children.setdefault(segment, _Node())
            node.routes[route.method] = route

    def match(self, method: str, path: str) -> Match | None:
        """Return the route for a percent-encoded path, or None if there is none.

        Each segment is decoded separately, so an encoded slash stays part of it. An empty segment never matches.
        """
        node, params = self._root, list[str]()
        for segment in path[1:].split("/"):
            child = node.children.get(segment)
            if child is None and segment:
                child = node.children.get(PARAMETER)
                params.append(unquote(segment))
            if child is None:
                return None
            node = child
        route = node.routes.get(method)
        return None if route is None else Match(route, tuple(params))
