"""Mistakes that type checkers must report. It is never run.

Each line with a mistake says so to both checkers; a mistake that one of them does not see makes its comment an error.
"""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from asyncdbaas import (
    AsyncSession,
    autoscale,
    bulk,
    clusters,
    configs,
    firewall,
    logsinks,
    maintenance,
    pools,
    settings,
    topics,
    users,
)
from asyncdbaas.emulator.engines import can
from asyncdbaas.emulator.records import Cluster

ID = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"


async def misspelt(session: AsyncSession) -> None:
    topics.TopicCreate(name="orders", partitions=6)  # type: ignore[call-arg]  # it is partition_count
    configs.MySQLConfig(slow_query_logs=True)  # type: ignore[call-arg]  # no s
    await clusters.list_clusters(session, tag="a")  # type: ignore[call-arg]  # it is tag_name
    await topics.create_topics(session, ID)  # type: ignore[attr-defined]  # it is create_topic
    (await clusters.get_cluster(session, ID)).state  # type: ignore[attr-defined]  # noqa: B018  # it is status


async def forgotten(session: AsyncSession) -> None:
    pools.PoolCreate(name="web", mode=pools.PoolMode.SESSION, size=5)  # type: ignore[call-arg]  # db
    logsinks.RsyslogSink(server="logs.example", port=514, format=logsinks.RsyslogFormat.RFC5424)  # type: ignore[call-arg]  # tls
    await topics.delete_topic(session, ID)  # type: ignore[call-arg]  # the name
    await settings.update_settings(session, ID)  # type: ignore[call-arg]  # service_cnames
    (await topics.get_topic(session, ID, "orders")).config.retention_ms  # type: ignore[union-attr]  # noqa: B018  # may be None


async def of_the_wrong_kind(session: AsyncSession) -> None:
    await clusters.get_cluster(session, 17)  # type: ignore[arg-type]
    await clusters.upgrade_cluster(session, ID, 17)  # type: ignore[arg-type]  # versions are strings
    await firewall.replace_firewall_rules(session, ID, "203.0.113.1")  # type: ignore[arg-type]
    await settings.update_settings(session, ID, service_cnames="db.example")  # type: ignore[arg-type]  # a list
    users.MongoUserSettings(databases="admin")  # type: ignore[arg-type]  # a list
    clusters.ClusterResize(size="db-s-2vcpu-4gb", num_nodes="3")  # type: ignore[arg-type]
    maintenance.MaintenanceWindowUpdate(day=1, hour="14:00")  # type: ignore[arg-type]  # "monday" or Weekday.MONDAY
    pools.PoolCreate(name="web", mode=None, size=5, db="defaultdb")  # type: ignore[arg-type]  # "transaction" or PoolMode
    configs.PostgreSQLConfig(jit=None)  # type: ignore[arg-type]  # None is not UNSET


async def of_the_wrong_class(session: AsyncSession) -> None:
    await configs.get_config(session, ID, topics.TopicConfig)  # type: ignore[type-var]
    await configs.update_config(session, ID, topics.TopicConfig())  # type: ignore[arg-type]
    await configs.update_config(session, ID, configs.AdvancedMySQLConfig())  # type: ignore[arg-type]  # only read
    await topics.create_topic(session, ID, topics.TopicUpdate(partition_count=6))  # type: ignore[arg-type]
    await logsinks.update_logsink(session, ID, "sink", logsinks.LogsinkConfig())  # type: ignore[arg-type]  # only read
    await autoscale.update_autoscale(session, ID, autoscale.StorageAutoscale(enabled=True))  # type: ignore[arg-type]


async def changed(session: AsyncSession) -> None:
    topic = await topics.get_topic(session, ID, "orders")
    topic.name = "other"  # type: ignore[misc]  # classes are frozen
    topics.TopicCreate("orders")  # type: ignore[call-arg]  # and take keywords only


async def not_awaited(session: AsyncSession) -> None:
    topics.list_topics(session, ID).copy()  # type: ignore[attr-defined]
    await bulk.map_all(topics.create_topic, ["a"])  # type: ignore[arg-type]  # takes one argument


def in_the_emulator(cluster: Cluster) -> None:
    cluster["service_cnamez"]  # type: ignore[typeddict-item]  # it is service_cnames
    cluster["topic"] = {}  # type: ignore[typeddict-unknown-key]  # it is topics
    can("pg", "replica")  # type: ignore[arg-type]  # it is replicas
