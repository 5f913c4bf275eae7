"""Edit lists in the text of a YAML catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, Final

from asyncdbaas.catalogue.editing import TextEditor
from asyncdbaas.catalogue.nodes import Items, Node, Pairs
from asyncdbaas.catalogue.yaml_writing import Flow, flow, yaml_list, yaml_mapping

__all__ = ["NEIGHBOURS", "ListEditor"]

# Number of preceding items whose form a new one takes.
NEIGHBOURS: Final = 10


class ListEditor:
    """Remove items of lists, and add some."""

    def __init__(self, editor: TextEditor) -> None:
        self._editor = editor

    def remove(self, items: Items, gone: Iterable[Node]) -> None:
        """Remove some of the items."""
        gone_ids = set(map(id, gone))
        if not gone_ids:
            return
        if items.flow:
            self._remove_in_brackets(items.items, gone_ids)
            return
        column = self._editor.column(items.start)
        for item in items.items:
            if id(item) in gone_ids:
                start = self._editor.dash_line(item.start, column)
                self._editor.replace(start, self._editor.next_line(self._editor.end_of(item)), "")

    def add(self, items: Items, entries: Iterable[Mapping[str, Any]], *, is_empty: bool = False) -> None:
        """Add items after the last one, in braces and with blank lines between them if those before are so.

        `is_empty` says that all of those are removed.
        """
        if not items.raw:  # an empty list is in brackets
            self._editor.insert(items.end - 1, ", ".join(map(flow, entries)))
            return
        last = items.raw[-1]
        end = self._editor.end_of(last)
        if items.flow:
            self._editor.insert(end, ("" if is_empty else ", ") + ", ".join(map(flow, entries)))
            return
        in_braces = isinstance(last, Pairs) and last.flow
        indent = " " * self._editor.column(items.start)
        lines: list[str] = []
        for entry in entries:
            lines += [""] * self._has_blank_lines(items)
            lines += yaml_list([Flow(entry) if in_braces else dict(entry)], indent)
        self._editor.insert_lines(self._editor.next_line(end), lines)

    def add_list(self, mapping: Pairs, key: str, entries: Iterable[Mapping[str, Any]]) -> None:
        """Add a list at the end of a mapping that is written over several lines."""
        indent = " " * self._editor.column(mapping.raw[0][0].start)
        lines = yaml_mapping({key: list(entries)}, indent)
        self._editor.insert_lines(self._editor.next_line(self._editor.end_of(mapping)), lines)

    def _remove_in_brackets(self, items: list[Node], gone_ids: set[int]) -> None:
        kept = [number for number, item in enumerate(items) if id(item) not in gone_ids]
        last = kept[-1] if kept else -1
        for number, item in enumerate(items[:last]):
            if id(item) in gone_ids:
                self._editor.replace(item.start, items[number + 1].start, "")
        if last + 1 < len(items):
            start = items[last].end if kept else items[0].start
            self._editor.replace(start, items[-1].end, "")

    def _has_blank_lines(self, items: Items) -> bool:
        recent = items.raw[-NEIGHBOURS:]
        gaps = [self._editor.has_blank_line(self._editor.end_of(one), other.start) for one, other in pairwise(recent)]
        return bool(gaps) and all(gaps)
