"""Updating a topic ends right whether the service keeps the settings that a request does not name, or resets them."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from asyncdbaas import UNSET, AsyncSession, InvalidInputError, RetryPolicy, SettingsLostError
from asyncdbaas.emulator import Clock, Emulator, Quirks
from asyncdbaas.topics import (
    CleanupPolicy,
    Topic,
    TopicConfig,
    TopicCreate,
    TopicUpdate,
    create_topic,
    get_topic,
    update_topic,
)

CONFIG = TopicConfig(retention_ms=5, segment_ms=9, cleanup_policy=CleanupPolicy.COMPACT, min_insync_replicas=2)


@asynccontextmanager
async def with_topic(*, replaces: bool) -> AsyncGenerator[tuple[Emulator, AsyncSession, str]]:
    async with Emulator(clock=Clock.stepped(), quirks=Quirks(topic_put_replaces=replaces)) as emulator:
        cluster_id = emulator.add_cluster(name="events")["id"]
        retry = RetryPolicy(base_delay=0.0)
        async with AsyncSession(emulator.token, base_url=emulator.url, retry=retry) as session:
            await create_topic(session, cluster_id, TopicCreate(name="a", replication_factor=3, config=CONFIG))
            emulator.clock.advance(minutes=1)
            yield emulator, session, cluster_id


@pytest.mark.parametrize("replaces", [False, True])
@pytest.mark.parametrize(
    "update",
    [
        TopicUpdate(config=TopicConfig(retention_ms=7)),
        TopicUpdate(partition_count=9),
        TopicUpdate(partition_count=9, config=TopicConfig(retention_ms=7)),
    ],
)
async def test_what_an_update_does_not_name_stays(update: TopicUpdate, *, replaces: bool) -> None:
    async with with_topic(replaces=replaces) as (emulator, session, cluster_id):
        before = await get_topic(session, cluster_id, "a")
        await update_topic(session, cluster_id, "a", update)
        emulator.clock.advance(minutes=1)
        after = await get_topic(session, cluster_id, "a")
        assert before.config is not None
        assert after.config is not None
        changed = {key for key in vars(before.config) if getattr(before.config, key) != getattr(after.config, key)}
        assert changed == (set() if update.config is UNSET else {"retention_ms"})
        assert after.replication_factor == 3
        assert after.partition_count == (3 if update.partition_count is UNSET else 9)


async def test_an_update_that_changes_nothing_is_rejected_before_the_topic_is_read() -> None:
    async with with_topic(replaces=False) as (emulator, session, cluster_id):
        emulator.requests.clear()
        with pytest.raises(InvalidInputError, match="nothing is set"):
            await update_topic(session, cluster_id, "a", TopicUpdate())
        assert len(emulator.requests) == 0


async def test_a_topic_just_read_is_not_read_again() -> None:
    async with with_topic(replaces=True) as (emulator, session, cluster_id):
        live = await get_topic(session, cluster_id, "a")
        emulator.requests.clear()
        update = TopicUpdate(config=TopicConfig(retention_ms=7))
        assert (await update_topic(session, cluster_id, "a", update, live=live)).name == "a"
        assert emulator.requests.operations == {"update_topic": 1}


async def test_partitions_are_sent_only_if_they_are_to_grow() -> None:
    """A growth that somebody has asked for takes effect later, and must not be undone."""
    async with with_topic(replaces=True) as (emulator, session, cluster_id):
        await update_topic(session, cluster_id, "a", TopicUpdate(partition_count=9))
        await update_topic(session, cluster_id, "a", TopicUpdate(config=TopicConfig(retention_ms=7)))
        emulator.clock.advance(minutes=1)
        assert (await get_topic(session, cluster_id, "a")).partition_count == 9


def answer(**config: Any) -> dict[str, Any]:
    return {"topic": {"name": "a", "state": "active", "replication_factor": 2, "partitions": [], "config": config}}


async def test_a_setting_that_an_update_loses_is_reported() -> None:
    async with with_topic(replaces=False) as (emulator, session, cluster_id):
        body = answer(retention_ms=7, segment_ms=604800000)
        emulator.faults.add("update_topic", "wrong_shape", body=body)
        with pytest.raises(SettingsLostError, match="segment_ms is 604800000, was 9") as caught:
            await update_topic(session, cluster_id, "a", TopicUpdate(config=TopicConfig(retention_ms=7)))
        assert caught.value.may_have_applied
        assert not caught.value.outcome_unknown


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"flush_ms": 9223372036854776000}, {"flush_ms": 9223372036854775807}),  # no limit, either way
        ({"segment_ms": 9}, {}),  # a sparse response says nothing
        ({"retention_ms": 5}, {"retention_ms": 5}),  # the old value of what was to change: it may take effect later
        ({"segment_ms": None}, {"segment_ms": 9}),
    ],
)
async def test_what_does_not_prove_a_loss_is_none(before: dict[str, Any], after: dict[str, Any]) -> None:
    async with with_topic(replaces=False) as (emulator, session, cluster_id):
        emulator.faults.add("get_topic", "wrong_shape", body=answer(**before))
        emulator.faults.add("update_topic", "wrong_shape", body=answer(**after))
        update = TopicUpdate(config=TopicConfig(retention_ms=7))
        assert isinstance(await update_topic(session, cluster_id, "a", update), Topic)


async def test_an_update_sends_what_the_topic_has() -> None:
    async with with_topic(replaces=False) as (emulator, session, cluster_id):
        bodies: list[Any] = []
        emulator.faults.add("get_topic", "wrong_shape", body=answer(segment_ms=9))

        def keep(call: Any) -> bool:
            bodies.append(call.body)
            return True

        emulator.faults.add("update_topic", "delay", when=keep)
        await update_topic(session, cluster_id, "a", TopicUpdate(config=TopicConfig(retention_ms=7)))
        expected = {"replication_factor": 2, "config": {"segment_ms": 9, "retention_ms": 7}}
        assert json.loads(json.dumps(bodies[0])) == expected
