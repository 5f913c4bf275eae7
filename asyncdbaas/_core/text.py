"""Text that is safe to show to people."""

from __future__ import annotations

from typing import Final

# An error quotes the beginning of what came from outside: a page, or the words of a parser, can be long.
LONGEST_TEXT: Final = 300


def printable(text: str) -> str:
    """Escape all characters that a terminal could interpret, such as those of escape sequences."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    return character if character.isprintable() else repr(character)[1:-1]
