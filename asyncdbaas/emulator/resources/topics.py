"""Kafka topics."""

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.errors import not_yet, unprocessable
from asyncdbaas.emulator.records import Cluster, Record, Topic
from asyncdbaas.emulator.resources.topic_config import SETTINGS, checked_config
from asyncdbaas.emulator.routing import Answer, Call, Resource
from asyncdbaas.emulator.setting import defaults
from asyncdbaas.emulator.state import State, found

resource: Final = Resource()

_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")
_PARTITIONS: Final = (3, 2048)
_DEFAULTS: Final = defaults(SETTINGS)
_LISTED: Final = ("name", "state", "replication_factor", "partition_count")

Key: TypeAlias = list[Any]
"""Id of the cluster, name and number of a topic."""


@resource.get("/{}/topics")
def list_topics(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle GET /v2/databases/{id}/topics: here with `partition_count`, in `get_topic` with `partitions`."""
    cluster = state.cluster(cluster_id, "topics")
    topics = state.listed(cluster["topics"].values())
    if state.quirks.topic_list_partitions:
        return Answer(200, {"topics": [view(state, topic) for topic in topics]})
    return Answer(200, {"topics": [{key: value for key, value in topic.items() if key in _LISTED} for topic in topics]})


@resource.get("/{}/topics/{}")
def get_topic(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Handle GET /v2/databases/{id}/topics/{name}."""
    return Answer(200, {"topic": view(state, found(state.cluster(cluster_id, "topics")["topics"], name, "topic"))})


@resource.post("/{}/topics")
def create_topic(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle POST /v2/databases/{id}/topics; the topic is `configuring` for `Delays.topic`."""
    cluster = state.usable(cluster_id, "create topic", "topics")
    topic = _new_topic(state, call.body, cluster)
    _require_name(cluster, topic["name"])
    cluster["topics_made"] += 1
    cluster["topics"][topic["name"]] = topic
    cluster["topic_names"][_metric_name(topic["name"])] = topic["name"]
    state.after(state.delays.topic, topic_active, _key(cluster, topic))
    return Answer(201, {"topic": view(state, topic)})


@resource.put("/{}/topics/{}")
def update_topic(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Handle PUT /v2/databases/{id}/topics/{name}; a greater number of partitions shows after a while."""
    cluster = state.usable(cluster_id, "update topic", "topics")
    topic = found(cluster["topics"], name, "topic")
    if topic["state"] != "active":
        raise not_yet("update topic", _reason(topic))
    factor = _factor(call.body, cluster, topic["replication_factor"])
    count = fields.integer(call.body, "partition_count", topic["partition_count"])
    if count < topic["partition_count"]:
        raise unprocessable("invalid partition count: it can only be increased")
    fields.between(count, "partition count", *_PARTITIONS)
    config = checked_config(fields.record(call.body, "config"), factor)
    topic["replication_factor"] = factor
    topic["config"] = config if state.quirks.topic_put_replaces else topic["config"] | config
    if count > topic["partition_count"]:
        state.after(state.delays.partitions, topic_grown, _key(cluster, topic), count)
    return Answer(200, {"topic": view(state, topic)})


@resource.delete("/{}/topics/{}")
def delete_topic(state: State, call: Call, cluster_id: str, name: str) -> Answer:
    """Handle DELETE /v2/databases/{id}/topics/{name}; the topic is listed as `deleting` for a while."""
    cluster = state.usable(cluster_id, "delete topic", "topics")
    topic = found(cluster["topics"], name, "topic")
    if topic["state"] == "deleting":
        raise not_yet("delete topic", _reason(topic))
    topic["state"] = "deleting"
    state.after(state.delays.topic_delete, topic_gone, _key(cluster, topic))
    return Answer(204)


def view(state: State, topic: Topic) -> Record:
    """Return a topic as GET, POST and PUT show it."""
    common = {"size": 0, "in_sync_replicas": topic["replication_factor"], "earliest_offset": 0}
    key = state.quirks.consumer_group_key
    groups = [{key: group, "offset": 0} for group in topic["consumer_groups"]] or None
    return {
        "name": topic["name"],
        "state": topic["state"],
        "replication_factor": topic["replication_factor"],
        "partitions": [
            {"id": number, **common, "consumer_groups": groups} for number in range(topic["partition_count"])
        ],
        "config": _DEFAULTS | topic["config"],
    }


@resource.action
def topic_active(state: State, at: float, key: Key) -> None:
    """Make a provisioned topic active."""
    topic = _find(state, key)
    if topic and topic["state"] == "configuring":
        topic["state"] = "active"


@resource.action
def topic_grown(state: State, at: float, key: Key, count: int) -> None:
    """Show the partitions that an update added."""
    topic = _find(state, key)
    if topic:
        topic["partition_count"] = max(topic["partition_count"], count)


@resource.action
def topic_gone(state: State, at: float, key: Key) -> None:
    """Remove a deleted topic."""
    if _find(state, key):
        cluster_id, name, _ = key
        del state.clusters[cluster_id]["topics"][name]
        del state.clusters[cluster_id]["topic_names"][_metric_name(name)]


def _key(cluster: Cluster, topic: Topic) -> Key:
    return [cluster["id"], topic["name"], topic["number"]]


def _find(state: State, key: Key) -> Topic | None:
    """Return a topic if it still exists: one that was created later with its name has another number."""
    cluster_id, name, number = key
    cluster = state.clusters.get(cluster_id)
    topic = cluster["topics"].get(name) if cluster else None
    return topic if topic and topic["number"] == number else None


def _reason(topic: Topic) -> str:
    return "topic is being deleted" if topic["state"] == "deleting" else "topic is still provisioning"


def _new_topic(state: State, body: Record, cluster: Cluster) -> Topic:
    name = fields.required(body, "name")
    if not _NAME.fullmatch(name) or name in (".", ".."):
        raise unprocessable("invalid topic name")
    factor = _factor(body, cluster, 2)
    count = fields.between(fields.integer(body, "partition_count", 3), "partition count", *_PARTITIONS)
    return {
        "name": name,
        "number": cluster["topics_made"],
        "state": "configuring" if state.delays.topic else "active",
        "replication_factor": factor,
        "partition_count": count,
        "config": checked_config(fields.record(body, "config"), factor),
        "consumer_groups": [],
        "listed_at": state.shown_after(state.delays.listed),
    }


def _require_name(cluster: Cluster, name: str) -> None:
    """Refuse a name that exists, or that differs from another only in `.` and `_`, as Kafka does."""
    other = cluster["topic_names"].get(_metric_name(name))
    if other == name:
        raise unprocessable("topic name is not available")
    if other is not None:
        raise unprocessable(f"topic name is not available: '{name}' collides with existing topic '{other}'")


def _metric_name(name: str) -> str:
    return name.replace(".", "_")


def _factor(body: Record, cluster: Cluster, default: int) -> int:
    factor = fields.integer(body, "replication_factor", default)
    return fields.between(factor, "replication factor", 2, cluster["num_nodes"])
