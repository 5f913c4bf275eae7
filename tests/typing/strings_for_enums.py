"""Strings in place of enumerations, for all type checkers. It is never run."""

from __future__ import annotations

from asyncdbaas import (
    AsyncSession,
    clusters,
    configs,
    eviction_policy,
    firewall,
    logsinks,
    maintenance,
    pools,
    schemas,
    topics,
    users,
)

ID = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"


async def create_everything(session: AsyncSession) -> None:
    rule = firewall.FirewallRule(type="ip_addr", value="192.0.2.1")
    await clusters.create_cluster(
        session,
        clusters.ClusterCreate(
            name="shop", engine="pg", region="nyc3", size="db-s-2vcpu-4gb", num_nodes=1, rules=[rule]
        ),
    )
    await pools.create_pool(
        session, ID, pools.PoolCreate(name="web", mode="transaction", size=5, db="defaultdb", user="app")
    )
    await pools.update_pool(session, ID, "web", pools.PoolUpdate(mode=pools.PoolMode.SESSION))
    config = topics.TopicConfig(cleanup_policy="compact", compression_type="zstd", message_timestamp_type="create_time")
    await topics.create_topic(session, ID, topics.TopicCreate(name="orders", config=config))
    order = schemas.SchemaCreate(subject_name="orders-value", schema_type="avro", schema="{}")
    await schemas.create_schema(session, ID, order)
    await schemas.set_compatibility(session, ID, "BACKWARD")
    await maintenance.update_maintenance_window(
        session, ID, maintenance.MaintenanceWindowUpdate(day="monday", hour="02:00")
    )
    sink = logsinks.RsyslogSink(server="192.0.2.2", port=514, tls=True, format="rfc5424")
    await logsinks.create_logsink(session, ID, "logs", sink)
    acl = users.KafkaACL(topic="orders", permission="consume")
    mongo = users.MongoUserSettings(databases=["shop"], role="readOnly")
    index = users.OpenSearchACL(index="logs", permission="read")
    settings = users.UserSettings(acl=[acl], mongo_user_settings=mongo, opensearch_acl=[index])
    plugin = users.MySQLSettings(auth_plugin="caching_sha2_password")
    await users.create_user(session, ID, users.UserCreate(name="app", settings=settings, mysql_settings=plugin))
    await eviction_policy.set_eviction_policy(session, ID, "allkeys_lru")
    await configs.update_config(session, ID, configs.PostgreSQLConfig(log_error_verbosity="TERSE"))
    await configs.update_config(session, ID, configs.ValkeyConfig(valkey_maxmemory_policy="allkeys-lru"))
