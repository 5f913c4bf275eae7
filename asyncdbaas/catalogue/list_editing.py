"""Edit lists in the text of a YAML catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from asyncdbaas.catalogue.editing import TextEditor
from asyncdbaas.catalogue.nodes import Items, Node, Pairs
from asyncdbaas.catalogue.yaml_writing import Flow, flow, yaml_list, yaml_mapping

__all__ = ["NEIGHBOURS", "add_items", "add_list", "remove_items"]

# Number of preceding items whose form a new one takes.
NEIGHBOURS: Final = 10


def remove_items(editor: TextEditor, items: Items, gone: Iterable[Node]) -> None:
    """Remove some items of a list."""
    gone_ids = set(map(id, gone))
    if not gone_ids:
        return
    if items.flow:
        _remove_in_brackets(editor, items.items, gone_ids)
        return
    column = editor.column(items.start)
    for item in items.items:
        if id(item) in gone_ids:
            start = editor.dash_line(item.start, column)
            editor.replace(start, editor.next_line(editor.end_of(item)), "")


def add_items(
    editor: TextEditor, items: Items, entries: Iterable[Mapping[str, Any]], *, is_empty: bool = False
) -> None:
    """Add items after the last one of a list, in braces and with blank lines between them if those before are so.

    `is_empty` says that all of those are removed.
    """
    if not items.raw:  # an empty list is in brackets
        editor.insert(items.end - 1, ", ".join(map(flow, entries)))
        return
    last = items.raw[-1]
    end = editor.end_of(last)
    if items.flow:
        editor.insert(end, ("" if is_empty else ", ") + ", ".join(map(flow, entries)))
        return
    in_braces = isinstance(last, Pairs) and last.flow
    indent = " " * editor.column(items.start)
    lines: list[str] = []
    for entry in entries:
        lines += [""] * _has_blank_lines(editor, items)
        lines += yaml_list([Flow(entry) if in_braces else dict(entry)], indent)
    editor.insert_lines(editor.next_line(end), lines)


def add_list(editor: TextEditor, mapping: Pairs, key: str, entries: Iterable[Mapping[str, Any]]) -> None:
    """Add a list at the end of a mapping that is written over several lines."""
    indent = " " * editor.column(mapping.raw[0][0].start)
    lines = yaml_mapping({key: list(entries)}, indent)
    editor.insert_lines(editor.next_line(editor.end_of(mapping)), lines)


def _remove_in_brackets(editor: TextEditor, items: Sequence[Node], gone_ids: set[int]) -> None:
    kept = [number for number, item in enumerate(items) if id(item) not in gone_ids]
    last = kept[-1] if kept else -1
    for number, item in enumerate(items[:last]):
        if id(item) in gone_ids:
            editor.replace(item.start, items[number + 1].start, "")
    if last + 1 < len(items):
        start = items[last].end if kept else items[0].start
        editor.replace(start, items[-1].end, "")


def _has_blank_lines(editor: TextEditor, items: Items) -> bool:
    recent = items.raw[-NEIGHBOURS:]
    gaps = [editor.has_blank_line(editor.end_of(one), other.start) for one, other in pairwise(recent)]
    return bool(gaps) and all(gaps)
