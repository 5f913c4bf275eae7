"""Responses of the usual form take the fast path only: the tolerant one gives the same, many times slower."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from asyncdbaas import configs, topics
from asyncdbaas._core.decoding import page_reader, reader


def functions_called(function: Callable[[bytes], object], body: bytes) -> set[str]:
    """Return the names of the Python functions that a call runs through."""
    names: set[str] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            names.add(frame.f_code.co_name)

    sys.setprofile(note)
    try:
        function(body)
    finally:
        sys.setprofile(None)
    return names


@pytest.mark.parametrize(
    ("make", "into", "key", "body"),
    [
        (reader, topics.Topic, "topic", b'{"topic": {"name": "a", "state": "new to us", "more": [1]}, "meta": {}}'),
        (reader, topics.Topic, None, b'{"name": "a", "partitions": null}'),
        (reader, list[str], "names", b'{"names": ["a", "b"]}'),
        (reader, configs.PostgreSQLConfig, "config", b'{"config": {"pg_stat_statements.track": "all", "new": 1}}'),
        (reader, configs.PostgreSQLConfig, None, b'{"pg_stat_statements.track": "all"}'),
        (page_reader, topics.Topic, "topics", b'{"topics": [{"name": "a"}]}'),
    ],
    ids=["envelope", "bare", "list", "renamed", "renamed and bare", "page"],
)
def test_a_usual_response_never_takes_the_tolerant_path(
    make: Callable[[Any, Any], Callable[[bytes], object]], into: object, key: str | None, body: bytes
) -> None:
    names = functions_called(make(into, key), body)
    assert not names & {"_repair", "structure"}


def test_the_tolerant_path_would_be_noticed() -> None:
    names = functions_called(reader(topics.Topic, "topic"), b'{"topic": {"name": 7}}')
    assert {"_repair", "structure"} <= names
