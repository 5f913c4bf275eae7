"""Maintenance windows and updates."""

from __future__ import annotations

from datetime import UTC, time
from typing import Any

import pytest
from canned import Canned, Sent

from asyncdbaas import AsyncSession, InvalidInputError, PreconditionError, clusters, maintenance
from asyncdbaas.emulator import Clock, Emulator
from asyncdbaas.maintenance import MaintenanceWindowUpdate, Weekday

ID = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"


async def test_a_window_is_sent_and_takes_a_204(canned: Canned) -> None:
    window = MaintenanceWindowUpdate(day=Weekday.TUESDAY, hour="14:00")
    await maintenance.update_maintenance_window(canned.session, ID, window)
    assert canned.sent == Sent("PUT", f"/v2/databases/{ID}/maintenance", {"day": "tuesday", "hour": "14:00"})


async def test_install_update_sends_no_body_and_takes_a_204(canned: Canned) -> None:
    await maintenance.install_update(canned.session, ID)
    assert canned.sent == Sent("PUT", f"/v2/databases/{ID}/install_update")


@pytest.mark.parametrize("day", ["", "Tuesday", "someday", 2, None])
def test_a_day_that_is_none_is_refused(day: Any) -> None:
    with pytest.raises(InvalidInputError, match="day"):
        MaintenanceWindowUpdate(day=day, hour="14:00")


@pytest.mark.parametrize("hour", ["", "14", "2pm", "24:00", "14:60", "14:00:60", "14:00Z", 14, time(14)])
def test_an_hour_that_is_none_is_refused(hour: Any) -> None:
    with pytest.raises(InvalidInputError, match="hour"):
        MaintenanceWindowUpdate(day=Weekday.TUESDAY, hour=hour)


async def test_the_hour_gains_seconds_when_it_is_read_back(emulator: Emulator, session: AsyncSession) -> None:
    cluster_id = emulator.add_cluster()["id"]
    window = MaintenanceWindowUpdate(day=Weekday.TUESDAY, hour="13:00")
    await maintenance.update_maintenance_window(session, cluster_id, window)
    read = (await clusters.get_cluster(session, cluster_id)).maintenance_window
    assert read is not None
    assert (read.day, read.hour, read.start) == ("tuesday", "13:00:00", time(13, tzinfo=UTC))


async def test_a_window_that_was_read_can_be_sent_again(emulator: Emulator, session: AsyncSession) -> None:
    cluster_id = emulator.add_cluster()["id"]
    read = (await clusters.get_cluster(session, cluster_id)).maintenance_window
    assert read is not None
    assert read.day is not None
    assert read.hour is not None
    await maintenance.update_maintenance_window(
        session, cluster_id, MaintenanceWindowUpdate(day=read.day, hour=read.hour)
    )


async def test_a_cluster_under_maintenance_reads_online_and_refuses_a_resize() -> None:
    async with (
        Emulator(clock=Clock.stepped()) as emulator,
        AsyncSession(emulator.token, base_url=emulator.url) as session,
    ):
        cluster_id = emulator.add_cluster(engine="pg")["id"]
        await maintenance.install_update(session, cluster_id)
        assert (await clusters.get_cluster(session, cluster_id)).status is clusters.ClusterStatus.ONLINE
        resize = clusters.ClusterResize(size="db-s-2vcpu-4gb", num_nodes=1)
        with pytest.raises(PreconditionError, match="maintenance"):
            await clusters.resize_cluster(session, cluster_id, resize)
