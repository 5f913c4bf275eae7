"""Read Strimzi's resources KafkaTopic and KafkaUser, as `kubectl get -o yaml` and Git repositories have them."""

from __future__ import annotations

from typing import Final

from asyncdbaas.catalogue.importing.collecting import (
    Collector,
    Found,
    Rights,
    child,
    items_of,
    prefix_pattern,
    text_of,
)
from asyncdbaas.catalogue.nodes import Node

__all__ = ["matches", "read"]

_CLUSTER: Final = ("metadata", "labels", "strimzi.io/cluster")
_RESOURCE_KEYS: Final = frozenset({"apiVersion", "kind", "metadata", "spec", "status"})
_TOPIC_KEYS: Final = frozenset({"topicName", "partitions", "replicas", "config"})
_USER_KEYS: Final = frozenset({"authentication", "authorization"})


def matches(root: Node) -> bool:
    """Return whether a document is such a resource, or a list of them."""
    items = items_of(child(root, "items"))
    return any((text_of(node, "apiVersion") or "").startswith("kafka.strimzi.io/") for node in (root, *items))


def read(root: Node, collector: Collector) -> None:
    """Read a document."""
    for resource in items_of(child(root, "items")) or [root]:
        kind = text_of(resource, "kind")
        name = text_of(resource, "metadata", "name") or ""
        if kind == "KafkaTopic":
            _read_topic(resource, name, collector)
        elif kind == "KafkaUser":
            _read_user(resource, name, collector)
        else:
            collector.note(collector.line(resource), f"a {kind} has no place in a catalogue", name=name)


def _read_topic(resource: Node, name: str, collector: Collector) -> None:
    spec = child(resource, "spec")
    name = text_of(spec, "topicName") or name
    collector.note_others(resource, _RESOURCE_KEYS, name)
    collector.note_others(spec, _TOPIC_KEYS, name, "spec.")
    collector.add_topic(
        Found(
            name=name,
            line=collector.line(resource),
            partitions=text_of(spec, "partitions"),
            replicas=text_of(spec, "replicas"),
            settings=collector.settings(child(spec, "config")),
            cluster=text_of(resource, *_CLUSTER),
        )
    )


def _read_user(resource: Node, name: str, collector: Collector) -> None:
    spec = child(resource, "spec")
    collector.note_others(spec, _USER_KEYS, name, "spec.")
    authentication = text_of(spec, "authentication", "type")
    if authentication not in (None, "scram-sha-512", "tls"):
        message = "the service makes a password and a certificate for each user"
        collector.note(collector.line(resource), message, name=name, key=f"authentication: {authentication}")
    rights: Rights = {}
    for acl in items_of(child(spec, "authorization", "acls")):
        _add_right(acl, rights, name, collector)
    collector.add_rights(name, collector.line(resource), rights, cluster=text_of(resource, *_CLUSTER))


def _add_right(acl: Node, rights: Rights, name: str, collector: Collector) -> None:
    line = collector.line(acl)
    if not collector.is_possible(line, name, text_of(acl, "resource", "type"), text_of(acl, "type")):
        return
    host = text_of(acl, "host")
    if host not in (None, "*"):
        collector.note(line, "the service's rights hold for all hosts", name=name, key=f"host: {host}")
    topic = text_of(acl, "resource", "name") or ""
    pattern = prefix_pattern(topic, is_prefix=text_of(acl, "resource", "patternType") == "prefix")
    words = [text_of(item) for item in items_of(child(acl, "operations"))] or [text_of(acl, "operation")]
    rights.setdefault(pattern, set()).update(word for word in words if word)
