"""Events of a cluster."""

from __future__ import annotations

from datetime import UTC, datetime

from canned import Canned, Sent

from asyncdbaas import AsyncSession, clusters, events
from asyncdbaas.emulator import Emulator
from asyncdbaas.events import Event, EventType

ID = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"


async def test_events_are_read(canned: Canned) -> None:
    canned(
        200,
        """{"events": [{"id": "pe8u2huh", "cluster_name": "events", "event_type": "cluster_create",
        "create_time": "2020-10-29T15:57:38Z"}, {"id": "x", "event_type": "cluster_teleport", "create_time": ""}]}""",
    )
    first, second = await events.list_events(canned.session, ID)
    assert canned.sent == Sent("GET", f"/v2/databases/{ID}/events")
    assert first == Event(
        id="pe8u2huh",
        cluster_name="events",
        event_type=EventType.CLUSTER_CREATE,
        create_time=datetime(2020, 10, 29, 15, 57, 38, tzinfo=UTC),
    )
    assert (second.event_type, second.create_time) == ("cluster_teleport", None)


async def test_no_events_may_be_null(canned: Canned) -> None:
    canned(200, '{"events": null}')
    assert await events.list_events(canned.session, ID) == []


async def test_the_creation_is_an_event(emulator: Emulator, session: AsyncSession) -> None:
    cluster_id = emulator.add_cluster(engine="kafka", name="events")["id"]
    await clusters.delete_cluster(session, emulator.add_cluster(name="other")["id"])
    happened = await events.list_events(session, cluster_id)
    assert {event.cluster_name for event in happened} == {"events"}
    assert EventType.CLUSTER_CREATE in [event.event_type for event in happened]
