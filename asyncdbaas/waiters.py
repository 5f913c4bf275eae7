"""Wait until an object is ready, or gone.

    waiters = Waiters(session)
    await asyncio.gather(*(waiters.cluster_online(cluster.id) for cluster in created))

All waits for objects in one list, such as the clusters or one cluster's topics, share one request per round. These
requests count towards the rate limit. `on_event` is called for each round.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from asyncdbaas._checks import check_function, check_instance, check_seconds, check_text, kind_of
from asyncdbaas._core.http import cluster_segment
from asyncdbaas._core.observers import guarded
from asyncdbaas._core.polling import Poll, Polls, Round, StateSeen, Wait, WaitEvent
from asyncdbaas._endpoint import cluster_path
from asyncdbaas.clusters import Cluster, ClusterStatus, Engine, get_cluster, list_clusters
from asyncdbaas.errors import InvalidInputError, NotFoundError, WaitFailedError
from asyncdbaas.migrations import Migration, MigrationStatus, get_migration
from asyncdbaas.replicas import Replica, get_replica, list_replicas
from asyncdbaas.session import AsyncSession
from asyncdbaas.topics import Topic, TopicState, get_topic, list_topics
from asyncdbaas.types import Id

__all__ = ["Round", "StateSeen", "WaitEvent", "WaitFailedError", "Waiters"]

# New replicas have been seen to stay invisible for minutes.
_REPLICA_APPEARS_WITHIN: Final = 600.0
_DELETED: Final = "is being deleted: this session deleted it"


class Waiters:
    """Wait for any number of objects over one session.

    A wait tolerates transient errors until it times out. The object may be missing for the first two minutes (ten for
    replicas). An object counts as gone after two rounds in a row in which the list lacks it and a read of it gets 404.
    If it vanishes or fails, the wait raises WaitFailedError. If it times out, the wait raises WaitTimeoutError. An
    object that the session deleted is never ready, whatever its status says. Cancelling a wait leaves the others
    running.

    Args:
        session: An open session. Use the waiters in its event loop.
        interval: Seconds between two requests for a list.
        timeout: Seconds after which a wait raises WaitTimeoutError.
        on_event: Called with each round and each change of state. Its exceptions are logged and ignored.

    """

    def __init__(
        self,
        session: AsyncSession,
        *,
        interval: float = 10.0,
        timeout: float = 1800.0,
        on_event: Callable[[WaitEvent], object] | None = None,
    ) -> None:
        self._session = check_instance(session, AsyncSession, "session", "AsyncSession()")
        self._polls = Polls(
            interval=check_seconds(interval, "interval"),
            timeout=check_seconds(timeout, "timeout"),
            emit=guarded(on_event),
        )

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
        """Wait until a cluster is online and has every value given here, and return it.

        After a resize, migration or upgrade, give the values that you asked for: for some seconds the service still
        shows `online` with the old ones. Storage is not compared on Redis and Valkey, which have none.

        On MongoDB only the response to the create call has the password. If this session created the cluster, the
        cluster returned here has it, too.

        Args:
            cluster_id: Id of the cluster.
            size: Size of its nodes.
            num_nodes: Number of nodes.
            storage_size_mib: Storage in MiB.
            region: Its region.
            version: Its version.
        """
        wanted = _given(size=size, num_nodes=num_nodes, region=region, version=version)
        storage = _given(storage_size_mib=storage_size_mib)

        def is_done(cluster: Cluster) -> bool:
            needed = wanted if cluster.engine in (Engine.REDIS, Engine.VALKEY) else wanted | storage
            return cluster.status is ClusterStatus.ONLINE and all(
                getattr(cluster, name) == value for name, value in needed.items()
            )

        return await self.cluster_until(cluster_id, is_done)

    async def cluster_until(self, cluster_id: Id, is_done: Callable[[Cluster], bool]) -> Cluster:
        """Wait until `is_done(cluster)` is true, and return the cluster.

            await waiters.cluster_until(cluster.id, lambda cluster: cluster.private_connection is not None)

        The function is called with the cluster as read in each round. An exception from it ends this wait.
        """
        check_function(is_done, "is_done")
        path, key = cluster_path(cluster_id), cluster_segment(cluster_id).lower()
        found = await self._clusters().until(
            Wait(
                what=f"cluster {key}",
                key=key,
                is_done=is_done,
                state_of=lambda cluster: cluster.status,
                failure_of=lambda _: self._deletion_of(path),
            )
        )
        return self._session.passwords.fill(found)

    async def cluster_deleted(self, cluster_id: Id) -> None:
        """Wait until a deleted cluster is gone. Then its name can be used again."""
        key = cluster_segment(cluster_id).lower()
        await self._clusters().until(
            Wait(
                what=f"cluster {key}",
                key=key,
                is_done=lambda _: False,
                state_of=lambda cluster: cluster.status,
                absent_is_done=True,
            )
        )

    async def replica_ready(self, cluster_id: Id, name: str) -> Replica:
        """Wait until a replica is ready, and return it. A new replica can take ten minutes to appear."""
        path = cluster_path(cluster_id, "replicas", name)

        async def fetch() -> dict[str, Replica]:
            return {replica.name: replica for replica in await list_replicas(self._session, cluster_id)}

        poll = self._polls.get(
            f"replicas of cluster {cluster_id}", fetch, lambda key: get_replica(self._session, cluster_id, key)
        )
        return await poll.until(
            Wait(
                what=f"replica {name}",
                key=name,
                is_done=lambda replica: replica.status in (ClusterStatus.ONLINE, ClusterStatus.ACTIVE),
                state_of=lambda replica: replica.status,
                failure_of=lambda _: self._deletion_of(path),
                appears_within=_REPLICA_APPEARS_WITHIN,
            )
        )

    async def topic_active(self, cluster_id: Id, name: str, *, partition_count: int | None = None) -> Topic:
        """Wait until a topic is active and has at least `partition_count` partitions, and return it.

        New partitions of a topic appear some time after the request for them.
        """
        _given(partition_count=partition_count)

        def is_done(topic: Topic) -> bool:
            return topic.state is TopicState.ACTIVE and (topic.partition_count or 0) >= (partition_count or 0)

        return await self.topic_until(cluster_id, name, is_done)

    async def topic_until(self, cluster_id: Id, name: str, is_done: Callable[[Topic], bool]) -> Topic:
        """Wait until `is_done(topic)` is true, and return the topic; see `cluster_until`.

        The function is called with the topic as listed, which may lack partitions and settings.
        """
        check_function(is_done, "is_done")
        path = cluster_path(cluster_id, "topics", name)

        async def fetch() -> dict[str, Topic]:
            return {topic.name: topic for topic in await list_topics(self._session, cluster_id)}

        def failure_of(topic: Topic) -> str:
            return "is deleting" if topic.state is TopicState.DELETING else self._deletion_of(path)

        poll = self._polls.get(
            f"topics of cluster {cluster_id}", fetch, lambda key: get_topic(self._session, cluster_id, key)
        )
        return await poll.until(
            Wait(
                what=f"topic {name}",
                key=name,
                is_done=is_done,
                state_of=lambda topic: topic.state,
                failure_of=failure_of,
            )
        )

    async def migration_done(self, cluster_id: Id, *, until: MigrationStatus = MigrationStatus.DONE) -> Migration:
        """Wait until the newest migration into a cluster is done, and return it.

        With `until=MigrationStatus.SYNCING`, wait until everything has been copied; changes of the source are then
        copied for up to two weeks. Migrations have no list, so each cluster costs one request per round.
        """
        path = cluster_path(cluster_id)
        if not MigrationStatus(check_text(until, "until")).is_known:
            raise InvalidInputError(f"until must be one of {', '.join(MigrationStatus)}, not {until!r}")

        async def fetch() -> dict[str, Migration]:
            migration = await get_migration(self._session, cluster_id)
            return {} if migration.status is None else {"": migration}

        async def read(key: str) -> Migration:
            if migration := (await fetch()).get(key):
                return migration
            raise NotFoundError("no migration", status=404, method="GET", path=path)

        failed = (MigrationStatus.ERROR, MigrationStatus.CANCELED)
        return await self._polls.get(f"migration into cluster {cluster_id}", fetch, read).until(
            Wait(
                what=f"migration into cluster {cluster_id}",
                key="",
                is_done=lambda migration: migration.status in (MigrationStatus.DONE, until),
                state_of=lambda migration: migration.status,
                failure_of=lambda migration: f"is {migration.status}" if migration.status in failed else "",
            )
        )

    def _clusters(self) -> Poll[Cluster]:
        async def fetch() -> dict[str, Cluster]:
            return {cluster.id.lower(): cluster for cluster in await list_clusters(self._session)}

        return self._polls.get("clusters", fetch, lambda key: get_cluster(self._session, key), can_be_missing=False)

    def _deletion_of(self, path: str) -> str:
        return _DELETED if path in self._session.deletions else ""


def _given(**wanted: object) -> dict[str, object]:
    """Return the values that are not None; reject those that no object can have: the wait would never end."""
    given = {name: value for name, value in wanted.items() if value is not None}
    for name, value in given.items():
        kind = str if name in ("size", "region", "version") else int
        if isinstance(value, bool) or not isinstance(value, kind):
            raise InvalidInputError(f"{name} must be of type {kind.__name__}, not {kind_of(value)}")
    return given
