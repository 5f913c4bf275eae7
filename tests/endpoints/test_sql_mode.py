"""The SQL modes of a MySQL cluster."""

from __future__ import annotations

from typing import Any

import pytest
from canned import Canned, Sent

from asyncdbaas import AsyncSession, InvalidInputError, sql_mode
from asyncdbaas.emulator import Emulator

CLUSTER = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
PATH = f"/v2/databases/{CLUSTER}/sql_mode"


async def test_modes_that_were_set_are_read_back(emulator: Emulator, session: AsyncSession) -> None:
    cluster_id = emulator.add_cluster(engine="mysql")["id"]
    await sql_mode.set_sql_mode(session, cluster_id, ["ANSI", "NO_ZERO_DATE"])
    assert await sql_mode.get_sql_mode(session, cluster_id) == ["ANSI", "NO_ZERO_DATE"]


@pytest.mark.parametrize(
    ("wire", "modes"),
    [
        ("ANSI,NO_ZERO_DATE", ["ANSI", "NO_ZERO_DATE"]),
        ("ANSI, ANSI_QUOTES ", ["ANSI", "ANSI_QUOTES"]),
        ("ANSI", ["ANSI"]),
        ("", []),
    ],
)
async def test_the_one_string_reads_as_a_list_without_blanks(canned: Canned, wire: str, modes: list[str]) -> None:
    canned(200, {"sql_mode": wire})
    assert await sql_mode.get_sql_mode(canned.session, CLUSTER) == modes


@pytest.mark.parametrize(
    ("modes", "wire"), [(["ANSI", " NO_ZERO_DATE "], "ANSI,NO_ZERO_DATE"), (("ANSI",), "ANSI"), ([], "")]
)
async def test_the_list_is_sent_as_one_string(canned: Canned, modes: list[str], wire: str) -> None:
    await sql_mode.set_sql_mode(canned.session, CLUSTER, modes)
    assert canned.sent == Sent("PUT", PATH, {"sql_mode": wire})


@pytest.mark.parametrize(
    ("modes", "reason"),
    [
        ("ANSI,TRADITIONAL", "modes must be a list of strings, not one string"),
        (["ANSI", 7], "each of the modes must be a string, not int"),
    ],
)
async def test_what_is_no_list_of_strings_is_rejected_by_name(canned: Canned, modes: Any, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        await sql_mode.set_sql_mode(canned.session, CLUSTER, modes)
    assert canned.requests == []
