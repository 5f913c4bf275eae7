"""The five operations on topics against the emulator, and against answers that it does not give; lists over pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw_server import RawServer, answer
from virtual_time import virtual

from asyncdbaas import (
    AcceptedError,
    AsyncSession,
    DecodeError,
    InvalidInputError,
    NotFoundError,
    RateLimiter,
    UnprocessableError,
)
from asyncdbaas import topics as t
from asyncdbaas._core.decoding import reader
from asyncdbaas._endpoint import list_all
from asyncdbaas.emulator import Delays, Emulator

CLUSTER = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"


@asynccontextmanager
async def kafka(**settings: Any) -> AsyncGenerator[tuple[Emulator, AsyncSession, str]]:
    """Run an emulator with one Kafka cluster in virtual time, and a session on it."""
    loop = asyncio.get_running_loop()
    settings.setdefault("delays", Delays.none())
    async with Emulator(clock=loop.time, **settings) as emulator:
        cluster = emulator.add_cluster(engine="kafka", name="events")
        limiter = RateLimiter(clock=loop.time)
        async with AsyncSession(emulator.token, base_url=emulator.url, rate_limiter=limiter) as session:
            yield emulator, session, cluster["id"]


@asynccontextmanager
async def saying(*answers: bytes) -> AsyncGenerator[tuple[RawServer, AsyncSession]]:
    """Run a server that gives these responses, and a session on it."""
    limiter = RateLimiter(clock=asyncio.get_running_loop().time)
    async with RawServer(*answers) as server, AsyncSession("t", base_url=server.url, rate_limiter=limiter) as session:
        yield server, session


# Against the emulator.


@virtual
async def test_a_topic_is_created_read_changed_listed_and_deleted() -> None:
    async with kafka() as (_, session, cluster):
        config = t.TopicConfig(retention_ms=3_600_000, cleanup_policy=t.CleanupPolicy.COMPACT)
        created = await t.create_topic(
            session, cluster, t.TopicCreate(name="orders", partition_count=4, replication_factor=3, config=config)
        )
        assert created.name == "orders"
        read = await t.get_topic(session, cluster, "orders")
        assert (read.partition_count, len(read.partitions), read.replication_factor) == (4, 4, 3)
        assert read.config is not None
        assert (read.config.retention_ms, read.config.cleanup_policy) == (3_600_000, t.CleanupPolicy.COMPACT)
        changes = t.TopicUpdate(partition_count=6, config=t.TopicConfig(retention_ms=-1))
        await t.update_topic(session, cluster, "orders", changes)
        read = await t.get_topic(session, cluster, "orders")
        assert read.partition_count == 6
        assert read.config is not None
        assert (read.config.retention_ms, read.config.cleanup_policy) == (-1, t.CleanupPolicy.COMPACT)
        assert [topic.name for topic in await t.list_topics(session, cluster)] == ["orders"]
        await t.delete_topic(session, cluster, "orders")
        assert await t.list_topics(session, cluster) == []
        with pytest.raises(NotFoundError):
            await t.get_topic(session, cluster, "orders")


@virtual
async def test_what_the_service_refuses_is_an_error() -> None:
    async with kafka() as (emulator, session, cluster):
        await t.create_topic(session, cluster, t.TopicCreate(name="orders", partition_count=5))
        other = emulator.add_cluster(engine="pg", name="main")["id"]
        with pytest.raises(UnprocessableError):
            await t.create_topic(session, cluster, t.TopicCreate(name="orders"))
        with pytest.raises(UnprocessableError):
            await t.update_topic(session, cluster, "orders", t.TopicUpdate(partition_count=4))
        with pytest.raises(UnprocessableError):
            await t.create_topic(session, other, t.TopicCreate(name="orders"))
        for missing in (t.get_topic, t.delete_topic):
            with pytest.raises(NotFoundError):
                await missing(session, cluster, "payments")


@virtual
async def test_a_plain_gather_over_many_creates_is_right() -> None:
    loop = asyncio.get_running_loop()
    names = [f"orders-{n}" for n in range(700)]
    async with kafka() as (emulator, session, cluster):
        start = loop.time()
        created = await asyncio.gather(*(t.create_topic(session, cluster, t.TopicCreate(name=name)) for name in names))
        assert loop.time() - start == 120
        assert [topic.name for topic in created] == names
        assert emulator.requests.statuses == {201: 700}
        assert sorted(topic.name for topic in await t.list_topics(session, cluster)) == sorted(names)


# Responses that the emulator does not give.


@virtual
async def test_a_topic_that_is_only_accepted_is_configuring() -> None:
    accepted = answer(202, {"id": "accepted", "message": "topic cannot be performed. Reason: topic is provisioning"})
    async with saying(accepted, answer(201, {"topic": None}), accepted, accepted) as (_, session):
        for _ in range(2):
            topic = await t.create_topic(session, CLUSTER, t.TopicCreate(name="orders"))
            assert topic == t.Topic(name="orders", state=t.TopicState.CONFIGURING)
        with pytest.raises(AcceptedError):
            await t.get_topic(session, CLUSTER, "orders")
        with pytest.raises(AcceptedError):
            await t.update_topic(session, CLUSTER, "orders", t.TopicUpdate(partition_count=4))


def topic(text: str) -> t.Topic:
    return reader(t.Topic, "topic")(f'{{"topic": {text}}}'.encode())


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ('"partition_count": 3', 3),
        ('"partitions": [{}, {}]', 2),
        ('"partition_count": 6, "partitions": [{}, {}]', 6),
        ('"partitions": []', None),
        ('"partitions": null', None),
        ('"partition_count": "7"', 7),
    ],
)
def test_the_number_of_partitions_is_counted_where_it_is_not_said(fields: str, expected: int | None) -> None:
    assert topic(f'{{"name": "a", {fields}}}').partition_count == expected


@pytest.mark.parametrize(
    ("groups", "names"),
    [
        ('[{"name": "billing", "offset": 5}]', ["billing"]),
        ('[{"group_name": "billing", "offset": 5}]', ["billing"]),
        ('[{"group_name": "old", "name": "billing"}]', ["billing"]),
        ("[{}]", [None]),
        ("null", []),
        ("[]", []),
    ],
)
def test_a_consumer_group_has_its_name_under_either_key(groups: str, names: list[str | None]) -> None:
    read = topic(f'{{"name": "a", "partitions": [{{"id": 0, "consumer_groups": {groups}}}]}}')
    assert [group.name for group in read.partitions[0].consumer_groups] == names


def test_the_largest_numbers_of_the_service_stay_exact() -> None:
    config = topic('{"name": "a", "config": {"flush_ms": 9223372036854776000, "retention_ms": "-1"}}').config
    assert config is not None
    assert (config.flush_ms, config.retention_ms) == (9223372036854776000, -1)


# Input that is refused before anything is sent.


@pytest.mark.parametrize("name", ["a", "A.b_c-9", "...", "x" * 249, "-", "_"])
def test_a_name_that_kafka_takes(name: str) -> None:
    assert t.TopicCreate(name=name).name == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", "x" * 250, "a/b", "a b", "a?b", "a%2e", "é", "a\n", "\ud800", "a\x00", None, 5, b"a"]
)
def test_a_name_that_kafka_does_not_take_is_refused(name: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"^topic name must be 1 to 249 "):
        t.TopicCreate(name=name)


@given(name=st.from_regex(r"[A-Za-z0-9._-]{1,249}", fullmatch=True))
def test_any_name_of_the_alphabet_but_the_dots_passes(name: str) -> None:
    if name in (".", ".."):
        name = "..."
    assert t.TopicCreate(name=name).name == name


@virtual
async def test_bad_input_is_never_sent() -> None:
    async with saying(answer(200, "{}")) as (server, session):
        for cluster in ("", "events", "..", f"{CLUSTER}/x"):
            with pytest.raises(InvalidInputError, match="cluster_id"):
                await t.list_topics(session, cluster)
        for name in ("", ".", "..", "\ud800"):
            with pytest.raises(InvalidInputError, match="topic name"):
                await t.get_topic(session, CLUSTER, name)
        for update in (t.TopicUpdate(), t.TopicUpdate(config=t.TopicConfig())):
            with pytest.raises(InvalidInputError, match="nothing is set"):
                await t.update_topic(session, CLUSTER, "orders", update)
        assert server.connections == 0


# Lists over pages.


def page(names: list[str], following: Any = None) -> bytes:
    links: dict[str, Any] = {} if following is None else {"links": {"pages": {"next": following}}}
    return answer(200, {"topics": [{"name": name} for name in names], **links})


async def listed(*pages: bytes) -> tuple[list[str], list[str]]:
    """Return the names that a list gives, and the queries that were asked for."""
    async with saying(*pages) as (server, session):
        names = [topic.name for topic in await t.list_topics(session, CLUSTER)]
        return names, [request.target.partition("?")[2] for request in server.requests]


@virtual
async def test_a_list_is_followed_over_its_pages_on_its_own_address_only() -> None:
    names, queries = await listed(
        page(["a", "b"], "https://evil.example/v2/other?page=2&per_page=2"), page(["c"], "?page=3"), page(["d"])
    )
    assert names == ["a", "b", "c", "d"]
    assert queries == ["", "page=2&per_page=2", "page=3"]


@virtual
async def test_a_page_that_is_named_again_or_given_again_ends_the_list() -> None:
    again = page(["b"], "?page=2")
    assert (await listed(page(["a"], "?page=2"), again))[0] == ["a", "b"]
    assert (await listed(page(["a"], "?page=2"), page(["a"], "?page=3")))[0] == ["a"]


@pytest.mark.parametrize("following", ["", "/v2/databases", "https://host/#page=2", 5, None, []])
@virtual
async def test_a_next_page_without_a_query_is_none(following: Any) -> None:
    assert await listed(page(["a"], following)) == (["a"], [""])


@pytest.mark.parametrize("following", ["http://[?page=2", "https://host]/?page=2", "http://\u2100.example/?page=2"])
@virtual
async def test_only_the_query_of_the_next_pages_address_has_to_make_sense(following: str) -> None:
    assert await listed(page(["a"], following), page(["b"])) == (["a", "b"], ["", "page=2"])


@virtual
async def test_pages_that_are_empty_and_name_ever_new_ones_come_to_an_end() -> None:
    empty = [page([], f"?page={n}") for n in range(2, 50)]
    names, queries = await listed(page(["a"], "?page=1"), *empty)
    assert names == ["a"]
    assert len(queries) == 2


def counted(names: list[str], total: Any, following: Any = None) -> bytes:
    links = {} if following is None else {"links": {"pages": {"next": following}}}
    return answer(200, {"topics": [{"name": name} for name in names], "meta": {"total": total}, **links})


@virtual
async def test_a_service_that_ignores_the_page_and_whose_states_change_is_asked_twice() -> None:
    def again(number: int) -> bytes:
        state = "active" if number % 2 else "configuring"
        links = {"pages": {"next": f"?page={number + 1}"}}
        return answer(200, {"topics": [{"name": "a", "state": state}, {"name": "b"}], "links": links})

    names, queries = await listed(*(again(number) for number in range(1, 50)))
    assert names == ["a", "b"]
    assert len(queries) == 2


@virtual
async def test_a_service_that_ignores_the_page_and_counts_is_asked_once() -> None:
    assert await listed(counted(["a", "b"], 2, "?page=2")) == (["a", "b"], [""])


@virtual
async def test_an_item_that_moves_to_the_next_page_is_listed_once() -> None:
    names, _ = await listed(page(["a", "b"], "?page=2"), page(["b", "c"], "?page=3"), page(["d"]))
    assert names == ["a", "b", "c", "d"]


@virtual
async def test_a_query_that_every_page_needs_is_kept() -> None:
    async with saying(page(["a"], "?page=2"), page(["b"])) as (server, session):
        await list_all(session, "/v2/x", t.Topic, "topics", {"tag_name": "blue"})
        assert [request.target for request in server.requests] == [
            "/v2/x?tag_name=blue",
            "/v2/x?tag_name=blue&page=2",
        ]


@pytest.mark.parametrize(
    "pages",
    [
        [counted(["a", "b"], 3)],
        [counted(["a"], 3, "?page=2"), counted(["b"], 3)],
        [counted(["a"], 3, "?page=2"), counted(["a"], 3, "?page=3")],
        [counted(["a"], 3, "?page=2"), counted([], 3)],
    ],
    ids=["one page", "too few pages", "a page again", "an empty page"],
)
@virtual
async def test_a_list_that_is_shorter_than_the_service_counts_is_an_error(pages: list[bytes]) -> None:
    with pytest.raises(DecodeError, match="the list is incomplete: the service counts 3 items, but sent"):
        await listed(*pages)


@virtual
async def test_the_last_count_is_the_one_that_matters() -> None:
    names, _ = await listed(counted(["a", "b"], 4, "?page=2"), counted(["c"], 3))
    assert names == ["a", "b", "c"]


@pytest.mark.parametrize("total", [None, "2", True, -1, 1, 2, 1.5, [], {}])
@virtual
async def test_a_count_that_says_nothing_new_does_not_matter(total: Any) -> None:
    assert await listed(counted(["a", "b"], total)) == (["a", "b"], [""])


@virtual
async def test_ever_new_pages_come_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asyncdbaas._endpoint._MOST_PAGES", 5)
    with pytest.raises(DecodeError, match="more than 5 pages"):
        await listed(*(page([f"t{number}"], f"?page={number}") for number in range(50)))


@virtual
async def test_a_list_that_is_null_is_empty() -> None:
    assert (await listed(answer(200, {"topics": None})))[0] == []
