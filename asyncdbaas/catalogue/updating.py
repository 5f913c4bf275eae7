"""Bring a YAML catalogue up to date: what has changed is replaced in its text, and nothing else is touched.

The text is edited where the parser found each value, and is not written anew: writers that keep comments move some to
the topic before, where they go with it, and indent all alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import attrs

from asyncdbaas.catalogue.kafka import SETTINGS, kafka_name, kafka_value, same_value, settings_of
from asyncdbaas.catalogue.model import Catalogue, CatalogueError, CatalogueTopic
from asyncdbaas.catalogue.reading import field_name, parse_catalogue, parse_defaults
from asyncdbaas.catalogue.writing import nested, scalar, yaml_mapping
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.topics import TopicCreate
from asyncdbaas.types import UNSET

__all__ = ["update_catalogue"]

_SHAPE: Final = ("partition_count", "replication_factor")

_Values = dict[str, Any]


def update_catalogue(text: str, live: Catalogue, clusters: Mapping[str | None, str], *, file: str) -> str:
    """Return the text of a YAML catalogue with the topics that there are.

    Topics that are gone are taken out, new ones stand at the end of their cluster's, and of the others those declared
    values are replaced that differ. `clusters` gives the name in `live` of each cluster that the text names, None
    standing for the one that it leaves to the caller; topics of other clusters stay. InvalidInputError if the text
    cannot say it without saying something else, too, as where several topics share an anchor.
    """
    there = {(topic.cluster, topic.topic.name): _values(topic.topic) for topic in live.topics}
    declared = parse_catalogue(text, file=file).topics
    sections = list(_sections(text, parse_defaults(text, file=file)))
    if len(declared) != sum(len(section.items) for section in sections):
        raise _refusal(file, "some of its topics come by an anchor or a merge")
    editor = _Editor(text, file, sections)
    remaining = iter(declared)
    expected: dict[tuple[str | None, str], _Values] = {}
    last: dict[str, _Section] = {}
    for section in sections:
        name = clusters.get(section.cluster)
        entries = [next(remaining) for _ in section.items]
        if section.items and name is not None:
            last[name] = section
        expected |= editor.section(section, entries, there, name)
    known = {(clusters.get(entry.cluster), entry.topic.name) for entry in declared}
    new = {key: values for key, values in there.items() if key not in known and key[0] in last}
    for name, section in last.items():
        added = {topic: values for (cluster, topic), values in new.items() if cluster == name}
        editor.append(section, added)
        expected |= {(section.cluster, topic): values for topic, values in added.items()}
    return _checked(editor.text(), expected, file)


@attrs.frozen(kw_only=True, eq=False)
class _Section:
    cluster: str | None
    defaults: _Values
    topics: Any  # the parser's node
    items: list[Any]


class _Editor:
    """Collect the changes of a text, each as where it starts and ends, and what stands there instead."""

    def __init__(self, text: str, file: str, sections: Iterable[_Section]) -> None:
        self._text = text
        self._file = file
        self._newline = "\r\n" if "\r\n" in text else "\n"
        self._edits: list[tuple[int, int, str]] = []
        self._uses = Counter(id(node) for section in sections for node in (section.topics, *section.items))
        self._gone: set[int] = set()

    def text(self) -> str:
        """Return the text with all changes."""
        parts: list[str] = []
        at = 0
        for start, end, instead in sorted(self._edits, key=lambda edit: edit[:2]):
            parts += [self._text[at:start], instead]
            at = max(at, end)
        return "".join([*parts, self._text[at:]])

    def section(
        self,
        section: _Section,
        entries: list[CatalogueTopic],
        there: Mapping[tuple[str | None, str], _Values],
        cluster: str | None,
    ) -> dict[tuple[str | None, str], _Values]:
        """Change and take out a section's topics; return what those that stay must declare."""
        expected: dict[tuple[str | None, str], _Values] = {}
        for item, entry in zip(section.items, entries, strict=True):
            name, values = entry.topic.name, _values(entry.topic)
            live = there.get((cluster, name))
            if cluster is None or live is not None:
                changed = self._changed(name, values, live) if live is not None else {}
                self._change(section, item, name, changed)
                expected[section.cluster, name] = values | changed
            else:
                self._check_own(section, item, name)
                self._gone.add(id(item))
        self._take_out(section)
        return expected

    def append(self, section: _Section, added: Mapping[str, _Values]) -> None:
        """Add topics after a section's last."""
        if not added:
            return
        self._check_own(section, section.items[-1], next(iter(added)))
        end = self._end(None, section.items[-1])
        topics = [{"name": name} | nested(_spelled(values, section.defaults)) for name, values in added.items()]
        if section.topics.flow_style:
            comma = ", " if any(id(item) not in self._gone for item in section.items) else ""
            self._insert(end, comma + ", ".join(map(_flow, topics)))
            return
        indent = " " * section.topics.start_mark.column
        lines = [line for topic in topics for line in _dashed(yaml_mapping(topic, f"{indent}  "), indent)]
        at = self._next_line(end)
        before = "" if self._text[at - 1] == "\n" else self._newline
        self._insert(at, before + "".join(line + self._newline for line in lines))

    def _changed(self, name: str, declared: _Values, live: _Values) -> _Values:
        """Return the live values of declared keys, where they differ; a topic that is new may not tell its settings."""
        is_told = any(key in SETTINGS for key in live)
        unknown = [key for key in declared if key not in live and (is_told or key in _SHAPE)]
        if unknown:
            raise _refusal(self._file, f"{name} has no {unknown[0]} that a catalogue can hold")
        return {key: live[key] for key, value in declared.items() if key in live and not _same(key, live[key], value)}

    def _change(self, section: _Section, item: Any, name: str, changed: _Values) -> None:
        if not changed:
            return
        self._check_own(section, item, name)
        self._put(item, {key: value for key, value in changed.items() if key in _SHAPE})
        config = {key: value for key, value in changed.items() if key not in _SHAPE}
        if not config:
            return
        pair = next(((key, value) for key, value in item.value if key.value == "config"), None)
        lines = _respelled(config, None if pair is None else pair[1])
        if pair is None:
            if any(key.value == "<<" for key, _ in item.value):
                raise _refusal(self._file, f"{name} takes its settings from a merge")
            self._add(item, {"config": lines})
        elif _is_alias(*pair):
            start, end = self._alias(pair[0])
            self._edits.append((start, end, f"{{<<: {self._text[start:end]}, {_flow(lines)[1:]}"))
        elif pair[1].id == "scalar":  # null
            self._edits.append((pair[0].end_mark.index, pair[1].end_mark.index, f": {_flow(lines)}"))
        else:
            self._put(pair[1], config)

    def _put(self, mapping: Any, values: _Values) -> None:
        """Replace the values that a mapping has itself, and add the others."""
        own = {field_name(key.value): (key, value) for key, value in mapping.value}
        for name in values.keys() & own.keys():
            key, value = own[name]
            start, end = self._alias(key) if _is_alias(key, value) else (value.start_mark.index, self._end(*own[name]))
            self._edits.append((start, end, _scalar(kafka_value(values[name]))))
        missing = _respelled({name: value for name, value in values.items() if name not in own}, mapping)
        if missing:
            self._add(mapping, missing)

    def _add(self, mapping: Any, lines: _Values) -> None:
        """Add keys at the end of a mapping."""
        if not mapping.value:
            self._insert(mapping.end_mark.index - 1, _flow(lines)[1:-1])
            return
        end = self._end(*mapping.value[-1])
        if mapping.flow_style:
            self._insert(end, f", {_flow(lines)[1:-1]}")
            return
        indent = " " * mapping.value[0][0].start_mark.column
        self._insert(self._line_end(end), "".join(self._newline + line for line in yaml_mapping(lines, indent)))

    def _take_out(self, section: _Section) -> None:
        items = section.items
        if section.topics is None or not section.topics.flow_style:
            for item in items:
                if id(item) in self._gone:
                    start, end = self._dash_line(section, item), self._next_line(self._end(None, item))
                    self._edits.append((start, end, ""))
            return
        kept = [number for number, item in enumerate(items) if id(item) not in self._gone]
        last = kept[-1] if kept else -1
        for number, item in enumerate(items[:last]):
            if id(item) in self._gone:
                self._edits.append((item.start_mark.index, items[number + 1].start_mark.index, ""))
        if last + 1 < len(items):
            start = items[last].end_mark.index if kept else items[0].start_mark.index
            self._edits.append((start, items[-1].end_mark.index, ""))

    def _check_own(self, section: _Section, item: Any, name: str) -> None:
        topics = section.topics
        is_inside = topics.start_mark.index <= item.start_mark.index < topics.end_mark.index
        if not is_inside or self._uses[id(item)] > 1 or self._uses[id(topics)] > 1:
            raise _refusal(self._file, f"{name} has changed, and stands below an anchor")

    def _insert(self, at: int, text: str) -> None:
        self._edits.append((at, at, text))

    def _end(self, key: Any, node: Any) -> int:
        """Return where a value ends; a block goes on, for the parser, to where the next one begins."""
        if key is not None and _is_alias(key, node):
            return self._alias(key)[1]
        if node.id == "mapping" and not node.flow_style:
            return self._end(*node.value[-1])
        return int(node.end_mark.index)

    def _alias(self, key: Any) -> tuple[int, int]:
        """Return where the alias after a key stands: the parser knows only where its anchor does."""
        start = self._text.index("*", key.end_mark.index)
        end = start
        while end < len(self._text) and self._text[end] not in " \t\r\n,]}":
            end += 1
        return start, end

    def _line_end(self, at: int) -> int:
        end = self._text.find("\n", at)
        end = len(self._text) if end < 0 else end
        return end - 1 if self._text[at:end].endswith("\r") else end

    def _next_line(self, at: int) -> int:
        return self._text.find("\n", at) + 1 or len(self._text)

    def _dash_line(self, section: _Section, item: Any) -> int:
        """Return where the line begins that has an item's dash: all are as far in as the first."""
        column = section.topics.start_mark.column
        start = self._text.rfind("\n", 0, item.start_mark.index) + 1
        while self._text[start : start + column + 1].lstrip(" ") != "-":
            start = self._text.rfind("\n", 0, start - 1) + 1
        return start


def _sections(text: str, defaults: Iterable[_Values]) -> Iterator[_Section]:
    import yaml  # of the extra `cli`; what reads the text has said so by now

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    root: Any = yaml.compose(text, Loader=loader)
    outermost = _fields(root)
    cluster = _word(outermost.get("cluster"))
    below = outermost.get("clusters")
    for node, values in zip([root, *(below.value if below is not None else [])], defaults, strict=True):
        fields = _fields(node)
        topics = fields.get("topics")
        if topics is not None and topics.id != "sequence":
            topics = None
        items: list[Any] = topics.value if topics is not None else []
        yield _Section(cluster=_word(fields.get("cluster")) or cluster, defaults=values, topics=topics, items=items)


def _fields(node: Any) -> dict[str, Any]:
    return {key.value: value for key, value in node.value}


def _word(node: Any) -> str | None:
    return None if node is None else str(node.value)


def _values(topic: TopicCreate) -> _Values:
    """Return what a topic declares, by the service's names."""
    shape = {key: getattr(topic, key) for key in _SHAPE if getattr(topic, key) is not UNSET}
    return shape | settings_of(topic.config)


def _same(key: str, one: Any, other: Any) -> bool:
    return one == other or (key in SETTINGS and same_value(key, one, other))


def _spelled(values: _Values, defaults: _Values) -> _Values:
    """Return values in Kafka's spelling, without those that are the default."""
    own = {key: value for key, value in values.items() if key not in defaults or not _same(key, value, defaults[key])}
    return {kafka_name(key) if key in SETTINGS else key: kafka_value(value) for key, value in own.items()}


def _respelled(values: _Values, mapping: Any) -> _Values:
    """Return values in Kafka's spelling; keys as a merge of the mapping spells them, as otherwise both would hold."""
    spellings = {field_name(key): key for key in _keys(mapping)}
    names = {name: spellings.get(name, kafka_name(name) if name in SETTINGS else name) for name in values}
    return {names[name]: kafka_value(value) for name, value in values.items()}


def _keys(node: Any) -> Iterator[str]:
    """Yield the keys of a mapping, those that come by merges included."""
    if node is None or node.id == "scalar":
        return
    for key, value in node.value:
        if key.value != "<<":
            yield key.value
            continue
        for source in value.value if value.id == "sequence" else [value]:
            yield from _keys(source)


def _flow(mapping: Mapping[str, Any]) -> str:
    pairs = (f"{key}: {_flow(value) if key == 'config' else _scalar(value)}" for key, value in mapping.items())
    return f"{{{', '.join(pairs)}}}"


def _scalar(value: Any) -> str:
    """Return a value as it can stand between commas, too."""
    text = scalar(value)
    return f'"{text}"' if "," in text and not text.startswith('"') else text


def _dashed(lines: list[str], indent: str) -> list[str]:
    return [f"{indent}- {lines[0].strip()}", *lines[1:]]


def _is_alias(key: Any, value: Any) -> bool:
    return bool(value.start_mark.index < key.start_mark.index)


def _checked(text: str, expected: Mapping[tuple[str | None, str], _Values], file: str) -> str:
    """Return the text if it says what it must: an anchor may have carried a change further, or gone with its topic."""
    if not expected:
        raise _refusal(file, "none of its topics is left")
    try:
        found = {
            (entry.cluster, entry.topic.name): _values(entry.topic) for entry in parse_catalogue(text, file=file).topics
        }
    except CatalogueError as error:
        raise _refusal(file, f"it would not be valid then: {error.problems[0]}") from None
    for cluster, name in found.keys() | expected.keys():
        if not _agree(found.get((cluster, name)), expected.get((cluster, name))):
            raise _refusal(file, f"{name} would not be declared as it is: an anchor or a default stands in the way")
    return text


def _agree(found: _Values | None, expected: _Values | None) -> bool:
    if found is None or expected is None or found.keys() != expected.keys():
        return False
    return all(_same(key, value, expected[key]) for key, value in found.items())


def _refusal(file: str, reason: str) -> InvalidInputError:
    return InvalidInputError(f"{file} cannot be updated in place: {reason}; export to a new file instead")
