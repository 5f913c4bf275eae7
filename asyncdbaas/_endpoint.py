"""Helpers for the endpoint modules."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeAlias, TypeVar, cast
from urllib.parse import parse_qsl

import attrs

from asyncdbaas._checks import kind_of
from asyncdbaas._core.codec import require_some
from asyncdbaas._core.decoding import page_reader
from asyncdbaas._core.http import cluster_segment, seg
from asyncdbaas._core.model import Listing
from asyncdbaas.errors import DecodeError, InvalidInputError, NotFoundError
from asyncdbaas.session import AsyncSession
from asyncdbaas.types import UNSET, Id

T = TypeVar("T")
B = TypeVar("B", bound=Any)
Identity: TypeAlias = tuple[Any, ...]

# What errors call the name behind a collection.
_LABELS: Final = {
    "config": "subject name",
    "dbs": "database name",
    "indexes": "index name",
    "logsink": "sink id",
    "online-migration": "migration id",
    "pools": "pool name",
    "replicas": "replica name",
    "schema-registry": "subject name",
    "topics": "topic name",
    "users": "user name",
    "versions": "version",
}
# With 200 items per page, the maximum elsewhere in the vendor's API, this is more than any known list has.
_MOST_PAGES: Final = 1000


def cluster_path(cluster_id: Id, *names: str) -> str:
    """Return the path of a cluster, or of an object in it, such as `cluster_path(cluster_id, "topics", name)`.

    Each name is percent-encoded. A name that could address another object is rejected.
    """
    path, label = f"/v2/databases/{cluster_segment(cluster_id)}", "name"
    for name in names:
        path += f"/{seg(name, label)}"
        label = _LABELS.get(name, "name")
    return path


def payload(body: B, cls: type[B], what: str) -> B:
    """Reject a request body of another class; `what` names it in the error."""
    if not isinstance(body, cls):
        raise InvalidInputError(f"{what} must be {cls.__name__}(...), not {kind_of(body)}")
    return body


def changes(body: B, cls: type[B], what: str) -> B:
    """Reject an update of another class, or one in which nothing is set."""
    return require_some(payload(body, cls, what))


def write_lock(session: AsyncSession, cluster_id: Id, what: str) -> asyncio.Lock:
    """Return the lock for writes that must not run side by side in one cluster."""
    return session.lock(f"{what} of {cluster_segment(cluster_id).lower()}")


async def list_all(
    session: AsyncSession, path: str, item: type[T], key: str, params: Mapping[str, str | int] | None = None
) -> list[T]:
    """Return every item of a list, from all its pages.

    All lists that were observed have a single page. If the service pages a list, the links are followed until a page
    has nothing new or `meta.total` is reached. Only the query of `links.pages.next` is used: a response must not send
    the token to another address. Raise DecodeError if the service counts more items than it sends.
    """
    read = page_reader(item, key)
    page = await session.request("GET", path, read, params=params)
    items, known, queries = page.items, set(map(_identity, page.items)) if page.next else set[Identity](), set[str]()
    total = page.total
    while len(items) != total and (query := _query(page.next)) and query not in queries:
        if len(queries) == _MOST_PAGES:
            raise DecodeError(f"the list has more than {_MOST_PAGES} pages", method="GET", path=path)
        queries.add(query)
        page = await session.request("GET", path, read, params={**(params or {}), **dict(parse_qsl(query))})
        total = page.total if page.total is not None else total
        fresh = [each for each in page.items if _identity(each) not in known]
        if not fresh:
            break
        items = [*items, *fresh]
        known.update(map(_identity, fresh))
    if total is not None and total > len(items):
        reason = f"the list is incomplete: the service counts {total} items, but sent {len(items)}"
        raise DecodeError(reason, method="GET", path=path)
    return Listing(items)


def named(items: Sequence[T], name: str, what: str, path: str, key: str = "name") -> T:
    """Return the object of a list that has a name; NotFoundError with similar names if there is none."""
    # A list that repeats an object still has one of this name.
    found = list({_identity(item): item for item in items if getattr(item, key) == name}.values())
    if len(found) > 1:
        raise InvalidInputError(f"{len(found)} {what}s have this name; use the id of one of them")
    if found:
        return found[0]
    similar = similar_names(name, [each for item in items if (each := getattr(item, key))])
    hint = f"; similar: {', '.join(similar)}" if similar else f"; there are {len(items)} with other names"
    raise NotFoundError(f"no {what} has this name{hint}", status=404, code="not_found", method="GET", path=path)


def similar_names(name: str, names: Iterable[str]) -> list[str]:
    """Return the names that are most like one that does not exist; at most three."""
    try:
        from difflib import get_close_matches  # rarely needed
    except OSError:  # the process has too many open files
        return []
    return get_close_matches(name, list(names), n=3)


def _query(address: str | None) -> str:
    """Return the query of an address, whose host may be invalid."""
    return (address or "").partition("#")[0].partition("?")[2]


def _identity(item: object) -> Identity:
    """Return the id of an object, else the values of its required fields, which no other object of a list shares."""
    return tuple(getattr(item, name) for name in _required(cast("Any", type(item))))


@cache
def _required(cls: Any) -> tuple[str, ...]:
    names = tuple(field.name for field in attrs.fields(cls) if field.default is attrs.NOTHING)
    return ("id",) if "id" in names else names  # the status of a cluster may change between two pages


def has_unset(body: attrs.AttrsInstance) -> bool:
    """Return whether any field of an object is unset."""
    return any(getattr(body, field.name) is UNSET for field in attrs.fields(type(body)))


def fill_unset(body: B, current: object) -> B:
    """Return an object whose unset fields are filled from `current`, for requests that replace all settings.

    None, empty and 0 in `current` stay unset, because the service shows missing settings that way.
    """
    unset = [field.name for field in attrs.fields(type(body)) if getattr(body, field.name) is UNSET]
    filled: B = attrs.evolve(body, **{name: value for name in unset if (value := getattr(current, name, None))})
    return filled


def created(session: AsyncSession, path: str, name: str) -> None:
    """Record that an object exists, even if the session has deleted an earlier one of this name."""
    if session.deletions:  # empty in bulk creation, where this would take 1 % of a call
        session.deletions.discard(f"{path}/{seg(name, 'name')}")


async def delete(session: AsyncSession, path: str) -> None:
    """Delete the object at a path, and remember it: the service may still list it."""
    await session.request("DELETE", path)
    session.deletions.add(path)
