"""Backups and what stands beside them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from canned import Canned, Sent

from asyncdbaas import AsyncSession, DecodeError, PreconditionError, UnprocessableError, backups
from asyncdbaas.backups import Backup, BackupSchedule
from asyncdbaas.emulator import Clock, Emulator

ID = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"


async def test_backups_are_read_with_their_siblings(canned: Canned) -> None:
    canned(
        200,
        """{"backups": [{"created_at": "2019-01-11T18:42:27Z", "size_gigabytes": 0.03364864, "incremental": false}],
        "scheduled_backup_time": {"backup_hour": 20, "backup_minute": 40, "backup_interval_hours": 24},
        "backup_progress": "36"}""",
    )
    found = await backups.list_backups(canned.session, ID)
    assert canned.sent == Sent("GET", f"/v2/databases/{ID}/backups")
    taken = datetime(2019, 1, 11, 18, 42, 27, tzinfo=UTC)
    assert found.backups == [Backup(created_at=taken, size_gigabytes=0.03364864, incremental=False)]
    assert found.scheduled_backup_time == BackupSchedule(backup_hour=20, backup_minute=40, backup_interval_hours=24)


async def test_backup_progress_is_a_string_and_stays_one_if_it_comes_as_a_number(canned: Canned) -> None:
    for body in ('{"backups": [], "backup_progress": "36"}', '{"backups": [], "backup_progress": 36}'):
        canned(200, body)
        assert (await backups.list_backups(canned.session, ID)).backup_progress == "36"


async def test_without_a_backup_running_there_is_no_progress(canned: Canned) -> None:
    canned(200, '{"backups": [{"created_at": "2019-01-11T18:42:27Z", "size_gigabytes": 1}]}')
    found = await backups.list_backups(canned.session, ID)
    assert (found.backup_progress, found.scheduled_backup_time) == (None, None)
    assert found.backups[0].size_gigabytes == 1.0


async def test_backups_null_reads_as_none_taken(canned: Canned) -> None:
    canned(200, '{"backups": null}')
    assert (await backups.list_backups(canned.session, ID)).backups == []


async def test_a_response_without_backups_is_a_decode_error(canned: Canned) -> None:
    canned(200, "{}")
    with pytest.raises(DecodeError, match="backups"):
        await backups.list_backups(canned.session, ID)


async def test_before_the_first_backup_is_done_it_is_not_yet() -> None:
    clock = Clock.stepped()
    async with Emulator(clock=clock) as emulator, AsyncSession(emulator.token, base_url=emulator.url) as session:
        cluster_id = emulator.add_cluster(engine="pg")["id"]
        with pytest.raises(PreconditionError):
            await backups.list_backups(session, cluster_id)
        clock.advance(minutes=10)
        assert len((await backups.list_backups(session, cluster_id)).backups) == 1


async def test_valkey_has_no_backups(emulator: Emulator, session: AsyncSession) -> None:
    with pytest.raises(UnprocessableError, match="not supported"):
        await backups.list_backups(session, emulator.add_cluster(engine="valkey")["id"])
