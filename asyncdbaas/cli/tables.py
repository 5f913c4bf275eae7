"""Tables as lines of text, for any width; pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, Final

import attrs
import click

from asyncdbaas.cli.terminal import safe

__all__ = ["Row", "table"]

_GAP: Final = "  "
_NARROWEST: Final = 20
_INDENT: Final = "    "


@attrs.frozen(kw_only=True)
class Row:
    """One row, and how `click.style` shows it."""

    cells: tuple[str, ...]
    style: dict[str, Any] = attrs.field(factory=dict[str, Any])


def table(header: Sequence[str], rows: Iterable[Row], *, width: int | None) -> list[str]:
    """Return the lines of a table; the last column is wrapped to the width, the others never.

    Where that leaves too little room, each row becomes a block: its first cells, and below them the last one, or as
    many as do not fit, with their names. No word is ever broken, so that an id can be copied.
    """
    rows = [attrs.evolve(row, cells=tuple(map(safe, row.cells))) for row in rows]
    columns = list(zip(header, *(row.cells for row in rows), strict=True))
    widths = [max(map(len, column)) for column in columns[:-1]]
    room = None if width is None else width - sum(widths) - len(_GAP) * len(widths)
    if room is not None and room < min(_NARROWEST, max(map(len, columns[-1]))):
        return [line for row in rows for line in _block(header, row, width or 0)]
    lines = _lines(Row(cells=tuple(header), style={"bold": True}), widths, room)
    return lines + [line for row in rows for line in _lines(row, widths, room)]


def _lines(row: Row, widths: Sequence[int], room: int | None) -> list[str]:
    *cells, last = row.cells
    wrapped = [last] if room is None else _wrap(last, room)
    start = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
    blank = [" " * width for width in widths]
    lines = [[*(blank if number else start), part] for number, part in enumerate(wrapped or [""])]
    return [_styled(_GAP.join(line).rstrip(), row) for line in lines]


def _block(header: Sequence[str], row: Row, width: int) -> list[str]:
    named = list(zip(header, row.cells, strict=True))
    head = _GAP.join(row.cells[:-1])
    named = named[-1:] if len(head) <= width else named[1:]
    said = [f"{name} {cell}".strip() for name, cell in named if cell]
    lines = [head if len(head) <= width else row.cells[0]]
    lines += [f"{_INDENT}{part}" for text in said for part in _wrap(text, width - len(_INDENT))]
    return [_styled(line, row) for line in lines]


def _styled(line: str, row: Row) -> str:
    return click.style(line, **row.style) if row.style else line


def _wrap(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
