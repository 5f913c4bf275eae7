"""Remember clusters and the settings of topics, so that the next plan reads only some of them.

A memory is a file of plain data without secrets. It is written atomically; a damaged file is renamed and rebuilt.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, cast

import attrs

from asyncdbaas._checks import check_file
from asyncdbaas._core.codec import encode
from asyncdbaas._core.decoding import MismatchError, reader
from asyncdbaas._topic_settings import PARTITIONING
from asyncdbaas.catalogue.files import FileError, read_file
from asyncdbaas.catalogue.kafka import settings_of
from asyncdbaas.clusters import Cluster, ClusterStatus, Engine
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.plan.events import Outcome, Result
from asyncdbaas.plan.files import OutputFile
from asyncdbaas.plan.kinds import TOPICS
from asyncdbaas.plan.model import Action, Change, Plan
from asyncdbaas.topics import TopicConfig

__all__ = ["Memory", "Remembered", "RememberedCluster", "load_memory"]

_FORMAT: Final = "asyncdbaas-memory/1"
_LARGEST_FILE: Final = 200 * 2**20
_OTHERS: Final = (".yaml", ".yml", ".csv")
_TOPIC: Final = TOPICS.name
_WRITTEN: Final = (Result.CREATED, Result.UPDATED)
_DAY: Final = 86_400.0
_log: Final = logging.getLogger("asyncdbaas")


@attrs.frozen(kw_only=True)
class Remembered:
    """The settings of one topic."""

    read: float
    """When they were read or written, in seconds since 1970."""
    config: TopicConfig
    is_whole: bool
    """False if only the settings that a catalogue declared are known, as after a create."""


@attrs.frozen(kw_only=True)
class RememberedCluster:
    """A Kafka cluster that a list showed."""

    read: float
    """When it was listed, in seconds since 1970."""
    name: str
    num_nodes: int | None


@attrs.frozen(kw_only=True)
class _File:
    format: str
    clusters: dict[str, dict[str, Remembered]]
    """The topics of each cluster, by its id."""
    listed: dict[str, RememberedCluster] = attrs.field(factory=dict[str, RememberedCluster])
    """The clusters, by their id."""


class Memory:
    """Clusters, the settings of their topics, and how much a plan may rely on them.

    Args:
        topics: Settings, by the cluster's id, by the topic's name.
        listed: Clusters by their id.
        path: The file to keep it in.
        max_age: Seconds after which settings are read again.
        max_reads: Number of topics that one plan reads at most; the stalest come first.
        clock: Returns the time in seconds since 1970.
    """

    def __init__(
        self,
        topics: dict[str, dict[str, Remembered]] | None = None,
        *,
        listed: dict[str, RememberedCluster] | None = None,
        path: Path | None = None,
        max_age: float = _DAY,
        max_reads: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._topics = {} if topics is None else topics
        self._listed = {} if listed is None else listed
        self._path = path
        self._max_age = max_age
        self._max_reads = max_reads
        self._clock = clock

    def clusters(self) -> list[Cluster]:
        """Return the clusters that were listed lately, as far as a plan needs to know them."""
        return [
            Cluster(
                id=cluster_id,
                name=known.name,
                engine=Engine.KAFKA,
                status=ClusterStatus.ONLINE,
                num_nodes=known.num_nodes,
            )
            for cluster_id, known in self._listed.items()
            if self.age(known) < self._max_age
        ]

    def store_clusters(self, clusters: Iterable[Cluster]) -> None:
        """Remember the Kafka clusters of a list, and forget all others."""
        self._listed = {
            cluster.id: RememberedCluster(read=self._clock(), name=cluster.name, num_nodes=cluster.num_nodes)
            for cluster in clusters
            if cluster.engine is Engine.KAFKA and cluster.status is ClusterStatus.ONLINE
        }

    def recall(self, cluster_id: str, name: str, declared: TopicConfig) -> Remembered | None:
        """Return what is remembered of a topic; None if some of the declared settings are not."""
        found = self._topics.get(cluster_id, {}).get(name)
        if found is None or (not found.is_whole and settings_of(declared).keys() - settings_of(found.config).keys()):
            return None
        return found

    def age(self, remembered: Remembered | RememberedCluster) -> float:
        """Return how old something is, in seconds. A clock that was set back makes nothing younger than now."""
        return max(0.0, self._clock() - remembered.read)

    def due(self, topics: Iterable[tuple[str, str, Remembered | None]]) -> list[tuple[str, str]]:
        """Return the topics to read now: unknown ones first, then those that are too old, the stalest first."""
        aged = [
            (float("inf") if known is None else self.age(known), cluster_id, name) for cluster_id, name, known in topics
        ]
        stale = sorted((each for each in aged if each[0] >= self._max_age), key=lambda each: -each[0])
        return [(cluster_id, name) for _, cluster_id, name in stale[: self._max_reads]]

    def store(self, cluster_id: str, name: str, config: TopicConfig, *, is_whole: bool) -> None:
        """Remember settings as of now.

        Args:
            cluster_id: Id of the cluster.
            name: Name of the topic.
            config: Its settings.
            is_whole: Whether `config` holds all settings, or only those that were written.
        """
        known = Remembered(read=self._clock(), config=config, is_whole=is_whole)
        self._topics.setdefault(cluster_id, {})[name] = known

    def keep_only(self, cluster_id: str, names: Iterable[str]) -> None:
        """Forget all topics of a cluster but these."""
        if cluster_id in self._topics:
            kept = set(names)
            self._topics[cluster_id] = {name: each for name, each in self._topics[cluster_id].items() if name in kept}

    def begin_writes(self, plan: Plan) -> dict[tuple[str, str], Remembered]:
        """Forget what is about to be written, and return it. A killed program must not leave old settings behind."""
        before: dict[tuple[str, str], Remembered] = {}
        for change in plan.writes:
            if change.kind == _TOPIC and change.name in (topics := self._topics.get(change.cluster.id, {})):
                before[change.cluster.id, change.name] = topics.pop(change.name)
        if before:
            self.save()
        return before

    def end_writes(self, outcomes: Iterable[Outcome], before: Mapping[tuple[str, str], Remembered]) -> None:
        """Remember what was written; what was known of other settings stays, and is as old as before."""
        for outcome in outcomes:
            change = outcome.change
            place = change.cluster.id, change.name
            if change.kind != _TOPIC or not change.action.is_write:
                continue
            known = before.get(place)
            if outcome.result is Result.NOT_SENT and known is not None:
                self._topics.setdefault(place[0], {})[place[1]] = known
            elif outcome.result in _WRITTEN and change.wanted is not None:
                self._merge(place, known if outcome.result is Result.UPDATED else None, change)
        self.save_if_possible()

    def _merge(self, place: tuple[str, str], known: Remembered | None, change: Change) -> None:
        written = settings_of(change.wanted.topic.config)
        if known is None and change.action is Action.CREATE and written:
            self.store(*place, TopicConfig(**written), is_whole=False)
        elif known is not None:
            sent = written if change.changed.keys() - PARTITIONING.keys() else {}
            merged = attrs.evolve(known, config=TopicConfig(**(settings_of(known.config) | sent)))
            self._topics.setdefault(place[0], {})[place[1]] = merged

    def save_if_possible(self) -> None:
        """Write the file, or log a warning: a failure must not end a command whose work is done."""
        try:
            self.save()
        except OSError as error:
            _log.warning("%s was not written, so its settings will be read again: %s", self._path, error.strerror)

    def save(self) -> None:
        """Write the file, whole or not at all. Raise OSError if it cannot be written."""
        if self._path is not None:
            with OutputFile(self._path, overwrite=True) as file:
                file.write(encode(_File(format=_FORMAT, clusters=self._topics, listed=self._listed)))


def load_memory(path: str | os.PathLike[str], **options: Any) -> tuple[Memory, str]:
    """Return the memory in a file, and a warning if it was damaged.

    A file that does not exist is an empty memory. A damaged one is renamed, so that nothing is lost. Raise
    InvalidInputError if the file is something else, such as a catalogue or a plan.
    """
    path = Path(check_file(path, "path"))
    try:
        content = read_file(str(path), limit=_LARGEST_FILE) if path.exists() else b""
    except OSError as error:
        raise InvalidInputError(f"{path}: {error.strerror}") from None
    except FileError as error:
        raise InvalidInputError(f"{path}: {error}") from None
    if not content:
        return Memory(path=path, **options), ""
    other = _another_format(path, content)
    if other is not None:
        is_memory = other.startswith(_FORMAT.rstrip("0123456789"))
        what = "is a memory of another version of asyncdbaas" if is_memory else "is not a memory of settings"
        raise InvalidInputError(f"{path} {what}; name another file")
    try:
        found = reader(_File)(content)
    except (MismatchError, InvalidInputError):
        aside = path.with_name(f"{path.name}.damaged")
        path.replace(aside)
        warning = f"{path} is damaged; it was renamed to {aside.name}, and all settings are read again"
        return Memory(path=path, **options), warning
    return Memory(found.clusters, listed=found.listed, path=path, **options), ""


def _another_format(path: Path, content: bytes) -> str | None:
    """Return the format of a file that is whole and something else, so that it must not be replaced."""
    if path.suffix.lower() in _OTHERS:
        return ""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    found = cast("dict[str, Any]", document).get("format") if isinstance(document, dict) else None
    return None if found == _FORMAT else str(found)
