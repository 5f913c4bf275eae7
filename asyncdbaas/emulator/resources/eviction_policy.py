"""The eviction policy of a caching cluster, a setting of its configuration. It is spelled with underscores here."""

from __future__ import annotations

from typing import Final

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.config_data import EVICTION_POLICIES
from asyncdbaas.emulator.resources import configs
from asyncdbaas.emulator.routing import Answer, Call, Resource
from asyncdbaas.emulator.state import State

resource: Final = Resource()

_POLICIES: Final = tuple(policy.replace("-", "_") for policy in EVICTION_POLICIES)


@resource.get("/{}/eviction_policy")
def get_eviction_policy(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle GET /v2/databases/{id}/eviction_policy."""
    cluster = state.cluster(cluster_id, "eviction policy")
    policy: str = configs.current(cluster)[f"{cluster['engine']}_maxmemory_policy"]
    return Answer(200, {"eviction_policy": policy.replace("-", "_")})


@resource.put("/{}/eviction_policy")
def set_eviction_policy(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle PUT /v2/databases/{id}/eviction_policy."""
    cluster = state.usable(cluster_id, "update eviction policy", "eviction policy")
    policy = fields.choice(call.body, "eviction_policy", _POLICIES)
    configs.change(cluster, {f"{cluster['engine']}_maxmemory_policy": policy.replace("_", "-")})
    return Answer(204)
