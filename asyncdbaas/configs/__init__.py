"""Settings of a cluster's engine: MySQL, PostgreSQL, Redis, Valkey, Kafka, OpenSearch, MongoDB, the advanced editions.

    config = await get_config(session, cluster_id, MySQLConfig)
    await update_config(session, cluster_id, MySQLConfig(long_query_time=2.0, slow_query_log=True))

Each engine has a class in a module of its own. The docstring of a field gives the unit, the range, the default if the
vendor documents it, and whether a change restarts the server.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar, get_args

from asyncdbaas._checks import kind_of
from asyncdbaas._core.codec import envelop, require_some
from asyncdbaas._core.decoding import MismatchError, reader
from asyncdbaas._core.wire import wire_names
from asyncdbaas._endpoint import cluster_path
from asyncdbaas._models import CompressionType, PoolMode
from asyncdbaas.configs._base import EngineConfig, set_fields
from asyncdbaas.configs.advanced import (
    AdvancedMySQLConfig,
    AdvancedMySQLConfigUpdate,
    AdvancedPostgreSQLConfig,
    AdvancedPostgreSQLConfigUpdate,
    Parameter,
)
from asyncdbaas.configs.caching import AclChannels, MaxmemoryPolicy, Persistence, RedisConfig, ValkeyConfig
from asyncdbaas.configs.kafka import KafkaCleanupPolicy, KafkaConfig, KafkaTimestampType
from asyncdbaas.configs.mongodb import MongoDBConfig, ReadConcern
from asyncdbaas.configs.mysql import IncrementalBackup, LogOutput, MySQLConfig, TmpStorageEngine
from asyncdbaas.configs.opensearch import OpenSearchConfig
from asyncdbaas.configs.postgresql import (
    FunctionTracking,
    LogErrorVerbosity,
    LogLinePrefix,
    OnOff,
    PgBouncerConfig,
    PostgreSQLConfig,
    StartupParameter,
    StatementTracking,
    SynchronousReplication,
    TimescaleDBConfig,
    ToastCompression,
)
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.session import AsyncSession
from asyncdbaas.types import Id

__all__ = [
    "AclChannels",
    "AdvancedMySQLConfig",
    "AdvancedMySQLConfigUpdate",
    "AdvancedPostgreSQLConfig",
    "AdvancedPostgreSQLConfigUpdate",
    "CompressionType",
    "Config",
    "ConfigUpdate",
    "EngineConfig",
    "FunctionTracking",
    "IncrementalBackup",
    "KafkaCleanupPolicy",
    "KafkaConfig",
    "KafkaTimestampType",
    "LogErrorVerbosity",
    "LogLinePrefix",
    "LogOutput",
    "MaxmemoryPolicy",
    "MongoDBConfig",
    "MySQLConfig",
    "OnOff",
    "OpenSearchConfig",
    "Parameter",
    "Persistence",
    "PgBouncerConfig",
    "PoolMode",
    "PostgreSQLConfig",
    "ReadConcern",
    "RedisConfig",
    "StartupParameter",
    "StatementTracking",
    "SynchronousReplication",
    "TimescaleDBConfig",
    "TmpStorageEngine",
    "ToastCompression",
    "ValkeyConfig",
    "get_config",
    "update_config",
]

_TwoWay = MySQLConfig | PostgreSQLConfig | RedisConfig | ValkeyConfig | KafkaConfig | OpenSearchConfig | MongoDBConfig
Config = _TwoWay | AdvancedMySQLConfig | AdvancedPostgreSQLConfig
"""Classes for `get_config`."""
ConfigUpdate = _TwoWay | AdvancedMySQLConfigUpdate | AdvancedPostgreSQLConfigUpdate
"""Classes for `update_config`."""

C = TypeVar("C", bound=Config)

_CONFIGS: Final[tuple[Any, ...]] = get_args(Config)
_UPDATES: Final[tuple[Any, ...]] = get_args(ConfigUpdate)


async def get_config(session: AsyncSession, cluster_id: Id, into: type[C]) -> C:
    """Read the settings of a cluster as the class of its engine, such as `MySQLConfig`.

    Settings that are missing or null in the response are UNSET. Raise DecodeError if they are those of another engine:
    a Redis cluster may have become a Valkey cluster. Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_get_config
    """
    if into not in _CONFIGS:
        shown = into.__name__ if isinstance(into, type) else kind_of(into)
        raise InvalidInputError(f"into must be one of {_names(_CONFIGS)}, not {shown}")
    read = reader(into, "config").then(_check_engine)
    return await session.request("GET", cluster_path(cluster_id, "config"), read)


async def update_config(session: AsyncSession, cluster_id: Id, config: ConfigUpdate) -> None:
    """Change the settings of a cluster that are set in `config`; the others stay.

    Set only what should change; do not send back everything that `get_config` returned. Some settings restart the
    server, and none can be unset again. BadRequestError names a setting that the engine does not know,
    UnprocessableError a value out of range. Scope `database:update`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_patch_config
    """
    if not isinstance(config, _UPDATES):
        raise InvalidInputError(f"config must be one of {_names(_UPDATES)}, not {kind_of(config)}")
    await session.request("PATCH", cluster_path(cluster_id, "config"), body=envelop("config", require_some(config)))


def _names(classes: tuple[Any, ...]) -> str:
    return ", ".join(cls.__name__ for cls in classes)


def _check_engine(config: C) -> C:
    """Reject the settings of another engine, which any class would accept as `extra`."""
    known = set_fields(config)
    unknown = known.pop("extra", {}).keys()
    for other in _CONFIGS:
        if len(wire_names(other) & unknown) > len(known):
            raise MismatchError(f"these are the settings of a {other.__name__}, not of a {type(config).__name__}")
    return config
