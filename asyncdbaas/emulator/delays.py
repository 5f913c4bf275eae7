"""How long the service takes, and which of its uncertain habits it shows."""

from __future__ import annotations

import attrs
from attrs.validators import ge, optional


@attrs.frozen(kw_only=True)
class Delays:
    """Set how many virtual seconds each change of state takes.

    The defaults are of the order that users of the service report (a single node comes online in three to five
    minutes); `Delays.none()` makes every change visible in the next request.
    """

    create: float = attrs.field(default=240.0, validator=ge(0))
    """From `creating` or `forking` to `online`."""
    visible: float = attrs.field(default=0.0, validator=ge(0))
    """How long a new cluster answers 404."""
    listed: float = attrs.field(default=0.0, validator=ge(0))
    """How long lists omit a new cluster, replica, topic, user, database or pool that can already be read by itself."""
    delete: float = attrs.field(default=0.0, validator=ge(0))
    """How long a deleted cluster or replica still answers and keeps its name; reports name none and many seconds."""
    change_start: float = attrs.field(default=10.0, validator=ge(0))
    """How long a cluster still reads `online` with its old size or region after a resize or migrate was accepted."""
    resize: float = attrs.field(default=300.0, validator=ge(0))
    """How long it then reads `resizing`."""
    migrate: float = attrs.field(default=600.0, validator=ge(0))
    """How long it then reads `migrating`."""
    maintenance: float = attrs.field(default=120.0, validator=ge(0))
    """How long updates, upgrades and new certificates keep a cluster busy, though it reads `online`."""
    upgrade: float = attrs.field(default=0.0, validator=ge(0))
    """How long a cluster still shows its old version after an upgrade was accepted."""
    backup: float = attrs.field(default=120.0, validator=ge(0))
    """How long a backup takes; the first one begins when the cluster is online."""
    replica: float = attrs.field(default=300.0, validator=ge(0))
    """From `forking` to `online`."""
    replica_visible: float = attrs.field(default=60.0, validator=ge(0))
    """How long a new replica answers 404."""
    topic: float = attrs.field(default=0.0, validator=ge(0))
    """From `configuring` to `active`; without it the answer to a create says `active`."""
    topic_delete: float = attrs.field(default=0.0, validator=ge(0))
    """How long a deleted topic is listed as `deleting`."""
    partitions: float = attrs.field(default=5.0, validator=ge(0))
    """How long a topic still shows the old number of partitions after an update."""
    user_visible: float = attrs.field(default=0.0, validator=ge(0))
    """How long a new user answers 404."""
    user_write: float = attrs.field(default=0.0, validator=ge(0))
    """How long adding or deleting a user takes; another such request to the same cluster meanwhile is refused."""
    migration: float = attrs.field(default=60.0, validator=ge(0))
    """From `running` to `syncing`, and again as long to `done`."""

    @classmethod
    def none(cls) -> Delays:
        """Make every delay zero."""
        return cls(**{field.name: 0.0 for field in attrs.fields(cls)})


@attrs.frozen(kw_only=True)
class Quirks:
    """Choose between behaviours for which there is evidence both ways, or which only some tests want."""

    page_size: int | None = attrs.field(default=None, validator=optional(ge(1)))
    """Page every list, this many to a page unless `per_page` says else; None gives whole lists, as observed."""
    autoscale_wrapped: bool = False
    """Answer GET autoscale as `{"autoscale": {"storage": ...}}` (the description) instead of `{"storage": ...}`."""
    topic_list_partitions: bool = False
    """List topics with `partitions`, as an older fixture does, instead of `partition_count`."""
    consumer_group_key: str = "name"
    """The key of a consumer group's name: `name` (examples) or `group_name` (schema)."""
    replicas_listed: bool = False
    """Show replicas in the list of clusters too."""
    kafka_port_zero: bool = False
    """Show a Kafka cluster's connection with `port` 0 and an empty `uri`, so that only `application_ports` helps."""
    topic_put_replaces: bool = False
    """Reset the settings of a topic that a PUT does not name to their defaults, instead of keeping them."""
    refuse_capital_schema_types: bool = False
    """Refuse `AVRO`, `JSON` and `PROTOBUF` as schema types, and accept only `avro`, `json` and `protobuf`."""
