"""What bytes from outside can reach, each as a function of bytes that must raise nothing but what it promises.

hypothesis runs them with the other tests; `guided.py` runs one of them for as long as you like.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from asyncdbaas import clusters, configs, topics, users
from asyncdbaas._core.decoding import MismatchError, NotYetError, decode_error_body, page_reader, reader
from asyncdbaas._core.http import api_error, parse_count, parse_retry_after, read_rate_limit
from asyncdbaas.catalogue import CatalogueError, read_catalogue
from asyncdbaas.emulator import Clock, Emulator

_CLASSES: Final[tuple[tuple[Any, str], ...]] = (
    (topics.Topic, "topic"),
    (clusters.Cluster, "database"),
    (users.User, ""),
    (configs.PostgreSQLConfig, "config"),
    (list[str], "items"),
)


def codec(data: bytes) -> None:
    """Read a response as each of several classes."""
    for into, key in _CLASSES:
        with suppress(MismatchError, NotYetError):
            reader(into, key)(data)
    with suppress(MismatchError, NotYetError):
        page_reader(topics.Topic, "topics")(data)
    assert isinstance(decode_error_body(data), dict)


def headers(data: bytes) -> None:
    """Read header values, and build an error from them and a body."""
    text = data.decode("latin-1")
    count, after = parse_count(text), parse_retry_after(text, 1.8e9)
    assert count is None or count >= 0
    assert after is None or (after >= 0 and math.isfinite(after))
    names: tuple[str, ...] = (
        "ratelimit-limit",
        "ratelimit-remaining",
        "ratelimit-reset",
        "retry-after",
        "x-request-id",
    )
    values: dict[str, str] = dict.fromkeys(names, text)
    read_rate_limit(values)
    status = 400 + (data[0] if data else 0) % 200
    error = api_error(status, values, data, method="POST", path="/v2/x")
    assert error.status == status
    assert len(error.message) <= 300


def catalogue(data: bytes) -> None:
    """Read a file as a catalogue, in each of the formats."""
    with tempfile.TemporaryDirectory() as directory:
        for suffix in ("yaml", "json", "csv"):
            file = Path(directory, f"topics.{suffix}")
            file.write_bytes(data)
            with suppress(CatalogueError):
                read_catalogue(file)


_ADMIN: Final = ("faults", "clock", "snapshot", "reset", "requests", "state")


def admin(data: bytes) -> None:
    """Send a body to the emulator's admin path, then see that the emulator still works."""
    emulator = Emulator(clock=Clock.stepped())
    for method in ("POST", "PUT", "DELETE", "GET"):
        for name in _ADMIN:
            response = emulator.handle(method, f"/_emulator/{name}", {"host": "127.0.0.1"}, data)
            assert 200 <= response.status < 500, response
    emulator.reset()
    response = emulator.handle("GET", "/v2/databases", {"authorization": f"Bearer {emulator.token}"}, b"")
    assert response.status == 200, response
    json.loads(response.body)


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "codec": codec,
    "headers": headers,
    "catalogue": catalogue,
    "admin": admin,
}
