"""The vendor's Python client works against the emulator: all operations, blocking and not, with and without TLS."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pydo
import pydo.aio
from description_table import table
from emulator_contract import CheckedEmulator
from pydo_walk import everything, run, run_async

from asyncdbaas.emulator import Clock, Delays


def _checked() -> CheckedEmulator:
    return CheckedEmulator(clock=Clock.stepped(), per_minute=10_000, delays=Delays(delete=30, topic=5, topic_delete=5))


async def test_the_synchronous_client_walks_all_operations() -> None:
    async with _checked() as emulator:
        with pydo.Client(emulator.token, endpoint=emulator.url) as client:
            await asyncio.to_thread(run, client, everything(emulator))
    assert len(emulator.requests.operations) == 71
    assert set(emulator.requests.statuses) <= {200, 201, 202, 204}


async def test_the_asynchronous_client_walks_all_operations() -> None:
    async with (
        _checked() as emulator,
        pydo.aio.Client(emulator.token, endpoint=emulator.url) as client,
    ):
        await run_async(client, everything(emulator))
    assert len(emulator.requests.operations) == 71


async def test_every_response_of_the_walk_keeps_to_the_description() -> None:
    async with (
        _checked() as emulator,
        pydo.aio.Client(emulator.token, endpoint=emulator.url) as client,
    ):
        await run_async(client, everything(emulator))
    assert emulator.walked == set(table()["operations"])
    assert not emulator.problems


async def test_it_works_over_tls(tmp_path: Path) -> None:
    async with CheckedEmulator(tls=True) as emulator:
        authority = tmp_path / "ca.pem"
        authority.write_text(emulator.authority_pem)
        with pydo.Client(emulator.token, endpoint=emulator.url, connection_verify=str(authority)) as client:
            assert await asyncio.to_thread(client.databases.list_clusters) == {"databases": []}
