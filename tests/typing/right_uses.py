"""Every public function, used as it should be: type checkers must infer these types. It is never run."""
# mypy: disable-error-code="func-returns-value"
# What returns nothing must be seen to return None.

from __future__ import annotations

from typing import assert_type
from uuid import UUID

from asyncdbaas import (
    UNSET,
    AsyncSession,
    DBaaSError,
    RateLimiter,
    RetryPolicy,
    Unset,
    autoscale,
    backups,
    bulk,
    catalogue,
    clusters,
    configs,
    databases,
    ensure,
    events,
    eviction_policy,
    firewall,
    indexes,
    logsinks,
    maintenance,
    metrics,
    migrations,
    options,
    plan,
    pools,
    replicas,
    schemas,
    settings,
    sql_mode,
    topics,
    users,
    waiters,
)

ID = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"


async def check_autoscale(session: AsyncSession) -> None:
    found = assert_type(await autoscale.get_autoscale(session, ID), autoscale.Autoscale)
    assert_type(found.storage, autoscale.StorageAutoscale | Unset)
    growth = autoscale.StorageAutoscale(enabled=True, threshold_percent=80, increment_gib=10)
    assert_type(await autoscale.update_autoscale(session, ID, autoscale.Autoscale(storage=growth)), None)


async def check_backups(session: AsyncSession) -> None:
    found = assert_type(await backups.list_backups(session, ID), backups.Backups)
    assert_type(found.backups, list[backups.Backup])


async def check_clusters(session: AsyncSession) -> None:
    assert_type(await clusters.list_clusters(session), list[clusters.Cluster])
    assert_type(await clusters.list_clusters(session, tag_name="production"), list[clusters.Cluster])
    found = assert_type(await clusters.get_cluster(session, UUID(ID)), clusters.Cluster)
    assert_type(found.status, clusters.ClusterStatus)
    assert_type(found.connection, clusters.Connection | None)
    assert_type(found.tags, list[str])
    wanted = clusters.ClusterCreate(
        name="events", engine=clusters.Engine.KAFKA, region="nyc3", size="db-s-2vcpu-2gb", num_nodes=3, tags=["a"]
    )
    assert_type(await clusters.create_cluster(session, wanted), clusters.Cluster)
    assert_type(await clusters.find_cluster(session, "shop"), clusters.Cluster)
    assert_type(await clusters.convert_cluster(session, ID), None)
    assert_type(await replicas.find_replica(session, ID, "copy"), replicas.Replica)
    assert_type(await logsinks.find_logsink(session, ID, "logs"), logsinks.Logsink)
    assert_type(await clusters.validate_cluster(session, wanted), None)
    resize = clusters.ClusterResize(size="db-s-4vcpu-8gb", num_nodes=3, storage_size_mib=UNSET)
    assert_type(await clusters.resize_cluster(session, ID, resize), None)
    assert_type(await clusters.migrate_cluster(session, ID, clusters.ClusterMigrate(region="lon1")), None)
    assert_type(await clusters.upgrade_cluster(session, ID, "17"), None)
    assert_type(await clusters.delete_cluster(session, ID), None)
    authority = assert_type(await clusters.get_ca(session, ID), clusters.CA)
    assert_type(authority.certificate, str)


async def check_configs(session: AsyncSession) -> None:
    mysql = assert_type(await configs.get_config(session, ID, configs.MySQLConfig), configs.MySQLConfig)
    assert_type(mysql.slow_query_log, bool | Unset)
    kafka = assert_type(await configs.get_config(session, ID, configs.KafkaConfig), configs.KafkaConfig)
    assert_type(kafka.log_retention_bytes, int | Unset)
    assert_type(await configs.get_config(session, ID, configs.AdvancedMySQLConfig), configs.AdvancedMySQLConfig)
    assert_type(await configs.update_config(session, ID, configs.RedisConfig(redis_ssl=False)), None)
    assert_type(await configs.update_config(session, ID, configs.PostgreSQLConfig(jit=True)), None)


async def check_databases(session: AsyncSession) -> None:
    assert_type(await databases.list_databases(session, ID), list[databases.Database])
    assert_type(await databases.get_database(session, ID, "alpha"), databases.Database)
    assert_type(await databases.create_database(session, ID, "alpha"), databases.Database)
    assert_type(await databases.delete_database(session, ID, "alpha"), None)


async def check_events(session: AsyncSession) -> None:
    assert_type(await events.list_events(session, ID), list[events.Event])


async def check_eviction_policy(session: AsyncSession) -> None:
    policy = assert_type(await eviction_policy.get_eviction_policy(session, ID), eviction_policy.EvictionPolicy)
    assert_type(await eviction_policy.set_eviction_policy(session, ID, policy), None)
    assert_type(await eviction_policy.set_eviction_policy(session, ID, "allkeys_lru"), None)


async def check_firewall(session: AsyncSession) -> None:
    rules = assert_type(await firewall.list_firewall_rules(session, ID), list[firewall.FirewallRule])
    rules.append(firewall.FirewallRule(type=firewall.FirewallRuleType.TAG, value="backend"))
    assert_type(await firewall.replace_firewall_rules(session, ID, rules), None)
    assert_type(await firewall.edit_firewall_rules(session, ID, add=rules, remove=()), list[firewall.FirewallRule])


async def check_indexes(session: AsyncSession) -> None:
    assert_type(await indexes.list_indexes(session, ID), list[indexes.Index])
    assert_type(await indexes.delete_index(session, ID, "logs-2026"), None)


async def check_logsinks(session: AsyncSession) -> None:
    assert_type(await logsinks.list_logsinks(session, ID), list[logsinks.Logsink])
    found = assert_type(await logsinks.get_logsink(session, ID, "sink"), logsinks.Logsink)
    assert_type(found.config, logsinks.LogsinkConfig | None)
    datadog = logsinks.DatadogSink(site="intake.example", datadog_api_key="key")
    assert_type(await logsinks.create_logsink(session, ID, "logs", datadog), logsinks.Logsink)
    search = logsinks.OpenSearchSink(url="https://search.example", index_prefix="logs")
    assert_type(await logsinks.update_logsink(session, ID, "sink", search), None)
    assert_type(await logsinks.delete_logsink(session, ID, "sink"), None)


async def check_maintenance(session: AsyncSession) -> None:
    window = maintenance.MaintenanceWindowUpdate(day=maintenance.Weekday.TUESDAY, hour="14:00")
    assert_type(await maintenance.update_maintenance_window(session, ID, window), None)
    assert_type(await maintenance.install_update(session, ID), None)


async def check_metrics(session: AsyncSession) -> None:
    assert_type(await metrics.get_metrics_credentials(session), metrics.MetricsCredentials)
    credentials = metrics.MetricsCredentialsUpdate(basic_auth_username="scraper", basic_auth_password="secret")
    assert_type(await metrics.update_metrics_credentials(session, credentials), None)


async def check_migrations(session: AsyncSession) -> None:
    assert_type(await migrations.get_migration(session, ID), migrations.Migration)
    start = migrations.MigrationStart(source=migrations.MigrationSource(host="db.example", port=5432))
    assert_type(await migrations.start_migration(session, ID, start), migrations.Migration)
    assert_type(await migrations.stop_migration(session, ID, "migration"), None)


async def check_options(session: AsyncSession) -> None:
    found = assert_type(await options.get_options(session), options.Options)
    assert_type(found.options["kafka"], options.EngineOptions)


async def check_pools(session: AsyncSession) -> None:
    assert_type(await pools.list_pools(session, ID), list[pools.Pool])
    assert_type(await pools.get_pool(session, ID, "web"), pools.Pool)
    wanted = pools.PoolCreate(name="web", mode=pools.PoolMode.TRANSACTION, size=10, db="defaultdb")
    assert_type(await pools.create_pool(session, ID, wanted), pools.Pool)
    update = pools.PoolUpdate(mode=pools.PoolMode.SESSION, size=20, db="defaultdb", user="app")
    assert_type(await pools.update_pool(session, ID, "web", update), None)
    assert_type(await pools.delete_pool(session, ID, "web"), None)


async def check_replicas(session: AsyncSession) -> None:
    assert_type(await replicas.list_replicas(session, ID), list[replicas.Replica])
    assert_type(await replicas.get_replica(session, ID, "read"), replicas.Replica)
    wanted = replicas.ReplicaCreate(name="read", size="db-s-2vcpu-4gb")
    assert_type(await replicas.create_replica(session, ID, wanted), replicas.Replica)
    assert_type(await replicas.delete_replica(session, ID, "read"), None)
    assert_type(await replicas.promote_replica(session, ID, "read"), None)


async def check_schemas(session: AsyncSession) -> None:
    assert_type(await schemas.list_schemas(session, ID), list[schemas.Schema])
    assert_type(await schemas.get_schema(session, ID, "orders-value"), schemas.Schema)
    assert_type(await schemas.get_schema_version(session, ID, "orders-value", "1"), schemas.Schema)
    wanted = schemas.SchemaCreate(subject_name="orders-value", schema_type=schemas.SchemaType.AVRO, schema="{}")
    assert_type(await schemas.create_schema(session, ID, wanted), schemas.Schema)
    assert_type(await schemas.delete_schema(session, ID, "orders-value"), None)
    assert_type(await schemas.get_compatibility(session, ID), schemas.CompatibilityLevel)
    assert_type(await schemas.set_compatibility(session, ID, "FULL"), schemas.CompatibilityLevel)
    level = schemas.CompatibilityLevel.BACKWARD
    assert_type(await schemas.get_subject_compatibility(session, ID, "orders-value"), schemas.SubjectCompatibility)
    assert_type(
        await schemas.set_subject_compatibility(session, ID, "orders-value", level), schemas.SubjectCompatibility
    )


async def check_settings(session: AsyncSession) -> None:
    found = assert_type(await settings.get_settings(session, ID), settings.Settings)
    assert_type(found.service_cnames, list[str])
    assert_type(await settings.update_settings(session, ID, service_cnames=["db.example"]), None)


async def check_sql_mode(session: AsyncSession) -> None:
    assert_type(await sql_mode.get_sql_mode(session, ID), list[str])
    assert_type(await sql_mode.set_sql_mode(session, ID, ["ANSI", "TRADITIONAL"]), None)


async def check_topics(session: AsyncSession) -> None:
    assert_type(await topics.list_topics(session, ID), list[topics.Topic])
    found = assert_type(await topics.get_topic(session, ID, "orders"), topics.Topic)
    assert_type(found.partition_count, int | None)
    assert_type(found.partitions, list[topics.Partition])
    config = topics.TopicConfig(cleanup_policy=topics.CleanupPolicy.COMPACT, retention_ms=-1)
    wanted = topics.TopicCreate(name="orders", partition_count=6, config=config)
    assert_type(await topics.create_topic(session, ID, wanted), topics.Topic)
    assert_type(await topics.update_topic(session, ID, "orders", topics.TopicUpdate(partition_count=9)), topics.Topic)
    assert_type(await topics.delete_topic(session, ID, "orders"), None)


async def check_users(session: AsyncSession) -> None:
    assert_type(await users.list_users(session, ID), list[users.User])
    found = assert_type(await users.get_user(session, ID, "app"), users.User)
    assert_type(found.role, users.UserRole)
    acl = users.KafkaACL(topic="orders-.*", permission=users.KafkaPermission.CONSUME)
    wanted = users.UserSettings(acl=[acl])
    assert_type(await users.create_user(session, ID, users.UserCreate(name="app", settings=wanted)), users.User)
    assert_type(await users.update_user(session, ID, "app", wanted), users.User)
    assert_type(await users.delete_user(session, ID, "app"), None)
    assert_type(await users.reset_user_auth(session, ID, "app"), users.User)
    plugin = users.MySQLAuthPlugin.CACHING_SHA2_PASSWORD
    assert_type(await users.reset_user_auth(session, ID, "app", auth_plugin=plugin), users.User)


async def check_session() -> None:
    async with AsyncSession("token", rate_limiter=RateLimiter(), retry=RetryPolicy()) as session:
        assert_type(session, AsyncSession)
        assert_type(await session.request("GET", "/v2/databases", topics.Topic, key="topic"), topics.Topic)
        assert_type(await session.request("DELETE", "/v2/databases/x"), None)
        assert_type(session.rate_limiter.forecast(2000), float)
        assert_type(session.rate_limit.remaining, int | None)
        assert_type(await session.close(), None)


async def check_bulk(session: AsyncSession) -> None:
    async def create(name: str) -> topics.Topic:
        return await topics.create_topic(session, ID, topics.TopicCreate(name=name))

    assert_type(await bulk.map_all(create, ["a", "b"]), list[topics.Topic])
    assert_type(await bulk.settle(create, ["a", "b"], limit=10), list[topics.Topic | DBaaSError])
    async for name, outcome in bulk.as_completed(create, ["a", "b"]):
        assert_type(name, str)
        assert_type(outcome, topics.Topic | DBaaSError)


async def check_ensure(session: AsyncSession) -> None:
    wanted = [topics.TopicCreate(name="orders")]
    assert_type(await ensure.ensure_topics(session, ID, wanted), list[plan.Outcome])
    kafka = clusters.ClusterCreate(name="a", engine=clusters.Engine.KAFKA, region="nyc3", size="s", num_nodes=3)
    assert_type(await ensure.ensure_cluster(session, kafka), clusters.Cluster)
    assert_type(await ensure.ensure_database(session, ID, "alpha"), databases.Database)
    assert_type(await ensure.ensure_user(session, ID, users.UserCreate(name="app")), users.User)
    pool = pools.PoolCreate(name="web", mode=pools.PoolMode.TRANSACTION, size=10, db="defaultdb")
    assert_type(await ensure.ensure_pool(session, ID, pool, on_conflict=plan.OnConflict.FAIL), pools.Pool)


async def check_plan(session: AsyncSession) -> None:
    wanted = assert_type(catalogue.read_catalogue("topics.yaml"), catalogue.Catalogue)
    assert_type(catalogue.parse_catalogue("topics: []", file="topics.yaml"), catalogue.Catalogue)
    assert_type(catalogue.write_catalogue(wanted, suffix=".yaml"), str)
    assert_type(catalogue.catalogue_schema(), str)
    todo = assert_type(await plan.make_plan(session, wanted, clusters=["shop"]), plan.Plan)
    assert_type(plan.forecast(session, todo), plan.Forecast)
    assert_type(await plan.apply(session, todo, on_conflict=plan.OnConflict.FAIL), plan.Report)
    targets = assert_type(plan.resolve(wanted, await clusters.list_clusters(session)), list[plan.Target])
    assert_type(plan.compare(targets, await plan.fetch(session, targets)), plan.Plan)
    assert_type(await plan.export(session, [plan.find_cluster([], "shop")]), catalogue.Catalogue)
    assert_type(await plan.export_into(session, "topics: []", file="topics.yaml"), catalogue.CatalogueUpdate)
    assert_type(plan.save_plan(todo, "plan.json"), None)
    assert_type(await plan.refresh(session, plan.load_plan("plan.json")), plan.Plan)


async def check_waiters(session: AsyncSession) -> None:
    wait = waiters.Waiters(session, interval=5.0, timeout=600.0)
    assert_type(await wait.cluster_online(ID, num_nodes=3), clusters.Cluster)
    assert_type(await wait.cluster_deleted(ID), None)
    assert_type(await wait.replica_ready(ID, "read"), replicas.Replica)
    assert_type(await wait.topic_active(ID, "orders", partition_count=6), topics.Topic)
    assert_type(await wait.migration_done(ID, until=migrations.MigrationStatus.SYNCING), migrations.Migration)
