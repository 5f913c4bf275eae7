"""Settings of the engines: what is sent, and what is read."""

from __future__ import annotations

from typing import Any, Final, assert_type

import attrs
import pytest
from canned import Canned, Sent

from asyncdbaas import UNSET, AsyncSession, configs
from asyncdbaas.configs import (
    AdvancedMySQLConfig,
    AdvancedMySQLConfigUpdate,
    AdvancedPostgreSQLConfig,
    AdvancedPostgreSQLConfigUpdate,
    KafkaCleanupPolicy,
    KafkaConfig,
    MaxmemoryPolicy,
    MongoDBConfig,
    MySQLConfig,
    OnOff,
    OpenSearchConfig,
    Parameter,
    PgBouncerConfig,
    PostgreSQLConfig,
    RedisConfig,
    StatementTracking,
    TimescaleDBConfig,
    ValkeyConfig,
    get_config,
    update_config,
)
from asyncdbaas.emulator import Emulator
from asyncdbaas.errors import (
    AcceptedError,
    BadRequestError,
    DecodeError,
    InvalidInputError,
    NotFoundError,
    UnprocessableError,
)

CLUSTER: Final = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
PATH: Final = f"/v2/databases/{CLUSTER}/config"
TWO_WAY: Final[list[Any]] = [
    MySQLConfig,
    PostgreSQLConfig,
    RedisConfig,
    ValkeyConfig,
    KafkaConfig,
    OpenSearchConfig,
    MongoDBConfig,
]
ENGINES: Final[list[tuple[str, Any]]] = [
    ("mysql", MySQLConfig),
    ("pg", PostgreSQLConfig),
    ("valkey", ValkeyConfig),
    ("kafka", KafkaConfig),
    ("opensearch", OpenSearchConfig),
    ("mongodb", MongoDBConfig),
    ("advanced_mysql", AdvancedMySQLConfig),
    ("advanced_pg", AdvancedPostgreSQLConfig),
]


# What is sent


async def test_an_update_is_a_patch_of_the_set_keys_below_config(canned: Canned) -> None:
    await update_config(canned.session, CLUSTER, MySQLConfig(sql_mode="ANSI", wait_timeout=60))
    assert canned.sent == Sent("PATCH", PATH, {"config": {"sql_mode": "ANSI", "wait_timeout": 60}})


@pytest.mark.parametrize(
    ("config", "sent"),
    [
        (MySQLConfig(slow_query_log=False), {"slow_query_log": False}),
        (MySQLConfig(max_execution_time=0, long_query_time=0.0), {"max_execution_time": 0, "long_query_time": 0.0}),
        (MySQLConfig(innodb_ft_user_stopword_table=None), {"innodb_ft_user_stopword_table": None}),
        (MySQLConfig(sql_mode=""), {"sql_mode": ""}),
        (PostgreSQLConfig(pg_stat_statements_track=StatementTracking.TOP), {"pg_stat_statements.track": "top"}),
        (PostgreSQLConfig(pg_partman_bgw_role="keeper"), {"pg_partman_bgw.role": "keeper"}),
        (PostgreSQLConfig(pg_partman_bgw_interval=3600), {"pg_partman_bgw.interval": 3600}),
        (PostgreSQLConfig(track_io_timing=OnOff.ON), {"track_io_timing": "on"}),
        (PostgreSQLConfig(pgbouncer=PgBouncerConfig(min_pool_size=0)), {"pgbouncer": {"min_pool_size": 0}}),
        (PostgreSQLConfig(extra={"newer.setting": 1}), {"newer.setting": 1}),
        (RedisConfig(redis_maxmemory_policy=MaxmemoryPolicy.ALLKEYS_LRU), {"redis_maxmemory_policy": "allkeys-lru"}),
        (
            ValkeyConfig(valkey_maxmemory_policy=MaxmemoryPolicy("volatile_ttl")),
            {"valkey_maxmemory_policy": "volatile-ttl"},
        ),
        (KafkaConfig(log_cleanup_policy=KafkaCleanupPolicy.COMPACT_DELETE), {"log_cleanup_policy": "compact,delete"}),
        (KafkaConfig(log_retention_bytes=-1), {"log_retention_bytes": -1}),
        (
            AdvancedMySQLConfigUpdate(mysql_parameters={"wait_timeout": "5"}),
            {"mysql_parameters": {"wait_timeout": "5"}},
        ),
        (AdvancedPostgreSQLConfigUpdate(pg_parameters={"work_mem": "8MB"}), {"pg_parameters": {"work_mem": "8MB"}}),
    ],
)
async def test_what_is_set_is_sent_as_the_service_spells_it(canned: Canned, config: Any, sent: dict[str, Any]) -> None:
    await update_config(canned.session, CLUSTER, config)
    assert canned.sent.body == {"config": sent}


@pytest.mark.parametrize("number", [18446744073709551615, 18446744073709552000, 9223372036854776000])
async def test_integers_beyond_64_bits_stay_exact_both_ways(canned: Canned, number: int) -> None:
    await update_config(canned.session, CLUSTER, MySQLConfig(group_concat_max_len=number))
    assert canned.sent.body == {"config": {"group_concat_max_len": number}}
    canned(200, canned.sent.body)
    assert await get_config(canned.session, CLUSTER, MySQLConfig) == MySQLConfig(group_concat_max_len=number)


@pytest.mark.parametrize(
    "nothing",
    [
        *(cls() for cls in TWO_WAY),
        PostgreSQLConfig(pgbouncer=PgBouncerConfig()),
        PostgreSQLConfig(pgbouncer=PgBouncerConfig(), timescaledb=TimescaleDBConfig()),
        MySQLConfig(extra={}),
        AdvancedPostgreSQLConfigUpdate(pg_parameters={}),
    ],
)
async def test_an_update_of_nothing_is_rejected_before_it_is_sent(canned: Canned, nothing: Any) -> None:
    with pytest.raises(InvalidInputError, match=f"{type(nothing).__name__}: nothing is set"):
        await update_config(canned.session, CLUSTER, nothing)
    assert not canned.requests


@pytest.mark.parametrize(
    ("cls", "fields", "complaint"),
    [
        (MySQLConfig, {"wait_timeout": "60"}, r"MySQLConfig: Expected `int`, got `str` - at `\$\.wait_timeout`"),
        (PostgreSQLConfig, {"track_io_timing": True}, r"got `bool` - at `\$\.track_io_timing`"),
        (OpenSearchConfig, {"reindex_remote_whitelist": "a:1"}, r"got `str` - at `\$\.reindex_remote_whitelist`"),
        (AdvancedMySQLConfigUpdate, {"mysql_parameters": {"jit": 5}}, r"got `int` - at `\$\.mysql_parameters"),
        (MySQLConfig, {"wait_timeout": 1, "extra": {"wait_timeout": 2}}, "MySQLConfig: 'wait_timeout' is set twice"),
    ],
)
async def test_a_value_of_the_wrong_type_is_rejected_by_name_before_it_is_sent(
    canned: Canned, cls: Any, fields: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(InvalidInputError, match=complaint):
        await update_config(canned.session, CLUSTER, cls(**fields))
    assert not canned.requests


@pytest.mark.parametrize(
    "config", [{"wait_timeout": 60}, PgBouncerConfig(min_pool_size=1), AdvancedMySQLConfig(), None]
)
async def test_what_is_no_engines_configuration_is_rejected_before_it_is_sent(canned: Canned, config: Any) -> None:
    kind = type(config).__name__.removesuffix("Type")
    with pytest.raises(InvalidInputError, match=f"config must be one of MySQLConfig, .*, not {kind}$"):
        await update_config(canned.session, CLUSTER, config)
    assert not canned.requests


@pytest.mark.parametrize("into", [dict, PgBouncerConfig, AdvancedMySQLConfigUpdate, "MySQLConfig"])
async def test_reading_into_another_class_is_rejected_before_it_is_sent(canned: Canned, into: Any) -> None:
    with pytest.raises(InvalidInputError, match="into must be one of MySQLConfig, "):
        await get_config(canned.session, CLUSTER, into)
    assert not canned.requests


async def test_a_cluster_name_in_place_of_an_id_is_refused(canned: Canned) -> None:
    with pytest.raises(InvalidInputError, match="cluster_id must be a UUID"):
        await get_config(canned.session, "events", MySQLConfig)
    with pytest.raises(InvalidInputError, match="cluster_id must be a UUID"):
        await update_config(canned.session, "events", MySQLConfig(wait_timeout=1))
    assert not canned.requests


# What is read


async def test_settings_are_read_as_the_class_asked_for(canned: Canned) -> None:
    canned(200, '{"config": {"pg_stat_statements.track": "all", "jit": false, "pgbouncer": {"min_pool_size": 0}}}')
    config = assert_type(await get_config(canned.session, CLUSTER, PostgreSQLConfig), PostgreSQLConfig)
    assert canned.sent == Sent("GET", PATH)
    assert config == PostgreSQLConfig(
        pg_stat_statements_track=StatementTracking.ALL, jit=False, pgbouncer=PgBouncerConfig(min_pool_size=0)
    )


async def test_null_reads_as_unset_also_inside_a_section_and_where_null_can_be_sent(canned: Canned) -> None:
    canned(200, '{"config": {"jit": null, "pgbouncer": {"min_pool_size": null, "server_lifetime": 60}}}')
    config = await get_config(canned.session, CLUSTER, PostgreSQLConfig)
    assert config == PostgreSQLConfig(pgbouncer=PgBouncerConfig(server_lifetime=60))
    canned(200, '{"config": {"innodb_ft_user_stopword_table": null, "wait_timeout": 1}}')
    assert await get_config(canned.session, CLUSTER, MySQLConfig) == MySQLConfig(wait_timeout=1)


async def test_a_setting_that_the_library_does_not_know_is_kept(canned: Canned) -> None:
    canned(200, '{"config": {"wait_timeout": 1, "of_next_year": {"deep": [1]}}}')
    config = await get_config(canned.session, CLUSTER, MySQLConfig)
    assert config == MySQLConfig(wait_timeout=1, extra={"of_next_year": {"deep": [1]}})


async def test_a_value_that_the_library_does_not_know_is_kept(canned: Canned) -> None:
    canned(200, '{"config": {"default_read_concern": "linearizable"}}')
    concern = (await get_config(canned.session, CLUSTER, MongoDBConfig)).default_read_concern
    assert isinstance(concern, configs.ReadConcern)
    assert (concern, concern.is_known) == ("linearizable", False)


async def test_numbers_as_strings_and_switches_as_words_are_read(canned: Canned) -> None:
    canned(200, '{"config": {"binlog_retention_period": 600.0, "wait_timeout": "60", "slow_query_log": "off"}}')
    config = await get_config(canned.session, CLUSTER, MySQLConfig)
    assert config == MySQLConfig(binlog_retention_period=600, wait_timeout=60, slow_query_log=False)


@pytest.mark.parametrize("spelling", ["volatile-lru", "volatile_lru"])
@pytest.mark.parametrize(("cls", "prefix"), [(RedisConfig, "redis"), (ValkeyConfig, "valkey")])
async def test_an_eviction_policy_is_read_with_hyphens_and_with_underscores(
    canned: Canned, cls: Any, prefix: str, spelling: str
) -> None:
    canned(200, {"config": {f"{prefix}_maxmemory_policy": spelling}})
    config = await get_config(canned.session, CLUSTER, cls)
    assert getattr(config, f"{prefix}_maxmemory_policy") is MaxmemoryPolicy.VOLATILE_LRU


def test_an_eviction_policy_that_is_not_known_keeps_its_spelling() -> None:
    assert MaxmemoryPolicy("allkeys_lfu") == "allkeys_lfu"


async def test_parameters_of_an_advanced_edition_are_read_as_a_list(canned: Canned) -> None:
    parameter = {"name": "work_mem", "value": "", "default_value": "4MB", "description": "d", "requires_restart": False}
    canned(200, {"config": {"pg_parameters": [parameter, {"name": "jit"}]}})
    config = await get_config(canned.session, CLUSTER, AdvancedPostgreSQLConfig)
    assert config.pg_parameters == [
        Parameter(name="work_mem", value="", default_value="4MB", description="d", requires_restart=False),
        Parameter(name="jit"),
    ]


@pytest.mark.parametrize(
    ("cls", "name"), [(AdvancedMySQLConfig, "mysql_parameters"), (AdvancedPostgreSQLConfig, "pg_parameters")]
)
@pytest.mark.parametrize("shown", ["{}", '{"mysql_parameters": null, "pg_parameters": null}'])
async def test_no_parameters_read_as_an_empty_list(canned: Canned, cls: Any, name: str, shown: str) -> None:
    canned(200, f'{{"config": {shown}}}')
    assert getattr(await get_config(canned.session, CLUSTER, cls), name) == []


@pytest.mark.parametrize(
    ("shown", "asked", "named"),
    [
        ({"valkey_ssl": True, "frequent_snapshots": True}, RedisConfig, "ValkeyConfig"),
        (
            {"backup_hour": 3, "backup_minute": 0, "sql_mode": "", "wait_timeout": 1, "log_output": "NONE"},
            PostgreSQLConfig,
            "MySQLConfig",
        ),
        ({"pg_parameters": []}, PostgreSQLConfig, "AdvancedPostgreSQLConfig"),
        ({"jit": True, "work_mem": 4}, AdvancedPostgreSQLConfig, "PostgreSQLConfig"),
    ],
)
async def test_settings_of_another_engine_are_refused_by_its_name(
    canned: Canned, shown: dict[str, Any], asked: Any, named: str
) -> None:
    canned(200, {"config": shown})
    with pytest.raises(DecodeError, match=f"these are the settings of a {named}, not of a"):
        await get_config(canned.session, CLUSTER, asked)


@pytest.mark.parametrize(
    "shown", [{}, {"of_next_year": 1}, {"of_next_year": 1, "jit": True}, {"jit": True, "wait_timeout": 1}]
)
async def test_sparse_and_newer_responses_are_no_other_engines(canned: Canned, shown: dict[str, Any]) -> None:
    canned(200, {"config": shown})
    assert isinstance(await get_config(canned.session, CLUSTER, PostgreSQLConfig), PostgreSQLConfig)


async def test_a_response_without_settings_is_not_read_as_none_set(canned: Canned) -> None:
    canned(200, '{"config": null}')
    with pytest.raises(AcceptedError):
        await get_config(canned.session, CLUSTER, MySQLConfig)
    canned(200, '{"note": "nothing here"}')
    with pytest.raises(DecodeError, match="has no 'config'"):
        await get_config(canned.session, CLUSTER, MySQLConfig)


async def test_a_setting_of_the_wrong_engine_is_named_by_the_services_refusal(canned: Canned) -> None:
    message = 'json: unknown field "redis_maxmemory_policy"'
    canned(400, {"id": "bad_request", "message": message, "request_id": "5f1c"})
    with pytest.raises(BadRequestError) as caught:
        await update_config(canned.session, CLUSTER, RedisConfig(redis_maxmemory_policy=MaxmemoryPolicy.NOEVICTION))
    assert caught.value.message == message
    assert str(caught.value) == f"PATCH {PATH}: 400 bad_request: {message} [request id 5f1c]"


def test_repr_shows_what_is_set_and_no_more() -> None:
    config = PostgreSQLConfig(jit=False, pgbouncer=PgBouncerConfig(min_pool_size=0), extra={"new": 1})
    shown = "PostgreSQLConfig(extra={'new': 1}, jit=False, pgbouncer=PgBouncerConfig(min_pool_size=0))"
    assert (repr(config), repr(MongoDBConfig())) == (shown, "MongoDBConfig()")


# Against the emulator, which reads the vendor's description independently


@pytest.mark.parametrize(("engine", "cls"), ENGINES)
async def test_every_setting_that_an_engine_shows_has_a_field(
    emulator: Emulator, session: AsyncSession, engine: str, cls: Any
) -> None:
    cluster = emulator.add_cluster(engine=engine, name="db")
    config = await get_config(session, cluster["id"], cls)
    assert config.extra is UNSET
    assert config != cls()


async def test_what_was_set_is_read_back_and_the_rest_stays(emulator: Emulator, session: AsyncSession) -> None:
    cluster = emulator.add_cluster(engine="pg", name="db")["id"]
    before = await get_config(session, cluster, PostgreSQLConfig)
    bouncer = PgBouncerConfig(server_reset_query_always=True)
    await update_config(session, cluster, PostgreSQLConfig(jit=False, pg_partman_bgw_role="keeper", pgbouncer=bouncer))
    assert isinstance(before.pgbouncer, PgBouncerConfig)
    assert await get_config(session, cluster, PostgreSQLConfig) == attrs.evolve(
        before,
        jit=False,
        pg_partman_bgw_role="keeper",
        pgbouncer=attrs.evolve(before.pgbouncer, server_reset_query_always=True),
    )


async def test_a_parameter_of_an_advanced_edition_is_set_and_read_back(
    emulator: Emulator, session: AsyncSession
) -> None:
    cluster = emulator.add_cluster(engine="advanced_pg", name="db")["id"]
    await update_config(session, cluster, AdvancedPostgreSQLConfigUpdate(pg_parameters={"work_mem": "8MB"}))
    config = await get_config(session, cluster, AdvancedPostgreSQLConfig)
    assert {each.name: each.value for each in config.pg_parameters}["work_mem"] == "8MB"


async def test_the_emulator_refuses_another_engines_settings_and_values_out_of_range(
    emulator: Emulator, session: AsyncSession
) -> None:
    cluster = emulator.add_cluster(engine="mysql", name="db")["id"]
    with pytest.raises(BadRequestError, match="jit"):
        await update_config(session, cluster, PostgreSQLConfig(jit=True))
    with pytest.raises(UnprocessableError, match="wait_timeout"):
        await update_config(session, cluster, MySQLConfig(wait_timeout=0))
    with pytest.raises(NotFoundError):
        await update_config(session, CLUSTER, MySQLConfig(wait_timeout=1))
