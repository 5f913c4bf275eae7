"""Wait until something is ready, or gone.

    waiters = Waiters(session)
    await asyncio.gather(*(waiters.cluster_online(cluster.id) for cluster in created))

All that wait for the same list, such as the clusters or one cluster's topics, share one request a round, however many
they are. These requests count in the rate limit like any other; `on_event` tells about each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Generic, TypeAlias, TypeVar

import attrs

from asyncdbaas._core.observers import guarded
from asyncdbaas.clusters import Cluster, ClusterStatus, Engine, list_clusters
from asyncdbaas.errors import (
    AcceptedError,
    DBaaSError,
    DecodeError,
    InvalidInputError,
    NotFoundError,
    PreconditionError,
    RateLimitError,
    RequestError,
    ServerError,
    TransportError,
    WaitTimeoutError,
)
from asyncdbaas.migrations import Migration, MigrationStatus, get_migration
from asyncdbaas.replicas import Replica, list_replicas
from asyncdbaas.session import AsyncSession
from asyncdbaas.topics import Topic, TopicState, list_topics
from asyncdbaas.types import Id, OpenEnum

__all__ = ["Event", "Round", "StateSeen", "WaitFailedError", "Waiters"]

T = TypeVar("T")

# They may pass: the next round asks again, until the waiter's own time is up.
_PASSING: Final = (TransportError, ServerError, RateLimitError, PreconditionError, DecodeError, AcceptedError)
_MINUTE: Final = 60.0


class WaitFailedError(DBaaSError):
    """What was waited for will not come: it vanished, never showed, or failed; `last` is the last thing seen of it."""

    def __init__(self, message: str, *, last: object = None) -> None:
        super().__init__(message)
        self.last = last


@attrs.frozen(kw_only=True)
class Round:
    """One request was made for all that wait for the same list."""

    what: str
    """The list, such as `clusters`."""
    number: int
    """1 for the first; so many requests have been spent on it."""
    waiting: int
    """How many wait for something in it."""
    error: RequestError | None
    """Why it came to nothing; the next round asks again."""


@attrs.frozen(kw_only=True)
class StateSeen:
    """Something that is waited for shows another state than before."""

    what: str
    """Such as `topic orders`."""
    state: str
    """`absent` if it does not show."""
    is_known: bool
    """False for a state that this library does not list: it is waited out like any other."""
    seconds: float
    """Since the wait began."""


Event: TypeAlias = Round | StateSeen


class Waiters:
    """Wait for any number of things over one session; those that share a list share its requests.

    interval: seconds between two requests for a list.
    timeout: seconds after which a wait gives up with WaitTimeoutError.
    on_event: called with each round, and with each change of state.

    A wait bears failures that may pass, until its time is up, and that what it waits for does not show at first: a
    minute or two, for replicas ten. If it vanishes later, or fails, that is a WaitFailedError. Cancelling a wait leaves
    the others alone. What `on_event` raises is logged and goes no further.
    """

    def __init__(
        self,
        session: AsyncSession,
        *,
        interval: float = 10.0,
        timeout: float = 1800.0,
        on_event: Callable[[Event], object] | None = None,
    ) -> None:
        if interval <= 0 or timeout <= 0:
            raise InvalidInputError(f"interval and timeout must be above 0 seconds, not {interval} and {timeout}")
        self._session = session
        self._interval = interval
        self._timeout = timeout
        self._tell = guarded(on_event)
        self._polls: dict[str, _Poll[Any]] = {}

    async def cluster_online(
        self,
        cluster_id: Id,
        *,
        size: str | None = None,
        num_nodes: int | None = None,
        storage_size_mib: int | None = None,
        region: str | None = None,
        version: str | None = None,
    ) -> Cluster:
        """Wait until a cluster is online and has all that is given here, and return it.

        After a resize, migration or upgrade give what was asked for: for some seconds the cluster still reads online
        with its old values. Storage is not compared on Redis and Valkey, which have none of their own.
        """
        wanted = {"size": size, "num_nodes": num_nodes, "region": region, "version": version}

        def is_done(cluster: Cluster) -> bool:
            storage = None if cluster.engine in (Engine.REDIS, Engine.VALKEY) else storage_size_mib
            complete = _has(cluster, {**wanted, "storage_size_mib": storage})
            return complete and cluster.status is ClusterStatus.ONLINE

        wait = _Wait(f"cluster {cluster_id}", is_done, lambda cluster: cluster.status)
        return await self._clusters().until(str(cluster_id), wait)

    async def cluster_deleted(self, cluster_id: Id) -> None:
        """Wait until a deleted cluster no longer shows; then its name is free again."""
        wait: _Wait[Cluster] = _Wait(
            f"cluster {cluster_id}", _never, lambda cluster: cluster.status, absent_is_done=True
        )
        await self._clusters().until(str(cluster_id), wait)

    async def replica_ready(self, cluster_id: Id, name: str) -> Replica:
        """Wait until a replica serves, and return it; it can take ten minutes to show at all."""

        async def fetch() -> dict[str, Replica]:
            return {replica.name: replica for replica in await list_replicas(self._session, cluster_id)}

        wait: _Wait[Replica] = _Wait(
            f"replica {name}",
            lambda replica: replica.status in (ClusterStatus.ONLINE, ClusterStatus.ACTIVE),
            lambda replica: replica.status,
            appears_within=10 * _MINUTE,
        )
        return await self._poll(f"replicas of cluster {cluster_id}", fetch).until(name, wait)

    async def topic_active(self, cluster_id: Id, name: str, *, partition_count: int | None = None) -> Topic:
        """Wait until a topic is active and has its partitions, if their number is given, and return it.

        New partitions of a topic show some time after they were asked for.
        """

        async def fetch() -> dict[str, Topic]:
            return {topic.name: topic for topic in await list_topics(self._session, cluster_id)}

        wait: _Wait[Topic] = _Wait(
            f"topic {name}",
            lambda topic: topic.state is TopicState.ACTIVE and (topic.partition_count or 0) >= (partition_count or 0),
            lambda topic: topic.state,
            has_failed=lambda topic: topic.state is TopicState.DELETING,
        )
        return await self._poll(f"topics of cluster {cluster_id}", fetch).until(name, wait)

    async def migration_done(self, cluster_id: Id, *, until: MigrationStatus = MigrationStatus.DONE) -> Migration:
        """Wait until the newest migration into a cluster is done, and return it.

        With `until=MigrationStatus.SYNCING` it is enough that all has been copied: the copy goes on following its
        source, for up to two weeks. There is no list of migrations: each cluster costs a request a round.
        """

        async def fetch() -> dict[str, Migration]:
            migration = await get_migration(self._session, cluster_id)
            return {} if migration.status is None else {"": migration}

        wait: _Wait[Migration] = _Wait(
            f"migration into cluster {cluster_id}",
            lambda migration: migration.status in (MigrationStatus.DONE, until),
            lambda migration: migration.status,
            has_failed=lambda migration: migration.status in (MigrationStatus.ERROR, MigrationStatus.CANCELED),
        )
        return await self._poll(f"migration into cluster {cluster_id}", fetch).until("", wait)

    def _clusters(self) -> _Poll[Cluster]:
        async def fetch() -> dict[str, Cluster]:
            return {cluster.id: cluster for cluster in await list_clusters(self._session)}

        return self._poll("clusters", fetch)

    def _poll(self, what: str, fetch: Callable[[], Awaitable[Mapping[str, T]]]) -> _Poll[T]:
        if what not in self._polls:
            self._polls[what] = _Poll(what, fetch, self._interval, self._timeout, self._tell)
        return self._polls[what]


@attrs.define(eq=False)
class _Wait(Generic[T]):
    """What one caller waits for, and what was last seen of it."""

    what: str
    is_done: Callable[[T], bool]
    state_of: Callable[[T], OpenEnum | None]
    has_failed: Callable[[T], bool] = attrs.field(default=lambda _: False, kw_only=True)
    absent_is_done: bool = attrs.field(default=False, kw_only=True)
    appears_within: float = attrs.field(default=2 * _MINUTE, kw_only=True)
    began: float = attrs.field(factory=lambda: asyncio.get_running_loop().time(), init=False)
    future: asyncio.Future[Any] = attrs.field(factory=lambda: asyncio.get_running_loop().create_future(), init=False)
    last: T | None = attrs.field(default=None, init=False)
    state: str = attrs.field(default="", init=False)

    @property
    def seconds(self) -> float:
        return asyncio.get_running_loop().time() - self.began

    def look(self, item: T | None) -> DBaaSError | None:
        """Take note of what a round shows; return the error that ends the wait, if any does."""
        if item is None:
            return None if self.absent_is_done else self._missed()
        self.last = item
        if self.has_failed(item):
            return WaitFailedError(f"{self.what} is {self.state_of(item)}", last=item)
        return None

    def _missed(self) -> DBaaSError | None:
        if self.last is not None:
            return WaitFailedError(f"{self.what} has vanished", last=self.last)
        if self.seconds > self.appears_within:
            return WaitFailedError(f"{self.what} did not show within {self.appears_within:g} s")
        return None


class _Poll(Generic[T]):
    """One list, asked for once a round as long as somebody waits for something in it."""

    def __init__(
        self,
        what: str,
        fetch: Callable[[], Awaitable[Mapping[str, T]]],
        interval: float,
        timeout: float,
        tell: Callable[[Event], object],
    ) -> None:
        self._what = what
        self._fetch = fetch
        self._interval = interval
        self._timeout = timeout
        self._tell = tell
        self._waits: dict[_Wait[T], str] = {}
        self._rounds = 0
        self._task: asyncio.Task[None] | None = None

    async def until(self, key: str, wait: _Wait[T]) -> T:
        """Wait for what stands under a key of the list. The first caller starts the rounds, the last one ends them."""
        self._waits[wait] = key
        if self._task is None:
            self._task = asyncio.create_task(self._ask())
        try:
            async with asyncio.timeout(self._timeout):
                item: T = await wait.future
                return item
        except TimeoutError:
            seen = wait.state or "nothing"
            spent = f"{self._timeout:g} s and {self._rounds} requests"
            raise WaitTimeoutError(
                f"{wait.what} is not ready after {spent}; seen last: {seen}", last=wait.last
            ) from None
        finally:
            del self._waits[wait]
            if not self._waits:
                await self._stop()

    async def _stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def _ask(self) -> None:
        while True:
            try:
                await self._round()
            except Exception as error:  # noqa: BLE001 -- whatever it is belongs to those who wait
                for wait in self._waits:
                    _settle(wait, error)
            await asyncio.sleep(self._interval)

    async def _round(self) -> None:
        items: Mapping[str, T] = {}
        failure: RequestError | None = None
        try:
            items = await self._fetch()
        except NotFoundError:
            pass  # as good as an empty list: what it belongs to may not show yet
        except _PASSING as error:
            failure = error
        self._rounds += 1
        self._tell(Round(what=self._what, number=self._rounds, waiting=len(self._waits), error=failure))
        if failure is None:
            for wait, key in self._waits.items():
                self._show(wait, items.get(key))

    def _show(self, wait: _Wait[T], item: T | None) -> None:
        state = None if item is None else wait.state_of(item)
        if wait.state != (name := state or "absent"):
            wait.state = name
            known = state is None or state.is_known
            self._tell(StateSeen(what=wait.what, state=name, is_known=known, seconds=wait.seconds))
        error = wait.look(item)
        if error is not None:
            _settle(wait, error)
        elif wait.absent_is_done if item is None else wait.is_done(item):
            _settle(wait, item)


def _settle(wait: _Wait[Any], outcome: object) -> None:
    if wait.future.done():
        return
    if isinstance(outcome, Exception):
        wait.future.set_exception(outcome)
    else:
        wait.future.set_result(outcome)


def _has(cluster: Cluster, wanted: Mapping[str, object]) -> bool:
    return all(value is None or getattr(cluster, name) == value for name, value in wanted.items())


def _never(_: object) -> bool:
    return False
