"""OpenSearch indexes. Clients of the database create them (here `Emulator.add_index`); the API lists and deletes."""

from __future__ import annotations

from typing import Final

from asyncdbaas.emulator.routing import Answer, Call, Resource
from asyncdbaas.emulator.state import State, found

resource: Final = Resource()


@resource.get("/{}/indexes")
def list_indexes(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle GET /v2/databases/{id}/indexes."""
    return Answer(200, {"indexes": list(state.cluster(cluster_id, "indexes")["indexes"].values())})


@resource.delete("/{}/indexes/{}")
def delete_index(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Handle DELETE /v2/databases/{id}/indexes/{name}."""
    indexes = state.usable(cluster_id, "delete index", "indexes")["indexes"]
    found(indexes, name, "index")
    del indexes[name]
    return Answer(204)
