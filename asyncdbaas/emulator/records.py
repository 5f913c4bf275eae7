"""The records that the emulator's state is made of: plain data, so that a snapshot is JSON.

`Record` is a JSON object of a request or a response, whose keys are not known in advance. Everything that the emulator
keeps has its own class here, so that a misspelt key is a type error.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypeAlias, TypedDict

Record: TypeAlias = dict[str, Any]
"""A JSON object of a request or a response."""


class Listed(TypedDict):
    """Base of records that lists show later than a read does."""

    listed_at: float
    """Virtual time from which lists show it."""


class User(Listed):
    """A database user."""

    name: str
    role: str
    password: str
    settings: Record
    plugin: str
    """MySQL's authentication plugin, "" for other engines."""
    visible_at: float
    """Virtual time from which it can be read at all."""
    access_cert: NotRequired[str]
    access_key: NotRequired[str]


class Database(Listed):
    """A database inside a cluster."""

    name: str


class Topic(Listed):
    """A Kafka topic."""

    name: str
    number: int
    """Number of topics that its cluster made before it, which tells it from others of its name."""
    state: str
    replication_factor: int
    partition_count: int
    config: Record
    """The settings that were given; others have their default."""
    consumer_groups: list[str]


class PoolSettings(TypedDict):
    """The part of a connection pool that an update replaces."""

    mode: str
    size: int
    db: str
    user: str


class Pool(Listed, PoolSettings):
    """A connection pool."""

    name: str


class Sink(TypedDict):
    """A log sink."""

    sink_id: str
    sink_name: str
    sink_type: str
    config: Record


class SchemaVersion(TypedDict):
    """One version of a subject in the schema registry."""

    schema_id: int
    schema_type: str
    schema: str


class Subject(TypedDict):
    """A subject in the schema registry."""

    name: str
    level: str | None
    """Its own compatibility level; None for the cluster's."""
    versions: list[SchemaVersion]


class Index(TypedDict):
    """An OpenSearch index, as the API shows it. Clients read either spelling of its time."""

    index_name: str
    number_of_shards: int
    number_of_replicas: int
    size: int
    created_time: str
    create_time: str
    status: str
    health: str


class Rule(TypedDict):
    """A firewall rule."""

    uuid: str
    cluster_uuid: str
    type: str
    value: str
    created_at: str
    description: NotRequired[str]


class Backup(TypedDict):
    """A backup, which can be used once it is done."""

    created_at: str
    size_gigabytes: float
    began_at: float
    done_at: float


class Event(TypedDict):
    """An entry of a cluster's event log, as the API shows it."""

    id: str
    cluster_name: str
    event_type: str
    create_time: str


class Migration(TypedDict):
    """An online migration, as the API shows it."""

    id: str
    status: str
    created_at: str


class Autoscale(TypedDict):
    """Settings for the growth of storage, as the API shows them."""

    enabled: bool
    threshold_percent: NotRequired[int]
    increment_gib: NotRequired[int]


class MaintenanceWindow(TypedDict):
    """Maintenance window, as the API shows it."""

    day: str
    hour: str
    pending: bool
    description: NotRequired[list[str]]


class Placement(TypedDict):
    """Placement of a cluster: region, size and nodes."""

    region: str
    size: str
    num_nodes: int


class Kind(TypedDict):
    """Fields of a cluster that are fixed by its order."""

    name: str
    engine: str
    version: str


class Cluster(Listed, Placement, Kind):
    """A cluster or read-only replica, with all that it holds."""

    id: str
    status: str
    created_at: float
    visible_at: float
    """Virtual time from which it can be read at all."""
    deleting: bool
    busy: bool
    """Whether a change is in progress; the status may still be `online`."""
    primary: str | None
    """The id of a replica's primary."""
    storage_size_mib: int
    tags: list[str] | None
    private_network_uuid: str
    project_id: str
    maintenance_window: MaintenanceWindow
    authority: list[str] | None
    """Certificate and key of its certificate authority, made when first asked for."""
    users: dict[str, User]
    users_busy_until: float
    dbs: dict[str, Database]
    config: Record
    rules: list[Rule]
    autoscale: Autoscale | None
    service_cnames: list[str]
    topics: dict[str, Topic]
    topics_made: int
    topic_names: dict[str, str]
    """Names of topics by the form that Kafka's metrics give them, with `_` for each `.`."""
    pools: dict[str, Pool]
    sinks: dict[str, Sink]
    subjects: dict[str, Subject]
    schemas_made: int
    schema_level: str
    """The compatibility level of subjects that have none of their own."""
    indexes: dict[str, Index]
    backups: list[Backup]
    events: list[Event]
    migration: Migration | None


class ClusterChange(TypedDict, total=False):
    """New values that a change of a cluster ends with."""

    size: str
    num_nodes: int
    storage_size_mib: int
    region: str
    private_network_uuid: str


class MetricsCredentials(TypedDict):
    """The account's credentials for the metrics endpoints, as the API shows them."""

    basic_auth_username: str
    basic_auth_password: str


class Account(TypedDict):
    """All that exists."""

    clusters: dict[str, Cluster]
    tokens: dict[str, list[str] | None]
    """Scopes by token; None allows everything."""
    token: str
    """The emulator's own token."""
    metrics: MetricsCredentials
