"""YAML, JSON and CSV as one tree in which everything knows its line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import attrs

from asyncdbaas.errors import InvalidInputError

__all__ = ["DocumentError", "Items", "Node", "Pairs", "Text", "read_document"]

# A catalogue is four levels deep. The C composer of PyYAML crashes the process at some thousands.
_DEEPEST: Final = 12
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})


class DocumentError(Exception):
    """The text is no YAML, JSON or CSV; `line` is where it stops making sense."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(line, message)
        self.line = line
        self.message = message


@attrs.frozen(eq=False)
class Text:
    """A scalar as it is written: what it means depends on where it stands."""

    line: int
    value: str
    plain: bool = False
    """Written without quotes."""

    @property
    def is_null(self) -> bool:
        """Tell whether it stands for "no value"."""
        return self.plain and self.value in _NULLS


@attrs.frozen(eq=False)
class Items:
    """A sequence."""

    line: int
    items: list[Node]


@attrs.frozen(eq=False)
class Pairs:
    """A mapping; keys may come twice."""

    line: int
    pairs: list[tuple[Node, Node]]


Node: TypeAlias = Text | Items | Pairs


def read_document(text: str, suffix: str) -> Node | None:
    """Read a text in the format that its file's suffix tells; None if it holds nothing but comments.

    A CSV becomes `{"topics": [...]}` with one mapping for each row, its empty cells left out.
    """
    if suffix == ".csv":
        return _read_csv(text)
    if suffix == ".json":
        _check_json(text)
        return _read_yaml(text.replace("\t", " "))  # a tab in valid JSON is always white space
    return _read_yaml(text)


def _check_json(text: str) -> None:
    try:
        json.loads(text, parse_int=str)  # int() refuses thousands of digits with a ValueError of its own
    except json.JSONDecodeError as error:
        raise DocumentError(error.lineno, f"not valid JSON: {error.msg} (column {error.colno})") from None
    except RecursionError:
        raise DocumentError(1, "not valid JSON: nested too deeply") from None


def _read_yaml(text: str) -> Node | None:
    try:
        import yaml  # of the extra `cli`
    except ModuleNotFoundError:
        raise InvalidInputError("YAML and JSON catalogues need PyYAML: pip install 'asyncdbaas[cli]'") from None

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _Composer(yaml.parse(text, Loader=loader)).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise DocumentError(line, f"not valid YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        at = getattr(error, "position", 0)
        reason = getattr(error, "reason", error)
        raise DocumentError(text.count("\n", 0, at) + 1, f"not valid YAML: {reason}") from None


class _Composer:
    """Make a tree of a parser's events; unlike PyYAML's own composer it has a bound on the depth."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._anchors: dict[str, Node] = {}

    def document(self) -> Node | None:
        root = None
        for event in self._events:
            match type(event).__name__:
                case "DocumentStartEvent" if root is not None:
                    raise DocumentError(event.start_mark.line + 1, "a second document (---) begins; put it in a file")
                case "ScalarEvent" | "SequenceStartEvent" | "MappingStartEvent" | "AliasEvent":
                    root = self._node(event, 0)
                case _:
                    pass
        return None if isinstance(root, Text) and root.is_null else root

    def _node(self, event: Any, depth: int) -> Node:
        line = event.start_mark.line + 1
        kind = type(event).__name__
        if kind == "AliasEvent":
            return self._alias(event.anchor, line)
        if event.tag is not None and not event.tag.startswith("tag:yaml.org,2002:") and event.tag != "!":
            raise DocumentError(line, f"the tag {event.tag} means nothing here")
        if depth > _DEEPEST:
            raise DocumentError(line, "nested too deeply")
        node: Node
        if kind == "ScalarEvent":
            node = Text(line, event.value, plain=event.style is None or event.style == "")
        elif kind == "SequenceStartEvent":
            node = Items(line, list(self._until("SequenceEndEvent", depth)))
        else:
            nodes = self._until("MappingEndEvent", depth)
            node = Pairs(line, _merge([(key, next(nodes)) for key in nodes]))
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _until(self, end: str, depth: int) -> Iterator[Node]:
        for event in self._events:
            if type(event).__name__ == end:
                return
            yield self._node(event, depth + 1)

    def _alias(self, anchor: str, line: int) -> Node:
        if anchor not in self._anchors:
            raise DocumentError(line, f"*{anchor} stands for nothing: no &{anchor} has ended before it")
        return self._anchors[anchor]


def _merge(pairs: list[tuple[Node, Node]]) -> list[tuple[Node, Node]]:
    """Put in what `<<` names, where the mapping itself says nothing."""
    merged = [value for key, value in pairs if _is_merge(key)]
    if not merged:
        return pairs
    own = [pair for pair in pairs if not _is_merge(pair[0])]
    present = {key.value for key, _ in own if isinstance(key, Text)}
    for source in (source for value in merged for source in (value.items if isinstance(value, Items) else [value])):
        if not isinstance(source, Pairs):
            raise DocumentError(source.line, "<< must name a mapping, or a list of mappings")
        added = [(key, value) for key, value in source.pairs if isinstance(key, Text) and key.value not in present]
        present.update(key.value for key, _ in added)
        own += added
    return own


def _is_merge(key: Node) -> bool:
    return isinstance(key, Text) and key.plain and key.value == "<<"


def _read_csv(text: str) -> Node | None:
    header_line = text.lstrip("\r\n").partition("\n")[0]
    delimiter = ";" if ";" in header_line and "," not in header_line else ","
    rows = _csv_rows(text, delimiter)
    first = next(rows, None)
    if first is None:
        return None
    line, header = first
    keys: list[Node] = [Text(line, name.strip()) for name in header]
    items: list[Node] = [_csv_row(keys, row, line) for line, row in rows]
    return Pairs(line, [(Text(line, "topics"), Items(line, items))])


def _csv_row(keys: list[Node], row: list[str], line: int) -> Node:
    if len(row) > len(keys):
        raise DocumentError(line, f"{len(row)} cells below a header of {len(keys)}")
    cells = (Text(line, cell.strip()) for cell in row)
    return Pairs(line, [(key, cell) for key, cell in zip(keys, cells, strict=False) if cell.value])


def _csv_rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise DocumentError(line, f"not valid CSV: {error}") from None
