"""Edit a text in place."""

from __future__ import annotations

from asyncdbaas.catalogue.nodes import Items, Pairs, RawNode

__all__ = ["TextEditor"]


class TextEditor:
    """Collect the changes of a text, and apply them together."""

    def __init__(self, text: str) -> None:
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self.source = text
        """The text without the changes."""
        self._edits: list[tuple[int, int, str]] = []

    def replace(self, start: int, end: int, instead: str) -> None:
        """Replace a part of the text."""
        self._edits.append((start, end, instead))

    def replace_value(self, node: RawNode, instead: str) -> None:
        """Replace a value, which may be an empty one right behind the colon of its key."""
        blank = "" if node.end > node.start or self.source[: node.start].endswith(" ") else " "
        self.replace(node.start, self.end_of(node), blank + instead)

    def insert(self, at: int, added: str) -> None:
        """Add a part."""
        self._edits.append((at, at, added))

    def insert_lines(self, at: int, lines: list[str]) -> None:
        """Add whole lines, at the beginning of a line or the end of the text."""
        before = "" if at == 0 or self.source[at - 1] == "\n" else self.newline
        self.insert(at, before + "".join(line + self.newline for line in lines))

    def text(self) -> str:
        """Return the text with all changes."""
        parts: list[str] = []
        at = 0
        for start, end, instead in sorted(self._edits, key=lambda edit: edit[:2]):
            parts += [self.source[at:start], instead]
            at = max(at, end)
        return "".join([*parts, self.source[at:]])

    def end_of(self, node: RawNode) -> int:
        """Return where a value ends; the parser lets a block go on to where the next one begins."""
        if isinstance(node, Pairs) and not node.flow:
            return self.end_of(node.raw[-1][1])
        if isinstance(node, Items) and not node.flow:
            return self.end_of(node.raw[-1])
        return node.start + len(self.source[node.start : node.end].rstrip())  # a literal block ends with its line

    def column(self, at: int) -> int:
        """Return how many characters stand before a place in its line."""
        return at - self.line_start(at)

    def line_start(self, at: int) -> int:
        """Return where the line of a place begins."""
        return self.source.rfind("\n", 0, at) + 1

    def line_end(self, at: int) -> int:
        """Return where the line of a place ends, before its line break."""
        end = self.source.find("\n", at)
        end = len(self.source) if end < 0 else end
        return end - 1 if self.source[at:end].endswith("\r") else end

    def next_line(self, at: int) -> int:
        """Return where the next line begins."""
        return self.source.find("\n", at) + 1 or len(self.source)

    def dash_line(self, at: int, column: int) -> int:
        """Return where the line begins that has the dash of an item at `at`, `column` characters in."""
        start = self.line_start(at)
        while self.source[start : start + column + 1].lstrip(" ") != "-":
            start = self.line_start(start - 1)
        return start

    def has_blank_line(self, start: int, end: int) -> bool:
        """Return whether an empty line lies between two places."""
        return any(not line.strip() for line in self.source[start:end].splitlines()[1:])
