"""Log sinks of a cluster."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest
from canned import Canned, Sent

from asyncdbaas import AsyncSession, InvalidInputError, NotFoundError, logsinks
from asyncdbaas._core.codec import encode
from asyncdbaas.emulator import Emulator
from asyncdbaas.logsinks import (
    DatadogSink,
    ElasticsearchSink,
    Logsink,
    LogsinkConfig,
    OpenSearchSink,
    RsyslogFormat,
    RsyslogSink,
    SinkConfig,
    SinkType,
)

CLUSTER = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
SINKS = f"/v2/databases/{CLUSTER}/logsink"
SINK_ID = "dfcc9f57d86bf58e321c2c6c31c7a971be244ac7"

RSYSLOG = RsyslogSink(server="192.0.2.1", port=514, tls=False, format=RsyslogFormat.RFC5424)
ELASTICSEARCH = ElasticsearchSink(url="https://u:s3cret@192.0.2.1:9200", index_prefix="logs", index_days_max=5)
OPENSEARCH = OpenSearchSink(url="https://u:s3cret@192.0.2.1:25060", index_prefix="logs", timeout=10.5)
DATADOG = DatadogSink(site="http-intake.logs.datadoghq.com", datadog_api_key="s3cret")
KINDS = pytest.mark.parametrize(
    ("config", "kind", "wire"),
    [
        (RSYSLOG, "rsyslog", {"server": "192.0.2.1", "port": 514, "tls": False, "format": "rfc5424"}),
        (
            ELASTICSEARCH,
            "elasticsearch",
            {"url": "https://u:s3cret@192.0.2.1:9200", "index_prefix": "logs", "index_days_max": 5},
        ),
        (
            OPENSEARCH,
            "opensearch",
            {"url": "https://u:s3cret@192.0.2.1:25060", "index_prefix": "logs", "timeout": 10.5},
        ),
        (DATADOG, "datadog", {"site": "http-intake.logs.datadoghq.com", "datadog_api_key": "s3cret"}),
    ],
)


@pytest.mark.parametrize(
    ("engine", "config"), [("pg", RSYSLOG), ("kafka", ELASTICSEARCH), ("mysql", OPENSEARCH), ("mongodb", DATADOG)]
)
async def test_a_created_sink_can_be_read_listed_changed_and_deleted(
    emulator: Emulator, session: AsyncSession, engine: str, config: SinkConfig
) -> None:
    cluster_id = emulator.add_cluster(engine=engine)["id"]
    created = await logsinks.create_logsink(session, cluster_id, "prod", config)
    assert (created.sink_name, created.sink_type) == ("prod", config.sink_type)
    assert await logsinks.get_logsink(session, cluster_id, created.sink_id) == created
    assert await logsinks.list_logsinks(session, cluster_id) == [created]
    await logsinks.update_logsink(session, cluster_id, created.sink_id, config)
    await logsinks.delete_logsink(session, cluster_id, created.sink_id)
    with pytest.raises(NotFoundError):
        await logsinks.get_logsink(session, cluster_id, created.sink_id)


@KINDS
async def test_the_class_of_the_settings_decides_the_kind(
    canned: Canned, config: SinkConfig, kind: str, wire: dict[str, Any]
) -> None:
    canned(201, {"sink": {"sink_id": SINK_ID, "sink_name": "prod", "sink_type": kind, "config": wire}})
    sink = await logsinks.create_logsink(canned.session, CLUSTER, "prod", config)
    assert canned.sent == Sent("POST", SINKS, {"sink_name": "prod", "sink_type": kind, "config": wire})
    assert sink == Logsink(
        sink_id=SINK_ID, sink_name="prod", sink_type=SinkType(kind), config=LogsinkConfig(**{**wire, **_format(wire)})
    )


def _format(wire: dict[str, Any]) -> dict[str, Any]:
    return {"format": RsyslogFormat(wire["format"])} if "format" in wire else {}


@KINDS
async def test_one_sink_is_read_bare_and_also_wrapped(
    canned: Canned, config: SinkConfig, kind: str, wire: dict[str, Any]
) -> None:
    bare = {"sink_id": SINK_ID, "sink_name": "prod", "sink_type": kind, "config": wire}
    canned(200, bare)
    sink = await logsinks.get_logsink(canned.session, CLUSTER, SINK_ID)
    assert sink.sink_type == config.sink_type
    canned(200, {"sink": bare})
    assert await logsinks.get_logsink(canned.session, CLUSTER, SINK_ID) == sink


async def test_a_datadog_sink_that_is_shown_as_rsyslog_keeps_its_settings(canned: Canned) -> None:
    canned(201, {"sink": {"sink_id": SINK_ID, "sink_type": "rsyslog", "config": {"site": "s", "datadog_api_key": "k"}}})
    sink = await logsinks.create_logsink(canned.session, CLUSTER, "prod", DATADOG)
    assert sink.config == LogsinkConfig(site="s", datadog_api_key="k")


@pytest.mark.parametrize("body", ["", '{"sink_id":"x","sink_name":"prod"}'])
async def test_an_update_succeeds_with_and_without_a_body(canned: Canned, body: str) -> None:
    canned(200, body)
    await logsinks.update_logsink(canned.session, CLUSTER, SINK_ID, DATADOG)
    config = {"site": "http-intake.logs.datadoghq.com", "datadog_api_key": "s3cret"}
    assert canned.sent == Sent("PUT", f"{SINKS}/{SINK_ID}", {"config": config})


async def test_what_an_update_leaves_out_stays_as_it_is(canned: Canned) -> None:
    there = {"server": "a", "port": 1, "tls": True, "format": "rfc5424", "sd": "x", "ca": "c", "key": "k", "cert": ""}
    canned(200, {"sink_id": SINK_ID, "sink_type": "rsyslog", "config": there})
    wanted = RsyslogSink(server="b", port=2, tls=False, format=RsyslogFormat.RFC3164, ca="d", key="")
    await logsinks.update_logsink(canned.session, CLUSTER, SINK_ID, wanted)
    path = f"{SINKS}/{SINK_ID}"
    sent = {"server": "b", "port": 2, "tls": False, "format": "rfc3164", "sd": "x", "ca": "d"}
    assert canned.requests == [Sent("GET", path), Sent("PUT", path, {"config": sent})]


async def test_a_sink_whose_settings_do_not_show_gets_those_that_are_given(canned: Canned) -> None:
    canned(200, {"sink_id": SINK_ID})
    await logsinks.update_logsink(canned.session, CLUSTER, SINK_ID, RSYSLOG)
    assert canned.requests[1].body == {"config": json.loads(encode(RSYSLOG))}


async def test_values_of_the_wrong_type_are_refused_before_the_sink_is_read(canned: Canned) -> None:
    port: Any = "514"
    config = RsyslogSink(server="192.0.2.1", port=port, tls=False, format=RsyslogFormat.RFC3164)
    with pytest.raises(InvalidInputError, match=r"RsyslogSink: .*\$\.port"):
        await logsinks.update_logsink(canned.session, CLUSTER, SINK_ID, config)
    assert canned.requests == []


async def test_a_deletion_is_answered_by_200_without_a_body(canned: Canned) -> None:
    canned(200)
    await logsinks.delete_logsink(canned.session, CLUSTER, SINK_ID)
    assert canned.sent == Sent("DELETE", f"{SINKS}/{SINK_ID}")


def test_tls_has_no_default_because_the_service_wants_it_even_if_false() -> None:
    with pytest.raises(TypeError, match="tls"):
        RsyslogSink(server="192.0.2.1", port=514, format=RsyslogFormat.RFC5424)  # type: ignore[call-arg]  # the point of the test


def test_the_custom_format_needs_a_logline() -> None:
    with pytest.raises(InvalidInputError, match="logline must be set"):
        RsyslogSink(server="192.0.2.1", port=514, tls=True, format=RsyslogFormat.CUSTOM)
    assert RsyslogSink(server="192.0.2.1", port=514, tls=True, format=RsyslogFormat.CUSTOM, logline="%msg%").logline


@pytest.mark.parametrize(
    ("config", "empty"),
    [
        (RSYSLOG, "server"),
        (ELASTICSEARCH, "url"),
        (OPENSEARCH, "index_prefix"),
        (DATADOG, "site"),
        (DATADOG, "datadog_api_key"),
    ],
)
def test_empty_settings_are_refused(config: Any, empty: str) -> None:
    with pytest.raises(InvalidInputError, match=f"{type(config).__name__}: {empty} must not be empty"):
        attrs.evolve(config, **{empty: ""})


def test_secrets_do_not_show() -> None:
    secret: dict[str, Any] = dict.fromkeys(("logline", "sd", "key"), "s3cret")
    rsyslog = RsyslogSink(server="192.0.2.1", port=514, tls=True, format=RsyslogFormat.CUSTOM, **secret)
    config = LogsinkConfig(**secret, url="s3cret", datadog_api_key="s3cret")
    for each in (rsyslog, ELASTICSEARCH, OPENSEARCH, DATADOG, config, Logsink(sink_id=SINK_ID, config=config)):
        assert "s3cret" not in repr(each)


@pytest.mark.parametrize("config", [{"url": "u", "index_prefix": "p"}, None, LogsinkConfig(site="s")])
async def test_settings_of_no_kind_are_rejected_by_name(canned: Canned, config: Any) -> None:
    for send in (logsinks.create_logsink, logsinks.update_logsink):
        with pytest.raises(InvalidInputError, match=r"config must be one of RsyslogSink, .* not "):
            await send(canned.session, CLUSTER, "prod", config)
    assert canned.requests == []


async def test_values_of_the_wrong_type_are_rejected_by_their_fields(canned: Canned) -> None:
    port: Any = "514"
    config = RsyslogSink(server="192.0.2.1", port=port, tls=False, format=RsyslogFormat.RFC3164)
    with pytest.raises(InvalidInputError, match=r"RsyslogSink: .*\$\.port"):
        await logsinks.create_logsink(canned.session, CLUSTER, "prod", config)
    name: Any = 7
    with pytest.raises(InvalidInputError, match="sink name must be a string, not int"):
        await logsinks.create_logsink(canned.session, CLUSTER, name, RSYSLOG)
    assert canned.requests == []
