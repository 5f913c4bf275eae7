"""Read Strimzi's resources KafkaTopic and KafkaUser, as `kubectl get -o yaml` and Git repositories have them."""

from __future__ import annotations

from typing import Final

from asyncdbaas.catalogue.importing.collecting import (
    Collector,
    Found,
    Rights,
    child,
    items_of,
    pairs_of,
    prefix_pattern,
    text_of,
)
from asyncdbaas.catalogue.nodes import Node

__all__ = ["matches", "read"]

_CLUSTER_LABEL: Final = "strimzi.io/cluster"
_RESOURCE_KEYS: Final = frozenset({"apiVersion", "kind", "metadata", "spec", "status"})
_TOPIC_KEYS: Final = frozenset({"topicName", "partitions", "replicas", "config"})
_USER_KEYS: Final = frozenset({"authentication", "authorization"})


def matches(root: Node) -> bool:
    """Return whether a document is such a resource, or a list of them."""
    items = items_of(child(root, "items"))
    return any((text_of(child(node, "apiVersion")) or "").startswith("kafka.strimzi.io/") for node in (root, *items))


def read(root: Node, collector: Collector) -> None:
    """Read a document."""
    for resource in items_of(child(root, "items")) or [root]:
        kind = text_of(child(resource, "kind"))
        name = text_of(child(resource, "metadata", "name")) or ""
        if kind == "KafkaTopic":
            _read_topic(resource, name, collector)
        elif kind == "KafkaUser":
            _read_user(resource, name, collector)
        else:
            collector.note(collector.line(resource), f"a {kind} has no place in a catalogue", name=name)


def _read_topic(resource: Node, name: str, collector: Collector) -> None:
    spec = child(resource, "spec")
    name = text_of(child(spec, "topicName")) or name
    collector.note_others(resource, _RESOURCE_KEYS, name)
    collector.note_others(spec, _TOPIC_KEYS, name, "spec.")
    collector.add_topic(
        Found(
            name=name,
            line=collector.line(resource),
            partitions=text_of(child(spec, "partitions")),
            replicas=text_of(child(spec, "replicas")),
            settings=collector.settings(child(spec, "config")),
            cluster=_cluster(resource),
        )
    )


def _read_user(resource: Node, name: str, collector: Collector) -> None:
    spec = child(resource, "spec")
    collector.note_others(spec, _USER_KEYS, name, "spec.")
    authentication = text_of(child(spec, "authentication", "type"))
    if authentication not in (None, "scram-sha-512", "tls"):
        message = "the service makes a password and a certificate for each user"
        collector.note(collector.line(resource), message, name=name, key=f"authentication: {authentication}")
    rights: Rights = {}
    for acl in items_of(child(spec, "authorization", "acls")):
        _add_right(acl, rights, name, collector)
    collector.add_rights(name, collector.line(resource), rights, cluster=_cluster(resource))


def _add_right(acl: Node, rights: Rights, name: str, collector: Collector) -> None:
    line = collector.line(acl)
    kind = text_of(child(acl, "resource", "type"))
    if kind != "topic":
        collector.note(line, f"the service has rights on topics only, so this {kind} is left out", name=name)
        return
    if text_of(child(acl, "type")) == "deny":
        collector.note(line, "the service has no rules that deny, so this one is left out", name=name)
        return
    host = text_of(child(acl, "host"))
    if host not in (None, "*"):
        collector.note(line, "the service's rights hold for all hosts", name=name, key=f"host: {host}")
    topic = text_of(child(acl, "resource", "name")) or "*"
    pattern = prefix_pattern(topic, is_prefix=text_of(child(acl, "resource", "patternType")) == "prefix")
    words = [text_of(item) for item in items_of(child(acl, "operations"))] or [text_of(child(acl, "operation"))]
    rights.setdefault(pattern, set()).update(word for word in words if word)


def _cluster(resource: Node) -> str | None:
    labels = pairs_of(child(resource, "metadata", "labels"))
    return next((text_of(value) for key, value in labels if key.value == _CLUSTER_LABEL), None)
