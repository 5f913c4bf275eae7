"""What a catalogue is, and what can be wrong with one."""

from __future__ import annotations

import attrs

from asyncdbaas.errors import InvalidInputError
from asyncdbaas.topics import TopicCreate

__all__ = ["Catalogue", "CatalogueError", "CatalogueTopic", "Problem"]


@attrs.frozen(kw_only=True)
class Problem:
    """One thing wrong with a catalogue."""

    file: str
    line: int
    """Counted from 1; 0 where it is the whole file."""
    topic: str = ""
    key: str = ""
    """As it is spelled in the file."""
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (place, self.topic, self.key, self.message) if part)


class CatalogueError(InvalidInputError):
    """A catalogue is refused; `problems` holds everything that is wrong with it, in the order of the file."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@attrs.frozen(kw_only=True)
class CatalogueTopic:
    """A topic that there should be."""

    topic: TopicCreate
    cluster: str | None = None
    """Name or id of its cluster; None leaves that to the caller."""
    file: str = ""
    line: int = 0
    """Where it stands; for messages."""


@attrs.frozen(kw_only=True)
class Catalogue:
    """The topics that there should be, in the order of the file."""

    topics: tuple[CatalogueTopic, ...]
