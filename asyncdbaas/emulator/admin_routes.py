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
from asyncdbaas.emulator.routing import Answer, Call, Resource

if TYPE_CHECKING:
    from asyncdbaas.emulator.emulated_service import EmulatedService

resource: Final = Resource("/_emulator")

_LAST_REQUESTS: Final = 1000
_CONTENTS: Final = MappingProxyType(
    {kind: path for kind, (path, _) in seed_data.CHILDREN.items()}
    | {"indexes": "indexes", "firewall_rules": "firewall", "backups": "backups", "events": "events"}
)
"""What a cluster holds, and the last part of the path that lists it."""


@resource.get("")
def get_index(_emulator: EmulatedService, _call: Call) -> Answer:
    """List what can be controlled: routes, kinds of faults, operations, engines."""
    return Answer(
        200,
        {
            "page": "/_emulator/ui",
            "description": "/_emulator/openapi.json",
            "routes": [f"{route.method} {route.path}" for route in resource.routes],
            "faults": dict(KINDS),
            "operations": sorted(route.operation for route in OPERATIONS),
            "engines": list(ENGINES),
        },
    )


@resource.post("/clusters")
def add_cluster(emulator: EmulatedService, call: Call) -> Answer:
    """Add a cluster that is online at once."""
    settings = dict(call.body)
    engine, name = fields.string(settings, "engine", "kafka"), fields.string(settings, "name") or None
    settings.pop("engine", None)
    settings.pop("name", None)
    return Answer(201, {"database": emulator.add_cluster(engine=engine, name=name, **settings)})


@resource.get("/clusters")
def list_clusters(emulator: EmulatedService, call: Call) -> Answer:
    """List all clusters; secrets are masked unless `secrets=true`."""
    clusters = emulator.perform("GET", "/v2/databases").body["databases"]
    return Answer(200, {"clusters": _shown(clusters, call)})


@resource.get("/clusters/{}/contents")
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


@resource.post("/clusters/{}/valkey", takes_body=False)
def turn_into_valkey(emulator: EmulatedService, _call: Call, cluster_id: str) -> Answer:
    """Turn a redis cluster into valkey."""
    emulator.turn_into_valkey(cluster_id)
    return Answer(204)


@resource.post("/clusters/{}/indexes")
def add_index(emulator: EmulatedService, call: Call, cluster_id: str) -> Answer:
    """Add an index to an OpenSearch cluster."""
    values = dict(call.body)
    name = fields.required(values, "name")
    del values["name"]
    emulator.add_index(cluster_id, name, **values)
    return Answer(204)


@resource.post("/clusters/{}/consumer_groups")
def add_consumer_group(emulator: EmulatedService, call: Call, cluster_id: str) -> Answer:
    """Add a consumer group to a topic."""
    topic, group = fields.required(call.body, "topic"), fields.required(call.body, "group")
    emulator.add_consumer_group(cluster_id, topic, group)
    return Answer(204)


@resource.post("/clusters/{}/updates")
def announce_update(emulator: EmulatedService, call: Call, cluster_id: str) -> Answer:
    """Announce an update, as the maintenance window shows it."""
    emulator.announce_update(cluster_id, *fields.strings(call.body, "descriptions"))
    return Answer(204)


@resource.post("/seed")
def seed(emulator: EmulatedService, call: Call) -> Answer:
    """Add clusters with what is in them, as a whole."""
    emulator.seed_from(call.body)
    return Answer(204)


@resource.get("/tokens")
def list_tokens(emulator: EmulatedService, call: Call) -> Answer:
    """List the tokens with their scopes; masked unless `secrets=true`."""
    mask = masked_token if call.query.get("secrets") != "true" else str
    return Answer(
        200, {"tokens": [{"token": mask(token), "scopes": scopes} for token, scopes in emulator.tokens.items()]}
    )


@resource.post("/tokens")
def add_token(emulator: EmulatedService, call: Call) -> Answer:
    """Make another token; without `scopes` it allows everything."""
    scopes = None if call.body.get("scopes") is None else fields.strings(call.body, "scopes")
    return Answer(201, {"token": emulator.add_token(scopes)})


@resource.get("/settings")
def get_settings(emulator: EmulatedService, _call: Call) -> Answer:
    """Show delays and quirks."""
    return Answer(200, {"delays": attrs.asdict(emulator.delays), "quirks": attrs.asdict(emulator.quirks)})


@resource.patch("/settings")
def update_settings(emulator: EmulatedService, call: Call) -> Answer:
    """Change the delays and quirks that are named."""
    delays = seed_data.changed(emulator.delays, fields.record(call.body, "delays"))
    quirks = seed_data.changed(emulator.quirks, fields.record(call.body, "quirks"))
    emulator.delays, emulator.quirks = delays, quirks
    return get_settings(emulator, call)


@resource.get("/faults")
def list_faults(emulator: EmulatedService, _call: Call) -> Answer:
    """List the pending faults."""
    return Answer(200, {"faults": emulator.faults.dump()})


@resource.post("/faults")
def add_fault(emulator: EmulatedService, call: Call) -> Answer:
    """Add a fault."""
    return Answer(201, {"fault": emulator.faults.add_from(call.body).dump()})


@resource.delete("/faults/{}")
def remove_fault(emulator: EmulatedService, _call: Call, fault_id: str) -> Answer:
    """Remove one fault."""
    if not (fault_id.isascii() and fault_id.isdigit() and emulator.faults.remove(int(fault_id))):
        raise not_found("fault")
    return Answer(204)


@resource.delete("/faults")
def clear_faults(emulator: EmulatedService, _call: Call) -> Answer:
    """Remove all faults."""
    emulator.faults.clear()
    return Answer(204)


@resource.get("/check")
def check(emulator: EmulatedService, _call: Call) -> Answer:
    """Answer 409 if a fault was never injected."""
    try:
        emulator.check()
    except UnusedFaultError as error:
        raise Refusal(409, str(error)) from error
    return Answer(204)


@resource.get("/clock")
def get_clock(emulator: EmulatedService, _call: Call) -> Answer:
    """Show the virtual time and how fast it runs."""
    clock = emulator.clock
    return Answer(200, {"now": clock.now(), "scale": clock.scale})


@resource.post("/clock")
def advance_clock(emulator: EmulatedService, call: Call) -> Answer:
    """Move the virtual time forward."""
    try:
        emulator.clock.advance(**call.body)
    except (TypeError, ValueError) as error:
        raise bad_request(f"seconds, minutes, hours and days must be numbers: {error}") from error
    return get_clock(emulator, call)


@resource.put("/clock")
def set_scale(emulator: EmulatedService, call: Call) -> Answer:
    """Change how fast the virtual time runs."""
    scale: Any = call.body.get("scale")
    emulator.clock.set_scale(scale)
    return get_clock(emulator, call)


@resource.get("/limits")
def get_limits(emulator: EmulatedService, _call: Call) -> Answer:
    """Show the limits, how fast time runs, and what counts in the windows of each token, in virtual seconds."""
    limits = emulator.limits
    usage = [{"token": masked_token(token), **attrs.asdict(each)} for token, each in limits.usage().items()]
    return Answer(
        200,
        {
            "now": emulator.clock.now(),
            "scale": emulator.clock.scale,
            "per_minute": limits.per_minute,
            "per_hour": limits.per_hour,
            "tokens": usage,
        },
    )


@resource.get("/state")
def get_state(emulator: EmulatedService, _call: Call) -> Answer:
    """Show everything that exists, as the emulator keeps it, with its secrets."""
    return Answer(200, emulator.snapshot()["data"])


@resource.get("/snapshot")
def get_snapshot(emulator: EmulatedService, _call: Call) -> Answer:
    """Return everything, to be restored later; it holds secrets."""
    return Answer(200, emulator.snapshot())


@resource.put("/snapshot")
def restore_snapshot(emulator: EmulatedService, call: Call) -> Answer:
    """Restore a snapshot as a whole."""
    emulator.restore(call.body)
    return Answer(204)


@resource.post("/reset", takes_body=False)
def reset(emulator: EmulatedService, _call: Call) -> Answer:
    """Return to the last seed, else to no clusters; no faults, nothing counted."""
    emulator.reset()
    return Answer(204)


@resource.get("/requests")
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


@resource.delete("/requests")
def clear_requests(emulator: EmulatedService, _call: Call) -> Answer:
    """Forget the requests."""
    emulator.requests.clear()
    return Answer(204)


def _shown(value: Any, call: Call) -> Any:
    return value if call.query.get("secrets") == "true" else masked(value)


ROUTES: Final = tuple(resource.routes)
