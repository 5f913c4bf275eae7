"""Edit the entries of topics in the text of a YAML catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import attrs

from asyncdbaas._topic_settings import TOPIC_SETTINGS
from asyncdbaas.catalogue.editing import TextEditor
from asyncdbaas.catalogue.kafka import kafka_name, kafka_value
from asyncdbaas.catalogue.list_editing import NEIGHBOURS, ListEditor
from asyncdbaas.catalogue.model import UneditableError
from asyncdbaas.catalogue.names import field_name
from asyncdbaas.catalogue.nodes import Alias, Items, Node, Pairs, RawNode, Text
from asyncdbaas.catalogue.topic_entries import PARTITIONING, Values
from asyncdbaas.catalogue.writing import nested
from asyncdbaas.catalogue.yaml_writing import flow, flow_item, yaml_mapping

__all__ = ["EntryEditor"]


class EntryEditor:
    """Change, remove and add entries of topics."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._editor = TextEditor(text)
        self._lists = ListEditor(self._editor)

    def text(self) -> str:
        """Return the text with all changes."""
        return self._editor.text()

    def change(self, entry: Pairs, name: str, changed: Values) -> None:
        """Set values of a topic."""
        self._put(entry, name, {key: value for key, value in changed.items() if key in PARTITIONING})
        config = {key: value for key, value in changed.items() if key not in PARTITIONING}
        if not config:
            return
        pair = next(((key, value) for key, value in entry.raw if isinstance(key, Text) and key.value == "config"), None)
        if pair is None:
            if any(_is_merge(key) for key, _ in entry.raw):
                raise UneditableError(f"{name} takes its settings from a merge")
            self._add(entry, {"config": _respelled(config, None)})
            return
        key, value = pair
        lines = _respelled(config, value)
        if isinstance(value, Alias):
            alias = self._text[value.start : value.end]
            self._editor.replace(value.start, value.end, f"{{<<: {alias}, {flow(lines)[1:]}")
        elif isinstance(value, Pairs):
            self._put(value, name, config)
        else:  # null
            self._editor.replace(key.end, value.end, f": {flow(lines)}")

    def remove(self, topics: Items, gone: Iterable[Node]) -> None:
        """Remove entries of a list."""
        self._lists.remove(topics, gone)

    def append(self, topics: Items, new: Mapping[str, Values], *, is_empty: bool) -> None:
        """Add topics after the last one of a list, in the form of those there.

        `is_empty` says that all of those are removed.
        """
        form = _Form.of(topics)
        entries = [form.respelled({"name": name} | nested(values)) for name, values in new.items()]
        self._lists.add(topics, entries, is_empty=is_empty)

    def _put(self, mapping: Pairs, name: str, values: Values) -> None:
        """Replace the values that a mapping has itself, and add the others."""
        own = {field_name(key.value): value for key, value in mapping.raw if isinstance(key, Text)}
        for field in values.keys() & own.keys():
            value = own[field]
            if isinstance(value, Text) and "${" in value.value:
                raise UneditableError(f"{name} takes {field} from a variable")
            self._editor.replace(value.start, self._editor.end_of(value), flow_item(kafka_value(values[field])))
        added = _respelled({field: value for field, value in values.items() if field not in own}, mapping)
        if added:
            self._add(mapping, added)

    def _add(self, mapping: Pairs, lines: Values) -> None:
        """Add keys at the end of a mapping."""
        if not mapping.raw:
            self._editor.insert(mapping.end - 1, flow(lines)[1:-1])
            return
        end = self._editor.end_of(mapping.raw[-1][1])
        if mapping.flow:
            self._editor.insert(end, f", {flow(lines)[1:-1]}")
            return
        indent = " " * self._editor.column(mapping.raw[0][0].start)
        added = "".join(self._editor.newline + line for line in yaml_mapping(lines, indent))
        self._editor.insert(self._editor.line_end(end), added)


@attrs.frozen(kw_only=True)
class _Form:
    """Spelling of the keys of a section's topics."""

    partitions: str
    separator: str

    @classmethod
    def of(cls, topics: Items) -> _Form:
        """Return the spelling of the last keys that have one."""
        keys = [key for node in topics.items[-NEIGHBOURS:] for key in _own_keys(node)]
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
    spellings = {field_name(key): key for key in _keys(mapping)}
    names = {name: spellings.get(name, kafka_name(name) if name in TOPIC_SETTINGS else name) for name in values}
    return {names[name]: kafka_value(value) for name, value in values.items()}


def _keys(node: RawNode | None) -> Iterator[str]:
    """Yield the keys of a mapping and of those in it, as they are spelled; keys of merges are included."""
    node = node.node if isinstance(node, Alias) else node
    if isinstance(node, Pairs):
        for key, value in node.pairs:
            if isinstance(key, Text):
                yield key.value
            yield from _keys(value)


def _own_keys(node: RawNode) -> Iterator[str]:
    """Yield the keys that a mapping and those in it have themselves."""
    if isinstance(node, Pairs):
        for key, value in node.raw:
            if isinstance(key, Text):
                yield key.value
            yield from _own_keys(value)


def _is_merge(key: Node) -> bool:
    return isinstance(key, Text) and key.plain and key.value == "<<"
