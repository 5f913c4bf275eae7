"""Helpers for the endpoint modules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import parse_qsl

from asyncdbaas._core.decoding import page_reader
from asyncdbaas._core.http import seg
from asyncdbaas.session import AsyncSession

__all__ = ["created", "delete", "list_all"]

T = TypeVar("T")


async def list_all(
    session: AsyncSession, path: str, item: type[T], key: str, params: Mapping[str, str | int] | None = None
) -> list[T]:
    """Return every item of a list, over all its pages.

    Observed lists come whole. Should the service begin to page them, the links are followed.
    Only the query of `links.pages.next` is used: an answer must not send the token to another address. It ends where
    the service names a page again, gives the same page again, or gives an empty one.
    """
    read = page_reader(item, key)
    items: list[T] = []
    seen: set[str] = set()
    last: list[T] | None = None
    while True:
        page = await session.run("GET", path, read, params=params)
        if not page.items or page.items == last:
            return items
        items += page.items
        following = (page.next or "").partition("#")[0].partition("?")[2]  # its host may be nonsense
        if not following or following in seen:
            return items
        seen.add(following)
        last, params = page.items, dict(parse_qsl(following))


def created(session: AsyncSession, path: str, name: str) -> None:
    """Note that an object exists below a path, also if the session has deleted an earlier one of this name."""
    if session.deletions:  # empty in bulk creation, where this would take 1 % of a call
        session.deletions.discard(f"{path}/{seg(name, 'name')}")


async def delete(session: AsyncSession, path: str) -> None:
    """Delete the object at a path, and remember that: the service may go on listing it."""
    await session.request("DELETE", path)
    session.deletions.add(path)
