"""Read CSV, as spreadsheets and programs write it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Final

from asyncdbaas.catalogue.nodes import DocumentError, Items, Node, Pairs, Text, Word

__all__ = ["LABEL_COLUMN", "read_table"]

LABEL_COLUMN: Final = "labels."

# Excel writes this line, and reads the separator from it.
_SEPARATOR_LINE: Final = re.compile(r'"?sep=([,;\t|])"?\r?\n', re.IGNORECASE)
_SEPARATORS: Final = ",;\t|"
_QUOTED: Final = re.compile(r'"(?:[^"]|"")*"')


def read_table(text: str) -> tuple[list[Text], Pairs] | None:
    """Return the header of a CSV, and the whole as `{"topics": [...]}`; None if it is empty.

    Each row becomes a mapping without its empty cells; columns such as `labels.team` become one mapping `labels`. The
    separator is a comma, a semicolon, a tab or a bar. A first line such as `sep=;` names it; otherwise it is the
    one that the header has most of, quoted parts left out.
    """
    separator_line = _SEPARATOR_LINE.match(text)
    if separator_line:
        rows = _rows(text[separator_line.end() :], separator_line[1], first_line=2)
    else:
        rows = _rows(text, _separator(text), first_line=1)
    header = next(rows, None)
    if header is None:
        return None
    line, names = header
    keys = [Text(line, line, name.strip()) for name in names]
    columns = [(key, (key.value.removeprefix(LABEL_COLUMN),), key.value.startswith(LABEL_COLUMN)) for key in keys]
    items: list[Node] = [_mapping(columns, row, line) for line, row in rows]
    return keys, Pairs(line, line, pairs=[(Text(line, line, "topics"), Items(line, line, items, items))])


def _separator(text: str) -> str:
    header = _QUOTED.sub("", text.lstrip("\r\n").partition("\n")[0])
    return max(_SEPARATORS, key=header.count)


def _mapping(columns: Sequence[tuple[Text, Word, bool]], row: list[str], line: int) -> Pairs:
    if len(row) > len(columns):
        raise DocumentError(
            line, f"{len(row)} cells, but {len(columns)} in the header; put a cell with a separator in quotes"
        )
    words: list[Word] = []
    places: list[int] = []
    labels: list[Word] = []
    for (key, word, is_label), cell in zip(columns, row, strict=False):
        value = cell.strip()
        if not value:
            continue
        if is_label:
            labels += [word, (value,)]
        else:
            words += [word, (value,)]
            places += [key.start, key.end, line, line]
    if not labels:
        return Pairs(line, line, words=tuple(words), places=(places, ()))
    node = Pairs(line, line, words=tuple(labels), places=([line, line] * len(labels), ()))
    return Pairs(line, line, words=(*words, ("labels",), tuple(labels)), places=([*places, line, line], [node]))


def _rows(text: str, separator: str, *, first_line: int) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = first_line
    try:
        for row in reader:
            if any(map(str.strip, row)):
                yield line, row
            line = first_line + reader.line_num
    except csv.Error as error:
        raise DocumentError(line, f"not valid CSV: {error}") from None
