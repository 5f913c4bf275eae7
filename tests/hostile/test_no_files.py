"""A process that has too many open files cannot import modules either; what calls raise must not depend on that."""

from __future__ import annotations

import errno
import os
import sys
from typing import Any, Final, NoReturn

import pytest
from raw_server import Exchange, RawServer, answer
from virtual_time import virtual

from asyncdbaas import (
    AsyncSession,
    DecodeError,
    NotFoundError,
    RetryPolicy,
    TransportError,
    UnprocessableError,
    clusters,
    topics,
)
from asyncdbaas.emulator import Emulator

CLUSTER: Final = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
SHOP: Final = Emulator().add_cluster(engine="pg", name="shop")
LOADED_WHEN_NEEDED: Final = ("asyncdbaas._core.tolerant", "backoff", "difflib", "html")


class NoFiles:
    """A finder for which no file can be opened."""

    def find_spec(self, name: str, *_: object) -> NoReturn:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), name)


@pytest.fixture(autouse=True)
def no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in LOADED_WHEN_NEEDED:
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "meta_path", [NoFiles(), *sys.meta_path])


def session(server: RawServer, **options: Any) -> AsyncSession:
    return AsyncSession("token-of-tests", base_url=server.url, **options)


async def reset(exchange: Exchange) -> None:
    exchange.reset()


async def test_a_write_that_may_have_been_applied_is_reported_as_such() -> None:
    async with RawServer(reset) as server, session(server) as opened:
        with pytest.raises(TransportError) as caught:
            await opened.request("POST", "/v2/x", body={})
    assert caught.value.outcome_unknown


@virtual
async def test_a_failed_read_is_retried_after_a_wait() -> None:
    async with RawServer(answer(503), answer(200, {"topics": []})) as server, session(server) as opened:
        assert await topics.list_topics(opened, CLUSTER) == []


async def test_the_message_of_an_error_is_hidden_if_it_cannot_be_searched_for_secrets() -> None:
    steps = answer(422, {"id": "x", "message": "said"}), answer(422, {"id": "x", "message": "&#116;oken-of-tests"})
    async with RawServer(*steps) as server, session(server) as opened:
        for shown in ("said", "too many open files to search it"):
            with pytest.raises(UnprocessableError, match=shown) as caught:
                await opened.request("POST", "/v2/x", body={})
    assert "116" not in f"{caught.value} {caught.value.body!r}"


async def test_a_response_that_must_be_read_tolerantly_is_an_error_of_decoding() -> None:
    odd = answer(200, {"topic": {"name": "a", "partitions": "many"}})
    async with RawServer(odd) as server, session(server, retry=RetryPolicy(max_attempts=1)) as opened:
        with pytest.raises(DecodeError, match="too many open files to read it"):
            await topics.get_topic(opened, CLUSTER, "a")


async def test_a_name_that_does_not_exist_is_not_found() -> None:
    there = answer(200, {"databases": [SHOP]})
    async with RawServer(there) as server, session(server) as opened:
        with pytest.raises(NotFoundError, match="no cluster has this name"):
            await clusters.find_cluster(opened, "shap")
