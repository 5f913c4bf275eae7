"""Read topicctl's files, one topic each."""

from __future__ import annotations

from typing import Final

from asyncdbaas.catalogue.importing.collecting import Collector, Found, child, text_of
from asyncdbaas.catalogue.model import Metadata
from asyncdbaas.catalogue.nodes import Node

__all__ = ["matches", "read"]

_META_KEYS: Final = frozenset({"name", "cluster", "environment", "region", "description", "labels", "consumers"})
_SPEC_KEYS: Final = frozenset({"partitions", "replicationFactor", "retentionMinutes", "settings"})


def matches(root: Node) -> bool:
    """Return whether a document is a file of topicctl."""
    return child(root, "meta", "name") is not None and child(root, "spec") is not None


def read(root: Node, collector: Collector) -> None:
    """Read a document."""
    meta, spec = child(root, "meta"), child(root, "spec")
    name = text_of(meta, "name") or ""
    if child(spec, "partitions") is None:
        collector.note(collector.line(root), "describes a cluster, not a topic; it is left out", name=name)
        return
    collector.note_others(meta, _META_KEYS, name, "meta.")
    collector.note_others(spec, _SPEC_KEYS, name, "spec.")
    settings = collector.settings(child(spec, "settings"))
    minutes = child(spec, "retentionMinutes")
    if minutes is not None:
        settings += (("retention.ms", f"{text_of(minutes)}m", collector.line(minutes)),)
    labels = {key: text for key in ("environment", "region") if (text := text_of(meta, key))}
    collector.add_topic(
        Found(
            name=name,
            line=collector.line(root),
            partitions=text_of(spec, "partitions"),
            replicas=text_of(spec, "replicationFactor"),
            settings=settings,
            cluster=text_of(meta, "cluster"),
            metadata=Metadata(description=(text_of(meta, "description") or "").strip(), labels=labels),
        )
    )
