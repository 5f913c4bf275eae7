"""Seeding of the state, and changes that do not come through the API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from asyncdbaas.emulator.clock import rfc3339
from asyncdbaas.emulator.engines import ENGINES
from asyncdbaas.emulator.errors import EmulatorError
from asyncdbaas.emulator.records import Index, Record
from asyncdbaas.emulator.resources import clusters
from asyncdbaas.emulator.resources.changes import convert
from asyncdbaas.emulator.resources.cluster_view import view
from asyncdbaas.emulator.resources.topics import find_topic
from asyncdbaas.emulator.state import State


def add_cluster(state: State, engine: str, name: str | None, settings: Mapping[str, Any]) -> Record:
    """Add a cluster that is online at once; the default is the smallest that the engine offers."""
    if engine not in ENGINES:
        raise EmulatorError(f"unknown engine {engine!r}; known are {', '.join(ENGINES)}")
    if not state.offer.has(engine):
        raise EmulatorError(f"engine {engine!r} is not in the offer that the emulator was given")
    state.run_due()
    region, smallest = state.offer.smallest(engine)
    nodes = settings.get("num_nodes", smallest)
    body = {
        "name": name or f"{engine.replace('_', '-')}-{len(state.clusters) + 1}",
        "engine": engine,
        "num_nodes": nodes,
        "size": state.offer.first_size(engine, nodes),
        "region": region,
        **settings,
    }
    cluster = clusters.new_cluster(state, body, any_engine=True)
    clusters.add_cluster(state, cluster)
    cluster["visible_at"] = cluster["listed_at"] = 0.0
    clusters.cluster_online(state, state.clock.now(), cluster["id"])
    return view(state, cluster)


def turn_into_valkey(state: State, cluster_id: str) -> None:
    """Turn a redis cluster into valkey in place."""
    convert(state, state.cluster(cluster_id), "valkey")


def add_index(state: State, cluster_id: str, name: str, values: Mapping[str, Any]) -> None:
    """Add an index to an OpenSearch cluster."""
    now = rfc3339(state.clock.now())
    index: Record = {
        "index_name": name,
        "number_of_shards": 1,
        "number_of_replicas": 1,
        "size": 208,
        "created_time": now,
        "create_time": now,
        "status": "open",
        "health": "green",
        **values,
    }
    state.cluster(cluster_id, "indexes")["indexes"][name] = cast("Index", index)


def add_consumer_group(state: State, cluster_id: str, topic: str, group: str) -> None:
    """Add a consumer group to a topic."""
    find_topic(state.cluster(cluster_id, "topics"), topic)["consumer_groups"].append(group)


def announce_update(state: State, cluster_id: str, descriptions: Iterable[str]) -> None:
    """Announce an update, as the maintenance window shows it."""
    window = state.cluster(cluster_id)["maintenance_window"]
    window["pending"], window["description"] = True, list(descriptions)
