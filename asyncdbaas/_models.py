"""Classes that several resources share; the endpoint modules re-export them."""

from __future__ import annotations

from datetime import UTC, time
from typing import Any, Self

import attrs

from asyncdbaas._core.model import Model
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.types import UNSET, EnumOrStr, ListOf, OpenEnum, Timestamp, Unset, new_list, null_lists, take_strings


def not_empty(body: object, field: attrs.Attribute[Any], value: object) -> None:
    """Reject an empty string in a request; for `validator=`."""
    if value == "":
        raise InvalidInputError(f"{type(body).__name__}: {field.name} must not be empty")


class Engine(OpenEnum):
    """The engine of a cluster."""

    PG = "pg"
    MYSQL = "mysql"
    REDIS = "redis"
    """No longer created since 2025-04-30; clusters that exist become `valkey` in place."""
    VALKEY = "valkey"
    MONGODB = "mongodb"
    KAFKA = "kafka"
    OPENSEARCH = "opensearch"
    ADVANCED_PG = "advanced_pg"
    """PostgreSQL Advanced Edition, in public preview; 1 to 3 nodes."""
    ADVANCED_MYSQL = "advanced_mysql"
    """MySQL Advanced Edition, in public preview; 1 or 3 nodes."""


class ClusterStatus(OpenEnum):
    """Status of a cluster or replica. No status means "being deleted": the last one stays until the object is gone."""

    CREATING = "creating"
    ONLINE = "online"
    """Serving. Maintenance, or a change that has just been requested, may still be running."""
    RESIZING = "resizing"
    MIGRATING = "migrating"
    FORKING = "forking"
    """Being created from a backup, or (a replica) from its primary."""
    ACTIVE = "active"
    """Only seen on replicas, in place of `online`."""


class Weekday(OpenEnum):
    """A day of the week, in lower case."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


@attrs.frozen(kw_only=True, slots=False, repr=False)
class Connection(Model):
    """Connection details of a database, an OpenSearch dashboard or a schema registry.

    Until the cluster is online every field can be missing or empty. `uri` and `password` do not show in `repr`. For a
    verified TLS connection see `clusters.get_ca`.
    """

    protocol: str | None = None
    """Scheme of the address, such as `postgresql` or `mysql`; not in the vendor's description."""
    host: str | None = None
    port: int | None = None
    user: str | None = None
    """Absent if the token lacks the scope `database:view_credentials`."""
    password: str | None = attrs.field(default=None, repr=False)
    """Absent or empty if the token lacks the scope `database:view_credentials`. On MongoDB only the response to the
    create call has it."""
    database: str | None = None
    """Default database; "" in some responses. For a connection pool, the pool's name."""
    ssl: bool | None = None
    """Whether to connect over TLS. The certificates are signed by a private CA."""
    uri: str | None = attrs.field(default=None, repr=False)
    """All of it in one string, for people. It can be empty, lack the password, and contain parameters that Python's
    drivers reject. On Kafka it is not a bootstrap address: use `address`."""
    application_ports: dict[str, int] | None = None
    """Kafka: ports by kind of login, `sasl` for passwords and `certificate` for client certificates. Not in the
    vendor's description, but seen in responses and in its Go client."""

    @property
    def login_port(self) -> int | None:
        """Port for a login by password: `port`, or Kafka's `sasl` port where `port` has been seen to be 0.

        On Kafka `port` is that of the public or of the private host, whichever this connection is for.
        """
        return self.port or (self.application_ports or {}).get("sasl") or None

    @property
    def certificate_port(self) -> int | None:
        """Kafka: port for a login by client certificate. It is never `port`."""
        return (self.application_ports or {}).get("certificate") or None

    @property
    def address(self) -> str | None:
        """`host:port` for a login by password, a bootstrap server on Kafka; None until both are known."""
        return f"{self.host}:{self.login_port}" if self.host and self.login_port else None


@attrs.frozen(kw_only=True, slots=False, repr=False)
class MaintenanceWindow(Model):
    """Maintenance window of a cluster: maintenance begins within the four hours that start at `day` and `hour`."""

    day: Weekday | None = None
    """Empty until there is a window; on MongoDB it has been seen to stay empty."""
    hour: str | None = None
    """UTC, as the service writes it: `14:00` is read back as `14:00:00`, and the service itself picks times such as
    `10:23:13`. Compare `start`."""
    pending: bool | None = None
    """Whether the next window will bring maintenance."""
    description: ListOf[str] = attrs.field(factory=new_list)
    """What the pending maintenance does, for people."""

    def __attrs_post_init__(self) -> None:
        null_lists(self, "description")

    @property
    def start(self) -> time | None:
        """`hour` as a time of day in UTC; None if it is missing or not a time."""
        try:
            return time.fromisoformat(self.hour or "").replace(tzinfo=UTC)
        except ValueError:
            return None


@attrs.frozen(kw_only=True, slots=False, repr=False)
class Settings(Model):
    """DigitalOcean's own settings of a cluster or replica."""

    service_cnames: ListOf[str] = attrs.field(factory=new_list)
    """Your own host names that the nodes' certificates also cover; at most 16, of at most 253 characters each."""

    def __attrs_post_init__(self) -> None:
        null_lists(self, "service_cnames")


@attrs.frozen(kw_only=True, slots=False, repr=False)
class StorageAutoscale(Model):
    """Automatic growth of a cluster's storage, at most once an hour."""

    enabled: bool
    threshold_percent: int | Unset = UNSET
    """Percentage of used storage at which it grows, 15 to 95. A response may show 0 while it is switched off."""
    increment_gib: int | Unset = UNSET
    """Growth in GiB, 10 to 500, rounded to tens. A response may show 0 while it is switched off. Default: a quarter of
    its size, 50 to 1024 GiB."""


@attrs.frozen(kw_only=True, slots=False, repr=False)
class Autoscale(Model):
    """Settings of what grows automatically in a cluster; so far only the storage."""

    storage: StorageAutoscale | Unset = UNSET
    """Unset in a response if it was never configured."""


class FirewallRuleType(OpenEnum):
    """Kind of source that a firewall rule allows."""

    DROPLET = "droplet"
    K8S = "k8s"
    IP_ADDR = "ip_addr"
    TAG = "tag"
    APP = "app"


@attrs.frozen(kw_only=True, slots=False, repr=False, field_transformer=take_strings)
class FirewallRule(Model):
    """A source that may connect to a cluster. A rule that you read can be sent again unchanged."""

    type: EnumOrStr[FirewallRuleType]
    value: str
    """Id of the droplet (as a string), Kubernetes cluster or app; or the tag; or an IPv4 address or range."""
    description: str | Unset = UNSET
    """A note for people."""
    uuid: str | Unset = UNSET
    """The service sets it."""
    cluster_uuid: str | Unset = UNSET
    """The service sets it."""
    created_at: Timestamp | Unset | None = UNSET
    """The service sets it."""


class PoolMode(OpenEnum):
    """Pooling mode of PgBouncer: when a client's server connection returns to the pool."""

    SESSION = "session"
    """When the client disconnects. All features of PostgreSQL work."""
    TRANSACTION = "transaction"
    """After each transaction, so prepared statements do not outlive it (asyncpg: `statement_cache_size=0`)."""
    STATEMENT = "statement"
    """After each statement; transactions of several statements are not possible."""


class CompressionType(OpenEnum):
    """Compression of stored messages; `producer` keeps what the producer chose."""

    PRODUCER = "producer"
    GZIP = "gzip"
    SNAPPY = "snappy"
    LZ4 = "lz4"
    """The vendor's description of topics spells it with a capital i, `Iz4`."""
    ZSTD = "zstd"
    UNCOMPRESSED = "uncompressed"


class UserRole(OpenEnum):
    """Role of a user: created with the cluster, or later. The service may leave it empty, which means `normal`."""

    PRIMARY = "primary"
    NORMAL = "normal"

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return cls("normal") if value == "" else super()._missing_(value)


class MySQLAuthPlugin(OpenEnum):
    """Authentication plugin of a MySQL user."""

    MYSQL_NATIVE_PASSWORD = "mysql_native_password"  # noqa: S105 -- the plugin's name
    CACHING_SHA2_PASSWORD = "caching_sha2_password"  # noqa: S105 -- the plugin's name
    """The default from MySQL 8.0 on."""


@attrs.frozen(kw_only=True, slots=False, repr=False, field_transformer=take_strings)
class MySQLSettings(Model):
    """A user's settings on MySQL."""

    auth_plugin: EnumOrStr[MySQLAuthPlugin] | Unset = UNSET


class KafkaPermission(OpenEnum):
    """Permission on topics; `admin` may also change and delete them."""

    ADMIN = "admin"
    CONSUME = "consume"
    PRODUCE = "produce"
    PRODUCECONSUME = "produceconsume"


@attrs.frozen(kw_only=True, slots=False, repr=False, field_transformer=take_strings)
class KafkaACL(Model):
    """A permission on topics. One user may have several, also for the same topic."""

    topic: str
    """Regular expression over topic names."""
    permission: EnumOrStr[KafkaPermission]
    id: str | Unset = UNSET
    """The service sets it."""


class OpenSearchPermission(OpenEnum):
    """Permission on indexes; `admin` may also administer them."""

    DENY = "deny"
    ADMIN = "admin"
    READ = "read"
    WRITE = "write"
    READWRITE = "readwrite"


@attrs.frozen(kw_only=True, slots=False, repr=False, field_transformer=take_strings)
class OpenSearchACL(Model):
    """A permission on indexes."""

    index: str
    """Regular expression over index names."""
    permission: EnumOrStr[OpenSearchPermission] | Unset = UNSET
    """Default `deny`."""


class MongoRole(OpenEnum):
    """One of MongoDB's built-in roles; `readOnly` is its `read`."""

    READ_ONLY = "readOnly"
    READ_WRITE = "readWrite"
    DB_ADMIN = "dbAdmin"


@attrs.frozen(kw_only=True, slots=False, repr=False, field_transformer=take_strings)
class MongoUserSettings(Model):
    """A user's settings on MongoDB."""

    databases: list[str] | Unset = UNSET
    """Databases that `role` applies to; `admin` stands for all of them."""
    role: EnumOrStr[MongoRole] | Unset = UNSET


@attrs.frozen(kw_only=True, slots=False, repr=False)
class UserSettings(Model):
    """A user's settings, each for one engine."""

    pg_allow_replication: bool | Unset = UNSET
    """PostgreSQL: the right to replicate. The default in a create is false."""
    opensearch_acl: list[OpenSearchACL] | Unset = UNSET
    """OpenSearch."""
    acl: list[KafkaACL] | Unset = UNSET
    """Kafka."""
    mongo_user_settings: MongoUserSettings | Unset = UNSET
    """MongoDB."""


@attrs.frozen(kw_only=True, slots=False, repr=False)
class User(Model):
    """A database user. Its secrets do not show in `repr`."""

    name: str
    role: UserRole = UserRole.NORMAL
    password: str | None = attrs.field(default=None, repr=False)
    """Absent or empty if the token lacks the scope `database:view_credentials`. On MongoDB only the response to the
    create call has it: keep it."""
    access_cert: str | None = attrs.field(default=None, repr=False)
    """Kafka: certificate of the TLS client, PEM."""
    access_key: str | None = attrs.field(default=None, repr=False)
    """Kafka: private key of the TLS client, PEM."""
    mysql_settings: MySQLSettings | None = None
    """MySQL."""
    settings: UserSettings | None = None
    """Kafka, OpenSearch, MongoDB, PostgreSQL."""
