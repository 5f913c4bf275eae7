"""A list of clusters stays readable whatever one of them holds; the event and the log name the place."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import pytest
from canned import Canned

from asyncdbaas import DecodeError, clusters, firewall, hooks, indexes, migrations, options

ID = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
PLAIN: dict[str, Any] = {"id": ID, "name": "shop", "engine": "pg", "status": "online"}

# Each with the value that is left, and the place that the event names; no place if the value can be understood.
SHAPES: list[tuple[str, Any, Any, str | None]] = [
    ("version_end_of_life", "soon", None, "version_end_of_life"),
    ("version_end_of_life", "", None, None),
    ("version_end_of_life", "0001-01-01T00:00:00Z", None, None),
    ("version_end_of_life", "2027-02-30T00:00:00Z", None, "version_end_of_life"),
    ("created_at", 1700000000.5, None, "created_at"),
    ("connection", "", None, "connection"),
    ("connection", [], None, "connection"),
    ("connection", {"port": "none", "host": "a"}, clusters.Connection(host="a"), "connection.port"),
    ("users", {}, [], "users"),
    ("users", [{"role": "primary"}], [], "users[0].name"),
    ("users", "none", [], "users"),
    ("db_names", "defaultdb", [], "db_names"),
    ("tags", [{}], [], "tags[0]"),
    ("storage_size_mib", "10 GiB", None, "storage_size_mib"),
    ("storage_size_mib", 10240.5, None, "storage_size_mib"),
    ("num_nodes", {}, None, "num_nodes"),
    ("autoscale", {"storage": {"enabled": None}}, clusters.Autoscale(), "autoscale.storage.enabled"),
    ("read_only", "perhaps", None, "read_only"),
    ("maintenance_window", "monday", None, "maintenance_window"),
    ("metrics_endpoints", [{"port": "x"}], [clusters.ServiceEndpoint()], "metrics_endpoints[0].port"),
    ("do_settings", {"service_cnames": 7}, clusters.Settings(), "do_settings.service_cnames"),
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape[0]}: {shape[1]}")
async def test_one_odd_value_in_one_cluster_breaks_no_list(
    canned: Canned, caplog: pytest.LogCaptureFixture, shape: tuple[str, Any, Any, str | None]
) -> None:
    field, odd, left, place = shape
    events: list[hooks.CallEvent] = []
    canned(200, {"databases": [PLAIN, {**PLAIN, "size": "s", field: odd}, PLAIN]})
    with canned.session.listening(events.append):
        first, middle, last = await clusters.list_clusters(canned.session)
    assert (middle.name, middle.size, getattr(middle, field)) == ("shop", "s", left)
    assert first == last
    places = [event.places for event in events if isinstance(event, hooks.UnreadableValues)]
    assert places == ([(f"$.databases[1].{place}",)] if place else [])
    warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [place in line for line in warned if place] == ([True] if place else [])


@pytest.mark.parametrize("field", ["id", "name", "engine", "status"])
@pytest.mark.parametrize("odd", [None, {}, []])
async def test_only_what_identifies_a_cluster_has_to_make_sense(canned: Canned, field: str, odd: Any) -> None:
    canned(200, {"databases": [PLAIN, {**PLAIN, field: odd}]})
    with pytest.raises(DecodeError, match=rf"@ \$\.databases\[1\]\.{field}"):
        await clusters.list_clusters(canned.session)


async def test_a_warning_is_logged_without_a_listener_and_without_the_value(
    canned: Canned, caplog: pytest.LogCaptureFixture
) -> None:
    canned(200, {"database": {**PLAIN, "connection": {"uri": {"password": "s3cret"}}}})
    cluster = await clusters.get_cluster(canned.session, ID)
    assert cluster.connection == clusters.Connection()
    assert "$.database.connection.uri" in caplog.text
    assert "s3cret" not in caplog.text


ZERO = "0001-01-01T00:00:00Z"


async def test_gos_zero_date_is_no_date_wherever_it_stands(canned: Canned) -> None:
    rule = {"type": "tag", "value": "a", "created_at": ZERO}
    canned(200, {"databases": [{**PLAIN, "created_at": ZERO, "rules": [rule]}]})
    (cluster,) = await clusters.list_clusters(canned.session)
    assert (cluster.created_at, cluster.rules[0].created_at) == (None, None)
    canned(200, {"rules": [rule]})
    assert (await firewall.list_firewall_rules(canned.session, ID))[0].created_at is None
    canned(200, {"indexes": [{"index_name": "a", "created_time": ZERO, "create_time": "2026-09-01T00:00:00Z"}]})
    (index,) = await indexes.list_indexes(canned.session, ID)
    assert index.created_time == datetime(2026, 9, 1, tzinfo=UTC)
    canned(200, {"id": "x", "created_at": ZERO})
    assert (await migrations.get_migration(canned.session, ID)).created_at is None
    canned(200, {"options": {}, "version_availability": {"pg": [{"version": "17", "end_of_life": ZERO}]}})
    assert (await options.get_options(canned.session)).version_availability["pg"][0].end_of_life is None


async def test_one_odd_engine_breaks_no_other_one(canned: Canned) -> None:
    canned(200, {"options": {"pg": {"versions": ["17"]}, "redis": "gone"}, "version_availability": {"pg": "x"}})
    found = await options.get_options(canned.session)
    assert (list(found.options), found.version_availability) == (["pg"], {})


@pytest.mark.parametrize(
    "date", ["2020-01-02", "2020-01-02T00:00:00", "2020-01-02T00:00:00Z", "2020-01-02T01:00:00+01:00"]
)
async def test_a_date_has_a_time_zone_even_if_the_response_names_none(canned: Canned, date: str) -> None:
    canned(200, {"database": {**PLAIN, "created_at": date}})
    found = await clusters.get_cluster(canned.session, ID)
    assert found.created_at == datetime(2020, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"id": "server_error", "message": "boom"}, "the body is an error: server_error: boom"),
        (b"<html><h1>Sign in</h1></html>", "the body is a page, not JSON"),
    ],
)
async def test_a_write_without_a_result_is_no_success_if_its_response_is_an_error(
    canned: Canned, body: dict[str, Any] | bytes, message: str
) -> None:
    canned(200, body)
    for write in (clusters.delete_cluster(canned.session, ID), firewall.replace_firewall_rules(canned.session, ID, [])):
        with pytest.raises(DecodeError, match=message) as caught:
            await write
        assert caught.value.may_have_applied


@pytest.mark.parametrize("body", [b"", b"null", b"done", {"id": "accepted", "message": "wait"}, {"sink_id": "1"}])
async def test_any_other_response_to_such_a_write_is_a_success(canned: Canned, body: dict[str, Any] | bytes) -> None:
    canned(200, body)
    await clusters.delete_cluster(canned.session, ID)
