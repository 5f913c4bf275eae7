"""Indexes of an OpenSearch cluster."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from canned import Canned, Sent

from asyncdbaas import AsyncSession, NotFoundError, indexes
from asyncdbaas.emulator import Emulator
from asyncdbaas.indexes import Index, IndexHealth, IndexReplication, IndexStatus

CLUSTER = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
PATH = f"/v2/databases/{CLUSTER}/indexes"
NEW_YEAR = datetime(2021, 1, 1, tzinfo=UTC)


async def test_a_deleted_index_is_gone(emulator: Emulator, session: AsyncSession) -> None:
    cluster_id = emulator.add_cluster(engine="opensearch")["id"]
    emulator.add_index(cluster_id, "logs-*")
    emulator.add_index(cluster_id, "events")
    await indexes.delete_index(session, cluster_id, "logs-*")
    assert [index.index_name for index in await indexes.list_indexes(session, cluster_id)] == ["events"]
    with pytest.raises(NotFoundError):
        await indexes.delete_index(session, cluster_id, "logs-*")


@pytest.mark.parametrize("key", ["created_time", "create_time"])
async def test_the_creation_time_is_read_under_both_of_its_keys(canned: Canned, key: str) -> None:
    canned(200, {"indexes": [{"index_name": "events", key: "2021-01-01T00:00:00Z"}]})
    (index,) = await indexes.list_indexes(canned.session, CLUSTER)
    assert index.created_time == NEW_YEAR


async def test_an_index_has_the_fields_of_the_description_and_those_of_the_go_client(canned: Canned) -> None:
    canned(
        200,
        '{"indexes":[{"index_name":"logs-*","number_of_shards":2,"number_of_replicas":3,"size":208,"docs":17,'
        '"created_time":"2021-01-01T00:00:00Z","status":"open","health":"red*",'
        '"replication":{"leader_index":"logs","leader_project":"p","leader_service":"s"}}]}',
    )
    assert await indexes.list_indexes(canned.session, CLUSTER) == [
        Index(
            index_name="logs-*",
            number_of_shards=2,
            number_of_replicas=3,
            size=208,
            docs=17,
            created_time=NEW_YEAR,
            status=IndexStatus.OPEN,
            health=IndexHealth.RED_STAR,
            replication=IndexReplication(leader_index="logs", leader_project="p", leader_service="s"),
        )
    ]


@pytest.mark.parametrize(("name", "segment"), [("logs-*", "logs-%2A"), (".kibana_1", ".kibana_1"), ("a/b", "a%2Fb")])
async def test_names_with_stars_dots_and_slashes_are_one_path_segment(canned: Canned, name: str, segment: str) -> None:
    await indexes.delete_index(canned.session, CLUSTER, name)
    assert canned.sent == Sent("DELETE", f"{PATH}/{segment}")
