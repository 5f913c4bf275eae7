"""Read YAML, JSON and CSV into one tree in which everything knows its line."""

from __future__ import annotations

import json
import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import cached_property
from io import StringIO
from itertools import accumulate
from typing import Any, Final

import attrs

from asyncdbaas.catalogue.model import CatalogueError, Problem
from asyncdbaas.catalogue.nodes import (
    Alias,
    DocumentError,
    Items,
    Node,
    Pairs,
    RawNode,
    Text,
    Word,
    Words,
    is_merge,
    is_null,
    nodes_of,
    size,
)
from asyncdbaas.catalogue.tables import read_table
from asyncdbaas.errors import InvalidInputError

__all__ = ["Document", "read_document"]

# A catalogue is five levels deep. The C composer of PyYAML crashes the process at some thousands.
_MAX_DEPTH: Final = 12
# Real catalogues repeat some settings by aliases: 100,000 topics with 10 each are 2,000,000 nodes.
_MAX_ALIASED_NODES: Final = 2_500_000
_ESCAPE: Final = re.compile(r"\\(?:u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})|.)", re.IGNORECASE | re.DOTALL)
# Characters that YAML rejects, or takes for line breaks, and JSON allows in strings.
_NOT_IN_YAML: Final = re.compile(r"[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_STANDARD_TAGS: Final = "tag:yaml.org,2002:"


@attrs.define(eq=False, slots=False)
class Document:
    """A text that has been read: one root for each YAML document that holds more than comments."""

    text: str
    roots: list[Node]
    header: list[Text] = attrs.field(factory=list[Text])
    """The columns of a CSV."""

    @property
    def is_table(self) -> bool:
        """Whether it is a CSV."""
        return bool(self.header)

    def line(self, position: int) -> int:
        """Return the line of a node's `start`."""
        return position if self.header else bisect_right(self._line_ends, position) + 1

    @cached_property
    def _line_ends(self) -> list[int]:
        """Where each line ends, behind its newline."""
        return list(accumulate(map(len, StringIO(self.text + "\n", newline="\n"))))


def read_document(text: str, *, file: str, suffix: str, max_depth: int = _MAX_DEPTH) -> Document:
    """Read a text in the format of a file's suffix. Raise CatalogueError if it has another one.

    A CSV becomes `{"topics": [...]}`, with one mapping per row.
    """
    try:
        return _read(text, suffix, max_depth)
    except DocumentError as error:
        raise CatalogueError([Problem(file=file, line=error.line, message=error.message)]) from None


def _read(text: str, suffix: str, max_depth: int) -> Document:
    if suffix == ".csv":
        table = read_table(text)
        return Document(text, []) if table is None else Document(text, [table[1]], table[0])
    if suffix == ".json":
        _check_json(text)
        text = text.replace("\t", " ")  # YAML forbids tabs; in valid JSON they are always white space
        text = _ESCAPE.sub(_joined, text) if "\\ud" in text.lower() else text
        text = _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return _read_yaml(text, max_depth)


def _check_json(text: str) -> None:
    try:
        json.loads(text, parse_int=str)  # int() rejects thousands of digits with a ValueError of its own
    except json.JSONDecodeError as error:
        raise DocumentError(error.lineno, f"not valid JSON: {error.msg} (column {error.colno})") from None
    except RecursionError:
        raise DocumentError(1, "nested too deeply") from None


def _joined(match: re.Match[str]) -> str:
    """Return a JSON escape as YAML has it: characters beyond 16 bits are one escape there, not two."""
    if match[1] is None:
        return match[0]
    high, low = int(match[1], 16) & 0x3FF, int(match[2], 16) & 0x3FF
    return f"\\U{0x10000 + (high << 10) + low:08x}"


def _read_yaml(text: str, max_depth: int) -> Document:
    try:
        import yaml  # of the extra `cli`
    except ModuleNotFoundError:
        raise InvalidInputError("YAML and JSON catalogues need PyYAML: pip install 'asyncdbaas[cli]'") from None

    loader_class: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document = Document(text, [])
    try:
        # Not yaml.parse(): it checks for an event before it takes one, which is a tenth of the time.
        events = iter(loader_class(text).get_event, None)
        document.roots += _Composer(yaml.events, events, document.line, max_depth).documents()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        is_tab = mark is not None and text[mark.index : mark.index + 1] == "\t"
        problem = "a tab cannot indent a line; use blanks" if is_tab else error.problem or error.context
        raise DocumentError(line, f"not valid YAML: {problem}") from None
    except UnicodeEncodeError as error:  # libyaml takes UTF-8
        raise DocumentError(text.count("\n", 0, error.start) + 1, "not valid YAML: half a surrogate pair") from None
    except yaml.YAMLError as error:
        at = getattr(error, "position", 0)
        reason = getattr(error, "reason", error)
        raise DocumentError(text.count("\n", 0, at) + 1, f"not valid YAML: {reason}") from None
    return document


class _Composer:
    """Build a tree from a parser's events. Its messages quote nothing: the text may be no catalogue, but hold secrets.

    PyYAML's own composer has no limit on the depth or on what aliases expand to, and loses where an alias stands.
    """

    def __init__(self, kinds: Any, events: Iterator[Any], line: Callable[[int], int], max_depth: int) -> None:
        self._kinds = kinds
        self._scalar = kinds.ScalarEvent
        self._events = events
        self._line = line
        self._max_depth = max_depth
        self._anchors: dict[str, tuple[Node, int]] = {}  # each with its size
        self._shared: dict[Words, Words] = {}
        self._aliased = 0

    def documents(self) -> Iterator[Node]:
        """Yield the root of each document that is not empty."""
        for event in self._events:
            if isinstance(event, self._kinds.DocumentStartEvent):
                self._anchors.clear()  # they hold for one document
            elif isinstance(event, self._kinds.NodeEvent):
                root = self._node(event, 0)
                if not isinstance(root, Alias) and not is_null(root):
                    yield root

    def _node(self, event: Any, depth: int) -> RawNode:
        kind = event.__class__
        start = event.start_mark.index
        if kind is self._scalar and event.tag is None and event.anchor is None:  # nearly all of them
            return Text(start, event.end_mark.index, event.value, not event.style)
        if kind is self._kinds.AliasEvent:
            return self._alias(event, start)
        tag = event.tag
        if tag is not None and not tag.startswith(_STANDARD_TAGS) and tag != "!":
            raise DocumentError(self._line(start), "tags such as !include have no meaning in a catalogue")
        if depth > self._max_depth:
            raise DocumentError(self._line(start), "nested too deeply")
        node: Node
        if kind is self._scalar:
            node = Text(start, event.end_mark.index, event.value, not event.style)
        elif kind is self._kinds.SequenceStartEvent:
            node = self._sequence(start, bool(event.flow_style), depth)
        else:
            node = self._mapping(start, bool(event.flow_style), depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = node, size(node)
        return node

    def _sequence(self, start: int, flow: bool, depth: int) -> Items:
        raw: list[RawNode] = []
        events, end = self._events, self._kinds.SequenceEndEvent
        while type(event := next(events)) is not end:
            raw.append(self._node(event, depth + 1))
        has_alias = any(type(item) is Alias for item in raw)
        items: Any = [_resolved(item) for item in raw] if has_alias else raw
        return Items(start, event.end_mark.index, items, raw, flow)

    def _mapping(self, start: int, flow: bool, depth: int) -> Pairs:
        """Build a mapping: of words if all in it are scalars or such mappings, as nearly all are, else of nodes."""
        words: list[Word | None] = []
        offsets: list[int] = []
        others: list[RawNode] = []
        scalar, end = self._scalar, self._kinds.MappingEndEvent
        event: Any = None
        for event in self._events:
            kind = event.__class__
            if kind is scalar and event.tag is None and event.anchor is None:
                words.append((event.value,) if event.style else event.value)
                offsets.append(event.start_mark.index)
                offsets.append(event.end_mark.index)
            elif kind is end:
                break
            else:
                node = self._node(event, depth + 1)
                others.append(node)
                words.append(self._words(node) if len(words) % 2 else None)
        places = array("L", offsets), others
        if None not in words and "<<" not in words:
            all_words: Any = tuple(words)
            return Pairs(start, event.end_mark.index, flow, words=all_words, places=places)
        nodes = nodes_of(words, places)
        pairs = [(_resolved(key), value) for key, value in zip(nodes[::2], nodes[1::2], strict=True)]
        return Pairs(start, event.end_mark.index, flow, pairs=self._merged(pairs), raw=pairs)

    def _words(self, node: RawNode) -> Words | None:
        """Return the words of a mapping in a mapping; equal ones are one object, as there are many of few kinds."""
        if type(node) is not Pairs or node.words is None:
            return None
        node.words = self._shared.setdefault(node.words, node.words)
        return node.words

    def _alias(self, event: Any, start: int) -> Alias:
        anchor = self._anchors.get(event.anchor)
        if anchor is None:
            raise DocumentError(self._line(start), "an alias (*) refers to nothing: its anchor (&) must end before it")
        node, nodes = anchor
        self._aliased += nodes
        if self._aliased > _MAX_ALIASED_NODES:
            raise DocumentError(self._line(start), f"aliases expand to more than {_MAX_ALIASED_NODES} values")
        return Alias(start, event.end_mark.index, node, nodes)

    def _merged(self, raw: list[tuple[Node, RawNode]]) -> list[tuple[Node, Node]]:
        """Resolve aliases, and add what `<<` names where the mapping itself has no such key."""
        resolved = [(key, _resolved(value)) for key, value in raw]
        own = [pair for pair in resolved if not is_merge(pair[0])]
        present = {key.value for key, _ in own if isinstance(key, Text)}
        for value in (value for key, value in resolved if is_merge(key)):
            for source in value.items if isinstance(value, Items) else [value]:
                if not isinstance(source, Pairs):
                    raise DocumentError(self._line(source.start), "<< must name a mapping, or a list of mappings")
                added = [pair for pair in source.pairs if isinstance(pair[0], Text) and pair[0].value not in present]
                present.update(key.value for key, _ in added if isinstance(key, Text))
                own += added
        return own


def _resolved(node: RawNode) -> Node:
    return node.node if isinstance(node, Alias) else node
