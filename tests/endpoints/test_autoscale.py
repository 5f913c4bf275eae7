"""Autoscaling, whose answer comes in two shapes."""

from __future__ import annotations

import pytest
from canned import Canned, Sent

from asyncdbaas import UNSET, AsyncSession, DecodeError, InvalidInputError, UnprocessableError, autoscale
from asyncdbaas.autoscale import Autoscale, StorageAutoscale
from asyncdbaas.emulator import Delays, Emulator, Quirks

ID = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
PATH = f"/v2/databases/{ID}/autoscale"
WANTED = Autoscale(storage=StorageAutoscale(enabled=True, threshold_percent=80, increment_gib=10))


@pytest.mark.parametrize(
    "body",
    [
        '{"autoscale": {"storage": {"enabled": true, "threshold_percent": 80, "increment_gib": 10}}}',
        '{"storage": {"enabled": true, "threshold_percent": 80, "increment_gib": 10}}',
    ],
    ids=["description", "go client"],
)
async def test_autoscale_is_read_in_both_shapes(canned: Canned, body: str) -> None:
    canned(200, body)
    assert await autoscale.get_autoscale(canned.session, ID) == WANTED
    assert canned.sent == Sent("GET", PATH)


@pytest.mark.parametrize("body", ['{"autoscale": null}', '{"autoscale": {}}', '{"storage": null}', "{}"])
async def test_autoscale_that_was_never_configured_is_unset(canned: Canned, body: str) -> None:
    canned(200, body)
    assert (await autoscale.get_autoscale(canned.session, ID)).storage is UNSET


OFF = Autoscale(storage=StorageAutoscale(enabled=False))


@pytest.mark.parametrize(
    ("shown", "sent"),
    [
        ('{"storage": {"enabled": true, "threshold_percent": 80, "increment_gib": 10}}', (80, 10)),
        ('{"storage": {"enabled": true, "threshold_percent": 80}}', (80, None)),
        ('{"storage": {"enabled": false, "threshold_percent": 0, "increment_gib": 0}}', (None, None)),
        ('{"storage": {"enabled": false}}', (None, None)),
        ("{}", (None, None)),
    ],
)
async def test_switched_off_it_keeps_its_threshold_and_increment(
    canned: Canned, shown: str, sent: tuple[int | None, int | None]
) -> None:
    canned(200, shown)
    await autoscale.update_autoscale(canned.session, ID, OFF)
    figures = zip(("threshold_percent", "increment_gib"), sent, strict=True)
    kept = {name: figure for name, figure in figures if figure is not None}
    assert canned.requests == [Sent("GET", PATH), Sent("PUT", PATH, {"storage": {"enabled": False, **kept}})]


async def test_what_is_given_whole_is_sent_without_a_read(canned: Canned) -> None:
    await autoscale.update_autoscale(canned.session, ID, WANTED)
    body = {"enabled": True, "threshold_percent": 80, "increment_gib": 10}
    assert canned.sent == Sent("PUT", PATH, {"storage": body})


async def test_the_figures_are_those_of_before_when_it_is_switched_on_again(
    emulator: Emulator, session: AsyncSession
) -> None:
    cluster_id = emulator.add_cluster(engine="pg")["id"]
    await autoscale.update_autoscale(session, cluster_id, WANTED)
    await autoscale.update_autoscale(session, cluster_id, OFF)
    on = Autoscale(storage=StorageAutoscale(enabled=True))
    await autoscale.update_autoscale(session, cluster_id, on)
    assert await autoscale.get_autoscale(session, cluster_id) == WANTED


async def test_an_update_with_nothing_set_is_refused(canned: Canned) -> None:
    with pytest.raises(InvalidInputError, match="nothing is set"):
        await autoscale.update_autoscale(canned.session, ID, Autoscale())
    assert canned.requests == []


@pytest.mark.parametrize("wrapped", [False, True])
async def test_what_was_set_is_read_back(wrapped: bool) -> None:
    async with (
        Emulator(delays=Delays.none(), quirks=Quirks(autoscale_wrapped=wrapped)) as emulator,
        AsyncSession(emulator.token, base_url=emulator.url) as session,
    ):
        cluster_id = emulator.add_cluster(engine="pg")["id"]
        await autoscale.update_autoscale(session, cluster_id, WANTED)
        assert await autoscale.get_autoscale(session, cluster_id) == WANTED


async def test_a_threshold_out_of_range_is_the_services_to_refuse(emulator: Emulator, session: AsyncSession) -> None:
    update = Autoscale(storage=StorageAutoscale(enabled=True, threshold_percent=96))
    with pytest.raises(UnprocessableError, match="threshold_percent"):
        await autoscale.update_autoscale(session, emulator.add_cluster(engine="pg")["id"], update)


async def test_no_update_is_made_of_the_body_of_an_error(canned: Canned) -> None:
    canned(200, {"id": "server_error", "message": "boom"})
    with pytest.raises(DecodeError, match="the body is an error: server_error: boom"):
        await autoscale.update_autoscale(canned.session, ID, Autoscale(storage=StorageAutoscale(enabled=True)))
    assert [request.method for request in canned.requests] == ["GET"]
