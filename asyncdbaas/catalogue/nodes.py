"""The tree that YAML, JSON and CSV are read into. Every node knows its place in the text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias, TypeGuard

import attrs

__all__ = [
    "NULLS",
    "Alias",
    "DocumentError",
    "Items",
    "Node",
    "Pairs",
    "Places",
    "RawNode",
    "Text",
    "Word",
    "Words",
    "is_merge",
    "is_null",
    "nodes_of",
    "size",
    "to_plain",
]

NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_INTEGER: Final = re.compile(r"[+-]?(0|[1-9][0-9]{0,30})")
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,30}\.[0-9]{1,30}")


class DocumentError(Exception):
    """The text is not YAML, JSON or CSV; `line` is where reading stops."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(line, message)
        self.line = line
        self.message = message


Node: TypeAlias = "Text | Items | Pairs"
RawNode: TypeAlias = "Text | Items | Pairs | Alias"
Word: TypeAlias = "str | tuple[Word, ...]"
"""`str` is a plain scalar, `(str,)` a quoted one, and a longer tuple of keys and values in turn a mapping."""
Words: TypeAlias = tuple[Word, ...]
Places: TypeAlias = "tuple[Sequence[int], Sequence[RawNode]]"
"""Offsets of the scalars among some words (start, end, start ...), and the nodes of the other words."""


@attrs.define(eq=False)  # not frozen, as making one would take twice the time, and there are many
class Text:
    """A scalar as the file spells it. Its meaning depends on the key that it belongs to.

    `start` and `end` are offsets into the text of YAML and JSON. For CSV `start` is the line.
    """

    start: int
    end: int
    value: str
    plain: bool = False
    """Written without quotes."""

    @property
    def is_null(self) -> bool:
        """Whether it means "no value"."""
        return self.plain and self.value in NULLS


@attrs.frozen(eq=False)
class Items:
    """A sequence."""

    start: int
    end: int
    items: Sequence[Node]
    raw: Sequence[RawNode]
    """The items as the text has them, aliases included."""
    flow: bool = False
    """Written in brackets."""


@attrs.define(eq=False)  # not frozen, as making one would take twice the time
class Pairs:
    """A mapping; keys may repeat.

    A mapping whose values are scalars, or mappings of scalars to any depth, is stored as `words`. Its nodes are made on
    access: a large catalogue has millions of values, and a node for each would take most of the time and memory.
    """

    start: int
    end: int
    flow: bool = False
    """Written in braces."""
    words: Words | None = None
    """None if the mapping holds anything else. Mappings whose words are equal mean the same."""
    _places: Places = attrs.field(default=((), ()), alias="places")
    _pairs: list[tuple[Node, Node]] | None = attrs.field(default=None, alias="pairs")
    _raw: list[tuple[Node, RawNode]] | None = attrs.field(default=None, alias="raw")

    @property
    def pairs(self) -> list[tuple[Node, Node]]:
        """Keys and values, with those of merges (`<<`) behind the mapping's own."""
        if self._pairs is None:
            nodes = nodes_of(self.words or (), self._places)
            self._pairs = list(zip(nodes[::2], nodes[1::2], strict=True))
        return self._pairs

    @property
    def raw(self) -> Sequence[tuple[Node, RawNode]]:
        """Keys and values as the text has them, merges and aliases included."""
        return self.pairs if self._raw is None else self._raw


@attrs.frozen(eq=False)
class Alias:
    """A reference (`*name`) to an anchor's node."""

    start: int
    end: int
    node: Node
    nodes: int
    """Number of nodes in it, those of aliases included."""


def nodes_of(words: Iterable[Word | None], places: Places) -> list[Any]:
    """Return the nodes of words; for None, take the next node from `places`."""
    offsets, others = iter(places[0]), iter(places[1])
    nodes: list[RawNode] = []
    for word in words:
        if isinstance(word, str):
            nodes.append(Text(next(offsets), next(offsets), word, plain=True))
        elif word is not None and _is_quoted(word):
            nodes.append(Text(next(offsets), next(offsets), word[0]))
        else:
            nodes.append(next(others))
    return nodes


def size(node: RawNode) -> int:
    """Return the number of nodes in a tree, those of aliases included."""
    if isinstance(node, Text):
        return 1
    if isinstance(node, Alias):
        return node.nodes
    if isinstance(node, Items):
        return 1 + sum(map(size, node.raw))
    if node.words is not None:
        return _count(node.words)
    return 1 + sum(size(key) + size(value) for key, value in node.raw)


def is_null(node: Node) -> bool:
    """Return whether a node means "no value"."""
    return isinstance(node, Text) and node.is_null


def is_merge(key: Node) -> bool:
    """Return whether a key is `<<`, which takes over the keys of other mappings."""
    return type(key) is Text and key.plain and key.value == "<<"


def to_plain(node: Node) -> Any:
    """Return a node as plain data: scalars without quotes as null, truth values and numbers, as in JSON."""
    if isinstance(node, Items):
        return [to_plain(item) for item in node.items]
    if isinstance(node, Pairs):
        return {key.value: to_plain(value) for key, value in node.pairs if isinstance(key, Text)}
    return _plain_scalar(node.value) if node.plain else node.value


def _is_quoted(word: Words) -> TypeGuard[tuple[str]]:
    return len(word) == 1


def _count(word: Word) -> int:
    return 1 if isinstance(word, str) or _is_quoted(word) else 1 + sum(map(_count, word))


def _plain_scalar(text: str) -> Any:
    if text in NULLS:
        return None
    if text in ("true", "false"):
        return text == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
