"""Whatever stands in a name, a request goes to one object of the collection that was meant, or is not sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from raw_server import RawServer, answer
from virtual_time import run

from asyncdbaas import (
    AsyncSession,
    InvalidInputError,
    RateLimiter,
    RetryPolicy,
    databases,
    indexes,
    logsinks,
    pools,
    replicas,
    schemas,
    topics,
    users,
)

CLUSTER = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
BASE = f"/v2/databases/{CLUSTER}"
CALLS: dict[str, Callable[[AsyncSession, str], Awaitable[object]]] = {
    f"{BASE}/topics/*": lambda session, name: topics.delete_topic(session, CLUSTER, name),
    f"{BASE}/users/*": lambda session, name: users.delete_user(session, CLUSTER, name),
    f"{BASE}/dbs/*": lambda session, name: databases.delete_database(session, CLUSTER, name),
    f"{BASE}/pools/*": lambda session, name: pools.delete_pool(session, CLUSTER, name),
    f"{BASE}/replicas/*": lambda session, name: replicas.delete_replica(session, CLUSTER, name),
    f"{BASE}/replicas/*/promote": lambda session, name: replicas.promote_replica(session, CLUSTER, name),
    f"{BASE}/indexes/*": lambda session, name: indexes.delete_index(session, CLUSTER, name),
    f"{BASE}/logsink/*": lambda session, name: logsinks.delete_logsink(session, CLUSTER, name),
    f"{BASE}/schema-registry/*": lambda session, name: schemas.delete_schema(session, CLUSTER, name),
    "/v2/databases/*/topics/x": lambda session, name: topics.delete_topic(session, name, "x"),
}
NASTY = [
    "..",
    ".",
    "",
    "a/../../b",
    "%2e%2e",
    "%2F",
    "a%2fb",
    "x\r\nHost: evil",
    "x HTTP/1.1",
    "?q",
    "#f",
    "//evil",
    "\\..\\",
]
NAMES = st.one_of(st.sampled_from(NASTY), st.text(), st.text("./%\\?#\r\n\t ;@:é", max_size=8))


@pytest.mark.parametrize("pattern", CALLS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(name="..")
@example(name="a/../../b")
@example(name="x\r\nAuthorization: Bearer evil")
@given(name=NAMES)
def test_a_name_stays_one_segment_of_the_path(pattern: str, name: str) -> None:
    targets = run(_targets(pattern, name))
    head, _, tail = pattern.partition("*")
    for target in targets:
        segment = target.removeprefix(head).removesuffix(tail)
        assert target == head + segment + tail
        assert "/" not in segment
        assert segment not in ("", ".", "..")
        assert unquote(segment, errors="strict") == name


async def _targets(pattern: str, name: str) -> list[str]:
    limiter = RateLimiter(clock=asyncio.get_running_loop().time)
    async with (
        RawServer(answer(204)) as server,
        AsyncSession("token", base_url=server.url, retry=RetryPolicy(max_attempts=1), rate_limiter=limiter) as session,
    ):
        try:
            await CALLS[pattern](session, name)
        except InvalidInputError:
            assert server.requests == []
        assert all(request.headers["authorization"] == "Bearer token" for request in server.requests)
        return [request.target for request in server.requests]


@pytest.mark.parametrize("value", ["a\r\nX: y", "a&b=c", "a b", "é", "#", "%0d%0a"])
def test_a_parameter_stays_one_parameter(value: str) -> None:
    async def targets() -> list[str]:
        async with RawServer(answer(200)) as server, AsyncSession("token", base_url=server.url) as session:
            await session.request("GET", "/v2/databases", params={"tag_name": value})
            return [request.target for request in server.requests]

    (target,) = run(targets())
    name, _, sent = target.partition("?")[2].partition("=")
    assert (name, unquote(sent.replace("+", " "))) == ("tag_name", value)
