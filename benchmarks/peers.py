"""The same job, done with other libraries, each in its best configuration."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final, TypeAlias

import aiohttp
import attrs
import msgspec
from yarl import URL

from asyncdbaas import AsyncSession, RateLimiter, clusters, topics
from benchmarks.mirrors import as_struct
from benchmarks.optional import optional
from benchmarks.payloads import CLUSTER_ID, TOKEN

__all__ = ["CLIENTS", "Client", "Open", "bare", "by_httpx", "by_pydo", "ours", "unlimited"]


@attrs.frozen(kw_only=True)
class Client:
    """What a client can do, decoded as well as it can."""

    create: Callable[[str], Coroutine[Any, Any, object]]
    """Create a topic of the given name."""
    list_topics: Callable[[], Awaitable[object]]
    list_clusters: Callable[[], Awaitable[object]]


Open: TypeAlias = Callable[[str, int], AbstractAsyncContextManager[Client]]
"""Opens a client for an address, with a maximum of requests in flight."""

_TOPICS: Final = f"/v2/databases/{CLUSTER_ID}/topics"
_CLUSTERS: Final = "/v2/databases"


class TopicCreate(msgspec.Struct):
    """The body of a create."""

    name: str
    partition_count: int
    replication_factor: int


@asynccontextmanager
async def ours(url: str, in_flight: int) -> AsyncGenerator[Client]:
    """Use asyncdbaas."""
    async with AsyncSession(TOKEN, base_url=url, max_connections=in_flight, rate_limiter=unlimited()) as session:

        async def create(name: str) -> topics.Topic:
            topic = topics.TopicCreate(name=name, partition_count=3, replication_factor=2)
            return await topics.create_topic(session, CLUSTER_ID, topic)

        yield Client(
            create=create,
            list_topics=lambda: topics.list_topics(session, CLUSTER_ID),
            list_clusters=lambda: clusters.list_clusters(session),
        )


def unlimited() -> RateLimiter:
    """Make a limiter that runs all its code and never holds anyone back."""
    return RateLimiter(per_minute=10**9, per_hour=10**9)


@asynccontextmanager
async def bare(url: str, in_flight: int) -> AsyncGenerator[Client]:
    """Use bare aiohttp and msgspec, as a careful engineer would write it for these few calls.

    One session, no cookies, URLs and headers made once, encoder and decoders made once, an error for any response but
    2xx. No rate limit, no retries, no checks of the input, no tolerance for sloppy responses.
    """
    encode = msgspec.json.Encoder().encode
    decode_topic, decode_topics, decode_clusters = _decoders()
    slots = asyncio.Semaphore(in_flight)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=in_flight),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=_headers(),
        timeout=aiohttp.ClientTimeout(total=60),
    ) as http:

        async def create(name: str) -> Any:
            body = encode(TopicCreate(name, 3, 2))
            async with slots, http.post(topics_url, data=body) as response:
                payload = await response.read()
                _check(response.status, payload)
                return decode_topic(payload).topic

        async def get(address: URL) -> bytes:
            async with slots, http.get(address) as response:
                payload = await response.read()
                _check(response.status, payload)
                return payload

        async def list_topics() -> Any:
            return decode_topics(await get(topics_url)).topics

        async def list_clusters() -> Any:
            return decode_clusters(await get(clusters_url)).databases

        topics_url, clusters_url = URL(url + _TOPICS), URL(url + _CLUSTERS)
        yield Client(create=create, list_topics=list_topics, list_clusters=list_clusters)


@asynccontextmanager
async def by_httpx(url: str, in_flight: int) -> AsyncGenerator[Client]:
    """Use httpx and msgspec."""
    httpx = optional("httpx")
    encode = msgspec.json.Encoder().encode
    decode_topic, decode_topics, decode_clusters = _decoders()
    slots = asyncio.Semaphore(in_flight)
    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    async with httpx.AsyncClient(headers=_headers(), limits=limits, timeout=60, trust_env=False) as http:

        async def create(name: str) -> Any:
            async with slots:
                response = await http.post(topics_url, content=encode(TopicCreate(name, 3, 2)))
            response.raise_for_status()
            return decode_topic(response.content).topic

        async def list_topics() -> Any:
            return decode_topics((await http.get(topics_url)).raise_for_status().content).topics

        async def list_clusters() -> Any:
            return decode_clusters((await http.get(clusters_url)).raise_for_status().content).databases

        topics_url, clusters_url = httpx.URL(url + _TOPICS), httpx.URL(url + _CLUSTERS)
        yield Client(create=create, list_topics=list_topics, list_clusters=list_clusters)


@asynccontextmanager
async def by_pydo(url: str, in_flight: int) -> AsyncGenerator[Client]:
    """Use the vendor's own client, pydo.aio; it gives plain dictionaries."""
    slots = asyncio.Semaphore(in_flight)
    plain: Mapping[str, Any] = {"enforce_https": False}  # the loopback server has no certificate
    async with optional("pydo.aio").Client(TOKEN, endpoint=url) as client:
        databases: Any = client.databases

        async def create(name: str) -> Any:
            body = {"name": name, "partition_count": 3, "replication_factor": 2}
            async with slots:
                return await databases.create_kafka_topic(CLUSTER_ID, body, **plain)

        yield Client(
            create=create,
            list_topics=lambda: databases.list_kafka_topics(CLUSTER_ID, **plain),
            list_clusters=lambda: databases.list_clusters(**plain),
        )


CLIENTS: Final[Mapping[str, Open]] = {
    "asyncdbaas": ours,
    "bare aiohttp": bare,
    "httpx": by_httpx,
    "pydo.aio": by_pydo,
}


def _headers() -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}


def _check(status: int, payload: bytes) -> None:
    if not 200 <= status < 300:
        raise RuntimeError(f"{status}: {payload[:200]!r}")


def _decoders() -> tuple[Callable[[bytes], Any], Callable[[bytes], Any], Callable[[bytes], Any]]:
    """Make decoders for a topic, a list of topics and a list of clusters, into the same fields as the library's."""
    topic: Any = as_struct(topics.Topic)
    cluster: Any = as_struct(clusters.Cluster)
    shapes: dict[str, Any] = {"topic": topic, "topics": list[topic], "databases": list[cluster]}
    one, many, databases = (
        msgspec.json.Decoder(msgspec.defstruct("Envelope", [(key, kind)])).decode for key, kind in shapes.items()
    )
    return one, many, databases
