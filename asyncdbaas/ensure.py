"""Create objects unless they exist. Every function is safe to call again, also after a crash.

    await ensure_topics(session, cluster_id, [TopicCreate(name="orders", partition_count=6)])

Each function reads the live objects before it creates one. If the outcome of a create is unknown, it reads them again
every `interval` seconds, up to 60 times. If the object is still not visible, it raises an error whose `outcome_unknown`
is True. An object that the session has deleted does not count as existing, even if the service still shows it.

An object that differs from what was asked for is a conflict. It is changed only with `OnConflict.UPDATE`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from asyncdbaas._checks import check_seconds
from asyncdbaas._core.create_once import CreateOnce
from asyncdbaas._core.polling import is_transient
from asyncdbaas._core.resend import ResendSchedule
from asyncdbaas._endpoint import cluster_path, payload
from asyncdbaas.catalogue import CatalogueTopic
from asyncdbaas.catalogue.kafka import SAME_IN_METRICS, name_collisions
from asyncdbaas.clusters import Cluster, ClusterCreate, create_cluster, list_clusters
from asyncdbaas.databases import Database, create_database, get_database, list_databases
from asyncdbaas.errors import EnsureError, InvalidInputError, NotFoundError, RequestError
from asyncdbaas.plan import ClusterRef, OnConflict, Outcome, Target, apply, compare, fetch
from asyncdbaas.pools import Pool, PoolCreate, PoolUpdate, create_pool, get_pool, list_pools, update_pool
from asyncdbaas.session import AsyncSession
from asyncdbaas.topics import TopicCreate
from asyncdbaas.types import UNSET, Id
from asyncdbaas.users import User, UserCreate, create_user, get_user, list_users

__all__ = [
    "EnsureError",
    "ensure_cluster",
    "ensure_database",
    "ensure_pool",
    "ensure_topics",
    "ensure_user",
]

_POOL_KEYS: Final = ("mode", "size", "db", "user")
# A pool without a user passes on the one that connects.
_MAY_BE_NONE: Final = "user"


async def ensure_topics(
    session: AsyncSession,
    cluster_id: Id,
    topics: Iterable[TopicCreate],
    *,
    on_conflict: OnConflict = OnConflict.FAIL,
    interval: float = 5.0,
) -> list[Outcome]:
    """Make sure that topics exist as given, and return the outcome of each.

    If a topic exists with other settings, EnsureError is raised before anything is sent; with `OnConflict.UPDATE` the
    topic is changed. A topic with more partitions than given cannot be changed and raises PlanError before anything is
    sent. An EnsureError at the end names the topics that failed. One list request covers all topics.

    Args:
        session: An open session.
        cluster_id: Id of the Kafka cluster.
        topics: The topics, each name once.
        on_conflict: What to do with a topic that exists with other settings.
        interval: Seconds between two checks of a topic that is not visible or not ready.

    """
    on_conflict = OnConflict(on_conflict)
    _path(session, cluster_id)
    target = _target(str(cluster_id), [payload(topic, TopicCreate, "topic") for topic in topics])
    plan = compare([target], await fetch(session, [target]))
    differing = [change for change in plan.changes if change.changed]
    if differing and on_conflict is OnConflict.FAIL:
        raise EnsureError("; ".join(f"topic {change.name} differs: {_shown(change.changed)}" for change in differing))
    report = await apply(session, plan, on_conflict=on_conflict, interval=interval)
    if report.failures:
        raise EnsureError(
            "; ".join(f"topic {failed.change.name}: {failed.reason}" for failed in report.failures),
            outcome_unknown=any(failed.outcome_unknown for failed in report.failures),
        )
    return list(report.outcomes)


def _target(cluster_id: str, topics: list[TopicCreate]) -> Target:
    for name, count in Counter(topic.name for topic in topics).items():
        if count > 1:
            raise InvalidInputError(f"topic {name} is given {count} times")
        if name.startswith("_"):
            raise InvalidInputError(
                f"topic {name}: names that begin with _ are reserved for Kafka and are never changed; choose another"
            )
    names = [topic.name for topic in topics]
    for name, other in name_collisions(names, names).items():
        raise InvalidInputError(f"topic {name} collides with topic {other}: {SAME_IN_METRICS}; rename one")
    cluster = ClusterRef(id=cluster_id, name=cluster_id)
    return Target(cluster=cluster, topics=tuple(CatalogueTopic(topic=topic) for topic in topics))


async def ensure_cluster(session: AsyncSession, cluster: ClusterCreate, *, interval: float = 5.0) -> Cluster:
    """Make sure that a cluster of this name exists, and return it, perhaps still `creating`.

    Raise EnsureError if the existing cluster has another engine, size, region or number of nodes: it is never changed.
    While an earlier cluster of the name is being deleted, wait for up to 60 intervals. On MongoDB only the
    response to the create has the password: the cluster returned has it if this session created the cluster.
    """
    payload(cluster, ClusterCreate, "cluster")
    found = await CreateOnce(
        deletions=session.deletions,
        what=f"cluster {cluster.name}",
        name=cluster.name,
        fetch=lambda: list_clusters(session),
        path_of=lambda found: f"/v2/databases/{found.id}",
        create=lambda: create_cluster(session, cluster),
        interval=check_seconds(interval, "interval"),
    ).run()
    _require_same(f"cluster {cluster.name}", found, cluster, ("engine", "size", "region", "num_nodes"))
    return session.passwords.fill(found)


async def ensure_database(session: AsyncSession, cluster_id: Id, name: str, *, interval: float = 5.0) -> Database:
    """Make sure that a database exists in a cluster, and return it.

    Args:
        session: An open session.
        cluster_id: Id of the cluster.
        name: Name of the database.
        interval: Seconds between two checks while the outcome of a create is unknown.
    """
    path = _path(session, cluster_id, "dbs", name)
    return await CreateOnce(
        deletions=session.deletions,
        what=f"database {name}",
        name=name,
        fetch=lambda: list_databases(session, cluster_id),
        path_of=lambda _: path,
        create=lambda: create_database(session, cluster_id, name),
        read=lambda: get_database(session, cluster_id, name),
        interval=check_seconds(interval, "interval"),
    ).run()


async def ensure_user(session: AsyncSession, cluster_id: Id, user: UserCreate, *, interval: float = 5.0) -> User:
    """Make sure that a user exists in a cluster, and return it. An existing user's settings are not compared.

    On MongoDB only the response to the create has the password: the user returned has it if this session created the
    user. Otherwise `reset_user_auth` makes a new one.

    Args:
        session: An open session.
        cluster_id: Id of the cluster.
        user: The user to create if it is missing.
        interval: Seconds between two checks while the outcome of a create is unknown.
    """
    path = _path(session, cluster_id, "users", payload(user, UserCreate, "user").name)
    found = await CreateOnce(
        deletions=session.deletions,
        what=f"user {user.name}",
        name=user.name,
        fetch=lambda: list_users(session, cluster_id),
        path_of=lambda _: path,
        create=lambda: create_user(session, cluster_id, user),
        read=lambda: get_user(session, cluster_id, user.name),
        interval=check_seconds(interval, "interval"),
    ).run()
    return session.passwords.fill_user(str(cluster_id), found)


async def ensure_pool(
    session: AsyncSession,
    cluster_id: Id,
    pool: PoolCreate,
    *,
    on_conflict: OnConflict = OnConflict.FAIL,
    interval: float = 5.0,
) -> Pool:
    """Make sure that a connection pool exists as given, and return it as the service has it.

    Raise EnsureError if the existing pool has another mode, size, database or user. With `OnConflict.UPDATE` it is
    changed; its user stays unless `pool` names another.

    Args:
        session: An open session.
        cluster_id: Id of the cluster.
        pool: The pool as it should be.
        on_conflict: What to do if the pool exists with other values.
        interval: Seconds between two checks while the outcome of a create is unknown.
    """
    on_conflict = OnConflict(on_conflict)
    path = _path(session, cluster_id, "pools", payload(pool, PoolCreate, "pool").name)
    found = await CreateOnce(
        deletions=session.deletions,
        what=f"pool {pool.name}",
        name=pool.name,
        fetch=lambda: list_pools(session, cluster_id),
        path_of=lambda _: path,
        create=lambda: create_pool(session, cluster_id, pool),
        read=lambda: get_pool(session, cluster_id, pool.name),
        interval=check_seconds(interval, "interval"),
    ).run()
    if on_conflict is OnConflict.UPDATE and _differences(found, pool, _POOL_KEYS):
        return await _update_pool(session, cluster_id, pool, found, interval)
    _require_same(f"pool {pool.name}", found, pool, _POOL_KEYS)
    return found


async def _update_pool(session: AsyncSession, cluster_id: Id, pool: PoolCreate, found: Pool, interval: float) -> Pool:
    """Change a pool, and return it when the change is visible. The service replaces the whole pool."""
    user = (found.user or UNSET) if pool.user is UNSET else pool.user
    wanted = PoolUpdate(mode=pool.mode, size=pool.size, db=pool.db, user=user)
    problem, schedule = "it was changed", ResendSchedule()
    try:
        await update_pool(session, cluster_id, pool.name, wanted)
    except RequestError as error:
        if not error.may_have_applied:
            raise
        problem = str(error)
    while True:
        try:
            found = await get_pool(session, cluster_id, pool.name)
            changed = _differences(found, wanted, _POOL_KEYS)
            if not changed:
                return found
            seen = _shown(changed)
        except RequestError as error:
            if not (is_transient(error) or isinstance(error, NotFoundError)):
                raise EnsureError(f"pool {pool.name}: {problem}, then: {error}", outcome_unknown=True) from error
            seen = str(error)
        schedule.note_check()
        if schedule.is_spent:
            raise EnsureError(
                f"pool {pool.name}: {problem}, but the change is not visible: {seen}", outcome_unknown=True
            )
        await asyncio.sleep(interval)


def _path(session: AsyncSession, cluster_id: Id, *names: str) -> str:
    """Return the path of a cluster, or of an object in it, unless the session has deleted the cluster."""
    if cluster_path(cluster_id) in session.deletions:
        raise EnsureError(f"cluster {cluster_id} is being deleted: this session deleted it")
    return cluster_path(cluster_id, *names)


def _differences(found: object, wanted: object, keys: Iterable[str]) -> dict[str, tuple[Any, Any]]:
    pairs = {key: (getattr(found, key), getattr(wanted, key)) for key in keys}
    return {key: pair for key, pair in pairs.items() if pair[1] is not UNSET and (pair[0] or None) != (pair[1] or None)}


def _require_same(what: str, found: object, wanted: object, keys: Iterable[str]) -> None:
    """Raise if an object shows other values. Those that it does not show, as right after a create, do not differ."""
    shown = [key for key in keys if getattr(found, key) is not None or key == _MAY_BE_NONE]
    if changed := _differences(found, wanted, shown):
        raise EnsureError(f"{what} differs: {_shown(changed)}")


def _shown(changed: Any) -> str:
    return ", ".join(f"{key} is {there}, not {wanted}" for key, (there, wanted) in changed.items())
