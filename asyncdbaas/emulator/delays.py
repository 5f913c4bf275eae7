"""Settings for how long changes take, and for behaviour on which sources disagree."""

from __future__ import annotations

from types import NoneType
from typing import Final

import attrs

from asyncdbaas.emulator.paging import MAX_PER_PAGE
from asyncdbaas.emulator.validators import number, one_of, switch

_LONGEST: Final = 10**9
_seconds: Final = number(0, _LONGEST, int, float)


@attrs.frozen(kw_only=True)
class Delays:
    """Duration of each change of state in virtual seconds.

    The defaults are those that users of the service report, where they agree: a single node comes online in three to
    five minutes. Where reports differ, the default is the shorter one, which the vendor's own tests expect.
    `Delays.none()` makes every change visible in the next request.
    """

    create: float = attrs.field(default=240.0, validator=_seconds)
    """From `creating` or `forking` to `online`."""
    visible: float = attrs.field(default=0.0, validator=_seconds)
    """How long reads of a new cluster get 404."""
    listed: float = attrs.field(default=0.0, validator=_seconds)
    """How long lists omit a new cluster, replica, topic, user, database or pool. It can be read by name at once."""
    delete: float = attrs.field(default=0.0, validator=_seconds)
    """How long a deleted cluster or replica can still be read and keeps its name. Reports range from 0 to minutes."""
    change_start: float = attrs.field(default=10.0, validator=_seconds)
    """How long a cluster still reads `online` with its old size or region after a resize or migrate was accepted."""
    resize: float = attrs.field(default=300.0, validator=_seconds)
    """How long a cluster is `resizing`, after `change_start`."""
    migrate: float = attrs.field(default=600.0, validator=_seconds)
    """How long a cluster is `migrating`, after `change_start`."""
    maintenance: float = attrs.field(default=120.0, validator=_seconds)
    """How long updates, upgrades and new certificates keep a cluster busy. Its status is `online` meanwhile."""
    upgrade: float = attrs.field(default=0.0, validator=_seconds)
    """How long a cluster still shows its old version after an upgrade was accepted."""
    backup: float = attrs.field(default=120.0, validator=_seconds)
    """How long a backup takes; the first one begins when the cluster is online."""
    replica: float = attrs.field(default=300.0, validator=_seconds)
    """From `forking` to `online`."""
    replica_visible: float = attrs.field(default=60.0, validator=_seconds)
    """How long reads of a new replica get 404."""
    topic: float = attrs.field(default=0.0, validator=_seconds)
    """From `configuring` to `active`. If 0, the response to the create already says `active`."""
    topic_delete: float = attrs.field(default=0.0, validator=_seconds)
    """How long a deleted topic is listed as `deleting`."""
    partitions: float = attrs.field(default=5.0, validator=_seconds)
    """How long a topic still shows the old number of partitions after an update."""
    user_visible: float = attrs.field(default=0.0, validator=_seconds)
    """How long reads of a new user get 404."""
    user_write: float = attrs.field(default=0.0, validator=_seconds)
    """How long adding or deleting a user takes. A second such request to the same cluster is refused meanwhile."""
    migration: float = attrs.field(default=60.0, validator=_seconds)
    """From `running` to `syncing`, and the same time again to `done`."""

    @classmethod
    def none(cls) -> Delays:
        """Make every delay zero."""
        return cls(**{field.name: 0.0 for field in attrs.fields(cls)})


@attrs.frozen(kw_only=True)
class Quirks:
    """Switches between behaviours that sources report both, or that only some tests need."""

    page_size: int | None = attrs.field(default=None, validator=number(1, MAX_PER_PAGE, int, NoneType))
    """Page every list, with this many items unless the request has `per_page`; None sends whole lists, as observed."""
    autoscale_wrapped: bool = attrs.field(default=False, validator=switch)
    """Answer GET autoscale as `{"autoscale": {"storage": ...}}` (the description) instead of `{"storage": ...}`."""
    topic_list_partitions: bool = attrs.field(default=False, validator=switch)
    """List topics with `partitions`, as an older fixture does, instead of `partition_count`."""
    consumer_group_key: str = attrs.field(default="name", validator=one_of(("name", "group_name")))
    """The key of a consumer group's name: `name` or `group_name`; the description has both."""
    replicas_listed: bool = attrs.field(default=False, validator=switch)
    """Show replicas in the list of clusters too."""
    kafka_port_zero: bool = attrs.field(default=False, validator=switch)
    """Show a Kafka cluster's connection with `port` 0 and an empty `uri`; the ports are in `application_ports`."""
    topic_put_replaces: bool = attrs.field(default=False, validator=switch)
    """Reset the settings of a topic that a PUT does not name to their defaults, instead of keeping them."""
    valkey_policy: str = attrs.field(default="either", validator=one_of(("either", "hyphens", "underscores")))
    """How `valkey_maxmemory_policy` is spelled: `either` accepts both and shows hyphens, the others accept only one."""
    refuse_capital_schema_types: bool = attrs.field(default=False, validator=switch)
    """Refuse `AVRO`, `JSON` and `PROTOBUF` as schema types, and accept only `avro`, `json` and `protobuf`."""
