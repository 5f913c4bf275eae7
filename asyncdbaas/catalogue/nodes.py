"""The tree that YAML, JSON and CSV are read into. Every node knows its place in the text."""

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias

import attrs

__all__ = ["Alias", "Items", "Node", "Pairs", "RawNode", "Text", "is_null", "to_plain"]

_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_INTEGER: Final = re.compile(r"[+-]?(0|[1-9][0-9]{0,30})")
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,30}\.[0-9]{1,30}")


@attrs.define(eq=False)  # not frozen, as making one would take twice the time, and there are millions
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
        return self.plain and self.value in _NULLS


@attrs.frozen(eq=False)
class Items:
    """A sequence."""

    start: int
    end: int
    items: list[Node]
    raw: list[RawNode]
    """The items as the text has them, aliases included."""
    flow: bool = False
    """Written in brackets."""


@attrs.frozen(eq=False)
class Pairs:
    """A mapping; keys may repeat."""

    start: int
    end: int
    pairs: list[tuple[Node, Node]]
    """Keys and values, with those of merges (`<<`) behind the mapping's own."""
    raw: list[tuple[Node, RawNode]]
    """Keys and values as the text has them, merges and aliases included."""
    flow: bool = False
    """Written in braces."""


@attrs.frozen(eq=False)
class Alias:
    """A reference (`*name`) to an anchor's node."""

    start: int
    end: int
    node: Node
    nodes: int
    """Number of nodes in it, those of aliases included."""


Node: TypeAlias = Text | Items | Pairs
RawNode: TypeAlias = Text | Items | Pairs | Alias


def is_null(node: Node) -> bool:
    """Return whether a node means "no value"."""
    return isinstance(node, Text) and node.is_null


def to_plain(node: Node) -> Any:
    """Return a node as plain data: scalars without quotes as null, truth values and numbers, as in JSON."""
    if isinstance(node, Items):
        return [to_plain(item) for item in node.items]
    if isinstance(node, Pairs):
        return {key.value: to_plain(value) for key, value in node.pairs if isinstance(key, Text)}
    return _plain_scalar(node.value) if node.plain else node.value


def _plain_scalar(text: str) -> Any:
    if text in _NULLS:
        return None
    if text in ("true", "false"):
        return text == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
