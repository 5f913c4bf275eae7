"""A loopback server that records each request and gives one response to all, and the calls that are sent to it."""

from __future__ import annotations

import inspect
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, get_type_hints

import attrs
from aiohttp import web
from class_walk import attrs_classes, kinds, structure
from operations import Operation

from asyncdbaas import AsyncSession

CLUSTER: Final = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
TOKEN: Final = "dop_v1_" + "0" * 64
# Where in the body each parameter of a function stands; a function that is not here takes the body whole.
BODIES: Final = {
    "clusters.upgrade_cluster": {"version": "version"},
    "configs.update_config": {"config": "config"},
    "databases.create_database": {"name": "name"},
    "eviction_policy.set_eviction_policy": {"policy": "eviction_policy"},
    "firewall.replace_firewall_rules": {"rules": "rules"},
    "logsinks.create_logsink": {"name": "sink_name", "config": "config"},
    "logsinks.update_logsink": {"config": "config"},
    "metrics.update_metrics_credentials": {"credentials": "credentials"},
    "schemas.set_compatibility": {"level": "compatibility_level"},
    "schemas.set_subject_compatibility": {"level": "compatibility_level"},
    "settings.update_settings": {"service_cnames": "do_settings.service_cnames"},
    "sql_mode.set_sql_mode": {"modes": "sql_mode"},
    "topics.update_topic": {"update": ""},
    "users.reset_user_auth": {"auth_plugin": "mysql_settings.auth_plugin"},
    "users.update_user": {"settings": "settings"},
}


# Functions that may read the object before they replace all of it, and the response to that read.
READS: Final[dict[str, Any]] = {
    "autoscale.update_autoscale": {},
    "logsinks.update_logsink": {"sink": {"sink_id": "x"}},
    "topics.update_topic": {"topic": {"name": "x"}},
    "pools.update_pool": {"pool": {"name": "x", "mode": "session", "size": 1, "db": "x"}},
}


@attrs.frozen(kw_only=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    """Still percent-encoded."""
    query: dict[str, str]
    body: Any
    """Parsed; None if there was none."""


@attrs.define(kw_only=True)
class Recorder:
    """The requests that the server received, and its response; None: an empty one."""

    url: str = ""
    seen: list[Seen] = attrs.field(factory=list[Seen])
    answer: Any = None
    answer_to_reads: Any = None
    """The response to a GET, if it is another one."""

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Record a request and answer it."""
        body = await request.read()
        path, query = request.raw_path.partition("?")[0], dict(request.query)
        parsed = json.loads(body) if body else None
        self.seen.append(Seen(method=request.method, path=path, query=query, body=parsed))
        answer = self.answer_to_reads if request.method == "GET" and self.answer_to_reads is not None else self.answer
        return web.Response(status=204) if answer is None else web.json_response(answer)


@asynccontextmanager
async def recording(answer: Any) -> AsyncGenerator[Recorder]:
    """Run a recorder on loopback; without a response, it sends a 204."""
    recorder = Recorder(answer=answer)
    runner = web.ServerRunner(web.Server(recorder.handle))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        recorder.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield recorder
    finally:
        await runner.cleanup()


async def call(operation: Operation, recorder: Recorder, parts: Sequence[str], body: Any = None, **options: Any) -> Any:
    """Call an operation's function, with the path's parts, and with the body given as parsed JSON."""
    keywords = {} if body is None else arguments(operation, body)
    recorder.answer_to_reads = READS.get(operation.name)
    async with AsyncSession(TOKEN, base_url=recorder.url) as session:
        return await operation.function(session, *parts, **keywords, **options)


def arguments(operation: Operation, body: Any) -> dict[str, Any]:
    """Turn a request body into the arguments that make the function send it."""
    hints = payload_hints(operation)
    if "sink_type" in body:  # two kinds of log sinks have the same settings
        hints["config"] = next(cls for cls in attrs_classes(hints["config"]) if cls.sink_type == body["sink_type"])
    return {name: argument(value_at(body, place), hints[name]) for name, place in places(operation).items()}


def argument(value: Any, hint: Any) -> Any:
    """Turn a part of a body into what a parameter takes."""
    if attrs_classes(hint):
        return structure(value, hint)
    return value.split(",") if isinstance(value, str) and str not in kinds(hint) else value


def places(operation: Operation) -> dict[str, str]:
    """Map each parameter that goes into the body to its place there, "" for the whole."""
    if not (payload := payload_hints(operation)):
        return {}
    return BODIES.get(operation.name) or dict.fromkeys(payload, "")


def payload_hints(operation: Operation) -> dict[str, Any]:
    """Map the parameters that follow the path's parts to their types."""
    hints = get_type_hints(operation.function)
    names = list(inspect.signature(operation.function).parameters)[1 + len(operation.parts) :]
    return {name: hints[name] for name in names}


def value_at(body: Any, place: str) -> Any:
    """Return what stands at a dotted place."""
    for key in filter(None, place.split(".")):
        body = body[key]
    return body
