"""Database clusters: create, read, change and delete them, and how to connect to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs

from asyncdbaas._certificates import CA
from asyncdbaas._checks import check_text, kind_of
from asyncdbaas._core.model import Model
from asyncdbaas._endpoint import changes, cluster_path, delete, list_all, named, payload
from asyncdbaas._models import (
    Autoscale,
    ClusterStatus,
    Connection,
    Engine,
    FirewallRule,
    FirewallRuleType,
    MaintenanceWindow,
    Settings,
    StorageAutoscale,
    User,
    Weekday,
    not_empty,
)
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.session import AsyncSession
from asyncdbaas.types import UNSET, EnumOrStr, Id, ListOf, Timestamp, Unset, new_list, null_lists, take_strings

__all__ = [
    "CA",
    "Autoscale",
    "BackupRestore",
    "Cluster",
    "ClusterCreate",
    "ClusterMigrate",
    "ClusterResize",
    "ClusterStatus",
    "Connection",
    "Engine",
    "FirewallRule",
    "FirewallRuleType",
    "MaintenanceWindow",
    "ServiceEndpoint",
    "Settings",
    "StorageAutoscale",
    "User",
    "Weekday",
    "convert_cluster",
    "create_cluster",
    "delete_cluster",
    "find_cluster",
    "get_ca",
    "get_cluster",
    "list_clusters",
    "migrate_cluster",
    "resize_cluster",
    "upgrade_cluster",
    "validate_cluster",
]


@attrs.frozen(kw_only=True, slots=False, repr=False)
class ServiceEndpoint(Model):
    """Address of a service of the cluster."""

    host: str | None = None
    port: int | None = None


@attrs.frozen(kw_only=True, slots=False, repr=False)
class Cluster(Model):
    """A cluster as the service shows it.

    Right after its creation, users, databases, maintenance window and the values of the connections are missing. Other
    fields are missing if the token lacks their scope.
    """

    id: str
    """UUID; the `cluster_id` of all other functions."""
    name: str
    engine: Engine
    status: ClusterStatus
    """`online` does not mean idle: maintenance may be running, or a requested resize may not have begun."""
    version: str | None = None
    """Major version of the engine, such as `8`."""
    semantic_version: str | None = None
    """The engine's version in full, such as `8.0.28`."""
    num_nodes: int | None = None
    size: str | None = None
    """Slug of the nodes' size, such as `db-s-2vcpu-4gb`."""
    storage_size_mib: int | None = None
    """Total storage in MiB. The vendor's description says "additional", but captured responses have the total."""
    region: str | None = None
    """Slug, such as `nyc3`."""
    created_at: Timestamp | None = None
    tags: ListOf[str] = attrs.field(factory=new_list)
    """Scope `tag:read`."""
    project_id: str | None = None
    """Scope `project:read`."""
    private_network_uuid: str | None = None
    """Its VPC. Scope `vpc:read`."""
    connection: Connection | None = None
    """To the primary node, over the internet. On MongoDB the host is unknown until the cluster is online."""
    private_connection: Connection | None = None
    """To the primary node, within the VPC."""
    standby_connection: Connection | None = None
    """To the standby nodes, over the internet; missing on single nodes."""
    standby_private_connection: Connection | None = None
    """To the standby nodes, within the VPC; missing on single nodes."""
    ui_connection: Connection | None = None
    """OpenSearch: the dashboard."""
    schema_registry_connection: Connection | None = None
    """Kafka: the schema registry, on a port other than Kafka's."""
    metrics_endpoints: ListOf[ServiceEndpoint] = attrs.field(factory=new_list)
    """Where Prometheus can scrape it; for the password see `metrics.get_metrics_credentials`. Empty on MongoDB."""
    users: ListOf[User] = attrs.field(factory=new_list)
    db_names: ListOf[str] = attrs.field(factory=new_list)
    """Databases in it."""
    maintenance_window: MaintenanceWindow | None = None
    rules: ListOf[FirewallRule] = attrs.field(factory=new_list)
    """In the vendor's description, but not in captured responses: use `firewall.list_firewall_rules`."""
    autoscale: Autoscale | None = None
    """Whichever of its two keys the service used; missing from most responses: use `autoscale.get_autoscale`."""
    storage_autoscale: StorageAutoscale | None = None
    """The storage's part of `autoscale` under the key of the vendor's Go client."""
    do_settings: Settings | None = None
    read_only: bool | None = None
    """Not in the vendor's description; false on all captured clusters."""
    version_end_of_life: Timestamp | None = None
    """When the version's support ends; missing if there is no date."""
    version_end_of_availability: Timestamp | None = None
    """When new clusters can no longer have the version; missing if there is no date."""

    def __attrs_post_init__(self) -> None:
        null_lists(self, "tags", "metrics_endpoints", "users", "db_names", "rules")
        if self.autoscale is None and self.storage_autoscale is not None:
            object.__setattr__(self, "autoscale", Autoscale(storage=self.storage_autoscale))


def _check_zone(_: object, __: attrs.Attribute[Any], when: datetime | Unset) -> None:
    if isinstance(when, datetime) and when.tzinfo is None:
        raise InvalidInputError("BackupRestore: backup_created_at has no time zone; take it as list_backups gives it")


@attrs.frozen(kw_only=True, slots=False, repr=False)
class BackupRestore(Model):
    """A backup that a new cluster starts from."""

    database_name: str = attrs.field(validator=not_empty)
    """Name of the cluster (not of a database) that the backup is of."""
    backup_created_at: datetime | Unset = attrs.field(default=UNSET, validator=_check_zone)
    """Which one, by the `created_at` that `backups.list_backups` gives. Default: the newest."""


@attrs.frozen(kw_only=True, slots=False, repr=False, field_transformer=take_strings)
class ClusterCreate(Model):
    """A cluster to create; `options.get_options` lists what can be chosen."""

    name: str = attrs.field(validator=not_empty)
    """Unique in the account, replicas included; underscores are rejected."""
    engine: EnumOrStr[Engine]
    version: str | Unset = UNSET
    """Major version, such as `17`. The service's default is not documented."""
    region: str = attrs.field(validator=not_empty)
    """Slug, such as `nyc3`."""
    size: str = attrs.field(validator=not_empty)
    """Slug of the nodes' size, such as `db-s-2vcpu-4gb`; the choice depends on engine and number of nodes."""
    num_nodes: int
    """The choice depends on the engine."""
    storage_size_mib: int | Unset = UNSET
    """Total storage in MiB; the choice depends on the size. Default: the minimum of the size."""
    tags: list[str] | Unset = UNSET
    """Scope `tag:create`. The vendor's tags API changes them later."""
    project_id: str | Unset = UNSET
    """Default: the account's default project. Scope `project:assign_resource`."""
    private_network_uuid: str | Unset = UNSET
    """Its VPC. Default: the account's default VPC of the region. Scope `vpc:read`."""
    rules: list[FirewallRule] | Unset = UNSET
    """Who may connect. Default: everyone who has a password."""
    backup_restore: BackupRestore | Unset = UNSET
    """PostgreSQL and MySQL: fork a cluster from a backup."""
    autoscale: Autoscale | Unset = UNSET
    do_settings: Settings | Unset = UNSET


@attrs.frozen(kw_only=True, slots=False, repr=False)
class _ClusterDryRun(ClusterCreate):
    """A request that checks a cluster without creating it."""

    dry_run: bool = True


@attrs.frozen(kw_only=True, slots=False, repr=False)
class ClusterResize(Model):
    """Target number, size and storage of a cluster's nodes."""

    size: str = attrs.field(validator=not_empty)
    """Slug of the nodes' size; required even if it stays. Never a smaller one."""
    num_nodes: int
    """Required even if it stays."""
    storage_size_mib: int | Unset = UNSET
    """Total storage in MiB; set it only to increase it."""


@attrs.frozen(kw_only=True, slots=False, repr=False)
class ClusterMigrate(Model):
    """Target region of a migration."""

    region: str = attrs.field(validator=not_empty)
    """Slug, such as `lon1`. With the cluster's own region, only the VPC changes."""
    private_network_uuid: str | Unset = UNSET
    """VPC in the target region; not in the vendor's description, but in its Go client."""


async def list_clusters(session: AsyncSession, *, tag_name: str | None = None) -> list[Cluster]:
    """List all clusters, or those with the tag `tag_name`.

    Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_list_clusters
    """
    if tag_name == "":
        raise InvalidInputError("tag_name must not be empty; leave it out to list all clusters")
    params = None if tag_name is None else {"tag_name": tag_name}
    return await list_all(session, "/v2/databases", Cluster, "databases", params)


async def get_cluster(session: AsyncSession, cluster_id: Id) -> Cluster:
    """Read one cluster.

    A new cluster may raise NotFoundError for some seconds; a deleted one stays visible for a while. A replica's id
    works as well. Passwords need the scope `database:view_credentials`; on MongoDB they are never shown.
    Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_get_cluster
    """
    return await session.request("GET", cluster_path(cluster_id), Cluster, key="database")


async def find_cluster(session: AsyncSession, name: str) -> Cluster:
    """Get a cluster by its name, with one list request.

    Raise NotFoundError, with similar names, if there is none. Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_list_clusters
    """
    check_text(name, "cluster name")
    return named(await list_clusters(session), name, "cluster", "/v2/databases")


async def create_cluster(session: AsyncSession, cluster: ClusterCreate) -> Cluster:
    """Create a cluster and return it while it is still `creating`, which takes minutes.

    On MongoDB only this response has the password. The session remembers it for `Waiters.cluster_online`. If the
    outcome is unknown (`error.outcome_unknown`), the request is not sent again: check with `list_clusters`. Raise
    UnprocessableError if the name is taken (also by a cluster that is still being deleted), or if the engine, version,
    region, size and number of nodes do not fit together. Scope `database:create`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_create_cluster
    """
    made = await session.request(
        "POST", "/v2/databases", Cluster, key="database", body=payload(cluster, ClusterCreate, "cluster")
    )
    _keep_passwords(session, made)
    return made


def _keep_passwords(session: AsyncSession, made: Cluster) -> None:
    if made.connection is not None:
        session.passwords.add(made.id, made.connection.user, made.connection.password)
    for user in made.users:
        session.passwords.add(made.id, user.name, user.password)


async def validate_cluster(session: AsyncSession, cluster: ClusterCreate) -> None:
    """Ask whether the service would create a cluster, without creating it; raise what `create_cluster` would.

    It sends `dry_run`, which the vendor's Kubernetes operator uses but no documentation mentions. If the service ever
    ignores it, the cluster is created. Scope `database:create`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_create_cluster
    """
    fields = attrs.asdict(changes(cluster, ClusterCreate, "cluster"), recurse=False)
    await session.request("POST", "/v2/databases", body=_ClusterDryRun(**fields))


async def delete_cluster(session: AsyncSession, cluster_id: Id) -> None:
    """Delete a cluster with all its data and backups.

    It stays visible, and its name stays taken, for some time. Scope `database:delete`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_destroy_cluster
    """
    await delete(session, cluster_path(cluster_id))


async def resize_cluster(session: AsyncSession, cluster_id: Id, resize: ClusterResize) -> None:
    """Begin to change the number or the size of a cluster's nodes, or its storage.

    For some seconds the cluster still reads `online` with its old size, then `resizing`. A replica's id works as well,
    with one node. Raise PreconditionError while other work, such as maintenance, is under way. Scope `database:update`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_update_clusterSize
    """
    await session.request("PUT", cluster_path(cluster_id, "resize"), body=payload(resize, ClusterResize, "resize"))


async def migrate_cluster(session: AsyncSession, cluster_id: Id, migration: ClusterMigrate) -> None:
    """Begin to move a cluster to another region or VPC.

    For some seconds the cluster still reads `online` in its old region, then `migrating`. Scope `database:update`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_update_region
    """
    await session.request(
        "PUT", cluster_path(cluster_id, "migrate"), body=payload(migration, ClusterMigrate, "migration")
    )


async def upgrade_cluster(session: AsyncSession, cluster_id: Id, version: str) -> None:
    """Begin to upgrade a cluster to another major version, such as `17`.

    It continues after the response; it is done when the cluster's `version` has changed. Scope `database:update`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_update_major_version
    """
    if not isinstance(version, str) or not version:
        raise InvalidInputError(f"version must be a string such as '17', not {kind_of(version)}")
    await session.request("PUT", cluster_path(cluster_id, "upgrade"), body={"version": version})


async def convert_cluster(
    session: AsyncSession, cluster_id: Id, cluster_type: EnumOrStr[Engine] = Engine.VALKEY
) -> None:
    """Convert a Redis cluster to Valkey, in place.

    Its settings get other names, see `configs.ValkeyConfig`. The service converts nothing else. This operation is not
    one of the 71 in the vendor's description: it is documented in the vendor's guide for Valkey,
    https://docs.digitalocean.com/products/databases/valkey/getting-started/convert/. Scope `database:update`.
    """
    body = {"cluster_type": check_text(cluster_type, "cluster_type")}
    await session.request("PATCH", cluster_path(cluster_id, "cluster_type"), body=body)


async def get_ca(session: AsyncSession, cluster_id: Id) -> CA:
    """Read the certificate authority that a client needs to verify the cluster's certificates.

    Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_get_ca
    """
    return await session.request("GET", cluster_path(cluster_id, "ca"), CA, key="ca")
