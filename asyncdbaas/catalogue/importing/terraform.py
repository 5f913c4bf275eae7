"""Read what `terraform show -json` prints: a state or a plan. It holds secrets, so no note quotes its values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from asyncdbaas.catalogue.importing.collecting import Collector, Found, child, items_of, text_of
from asyncdbaas.catalogue.model import CatalogueSchema
from asyncdbaas.catalogue.nodes import Items, Node
from asyncdbaas.schemas import SchemaCreate, SchemaType

__all__ = ["matches", "read"]

_CLUSTER: Final = "digitalocean_database_cluster"
_USER: Final = "digitalocean_database_user"
_SCHEMA: Final = "digitalocean_database_kafka_schema_registry"
# The second one is of the provider for any Kafka.
_TOPICS: Final = ("digitalocean_database_kafka_topic", "kafka_topic")
_PERMISSIONS: Final = {
    "admin": ("all",),
    "consume": ("read",),
    "produce": ("write",),
    "produceconsume": ("read", "write"),
}


def matches(root: Node) -> bool:
    """Return whether a document is such an output."""
    return child(root, "format_version") is not None and _module(root) is not None


def read(root: Node, collector: Collector) -> None:
    """Read a document."""
    resources = [resource for module in _modules(_module(root)) for resource in items_of(child(module, "resources"))]
    found = [(text_of(resource, "type"), resource, child(resource, "values")) for resource in resources]
    clusters = {text_of(values, "id"): text_of(values, "name") for kind, _, values in found if kind == _CLUSTER}
    for kind, resource, values in found:
        cluster_id = text_of(values, "cluster_id")
        cluster = clusters.get(cluster_id, cluster_id)
        line = collector.line(resource)
        if kind in _TOPICS:
            _read_topic(values, line, cluster, collector)
        elif kind == _USER:
            _read_user(values, line, cluster, collector)
        elif kind == _SCHEMA:
            _read_schema(values, line, cluster, collector)
        elif kind != _CLUSTER:
            name = text_of(resource, "address") or ""
            collector.note(line, "has no place in a catalogue, and is left out", name=name)


def _module(root: Node) -> Node | None:
    return child(root, "values", "root_module") or child(root, "planned_values", "root_module")


def _modules(module: Node | None) -> Iterator[Node]:
    if module is not None:
        yield module
        for inner in items_of(child(module, "child_modules")):
            yield from _modules(inner)


def _read_topic(values: Node | None, line: int, cluster: str | None, collector: Collector) -> None:
    config = child(values, "config")
    blocks = config.items if isinstance(config, Items) else [config]
    settings = [setting for block in blocks for setting in collector.settings(block) if setting[1] != ""]
    collector.add_topic(
        Found(
            name=text_of(values, "name") or "",
            line=line,
            partitions=text_of(values, "partition_count") or text_of(values, "partitions"),
            replicas=text_of(values, "replication_factor"),
            settings=tuple(settings),
            cluster=cluster,
        )
    )


def _read_user(values: Node | None, line: int, cluster: str | None, collector: Collector) -> None:
    name = text_of(values, "name") or ""
    collector.add_rights(name, line, {}, cluster=cluster)
    for settings in items_of(child(values, "settings")):
        for acl in items_of(child(settings, "acl")):
            operations = _PERMISSIONS.get(text_of(acl, "permission") or "", ())
            collector.add_rights(name, line, {text_of(acl, "topic") or "": operations}, cluster=cluster)


def _read_schema(values: Node | None, line: int, cluster: str | None, collector: Collector) -> None:
    subject, text = text_of(values, "subject_name"), text_of(values, "schema")
    kind = SchemaType((text_of(values, "schema_type") or "").lower())
    if not subject or not text or not kind.is_known:
        collector.note(line, "the schema is incomplete, and is left out", name=subject or "")
        return
    schema = SchemaCreate(subject_name=subject, schema_type=kind, schema=text)
    collector.add_schema(
        CatalogueSchema(subject=subject, schema=schema, cluster=cluster, file=collector.file, line=line)
    )
