"""Text that is safe to show to people."""

from __future__ import annotations

__all__ = ["kind_of", "printable"]


def printable(text: str) -> str:
    """Escape all characters that a terminal could interpret, such as those of escape sequences."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    return character if character.isprintable() else repr(character)[1:-1]


def kind_of(value: object) -> str:
    """Name the type of a value, which itself may hold a secret."""
    return "None" if value is None else type(value).__name__
