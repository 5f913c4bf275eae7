"""The same job, done with what else there is, each in its best configuration."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import aiohttp
import msgspec
from yarl import URL

from asyncdbaas import AsyncSession, RateLimiter, topics

from .payloads import CLUSTER_ID, TOKEN

__all__ = ["Create", "bare", "ours", "unlimited"]

Create: TypeAlias = Callable[[str], Coroutine[Any, Any, object]]
"""Creates one topic of the given name and returns it, decoded."""


def unlimited() -> RateLimiter:
    """Make a limiter that runs all its code and never holds anyone back."""
    return RateLimiter(per_minute=10**9, per_hour=10**9)


@asynccontextmanager
async def ours(url: str, in_flight: int) -> AsyncGenerator[Create]:
    """Use asyncdbaas."""
    async with AsyncSession(TOKEN, base_url=url, max_connections=in_flight, rate_limiter=unlimited()) as session:

        async def create(name: str) -> topics.Topic:
            return await topics.create_topic(
                session, CLUSTER_ID, topics.TopicCreate(name=name, partition_count=3, replication_factor=2)
            )

        yield create


class Partition(msgspec.Struct):
    id: int | None = None
    size: int | None = None
    in_sync_replicas: int | None = None
    earliest_offset: int | None = None
    consumer_groups: list[Any] | None = None


class Config(msgspec.Struct):
    cleanup_policy: str | msgspec.UnsetType = msgspec.UNSET
    compression_type: str | msgspec.UnsetType = msgspec.UNSET
    delete_retention_ms: int | msgspec.UnsetType = msgspec.UNSET
    file_delete_delay_ms: int | msgspec.UnsetType = msgspec.UNSET
    flush_messages: int | msgspec.UnsetType = msgspec.UNSET
    flush_ms: int | msgspec.UnsetType = msgspec.UNSET
    index_interval_bytes: int | msgspec.UnsetType = msgspec.UNSET
    max_compaction_lag_ms: int | msgspec.UnsetType = msgspec.UNSET
    max_message_bytes: int | msgspec.UnsetType = msgspec.UNSET
    message_down_conversion_enable: bool | msgspec.UnsetType = msgspec.UNSET
    message_format_version: str | msgspec.UnsetType = msgspec.UNSET
    message_timestamp_difference_max_ms: int | msgspec.UnsetType = msgspec.UNSET
    message_timestamp_type: str | msgspec.UnsetType = msgspec.UNSET
    min_cleanable_dirty_ratio: float | msgspec.UnsetType = msgspec.UNSET
    min_compaction_lag_ms: int | msgspec.UnsetType = msgspec.UNSET
    min_insync_replicas: int | msgspec.UnsetType = msgspec.UNSET
    preallocate: bool | msgspec.UnsetType = msgspec.UNSET
    retention_bytes: int | msgspec.UnsetType = msgspec.UNSET
    retention_ms: int | msgspec.UnsetType = msgspec.UNSET
    segment_bytes: int | msgspec.UnsetType = msgspec.UNSET
    segment_index_bytes: int | msgspec.UnsetType = msgspec.UNSET
    segment_jitter_ms: int | msgspec.UnsetType = msgspec.UNSET
    segment_ms: int | msgspec.UnsetType = msgspec.UNSET


class Topic(msgspec.Struct):
    name: str
    state: str | None = None
    replication_factor: int | None = None
    partition_count: int | None = None
    partitions: list[Partition] | None = None
    config: Config | None = None


class TopicCreate(msgspec.Struct):
    name: str
    partition_count: int
    replication_factor: int


class Created(msgspec.Struct):
    topic: Topic


@asynccontextmanager
async def bare(url: str, in_flight: int) -> AsyncGenerator[Create]:
    """Use bare aiohttp and msgspec, as a careful engineer would write it for this one call.

    One session, no cookies, URL and headers made once, encoder and decoder made once, an error for any answer but 2xx.
    No rate limit, no retries, no checks of the input.
    """
    address = URL(f"{url}/v2/databases/{CLUSTER_ID}/topics")
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    encode = msgspec.json.Encoder().encode
    decode = msgspec.json.Decoder(Created).decode
    connector = aiohttp.TCPConnector(limit=in_flight)
    slots = asyncio.Semaphore(in_flight)
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), headers=headers, timeout=timeout
    ) as http:

        async def create(name: str) -> Topic:
            body = encode(TopicCreate(name=name, partition_count=3, replication_factor=2))
            async with slots, http.post(address, data=body) as response:
                payload = await response.read()
                if not 200 <= response.status < 300:
                    raise RuntimeError(f"{response.status}: {payload[:200]!r}")
                return decode(payload).topic

        yield create
