"""Log sinks: where a cluster sends its logs.

There are four kinds, each with its own settings: `RsyslogSink`, `ElasticsearchSink`, `OpenSearchSink` and, for MongoDB
only, `DatadogSink`.
"""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from asyncdbaas._checks import check_text, kind_of
from asyncdbaas._core.codec import envelop
from asyncdbaas._core.model import Model
from asyncdbaas._endpoint import cluster_path, fill_unset, has_unset, list_all, named, write_lock
from asyncdbaas._models import not_empty
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.session import AsyncSession
from asyncdbaas.types import UNSET, EnumOrStr, Id, OpenEnum, Unset, take_strings

__all__ = [
    "DatadogSink",
    "ElasticsearchSink",
    "Logsink",
    "LogsinkConfig",
    "OpenSearchSink",
    "RsyslogFormat",
    "RsyslogSink",
    "SearchSink",
    "SinkConfig",
    "SinkType",
    "create_logsink",
    "delete_logsink",
    "find_logsink",
    "get_logsink",
    "list_logsinks",
    "update_logsink",
]


class SinkType(OpenEnum):
    """The kind of a log sink."""

    RSYSLOG = "rsyslog"
    ELASTICSEARCH = "elasticsearch"
    OPENSEARCH = "opensearch"
    DATADOG = "datadog"
    """MongoDB only. In the vendor's description, the response to the create call shows such a sink as `rsyslog`."""


class RsyslogFormat(OpenEnum):
    """Format of a log line."""

    RFC5424 = "rfc5424"
    """The current syslog protocol."""
    RFC3164 = "rfc3164"
    """The old BSD format."""
    CUSTOM = "custom"
    """The template in `logline`."""


@attrs.frozen(kw_only=True, slots=False, repr=False, field_transformer=take_strings)
class RsyslogSink(Model):
    """Settings of a sink that sends to a syslog server; not for MongoDB.

    Datadog too, for engines other than MongoDB: port 10516 with TLS (443 in the EU), format `custom`, and a `logline`
    that starts with the API key.
    """

    sink_type: ClassVar[SinkType] = SinkType.RSYSLOG

    server: str = attrs.field(validator=not_empty)
    """Host name or IPv4 address."""
    port: int
    """At most 65535."""
    tls: bool
    """Whether to use TLS. It has no default: logs may contain secrets, and the service requires it even if false."""
    format: EnumOrStr[RsyslogFormat]
    logline: str | Unset = attrs.field(default=UNSET, repr=False)
    """Template, required for the format `custom`: `%tag%` for HOSTNAME, app-name, msg, msgid, pri, procid,
    structured-data, timestamp or timestamp:::date-rfc3339. Not in `repr`, because some receivers need a key in it."""
    sd: str | Unset = attrs.field(default=UNSET, repr=False)
    """Content of the structured data block of RFC 5424, such as `TOKEN tag="value"`."""
    ca: str | Unset = UNSET
    """CA certificate that the server's is checked with, PEM."""
    key: str | Unset = attrs.field(default=UNSET, repr=False)
    """Private key of the TLS client, PEM, if the server asks for one."""
    cert: str | Unset = UNSET
    """Certificate of the TLS client, PEM."""

    def __attrs_post_init__(self) -> None:
        if self.format == RsyslogFormat.CUSTOM and not self.logline:
            raise InvalidInputError("RsyslogSink: format is custom, so logline must be set")


@attrs.frozen(kw_only=True, slots=False, repr=False)
class SearchSink(Model):
    """Settings that `ElasticsearchSink` and `OpenSearchSink` share."""

    url: str = attrs.field(validator=not_empty, repr=False)
    """Address with user and password, such as `https://user:password@192.0.2.1:9200`."""
    index_prefix: str = attrs.field(validator=not_empty)
    """Prefix of the names of the indexes for the logs."""
    index_days_max: int | Unset = UNSET
    """Days that logs are kept, 1 to 10000; default 7."""
    timeout: float | Unset = UNSET
    """Timeout for a response, 10 to 120 seconds; default 10."""
    ca: str | Unset = UNSET
    """CA certificate that the server's is checked with, PEM."""


@attrs.frozen(kw_only=True, slots=False, repr=False)
class ElasticsearchSink(SearchSink):
    """Settings of a sink that writes to Elasticsearch."""

    sink_type: ClassVar[SinkType] = SinkType.ELASTICSEARCH


@attrs.frozen(kw_only=True, slots=False, repr=False)
class OpenSearchSink(SearchSink):
    """Settings of a sink that writes to OpenSearch."""

    sink_type: ClassVar[SinkType] = SinkType.OPENSEARCH


@attrs.frozen(kw_only=True, slots=False, repr=False)
class DatadogSink(Model):
    """Settings of a sink that sends to Datadog; MongoDB only."""

    sink_type: ClassVar[SinkType] = SinkType.DATADOG

    site: str = attrs.field(validator=not_empty)
    """Host of Datadog's intake, such as `http-intake.logs.datadoghq.com`."""
    datadog_api_key: str = attrs.field(validator=not_empty, repr=False)


SinkConfig = RsyslogSink | ElasticsearchSink | OpenSearchSink | DatadogSink
"""Settings of a sink of any kind, to send."""


@attrs.frozen(kw_only=True, slots=False, repr=False)
class LogsinkConfig(Model):
    """Settings of a sink, as the service shows them. Those of other kinds are None."""

    server: str | None = None
    """rsyslog: host name or IPv4 address."""
    port: int | None = None
    """rsyslog."""
    tls: bool | None = None
    """rsyslog."""
    format: RsyslogFormat | None = None
    """rsyslog."""
    logline: str | None = attrs.field(default=None, repr=False)
    """rsyslog: template of the format `custom`."""
    sd: str | None = attrs.field(default=None, repr=False)
    """rsyslog: content of the structured data block."""
    key: str | None = attrs.field(default=None, repr=False)
    """rsyslog: private key of the TLS client, PEM."""
    cert: str | None = None
    """rsyslog: certificate of the TLS client, PEM."""
    ca: str | None = None
    """All but Datadog: CA certificate, PEM."""
    url: str | None = attrs.field(default=None, repr=False)
    """Elasticsearch, OpenSearch: address, with user and password."""
    index_prefix: str | None = None
    """Elasticsearch, OpenSearch."""
    index_days_max: int | None = None
    """Elasticsearch, OpenSearch: days that logs are kept."""
    timeout: float | None = None
    """Elasticsearch, OpenSearch: seconds."""
    site: str | None = None
    """Datadog: host of the intake."""
    datadog_api_key: str | None = attrs.field(default=None, repr=False)
    """Datadog."""


@attrs.frozen(kw_only=True, slots=False, repr=False)
class Logsink(Model):
    """A log sink."""

    sink_id: str
    """A UUID, or 40 hexadecimal digits."""
    sink_name: str | None = None
    sink_type: SinkType | None = None
    config: LogsinkConfig | None = None


async def list_logsinks(session: AsyncSession, cluster_id: Id) -> list[Logsink]:
    """List the log sinks of a cluster.

    Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_list_logsink
    """
    return await list_all(session, cluster_path(cluster_id, "logsink"), Logsink, "sinks")


async def get_logsink(session: AsyncSession, cluster_id: Id, sink_id: str) -> Logsink:
    """Read one log sink.

    Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_get_logsink
    """
    # This response has no envelope, unlike that to a create; with a key, both are read.
    return await session.request("GET", cluster_path(cluster_id, "logsink", sink_id), Logsink, key="sink")


async def find_logsink(session: AsyncSession, cluster_id: Id, name: str) -> Logsink:
    """Get a log sink by its name, with one list request.

    Raise NotFoundError, with similar names, if there is none. Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_list_logsink
    """
    path = cluster_path(cluster_id, "logsink")
    check_text(name, "log sink name")
    return named(await list_logsinks(session, cluster_id), name, "log sink", path, key="sink_name")


async def create_logsink(session: AsyncSession, cluster_id: Id, name: str, config: SinkConfig) -> Logsink:
    """Create a log sink and return it. The class of `config` decides its kind.

    Raise UnprocessableError if the cluster's engine has no sinks of that kind. Scope `database:create`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_create_logsink

    Args:
        session: An open session.
        cluster_id: Id of the cluster.
        name: Name of the sink.
        config: Its settings.
    """
    config = _check_config(config)
    body = {"sink_name": check_text(name, "sink name"), "sink_type": config.sink_type, **envelop("config", config)}
    return await session.request("POST", cluster_path(cluster_id, "logsink"), Logsink, key="sink", body=body)


async def update_logsink(session: AsyncSession, cluster_id: Id, sink_id: str, config: SinkConfig) -> None:
    """Change the settings of a log sink; its name and its kind stay.

    The request replaces all settings. If one of them is unset, the sink is read first, and the current value is sent.
    An empty string removes a setting. Scope `database:update`, and `database:read` for the read.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_update_logsink

    Args:
        session: An open session.
        cluster_id: Id of the cluster.
        sink_id: Id of the sink.
        config: The settings to change.
    """
    path, config = cluster_path(cluster_id, "logsink", sink_id), _check_config(config)
    envelop("config", config)  # rejects values of the wrong type before the read
    async with write_lock(session, cluster_id, "log sinks"):
        if has_unset(config):
            config = fill_unset(config, (await get_logsink(session, cluster_id, sink_id)).config)
        removed: dict[str, Any] = {
            field.name: UNSET for field in attrs.fields(type(config)) if getattr(config, field.name) == ""
        }
        body = envelop("config", attrs.evolve(config, **removed))
        await session.request("PUT", path, body=body)


async def delete_logsink(session: AsyncSession, cluster_id: Id, sink_id: str) -> None:
    """Delete a log sink.

    Raise NotFoundError if there is none. Scope `database:delete`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_delete_logsink
    """
    await session.request("DELETE", cluster_path(cluster_id, "logsink", sink_id))


def _check_config(config: SinkConfig) -> SinkConfig:
    if not isinstance(config, SinkConfig):
        kinds = "RsyslogSink, ElasticsearchSink, OpenSearchSink or DatadogSink"
        raise InvalidInputError(f"config must be one of {kinds}, not {kind_of(config)}")
    return config
