"""The interface of a kind of object: what the engine asks to fetch, compare, judge and send it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Generic, TypeVar

import attrs

from asyncdbaas.catalogue import Catalogue
from asyncdbaas.plan.model import Action, ClusterRef, Target
from asyncdbaas.session import AsyncSession

__all__ = ["Answer", "Assessment", "Kind", "Write", "read_confirmed"]

Entry = TypeVar("Entry")
Live = TypeVar("Live")
Answer = Any
"""What the service returned for a write; None if it returns nothing."""


@attrs.frozen(kw_only=True)
class Assessment:
    """Judgement on an update."""

    refusal: str = ""
    """Why it cannot be made."""
    losses: tuple[str, ...] = ()
    """Rights that it takes away."""
    is_half_created: bool = False
    """Whether only the second request of a create is missing, and the update sends it."""


@attrs.frozen(kw_only=True)
class Write:
    """A request, or some, for one object."""

    action: Action
    name: str
    entry: Any = None
    """The declared object; None for a delete."""
    live: Any = None
    """The object as it was last read."""
    changed: Mapping[str, tuple[Any, Any]] = attrs.field(factory=dict[str, tuple[Any, Any]])
    """The keys that an update sets, with their live and declared values."""


class Kind(ABC, Generic[Entry, Live]):
    """One kind of object. The engine decides order and permission, and reports; this class knows the object.

    A new kind is a subclass in a module of its own, named in `KINDS`, and a field of `Catalogue` and `Target`.
    """

    name: ClassVar[str]
    """Name in plans and reports, such as `topic`."""
    field: ClassVar[str]
    """Field of `Catalogue` and `Target` that holds the entries."""
    is_reread: ClassVar[bool] = False
    """Whether an update reads the object first, so that it undoes nothing that changed since the plan."""
    has_details: ClassVar[bool] = False
    """Whether an export must read each object, as lists show it in part."""
    one_at_a_time: ClassVar[bool] = False
    """Whether the service takes only one write of this kind per cluster at a time."""

    def entries(self, source: Catalogue | Target) -> tuple[Entry, ...]:
        """Return the declared objects of this kind."""
        found: tuple[Entry, ...] = getattr(source, self.field)
        return found

    @abstractmethod
    def values(self, entry: Entry) -> dict[str, Any]:
        """Return what an entry declares, in the spelling of catalogues."""

    def problems(self, entry: Entry, cluster: ClusterRef) -> Iterable[tuple[str, str]]:
        """Yield key and message of everything that does not fit the cluster."""
        del entry, cluster
        return ()

    @abstractmethod
    async def fetch(self, session: AsyncSession, cluster_id: str) -> dict[str, Live]:
        """List the live objects of a cluster, by name."""

    def is_incomplete(self, entry: Entry, live: Live) -> bool:
        """Return whether a listed object lacks something that the entry declares, so that it must be read."""
        del entry, live
        return False

    async def read(self, session: AsyncSession, cluster_id: str, live: Live, entry: Entry | None) -> Live | None:
        """Read what the list lacks; None if the object is not visible, as happens to new ones."""
        del session, cluster_id, entry
        return live

    def is_deleting(self, live: Live) -> bool:
        """Return whether the object is being deleted."""
        del live
        return False

    def is_protected(self, name: str, live: Live) -> bool:
        """Return whether the object belongs to the service, and is never deleted."""
        del name, live
        return False

    @abstractmethod
    def differences(self, entry: Entry, live: Live) -> dict[str, tuple[Any, Any]]:
        """Return the live and the declared value of each declared key that differs. Unknown counts as different."""

    def assess(self, changed: Mapping[str, tuple[Any, Any]]) -> Assessment:
        """Return whether an update of these keys can be made, and what it takes away."""
        del changed
        return Assessment()

    def collision_key(self, name: str) -> str:
        """Return a key that is the same for names that cannot exist together."""
        return name

    @abstractmethod
    def entry_of(self, live: Live, cluster: str) -> Entry:
        """Return the entry that declares the live object."""

    def requests(self, action: Action, changed: Mapping[str, tuple[Any, Any]], entry: Entry | None) -> int:
        """Return the number of requests that a change takes if nothing fails, with the read before an update."""
        del changed, entry
        return 1 + (self.is_reread and action is Action.UPDATE)

    @abstractmethod
    async def send(self, session: AsyncSession, cluster_id: str, write: Write) -> Answer:
        """Create, change or delete the object."""

    async def check_effect(self, session: AsyncSession, cluster_id: str, write: Write) -> str:
        """Return why a write that the service accepted had no effect; empty if it had."""
        del session, cluster_id, write
        return ""


async def read_confirmed(
    kind: Kind[Entry, Live], session: AsyncSession, cluster_id: str, live: Live, entry: Entry | None
) -> Live | None:
    """Read what the list lacks; None if two reads do not show the object: one 404 of what exists has been seen."""
    found = await kind.read(session, cluster_id, live, entry)
    return await kind.read(session, cluster_id, live, entry) if found is None else found
