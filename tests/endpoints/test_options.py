"""What the service offers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from canned import Canned, Sent

from asyncdbaas import AsyncSession, DecodeError, options
from asyncdbaas.clusters import Engine
from asyncdbaas.options import EngineOptions, Layout

REDIS = {"regions": ["nyc3"], "versions": ["7"], "layouts": [{"num_nodes": 1, "sizes": ["db-s-1vcpu-1gb"]}]}


async def test_options_are_read_with_their_sibling(canned: Canned) -> None:
    availability = [
        {"version": "7", "default": True, "end_of_life": "2025-06-30T00:00:00Z", "end_of_availability": None}
    ]
    canned(200, {"options": {"redis": REDIS}, "version_availability": {"redis": availability}})
    offered = await options.get_options(canned.session)
    assert canned.sent == Sent("GET", "/v2/databases/options")
    assert offered.options[Engine.REDIS] == EngineOptions(
        regions=["nyc3"], versions=["7"], layouts=[Layout(num_nodes=1, sizes=["db-s-1vcpu-1gb"])]
    )
    (version,) = offered.version_availability["redis"]
    assert (version.version, version.default) == ("7", True)
    assert version.end_of_life == datetime(2025, 6, 30, tzinfo=UTC)
    assert version.end_of_availability is None


async def test_an_engine_without_default_version_has_none(canned: Canned) -> None:
    canned(200, {"options": {"redis": REDIS}})
    offered = await options.get_options(canned.session)
    assert offered.options["redis"].default_version is None
    assert offered.version_availability == {}


async def test_engines_can_be_missing_or_new_and_lists_null(canned: Canned) -> None:
    canned(200, {"options": {"clickhouse": {"regions": None, "versions": None, "layouts": [{"sizes": None}]}}})
    offered = await options.get_options(canned.session)
    assert offered.options == {"clickhouse": EngineOptions(layouts=[Layout()])}


async def test_nulls_in_the_sibling_read_as_nothing(canned: Canned) -> None:
    canned(200, {"options": {}, "version_availability": {"kafka": None}})
    assert (await options.get_options(canned.session)).version_availability == {}


async def test_a_response_that_is_no_options_is_a_decode_error(canned: Canned) -> None:
    canned(200, {"regions": []})
    with pytest.raises(DecodeError, match="options"):
        await options.get_options(canned.session)


async def test_the_emulators_offer_is_read(session: AsyncSession) -> None:
    kafka = (await options.get_options(session)).options["kafka"]
    assert kafka.default_version in kafka.versions
    assert {layout.num_nodes for layout in kafka.layouts} == {3, 6, 9, 15}
