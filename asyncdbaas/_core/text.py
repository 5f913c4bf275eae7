"""Text that is safe to show to people."""

from __future__ import annotations


def printable(text: str) -> str:
    """Escape all characters that a terminal could interpret, such as those of escape sequences."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    return character if character.isprintable() else repr(character)[1:-1]
