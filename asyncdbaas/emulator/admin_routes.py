"""The operations below `/_emulator/`."""

from __future__ import annotations

from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import attrs

from asyncdbaas.emulator import fields, seed_data
from asyncdbaas.emulator.engines import ENGINES
from asyncdbaas.emulator.errors import Refusal, bad_request, not_found
from asyncdbaas.emulator.faults import KINDS, UnusedFaultError
from asyncdbaas.emulator.masking import masked, masked_token
from asyncdbaas.emulator.operations import ROUTES as OPERATIONS
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.routing import Answer, Call, Route

if TYPE_CHECKING:
    from asyncdbaas.emulator.emulated_service import EmulatedService

_LAST_REQUESTS: Final = 1000
_CONTENTS: Final = MappingProxyType(
    {
        "topics": "topics",
        "users": "users",
        "databases": "dbs",
        "pools": "pools",
        "replicas": "replicas",
        "log_sinks": "logsink",
        "schemas": "schema-registry",
        "indexes": "indexes",
        "firewall_rules": "firewall",
        "backups": "backups",
        "events": "events",
    }
)
"""What a cluster holds, and the last part of the path that lists it."""


def get_index(_emulator: EmulatedService, _call: Call) -> Answer:
    """List what can be steered: routes, kinds of faults, operations, engines."""
    return Answer(
        200,
        {
            "page": "/_emulator/ui",
            "description": "/_emulator/openapi.json",
            "routes": [f"{route.method} {route.path}" for route in ROUTES],
            "faults": dict(KINDS),
            "operations": sorted(route.operation for route in OPERATIONS),
            "engines": list(ENGINES),
        },
    )


def add_cluster(emulator: EmulatedService, call: Call) -> Answer:
    """Add a cluster that is online at once."""
    settings = dict(call.body)
    engine, name = fields.string(settings, "engine", "kafka"), fields.string(settings, "name") or None
    settings.pop("engine", None)
    settings.pop("name", None)
    return Answer(201, {"database": emulator.add_cluster(engine=engine, name=name, **settings)})


def list_clusters(emulator: EmulatedService, call: Call) -> Answer:
    """List all clusters; secrets are masked unless `secrets=true`."""
    clusters = emulator.perform("GET", "/v2/databases").body["databases"]
    return Answer(200, {"clusters": _shown(clusters, call)})


def get_contents(emulator: EmulatedService, call: Call, cluster_id: str) -> Answer:
    """List everything in a cluster; secrets are masked unless `secrets=true`."""
    path = f"/v2/databases/{cluster_id}"
    if (cluster := emulator.perform("GET", path)).status != 200:
        return cluster
    contents: Record = {}
    for kind, last in _CONTENTS.items():
        answer = emulator.perform("GET", f"{path}/{last}")
        if answer.status == 200:  # its engine has them
            contents[kind] = next(iter(answer.body.values()))
    return Answer(200, {"contents": _shown(contents, call)})


def turn_into_valkey(emulator: EmulatedService, _call: Call, cluster_id: str) -> Answer:
    """Turn a redis cluster into valkey."""
    emulator.turn_into_valkey(cluster_id)
    return Answer(204)


def add_index(emulator: EmulatedService, call: Call, cluster_id: str) -> Answer:
    """Add an index to an OpenSearch cluster."""
    values = dict(call.body)
    name = fields.required(values, "name")
    del values["name"]
    emulator.add_index(cluster_id, name, **values)
    return Answer(204)


def add_consumer_group(emulator: EmulatedService, call: Call, cluster_id: str) -> Answer:
    """Add a consumer group to a topic."""
    topic, group = fields.required(call.body, "topic"), fields.required(call.body, "group")
    emulator.add_consumer_group(cluster_id, topic, group)
    return Answer(204)


def announce_update(emulator: EmulatedService, call: Call, cluster_id: str) -> Answer:
    """Announce an update, as the maintenance window shows it."""
    emulator.announce_update(cluster_id, *fields.strings(call.body, "descriptions"))
    return Answer(204)


def seed(emulator: EmulatedService, call: Call) -> Answer:
    """Add clusters with what is in them, as a whole."""
    emulator.seed_from(call.body)
    return Answer(204)


def list_tokens(emulator: EmulatedService, call: Call) -> Answer:
    """List the tokens with their scopes; masked unless `secrets=true`."""
    mask = masked_token if call.query.get("secrets") != "true" else str
    return Answer(
        200, {"tokens": [{"token": mask(token), "scopes": scopes} for token, scopes in emulator.tokens.items()]}
    )


def add_token(emulator: EmulatedService, call: Call) -> Answer:
    """Make another token; without `scopes` it allows everything."""
    scopes = None if call.body.get("scopes") is None else fields.strings(call.body, "scopes")
    return Answer(201, {"token": emulator.add_token(scopes)})


def get_settings(emulator: EmulatedService, _call: Call) -> Answer:
    """Show delays and quirks."""
    return Answer(200, {"delays": attrs.asdict(emulator.delays), "quirks": attrs.asdict(emulator.quirks)})


def update_settings(emulator: EmulatedService, call: Call) -> Answer:
    """Change the delays and quirks that are named."""
    delays = seed_data.changed(emulator.delays, fields.record(call.body, "delays"))
    quirks = seed_data.changed(emulator.quirks, fields.record(call.body, "quirks"))
    emulator.delays, emulator.quirks = delays, quirks
    return get_settings(emulator, call)


def list_faults(emulator: EmulatedService, _call: Call) -> Answer:
    """List the pending faults."""
    return Answer(200, {"faults": emulator.faults.dump()})


def add_fault(emulator: EmulatedService, call: Call) -> Answer:
    """Add a fault."""
    given = dict(call.body)
    given.pop("when", None)  # a predicate exists in code only
    operation, kind = fields.string(given, "operation", "*"), fields.required(given, "kind")
    options = {name: value for name, value in given.items() if name not in ("operation", "kind")}
    fault = emulator.faults.add(operation, kind, **options)
    return Answer(201, {"fault": fault.dump()})


def remove_fault(emulator: EmulatedService, _call: Call, fault_id: str) -> Answer:
    """Remove one fault."""
    if not (fault_id.isascii() and fault_id.isdigit() and emulator.faults.remove(int(fault_id))):
        raise not_found("fault")
    return Answer(204)


def clear_faults(emulator: EmulatedService, _call: Call) -> Answer:
    """Remove all faults."""
    emulator.faults.clear()
    return Answer(204)


def check(emulator: EmulatedService, _call: Call) -> Answer:
    """Answer 409 if a fault was never injected."""
    try:
        emulator.check()
    except UnusedFaultError as error:
        raise Refusal(409, str(error)) from error
    return Answer(204)


def get_clock(emulator: EmulatedService, _call: Call) -> Answer:
    """Show the virtual time and how fast it runs."""
    clock = emulator.clock
    return Answer(200, {"now": clock.now(), "scale": clock.scale})


def advance_clock(emulator: EmulatedService, call: Call) -> Answer:
    """Move the virtual time forward."""
    try:
        emulator.clock.advance(**call.body)
    except (TypeError, ValueError) as error:
        raise bad_request(f"give seconds, minutes, hours or days as numbers: {error}") from error
    return get_clock(emulator, call)


def set_scale(emulator: EmulatedService, call: Call) -> Answer:
    """Change how fast the virtual time runs."""
    scale: Any = call.body.get("scale")
    if isinstance(scale, bool) or not isinstance(scale, int | float):
        raise bad_request("scale must be a number")
    emulator.clock.set_scale(scale)
    return get_clock(emulator, call)


def get_limits(emulator: EmulatedService, _call: Call) -> Answer:
    """Show the limits, how fast time runs, and what counts in the windows of each token, in virtual seconds."""
    usage = [{"token": masked_token(token), **attrs.asdict(each)} for token, each in emulator.usage().items()]
    return Answer(
        200,
        {
            "now": emulator.clock.now(),
            "scale": emulator.clock.scale,
            "per_minute": emulator.per_minute,
            "per_hour": emulator.per_hour,
            "tokens": usage,
        },
    )


def get_state(emulator: EmulatedService, _call: Call) -> Answer:
    """Show everything that exists, as the emulator keeps it, with its secrets."""
    return Answer(200, emulator.snapshot()["data"])


def get_snapshot(emulator: EmulatedService, _call: Call) -> Answer:
    """Return everything, to be restored later; it holds secrets."""
    return Answer(200, emulator.snapshot())


def restore_snapshot(emulator: EmulatedService, call: Call) -> Answer:
    """Restore a snapshot as a whole."""
    emulator.restore(call.body)
    return Answer(204)


def reset(emulator: EmulatedService, _call: Call) -> Answer:
    """Return to the last seed, else to no clusters; no faults, nothing counted."""
    emulator.reset()
    return Answer(204)


def list_requests(emulator: EmulatedService, call: Call) -> Answer:
    """Count the requests, and list the last ones, newest first; `after` gives those with a higher number only."""
    after = call.query.get("after", "0")
    if not (after.isascii() and after.isdigit()):
        raise bad_request("after must be the number of a request")
    requests = emulator.requests
    newer = (seen for seen in reversed(tuple(requests)) if seen.number > int(after))
    return Answer(
        200,
        {
            "total": requests.total,
            "statuses": {str(status): count for status, count in requests.statuses.items()},
            "operations": dict(requests.operations),
            "last": [attrs.asdict(seen) for seen in islice(newer, _LAST_REQUESTS)],
        },
    )


def clear_requests(emulator: EmulatedService, _call: Call) -> Answer:
    """Forget the requests."""
    emulator.requests.clear()
    return Answer(204)


def _shown(value: Any, call: Call) -> Any:
    return value if call.query.get("secrets") == "true" else masked(value)


def _route(method: str, path: str, handler: Any, *, takes_body: bool = False) -> Route:
    return Route(method, f"/_emulator{path}", handler.__name__, handler, takes_body)


_CLUSTER: Final = "/clusters/{}"
ROUTES: Final = (
    _route("GET", "", get_index),
    _route("GET", "/clusters", list_clusters),
    _route("POST", "/clusters", add_cluster, takes_body=True),
    _route("GET", f"{_CLUSTER}/contents", get_contents),
    _route("POST", f"{_CLUSTER}/valkey", turn_into_valkey),
    _route("POST", f"{_CLUSTER}/indexes", add_index, takes_body=True),
    _route("POST", f"{_CLUSTER}/consumer_groups", add_consumer_group, takes_body=True),
    _route("POST", f"{_CLUSTER}/updates", announce_update, takes_body=True),
    _route("POST", "/seed", seed, takes_body=True),
    _route("GET", "/tokens", list_tokens),
    _route("POST", "/tokens", add_token, takes_body=True),
    _route("GET", "/settings", get_settings),
    _route("PATCH", "/settings", update_settings, takes_body=True),
    _route("GET", "/faults", list_faults),
    _route("POST", "/faults", add_fault, takes_body=True),
    _route("DELETE", "/faults", clear_faults),
    _route("DELETE", "/faults/{}", remove_fault),
    _route("GET", "/check", check),
    _route("GET", "/clock", get_clock),
    _route("POST", "/clock", advance_clock, takes_body=True),
    _route("PUT", "/clock", set_scale, takes_body=True),
    _route("GET", "/limits", get_limits),
    _route("GET", "/state", get_state),
    _route("GET", "/snapshot", get_snapshot),
    _route("PUT", "/snapshot", restore_snapshot, takes_body=True),
    _route("POST", "/reset", reset),
    _route("GET", "/requests", list_requests),
    _route("DELETE", "/requests", clear_requests),
)
