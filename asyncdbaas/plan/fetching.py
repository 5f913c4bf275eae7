"""Fetch the live state: one list request per cluster and kind, plus one read per object that a list shows in part."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import attrs

from asyncdbaas import bulk
from asyncdbaas._checks import check_instance
from asyncdbaas._core.observers import guarded
from asyncdbaas.catalogue import Catalogue, CatalogueTopic
from asyncdbaas.clusters import Cluster, list_clusters
from asyncdbaas.errors import InvalidInputError, NotFoundError, PermissionDeniedError, UnprocessableError
from asyncdbaas.plan.comparing import compare
from asyncdbaas.plan.events import PlanEvent, forecast_requests
from asyncdbaas.plan.kinds import KINDS, TOPICS, Kind
from asyncdbaas.plan.kinds.base import read_confirmed
from asyncdbaas.plan.memory import Memory, Remembered
from asyncdbaas.plan.model import LiveState, Plan, Prune, Source, Target
from asyncdbaas.plan.names import ALL_NAMES, Names
from asyncdbaas.plan.resolving import check_names, resolve
from asyncdbaas.session import AsyncSession
from asyncdbaas.topics import Topic
from asyncdbaas.types import UNSET

__all__ = ["Reading", "fetch", "make_plan"]

OnEvent = Callable[[PlanEvent], object]
# A remembered cluster was deleted, or the catalogue does not fit what is remembered.
_STALE: Final = (NotFoundError, UnprocessableError, PermissionDeniedError, InvalidInputError)
# The cluster's id, the kind, and the entry of an object.
_Item = tuple[str, Kind[Any, Any], Any]


@attrs.frozen(kw_only=True)
class Reading:
    """Extent of what a plan reads of the live state. Lists are always fetched; each topic's settings take a request."""

    names: Names = ALL_NAMES
    """Only objects with these names are planned."""
    settings: bool = True
    """Read the settings of topics. If it is False, only existence, partitions and replication are compared."""
    since: Catalogue | None = None
    """An earlier catalogue: the settings of topics whose entry is the same in it are not read."""
    memory: Memory | None = None
    """Clusters and settings that were read before."""
    unread: frozenset[tuple[str, str]] = frozenset()
    """Topics, by their cluster's id and their name, whose settings are not read."""


async def make_plan(
    session: AsyncSession,
    catalogue: Catalogue,
    *,
    clusters: Sequence[str] = (),
    prune: Prune | None = None,
    reading: Reading | None = None,
    on_event: OnEvent | None = None,
) -> Plan:
    """Find the catalogue's clusters, fetch their live state, and return the plan that brings them in sync.

    It sends one request for the clusters, one for each cluster and kind of object, and one for each existing topic for
    which the catalogue declares settings. A memory saves the first, and most of the last. CatalogueError lists
    everything that does not fit the clusters.

    Args:
        session: An open session.
        catalogue: What should be.
        clusters: Names or ids. Entries that name no cluster go to all of them; of those that name one, only those of
            these clusters are taken.
        prune: What may be deleted; without it nothing is.
        reading: What to read; by default everything that must be compared.
        on_event: Called with a `Forecast` of the reads, once their number is known.
    """
    guarded(on_event)  # reject anything but a function before a request is sent
    reading = Reading() if reading is None else check_instance(reading, Reading, "reading", "Reading(settings=False)")
    check_instance(catalogue, Catalogue, "catalogue", "read_catalogue('topics.yaml')")
    check_names(clusters)
    if prune is not None:
        check_instance(prune, Prune, "prune", "Prune(prefix='staging.')")
        prune = attrs.evolve(prune, names=reading.names)

    async def plan_for(live: Iterable[Cluster]) -> Plan:
        targets = resolve(catalogue, live, chosen=clusters, names=reading.names)
        found = await fetch(session, targets, prune=prune, reading=reading, on_event=on_event)
        return attrs.evolve(compare(targets, found, prune=prune), metadata=catalogue.metadata)

    return await _with_clusters(session, reading.memory, plan_for)


async def _with_clusters(
    session: AsyncSession, memory: Memory | None, plan_for: Callable[[Iterable[Cluster]], Awaitable[Plan]]
) -> Plan:
    """Make a plan for the remembered clusters; if that fails, for those of a new list."""
    if memory is not None and (known := memory.clusters()):
        with suppress(*_STALE):
            return await plan_for(known)
    listed = await list_clusters(session)
    if memory is not None:
        memory.store_clusters(listed)
    return await plan_for(listed)


async def fetch(
    session: AsyncSession,
    targets: Iterable[Target],
    *,
    prune: Prune | None = None,
    reading: Reading | None = None,
    on_event: OnEvent | None = None,
) -> LiveState:
    """Return the live objects of the targets' clusters, of all kinds that the targets declare or `prune` deletes.

    Args:
        session: An open session.
        targets: Clusters, and what they should have.
        prune: What may be deleted.
        reading: Which settings to read.
        on_event: Called with the progress of the reading.
    """
    reading = Reading() if reading is None else reading
    emit = guarded(on_event)
    targets = list(targets)
    pruned = () if prune is None else prune.kinds
    places = [(target, kind) for target in targets for kind in KINDS if kind.entries(target) or kind.name in pruned]
    lists = await bulk.map_all(lambda place: place[1].fetch(session, place[0].cluster.id), places)
    live: dict[tuple[str, str], dict[str, Any]] = {
        (target.cluster.id, kind.name): found for (target, kind), found in zip(places, lists, strict=True)
    }
    fetcher = _Fetcher(session, reading, live)
    await fetcher.read(places, emit)
    return LiveState(objects=live, sources=fetcher.sources, oldest=fetcher.oldest)


class _Fetcher:
    """Complete what the lists show."""

    def __init__(self, session: AsyncSession, reading: Reading, live: Mapping[tuple[str, str], dict[str, Any]]) -> None:
        self.sources: dict[tuple[str, str], Source] = {}
        self.oldest: float | None = None
        self._session = session
        self._reading = reading
        self._live = live
        self._memory = reading.memory or Memory()
        earlier = () if reading.since is None else reading.since.topics
        self._same = {(entry.cluster, entry.name): entry.topic for entry in earlier}

    async def read(self, places: Iterable[tuple[Target, Kind[Any, Any]]], emit: Callable[[PlanEvent], None]) -> None:
        """Read what the entries declare and the lists lack, within the limits of `Reading`."""
        unread = [
            (target.cluster.id, kind, entry)
            for target, kind in places
            for entry in kind.entries(target)
            if (found := self._live[target.cluster.id, kind.name].get(entry.name)) is not None
            and kind.is_incomplete(entry, found)
            and not (kind is TOPICS and self._is_skipped(target.cluster.id, entry, found))
        ]
        unread = self._remember(unread)
        emit(forecast_requests(self._session, len(unread)))
        try:
            await bulk.map_all(self._read_one, unread)
        finally:
            self._memory.save_if_possible()

    async def _read_one(self, item: _Item) -> None:
        cluster_id, kind, entry = item
        objects, name = self._live[cluster_id, kind.name], entry.name
        found = await read_confirmed(kind, self._session, cluster_id, objects[name], entry)
        if found is None:
            return
        objects[name] = found
        if kind is TOPICS and found.config is not None:
            self._memory.store(cluster_id, name, found.config, is_whole=True)

    def _is_skipped(self, cluster_id: str, entry: CatalogueTopic, listed: Topic) -> bool:
        """Return whether the settings of a topic are not read; without them its partitions must be known."""
        name = entry.name
        skipped = (listed.partition_count is not None or entry.topic.partition_count is UNSET) and (
            not self._reading.settings
            or (cluster_id, name) in self._reading.unread
            or (entry.topic.config is not UNSET and self._same.get((entry.cluster, name)) == entry.topic)
        )
        if skipped:
            self.sources[cluster_id, name] = Source.UNREAD
        return skipped

    def _remember(self, unread: list[_Item]) -> list[_Item]:
        """Complete topics from the memory, and return what is to be read: what it lacks, and the stalest."""
        known: dict[tuple[str, str], Remembered | None] = {}
        for cluster_id, kind, entry in unread:
            if kind is TOPICS and entry.topic.config is not UNSET:
                known[cluster_id, entry.name] = self._memory.recall(cluster_id, entry.name, entry.topic.config)
        for (cluster_id, kind_name), objects in self._live.items():
            if kind_name == TOPICS.name:
                self._memory.keep_only(cluster_id, objects)
        remembered = known.keys() - set(self._memory.due((*place, found) for place, found in known.items()))
        for place in remembered:
            self._take(*place, known[place])
        return [each for each in unread if each[1] is not TOPICS or (each[0], each[2].name) not in remembered]

    def _take(self, cluster_id: str, name: str, found: Remembered | None) -> None:
        if found is None:  # beyond the number of reads, and never read
            self.sources[cluster_id, name] = Source.UNREAD
            return
        topics = self._live[cluster_id, TOPICS.name]
        topics[name] = attrs.evolve(topics[name], config=found.config)
        self.sources[cluster_id, name] = Source.REMEMBERED
        self.oldest = max(self.oldest or 0.0, self._memory.age(found))
