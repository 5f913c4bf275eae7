"""Bring the topics of a YAML catalogue up to date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from asyncdbaas._topic_settings import PARTITIONING, TOPIC_SETTINGS
from asyncdbaas.catalogue.editing import TextEditor
from asyncdbaas.catalogue.kafka import default_value, kafka_name, kafka_value, same_value, values_of
from asyncdbaas.catalogue.list_editing import NEIGHBOURS
from asyncdbaas.catalogue.model import CatalogueTopic, UneditableError
from asyncdbaas.catalogue.names import field_name
from asyncdbaas.catalogue.nodes import Alias, Items, Pairs, RawNode, Text, is_merge
from asyncdbaas.catalogue.reading import Section
from asyncdbaas.catalogue.topic_entries import Values
from asyncdbaas.catalogue.updatable import Updatable, check_literal
from asyncdbaas.catalogue.writing import nested
from asyncdbaas.catalogue.yaml_writing import flow, flow_item, yaml_mapping

__all__ = ["TOPICS"]


class _Topics(Updatable[CatalogueTopic]):
    field = "topics"
    is_optional = False

    def values(self, entry: CatalogueTopic) -> Values:
        return values_of(entry.topic)

    def is_same(self, key: str, one: Any, other: Any) -> bool:
        return same_value(key, one, other)

    def unknown(self, declared: Values, live: Values) -> Sequence[str]:
        """Return the declared keys that the live topic lacks; a new one may not show its settings yet."""
        shows_settings = not live.keys() <= PARTITIONING.keys()
        return [key for key in super().unknown(declared, live) if shows_settings or key in PARTITIONING]

    def new(self, entries: Sequence[CatalogueTopic], section: Section) -> list[tuple[Values, Mapping[str, Any]]]:
        """Return what a person would declare, in the form of the topics before."""
        topics = section.items(self.field)
        form = _Form.of(topics) if topics else _Form()
        made: list[tuple[Values, Mapping[str, Any]]] = []
        for entry in entries:
            values = _trimmed(self.values(entry), section.defaults)
            own = {key: value for key, value in values.items() if not _is_default(key, value, section.defaults)}
            made.append((values, form.respelled({"name": entry.name} | nested(own))))
        return made

    def change(self, editor: TextEditor, node: Pairs, declared: CatalogueTopic, changed: Values) -> None:
        name = declared.name
        _put(editor, node, name, {key: value for key, value in changed.items() if key in PARTITIONING})
        config = {key: value for key, value in changed.items() if key not in PARTITIONING}
        if not config:
            return
        pair = next(((key, value) for key, value in node.raw if isinstance(key, Text) and key.value == "config"), None)
        if pair is None:
            if any(is_merge(key) for key, _ in node.raw):
                raise UneditableError(f"{name} takes its settings from a merge")
            _add(editor, node, {"config": _respelled(config, None)})
            return
        key, value = pair
        lines = _respelled(config, value)
        if isinstance(value, Alias):
            alias = editor.source[value.start : value.end]
            editor.replace(value.start, value.end, f"{{<<: {alias}, {flow(lines)[1:]}")
        elif isinstance(value, Pairs):
            _put(editor, value, name, config)
        else:  # null
            editor.replace(key.end, value.end, f": {flow(lines)}")


TOPICS: Final = _Topics()


def _trimmed(values: Values, defaults: Values) -> Values:
    """Return what a person would declare: without settings that have the service's default anyway."""
    return {
        key: value
        for key, value in values.items()
        if key in PARTITIONING or key in defaults or not same_value(key, value, default_value(key))
    }


def _is_default(key: str, value: Any, defaults: Values) -> bool:
    return key in defaults and same_value(key, value, defaults[key])


def _put(editor: TextEditor, mapping: Pairs, name: str, values: Values) -> None:
    """Replace the values that a mapping has itself, and add the others."""
    own = {field_name(key.value): value for key, value in mapping.raw if isinstance(key, Text)}
    for field in values.keys() & own.keys():
        value = own[field]
        check_literal(value, name, field)
        editor.replace_value(value, flow_item(kafka_value(values[field])))
    added = _respelled({field: value for field, value in values.items() if field not in own}, mapping)
    if added:
        _add(editor, mapping, added)


def _add(editor: TextEditor, mapping: Pairs, lines: Values) -> None:
    """Add keys at the end of a mapping."""
    if not mapping.raw:
        editor.insert(mapping.end - 1, flow(lines)[1:-1])
        return
    end = editor.end_of(mapping.raw[-1][1])
    if mapping.flow:
        editor.insert(end, f", {flow(lines)[1:-1]}")
        return
    indent = " " * editor.column(mapping.raw[0][0].start)
    added = "".join(editor.newline + line for line in yaml_mapping(lines, indent))
    editor.insert(editor.line_end(end), added)


@attrs.frozen(kw_only=True)
class _Form:
    """Spelling of the keys of a section's topics."""

    partitions: str = "partition_count"
    separator: str = "."

    @classmethod
    def of(cls, topics: Items) -> _Form:
        """Return the spelling of the last keys that have one."""
        keys = [key for node in topics.items[-NEIGHBOURS:] for key in _keys(node, merged=False)]
        partitions = next((key for key in reversed(keys) if field_name(key) == "partition_count"), "partition_count")
        settings = [key for key in keys if field_name(key) in TOPIC_SETTINGS and field_name(key) != "preallocate"]
        separator = next((mark for key in reversed(settings) for mark in "._-" if mark in key), ".")
        return cls(partitions=partitions, separator=separator)

    def respelled(self, entry: Values) -> Values:
        """Return an entry with this form's spelling of the keys."""
        result = {self.partitions if key == "partition_count" else key: value for key, value in entry.items()}
        if "config" in result:
            result["config"] = {self._setting(key): kafka_value(value) for key, value in result["config"].items()}
        return result

    def _setting(self, name: str) -> str:
        return kafka_name(name) if self.separator == "." else name.replace("_", self.separator)


def _respelled(values: Values, mapping: RawNode | None) -> Values:
    """Return values in Kafka's spelling; keys that a merge has are spelled alike, as otherwise both would hold."""
    spellings = {field_name(key): key for key in _keys(mapping, merged=True)}
    return {spellings.get(name, kafka_name(name)): kafka_value(value) for name, value in values.items()}


def _keys(node: RawNode | None, *, merged: bool) -> Iterator[str]:
    """Yield the keys of a mapping and of those in it, as they are spelled; if wanted, those of merges and aliases."""
    node = node.node if merged and isinstance(node, Alias) else node
    if isinstance(node, Pairs):
        for key, value in node.pairs if merged else node.raw:
            if isinstance(key, Text):
                yield key.value
            yield from _keys(value, merged=merged)
