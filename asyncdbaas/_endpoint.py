"""Lists come whole from this service; should it ever start to page them, this follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import parse_qsl

from asyncdbaas._core.codec import page_reader
from asyncdbaas.session import AsyncSession

__all__ = ["list_all"]

T = TypeVar("T")


async def list_all(
    session: AsyncSession, path: str, item: type[T], key: str, params: Mapping[str, str | int] | None = None
) -> list[T]:
    """Return every item of a list, over all its pages.

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
