"""Read the state files of kafka-gitops."""

from __future__ import annotations

from typing import Final

from asyncdbaas.catalogue.importing.collecting import (
    Collector,
    Found,
    child,
    items_of,
    pairs_of,
    prefix_pattern,
    text_of,
)
from asyncdbaas.catalogue.nodes import Node, Pairs

__all__ = ["matches", "read"]

_ROOT_KEYS: Final = frozenset({"topics", "services", "users", "customServiceAcls", "customUserAcls", "settings"})
_TOPIC_KEYS: Final = frozenset({"partitions", "replication", "configs"})
_SERVICE_KEYS: Final = frozenset({"type", "produces", "consumes", "connectors", "principal"})
_STREAMS: Final = "kafka-streams"
_CONNECT: Final = "kafka-connect"
# What the roles of a user may do with all topics.
_ROLES: Final = {"writer": ("write",), "reader": ("read",), "operator": ("all",)}


def matches(root: Node) -> bool:
    """Return whether a document is a state file: its topics are a mapping, not a list."""
    kinds = [child(root, key) for key in ("topics", "services", "customServiceAcls", "customUserAcls")]
    return any(isinstance(node, Pairs) for node in kinds)


def read(root: Node, collector: Collector) -> None:
    """Read a document."""
    collector.note_others(root, _ROOT_KEYS)
    settings = child(root, "settings")
    collector.note_others(settings, ("topics",), path="settings.")
    collector.note_others(child(settings, "topics"), ("defaults",), path="settings.topics.")
    replicas = text_of(settings, "topics", "defaults", "replication")
    for key, topic in pairs_of(child(root, "topics")):
        collector.note_others(topic, _TOPIC_KEYS, key.value)
        collector.add_topic(
            Found(
                name=key.value,
                line=collector.line(key),
                partitions=text_of(topic, "partitions"),
                replicas=text_of(topic, "replication") or replicas,
                settings=collector.settings(child(topic, "configs")),
            )
        )
    for key, service in pairs_of(child(root, "services")):
        _read_service(key.value, service, collector)
    for key, user in pairs_of(child(root, "users")):
        rights = {
            ".*": [word for role in items_of(child(user, "roles")) for word in _ROLES.get(text_of(role) or "", ())]
        }
        collector.note_others(user, ("principal", "roles"), key.value)
        collector.add_rights(key.value, collector.line(key), rights if rights[".*"] else {})
    for section in ("customServiceAcls", "customUserAcls"):
        for key, acls in pairs_of(child(root, section)):
            for acl, value in pairs_of(acls):
                _read_acl(key.value, collector.line(acl), value, collector)


def _read_service(name: str, service: Node, collector: Collector) -> None:
    line = collector.line(service)
    collector.note_others(service, _SERVICE_KEYS, name)
    connectors = [connector for _, connector in pairs_of(child(service, "connectors"))]
    for part in (service, *connectors):
        for key, operation in (("produces", "write"), ("consumes", "read")):
            for topic in items_of(child(part, key)):
                collector.add_rights(name, line, {text_of(topic) or "": (operation,)})
    if text_of(service, "type") == _CONNECT:
        message = "rights to the internal topics of Kafka Connect are not in this file; add those that it needs"
        collector.note(line, message, name=name)
    if text_of(service, "type") == _STREAMS:
        collector.add_rights(name, line, {prefix_pattern(name, is_prefix=True): ("all",)})  # its internal topics
    collector.add_rights(name, line, {})


def _read_acl(user: str, line: int, acl: Node, collector: Collector) -> None:
    if not collector.is_possible(line, user, text_of(acl, "type"), text_of(acl, "permission")):
        return
    is_prefix = (text_of(acl, "pattern") or "").upper() == "PREFIXED"
    pattern = prefix_pattern(text_of(acl, "name") or "", is_prefix=is_prefix)
    collector.add_rights(user, line, {pattern: (text_of(acl, "operation") or "",)})
