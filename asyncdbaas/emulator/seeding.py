"""What happens to a cluster from outside of the API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from asyncdbaas.emulator.clock import rfc3339
from asyncdbaas.emulator.engines import ENGINES, REGIONS
from asyncdbaas.emulator.errors import Refusal
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.resources import clusters
from asyncdbaas.emulator.resources.cluster_view import view
from asyncdbaas.emulator.state import State


def add_cluster(state: State, engine: str, name: str | None, settings: Mapping[str, Any]) -> Record:
    """Add a cluster that is online at once, filled up with the smallest that the engine offers."""
    if engine not in ENGINES:
        raise ValueError(f"unknown engine {engine!r}; known are {', '.join(ENGINES)}")
    state.run_due()
    layouts = ENGINES[engine].layouts
    nodes = settings.get("num_nodes", min(layouts))
    body = {
        "name": name or f"{engine.replace('_', '-')}-{len(state.clusters) + 1}",
        "engine": engine,
        "num_nodes": nodes,
        "size": layouts[nodes][0] if nodes in layouts else "",
        "region": REGIONS[0],
        **settings,
    }
    try:
        cluster = clusters.new_cluster(state, body, hidden_engines=True)
    except Refusal as refusal:
        raise ValueError(refusal.message) from refusal
    clusters.add_cluster(state, cluster)
    cluster["visible_at"] = 0.0
    clusters.cluster_online(state, state.clock.now(), cluster["id"])
    return view(state, cluster)


def turn_into_valkey(state: State, cluster_id: str) -> None:
    """Change a redis cluster's engine, version and names of settings."""
    cluster = state.cluster(cluster_id, "redis")
    settings = {name.replace("redis_", "valkey_", 1): value for name, value in cluster["config"].items()}
    cluster |= {"engine": "valkey", "version": ENGINES["valkey"].versions[-1].name, "config": settings}


def add_index(state: State, cluster_id: str, name: str, values: Mapping[str, Any]) -> None:
    """Add an index to an OpenSearch cluster."""
    state.cluster(cluster_id, "opensearch")["indexes"][name] = {
        "index_name": name,
        "number_of_shards": 1,
        "number_of_replicas": 1,
        "size": 208,
        "created_time": rfc3339(state.clock.now()),
        "status": "open",
        "health": "green",
        **values,
    }


def add_consumer_group(state: State, cluster_id: str, topic: str, group: str) -> None:
    """Let a consumer group read a topic."""
    state.cluster(cluster_id, "kafka")["topics"][topic]["consumer_groups"].append(group)


def announce_update(state: State, cluster_id: str, descriptions: Iterable[str]) -> None:
    """Let an update be pending."""
    window = state.cluster(cluster_id)["maintenance_window"]
    window |= {"pending": True, "description": list(descriptions)}
