"""Create what is missing, once: safe to repeat, and to run again after a crash.

    await ensure_topics(session, cluster_id, [TopicCreate(name="orders", partition_count=6)])

Each function looks first. If a create's outcome is unknown, it looks again, and sends again only what is not there.
What is there otherwise than asked for is a conflict, and is changed only if `on_conflict` says so.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, TypeVar

import attrs

from asyncdbaas.catalogue import CatalogueTopic
from asyncdbaas.clusters import Cluster, ClusterCreate, create_cluster, list_clusters
from asyncdbaas.databases import Database, create_database, list_databases
from asyncdbaas.errors import (
    ConflictError,
    DBaaSError,
    InvalidInputError,
    PreconditionError,
    RequestError,
    UnprocessableError,
)
from asyncdbaas.plan import ClusterRef, OnConflict, Outcome, Target, apply, compare, look
from asyncdbaas.plan.applying import MOST_SENDS
from asyncdbaas.pools import Pool, PoolCreate, PoolUpdate, create_pool, list_pools, update_pool
from asyncdbaas.session import AsyncSession
from asyncdbaas.topics import TopicCreate
from asyncdbaas.types import UNSET, Id
from asyncdbaas.users import User, UserCreate, create_user, list_users

__all__ = [
    "EnsureError",
    "ensure_cluster",
    "ensure_database",
    "ensure_pool",
    "ensure_topics",
    "ensure_user",
]

T = TypeVar("T")

# After these a look tells: the name may be taken, by us or by somebody else.
_IN_DOUBT: Final = (UnprocessableError, ConflictError, PreconditionError)


class EnsureError(DBaaSError):
    """What is there differs from what was asked for, or could not be made; the message tells what and why."""


async def ensure_topics(
    session: AsyncSession,
    cluster_id: Id,
    topics: Iterable[TopicCreate],
    *,
    on_conflict: OnConflict = OnConflict.FAIL,
    interval: float = 5.0,
) -> list[Outcome]:
    """Make sure that topics exist as given, and return what became of each.

    A topic that is there with other settings is an EnsureError before anything is sent, or is changed with
    `OnConflict.UPDATE`; one that has more partitions than asked for cannot be, and is a PlanError before anything is
    sent. Topics that fail are named in an EnsureError at the end. One list serves all of them.
    """
    target = _target(str(cluster_id), list(topics))
    plan = compare([target], await look(session, [target]))
    differing = [change for change in plan.changes if change.changed]
    if differing and on_conflict is OnConflict.FAIL:
        raise EnsureError("; ".join(f"topic {change.name} differs: {_shown(change.changed)}" for change in differing))
    report = await apply(session, plan, on_conflict=on_conflict, interval=interval)
    if report.failures:
        raise EnsureError("; ".join(f"topic {failed.change.name}: {failed.reason}" for failed in report.failures))
    return list(report.outcomes)


def _target(cluster_id: str, topics: list[TopicCreate]) -> Target:
    for name, count in Counter(topic.name for topic in topics).items():
        if count > 1:
            raise InvalidInputError(f"topic {name} is given {count} times")
        if name.startswith("_"):
            raise InvalidInputError(f"topic {name}: names that begin with _ are Kafka's own and never touched")
    cluster = ClusterRef(id=cluster_id, name=cluster_id)
    return Target(cluster=cluster, topics=tuple(CatalogueTopic(topic=topic) for topic in topics))


async def ensure_cluster(session: AsyncSession, cluster: ClusterCreate, *, interval: float = 5.0) -> Cluster:
    """Make sure that a cluster of this name exists, and return it, perhaps still `creating`.

    EnsureError if there is one of another engine, size, region or number of nodes: it is never changed.
    """

    async def find() -> Cluster | None:
        return next((found for found in await list_clusters(session) if found.name == cluster.name), None)

    found = await _ensure(f"cluster {cluster.name}", find, lambda: create_cluster(session, cluster), interval)
    _require_same(f"cluster {cluster.name}", found, cluster, ("engine", "size", "region", "num_nodes"))
    return found


async def ensure_database(session: AsyncSession, cluster_id: Id, name: str, *, interval: float = 5.0) -> Database:
    """Make sure that a database exists in a cluster, and return it."""

    async def find() -> Database | None:
        return next((found for found in await list_databases(session, cluster_id) if found.name == name), None)

    return await _ensure(f"database {name}", find, lambda: create_database(session, cluster_id, name), interval)


async def ensure_user(session: AsyncSession, cluster_id: Id, user: UserCreate, *, interval: float = 5.0) -> User:
    """Make sure that a user exists in a cluster, and return it; an existing user's settings are not compared.

    On MongoDB only a user just created comes with its password: `reset_user_auth` makes another.
    """

    async def find() -> User | None:
        return next((found for found in await list_users(session, cluster_id) if found.name == user.name), None)

    return await _ensure(f"user {user.name}", find, lambda: create_user(session, cluster_id, user), interval)


async def ensure_pool(
    session: AsyncSession,
    cluster_id: Id,
    pool: PoolCreate,
    *,
    on_conflict: OnConflict = OnConflict.FAIL,
    interval: float = 5.0,
) -> Pool:
    """Make sure that a connection pool exists as given, and return it.

    EnsureError if there is one with another mode, size, database or user; with `OnConflict.UPDATE` it is changed.
    """

    async def find() -> Pool | None:
        return next((found for found in await list_pools(session, cluster_id) if found.name == pool.name), None)

    found = await _ensure(f"pool {pool.name}", find, lambda: create_pool(session, cluster_id, pool), interval)
    keys = ("mode", "size", "db", "user")
    if on_conflict is OnConflict.UPDATE and _differences(found, pool, keys):
        wanted = PoolUpdate(mode=pool.mode, size=pool.size, db=pool.db, user=pool.user)
        await update_pool(session, cluster_id, pool.name, wanted)
        return attrs.evolve(found, **{key: getattr(pool, key) for key in keys if getattr(pool, key) is not UNSET})
    _require_same(f"pool {pool.name}", found, pool, keys)
    return found


async def _ensure(
    what: str, find: Callable[[], Awaitable[T | None]], create: Callable[[], Awaitable[T]], interval: float
) -> T:
    """Return what is there, else create it; look again whenever it is unclear what a create did."""
    last: RequestError | None = None
    for _ in range(MOST_SENDS):
        found = await find()
        if found is not None:
            return found
        if last is not None:
            if isinstance(last, (UnprocessableError, ConflictError)):
                raise last
            await asyncio.sleep(interval)
        try:
            return await create()
        except RequestError as error:
            if not error.may_have_applied and not isinstance(error, _IN_DOUBT):
                raise
            last = error
    found = await find()
    if found is None:
        raise EnsureError(f"{what} was asked for {MOST_SENDS} times and does not show: {last}") from last
    return found


def _differences(found: object, wanted: object, keys: Iterable[str]) -> dict[str, tuple[Any, Any]]:
    pairs = {key: (getattr(found, key), getattr(wanted, key)) for key in keys}
    return {key: pair for key, pair in pairs.items() if pair[1] is not UNSET and pair[0] != pair[1]}


def _require_same(what: str, found: object, wanted: object, keys: Iterable[str]) -> None:
    if changed := _differences(found, wanted, keys):
        raise EnsureError(f"{what} differs: {_shown(changed)}")


def _shown(changed: Any) -> str:
    return ", ".join(f"{key} is {there}, not {wanted}" for key, (there, wanted) in changed.items())
