"""Data classes of a catalogue: topics, users, schemas and what describes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import attrs

from asyncdbaas._core.text import printable
from asyncdbaas._documented import Documented
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.schemas import CompatibilityLevel, SchemaCreate
from asyncdbaas.topics import TopicCreate
from asyncdbaas.users import KafkaACL

__all__ = [
    "NO_METADATA",
    "Catalogue",
    "CatalogueError",
    "CatalogueRegistry",
    "CatalogueSchema",
    "CatalogueTopic",
    "CatalogueUser",
    "Entry",
    "Metadata",
    "Problem",
    "UneditableError",
]


@attrs.frozen(kw_only=True)
class Problem(Documented):
    """One thing that is wrong with a catalogue or a plan."""

    file: str
    line: int = 0
    """Counted from 1; 0 if the problem concerns the whole file."""
    name: str = ""
    """Name of the topic, user or subject."""
    key: str = ""
    """The key as the file spells it."""
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return printable(": ".join(part for part in (place, self.name, self.key, self.message) if part))


class CatalogueError(InvalidInputError):
    """A catalogue is invalid.

    `problems` lists everything that is wrong with it, in the order of the file.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = list(problems)


class UneditableError(InvalidInputError):
    """The text of a catalogue cannot be changed without changing more."""


@attrs.frozen(kw_only=True)
class Metadata(Documented):
    """Notes for people. The service never sees them."""

    description: str = ""
    owner: str = ""
    labels: Mapping[str, str] = attrs.field(factory=dict[str, str])
    extensions: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    """Values of the keys that begin with `x-`, as plain data."""


NO_METADATA: Final = Metadata()


@attrs.frozen(kw_only=True)
class _Entry(Documented):
    """What entries of all kinds have."""

    cluster: str | None = None
    """Name or id of its cluster. If it is None, the caller chooses the cluster."""
    metadata: Metadata = NO_METADATA
    file: str = ""
    line: int = 0
    """Line of the entry, for messages."""


@attrs.frozen(kw_only=True)
class CatalogueTopic(_Entry):
    """A declared topic."""

    topic: TopicCreate

    @property
    def name(self) -> str:
        """Name of the topic."""
        return self.topic.name


@attrs.frozen(kw_only=True)
class CatalogueUser(_Entry):
    """A declared user of a cluster."""

    name: str
    acl: tuple[KafkaACL, ...] | None = None
    """The whole set of the user's rights, without the service's ids. If it is None, the rights are not managed."""


@attrs.frozen(kw_only=True)
class CatalogueSchema(_Entry):
    """A declared subject of a schema registry."""

    subject: str
    schema: SchemaCreate | None = None
    """The newest version. If it is None, only the compatibility level is managed."""
    compatibility: CompatibilityLevel | None = None
    """Compatibility level of the subject. If it is None, the level is not managed."""

    @property
    def name(self) -> str:
        """The subject."""
        return self.subject


@attrs.frozen(kw_only=True)
class CatalogueRegistry(_Entry):
    """Declared settings of a cluster's schema registry."""

    compatibility: CompatibilityLevel
    """Compatibility level of the subjects that have no level of their own."""

    @property
    def name(self) -> str:
        """Name of its only setting."""
        return "compatibility"


Entry: TypeAlias = CatalogueTopic | CatalogueUser | CatalogueSchema | CatalogueRegistry
"""An entry of a catalogue. A cluster has each name of a kind once."""


@attrs.frozen(kw_only=True)
class Catalogue(Documented):
    """Declared topics, users and schemas, in the order of the files."""

    topics: tuple[CatalogueTopic, ...] = ()
    users: tuple[CatalogueUser, ...] = ()
    schemas: tuple[CatalogueSchema, ...] = ()
    registries: tuple[CatalogueRegistry, ...] = ()
    metadata: Metadata = NO_METADATA
    """What the top of the file says. A catalogue of several files or documents has none."""
    cluster_lines: Mapping[tuple[str, str], int] = attrs.field(factory=dict[tuple[str, str], int], eq=False, repr=False)
    """The line on which a file first names a cluster, by file and cluster, for messages."""

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries."""
        return *self.topics, *self.users, *self.schemas, *self.registries
