"""Tags, as far as they concern databases: a cluster's tags are changed through `/v2/tags`, not through the cluster."""

from __future__ import annotations

from typing import Final

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.records import Cluster, Record
from asyncdbaas.emulator.routing import Answer, Call, Resource
from asyncdbaas.emulator.state import State

resource: Final = Resource("/v2/tags")


@resource.post("")
def create_tag(state: State, call: Call) -> Answer:
    """Handle POST /v2/tags. A tag is not stored: it exists as long as a cluster has it."""
    name = fields.required(call.body, "name")
    return Answer(201, {"tag": {"name": name, "resources": {"count": 0, "databases": {"count": 0}}}})


@resource.post("/{}/resources")
def tag_resources(state: State, call: Call, name: str) -> Answer:
    """Handle POST /v2/tags/{name}/resources. Resources that are not databases are ignored."""
    for cluster in _clusters(state, call.body):
        cluster["tags"] = [*(tag for tag in cluster["tags"] or () if tag != name), name]
    return Answer(204)


@resource.delete("/{}/resources", takes_body=True)
def untag_resources(state: State, call: Call, name: str) -> Answer:
    """Handle DELETE /v2/tags/{name}/resources, which has a body."""
    for cluster in _clusters(state, call.body):
        cluster["tags"] = [tag for tag in cluster["tags"] or () if tag != name] or None
    return Answer(204)


def _clusters(state: State, body: Record) -> list[Cluster]:
    given = fields.records(body, "resources")
    wanted = [each for each in given if fields.string(each, "resource_type") == "database"]
    return [state.cluster(fields.required(each, "resource_id")) for each in wanted]
