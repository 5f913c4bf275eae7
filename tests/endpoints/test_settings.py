"""DigitalOcean's own settings."""

from __future__ import annotations

from typing import Any

import pytest
from canned import Canned, Sent

from asyncdbaas import AsyncSession, InvalidInputError, settings
from asyncdbaas.emulator import Emulator
from asyncdbaas.settings import Settings

ID = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
PATH = f"/v2/databases/{ID}/do_settings"


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ('{"do_settings": {"service_cnames": ["db.example.com"]}}', ["db.example.com"]),
        ('{"service_cnames": ["db.example.com"]}', ["db.example.com"]),
        ('{"do_settings": {"service_cnames": null}}', []),
        ('{"do_settings": {}}', []),
        ('{"do_settings": null}', []),
    ],
)
async def test_settings_are_read_whatever_of_them_is_missing(canned: Canned, body: str, names: list[str]) -> None:
    canned(200, body)
    assert await settings.get_settings(canned.session, ID) == Settings(service_cnames=names)
    assert canned.sent == Sent("GET", PATH)


@pytest.mark.parametrize("names", [["db.example.com"], []])
async def test_names_are_sent_in_their_envelope_and_none_at_all_as_an_empty_list(
    canned: Canned, names: list[str]
) -> None:
    await settings.update_settings(canned.session, ID, service_cnames=names)
    assert canned.sent == Sent("PUT", PATH, {"do_settings": {"service_cnames": names}})


@pytest.mark.parametrize("names", ["db.example.com", [1], None])
async def test_what_is_no_list_of_names_is_rejected_with_its_field(canned: Canned, names: Any) -> None:
    with pytest.raises(InvalidInputError, match="service_cnames"):
        await settings.update_settings(canned.session, ID, service_cnames=names)
    assert canned.requests == []


async def test_names_replace_those_before(emulator: Emulator, session: AsyncSession) -> None:
    cluster_id = emulator.add_cluster()["id"]
    await settings.update_settings(session, cluster_id, service_cnames=["a.example.com", "b.example.com"])
    await settings.update_settings(session, cluster_id, service_cnames=["c.example.com"])
    assert (await settings.get_settings(session, cluster_id)).service_cnames == ["c.example.com"]
