"""Clusters, replicas and log sinks by name: one list request, and similar names if there is none."""

from __future__ import annotations

from typing import Any

import pytest
from canned import Canned, Sent

from asyncdbaas import AsyncSession, InvalidInputError, NotFoundError, UnprocessableError, clusters, logsinks, replicas
from asyncdbaas.emulator import Emulator

CLUSTER = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"


async def test_each_is_found_with_one_list_request(canned: Canned) -> None:
    cluster = {"id": CLUSTER, "name": "shop", "engine": "pg", "status": "online"}
    canned(200, {"databases": [{**cluster, "name": "other"}, cluster]})
    assert (await clusters.find_cluster(canned.session, "shop")).id == CLUSTER
    canned(200, {"replicas": [{"name": "copy"}, {"name": "spare"}]})
    assert (await replicas.find_replica(canned.session, CLUSTER, "spare")).name == "spare"
    canned(200, {"sinks": [{"sink_id": "1", "sink_name": "logs"}, {"sink_id": "2"}]})
    assert (await logsinks.find_logsink(canned.session, CLUSTER, "logs")).sink_id == "1"
    path = f"/v2/databases/{CLUSTER}"
    assert canned.requests == [
        Sent("GET", "/v2/databases"),
        Sent("GET", f"{path}/replicas"),
        Sent("GET", f"{path}/logsink"),
    ]


async def test_a_name_that_does_not_exist_is_not_found_and_similar_ones_are_named(
    emulator: Emulator, session: AsyncSession
) -> None:
    for name in ("events", "events-eu", "shop"):
        emulator.add_cluster(engine="pg", name=name)
    with pytest.raises(NotFoundError, match="no cluster has this name; similar: events, events-eu") as caught:
        await clusters.find_cluster(session, "evnts")
    assert (caught.value.status, caught.value.method, caught.value.path) == (404, "GET", "/v2/databases")
    with pytest.raises(NotFoundError, match="no cluster has this name; there are 3 with other names"):
        await clusters.find_cluster(session, "xyzzy")


async def test_the_error_does_not_quote_what_was_asked_for(canned: Canned) -> None:
    canned(200, {"databases": []})
    with pytest.raises(NotFoundError) as caught:
        await clusters.find_cluster(canned.session, "pg://u:s3cret@host")
    assert "s3cret" not in str(caught.value)
    wrong: Any = {"password": "s3cret"}
    for find in (
        clusters.find_cluster(canned.session, wrong),
        replicas.find_replica(canned.session, CLUSTER, wrong),
        logsinks.find_logsink(canned.session, CLUSTER, wrong),
    ):
        with pytest.raises(InvalidInputError, match="name must be a string, not dict"):
            await find
    assert len(canned.requests) == 1  # of the name above


async def test_a_name_that_several_have_is_refused(canned: Canned) -> None:
    canned(200, {"sinks": [{"sink_id": "1", "sink_name": "logs"}, {"sink_id": "2", "sink_name": "logs"}]})
    with pytest.raises(InvalidInputError, match="2 log sinks have this name; use the id"):
        await logsinks.find_logsink(canned.session, CLUSTER, "logs")


async def test_a_redis_cluster_becomes_valkey(canned: Canned, emulator: Emulator, session: AsyncSession) -> None:
    await clusters.convert_cluster(canned.session, CLUSTER)
    assert canned.sent == Sent("PATCH", f"/v2/databases/{CLUSTER}/cluster_type", {"cluster_type": "valkey"})
    cluster_id = emulator.add_cluster(engine="redis")["id"]
    await clusters.convert_cluster(session, cluster_id, "valkey")
    assert (await clusters.get_cluster(session, cluster_id)).engine is clusters.Engine.VALKEY
    with pytest.raises(UnprocessableError):
        await clusters.convert_cluster(session, emulator.add_cluster(engine="pg")["id"])


async def test_a_cluster_that_a_list_repeats_is_still_one(canned: Canned) -> None:
    cluster = {"id": CLUSTER, "name": "shop", "engine": "pg", "status": "online"}
    canned(200, {"databases": [cluster, {**cluster, "status": "resizing"}]})
    assert (await clusters.find_cluster(canned.session, "shop")).status is clusters.ClusterStatus.RESIZING
