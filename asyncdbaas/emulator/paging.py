"""Pagination of lists, for tests of clients. The service has only been seen to send whole lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from asyncdbaas.emulator.records import Record

MAX_PER_PAGE: Final = 200


def paged(body: Record, url: str, query: Mapping[str, str], page_size: int) -> Record:
    """Return the requested page of a list, with `links` and `meta`. Bodies without a list are returned unchanged.

    `url` is the absolute address without its query, for the links.
    """
    key = next((name for name, value in body.items() if isinstance(value, list)), None)
    if key is None:
        return body
    per_page = min(_number(query, "per_page", page_size), MAX_PER_PAGE)
    page, items = _number(query, "page", 1), body[key]
    last = max(1, -(-len(items) // per_page))
    numbers = {"first": 1, "prev": page - 1} if page > 1 else {}
    numbers |= {"next": page + 1, "last": last} if page < last else {}
    links = {
        name: f"{url}?{urlencode({**query, 'page': number, 'per_page': per_page})}" for name, number in numbers.items()
    }
    return body | {
        key: items[(page - 1) * per_page : page * per_page],
        "links": {"pages": links} if links else {},
        "meta": {"total": len(items)},
    }


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    """Read a positive number; anything else gives the default."""
    text = query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text) < 10**9 else default
