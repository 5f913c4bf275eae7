"""Settings of MySQL clusters."""

from __future__ import annotations

import attrs

from asyncdbaas.configs._base import EngineConfig, Section
from asyncdbaas.types import UNSET, EnumOrStr, OpenEnum, Unset, take_strings

__all__ = ["IncrementalBackup", "LogOutput", "MySQLConfig", "TmpStorageEngine"]


class TmpStorageEngine(OpenEnum):
    """Storage engines for internal temporary tables in memory."""

    TEMP_TABLE = "TempTable"
    MEMORY = "MEMORY"


class LogOutput(OpenEnum):
    """Destination of MySQL's query logs."""

    INSIGHTS = "INSIGHTS"
    """The service's own query insights."""
    TABLE = "TABLE"
    """Tables in the schema `mysql`."""
    INSIGHTS_TABLE = "INSIGHTS,TABLE"
    """Both; only this order is taken."""
    NONE = "NONE"


@attrs.frozen(kw_only=True, slots=False, repr=False)
class IncrementalBackup(Section):
    """Backups of what changed since the last one, between full backups."""

    enabled: bool | Unset = UNSET
    """Back up only what changed since the last backup on days without a full one: faster and smaller. Needs
    `full_backup_week_schedule`."""
    full_backup_week_schedule: str | Unset = UNSET
    """Days of the full backups, joined by commas: mon, tue, wed, thu, fri, sat, sun; for example `mon,thu`."""


@attrs.frozen(kw_only=True, slots=False, repr=False, field_transformer=take_strings)
class MySQLConfig(EngineConfig):
    """Settings of a MySQL cluster. What is unset is not sent, and stays as it is."""

    automatic_sp_privileges: bool | Unset = UNSET
    """Grant EXECUTE and ALTER ROUTINE on a stored routine to whoever creates it."""
    backup_hour: int | Unset = UNSET
    """Hour at which the daily backup starts, in UTC; 0 to 23. A backup that still runs is let finish first."""
    backup_minute: int | Unset = UNSET
    """Minute of `backup_hour` at which the daily backup starts; 0 to 59."""
    binlog_retention_period: int | Unset = UNSET
    """Seconds for which the binlog is kept at least; 600 to 604800. The service keeps it longer where something needs
    it, such as a Debezium connector."""
    connect_timeout: int | Unset = UNSET
    """Seconds to wait for a client's connect packet before the handshake is refused; 2 to 3600."""
    default_time_zone: str | Unset = UNSET
    """Time zone of the server: an offset from `-12:00` to `+12:00`, a name such as `EST`, or `SYSTEM` for MySQL's own
    default; 2 to 100 characters."""
    div_precision_increment: int | Unset = UNSET
    """Digits by which `/` widens the scale of its result; 0 to 30."""
    end_markers_in_json: bool | Unset = UNSET
    """Mark the ends of nested structures in the output of `EXPLAIN FORMAT=JSON`."""
    eq_range_index_dive_limit: int | Unset = UNSET
    """Number of equality ranges from which the optimizer trusts index statistics instead of diving into the index; 0 to
    4294967295, where 0 always dives."""
    group_concat_max_len: int | Unset = UNSET
    """Longest result of GROUP_CONCAT(), in bytes; 4 to 18446744073709552000. The upper bound is 2**64 - 1, as the
    vendor's description rounds it."""
    information_schema_stats_expiry: int | Unset = UNSET
    """Seconds for which table statistics in INFORMATION_SCHEMA are cached; 900 to 31536000."""
    innodb_change_buffer_max_size: int | Unset = UNSET
    """Largest change buffer, in percent of the buffer pool; 0 to 50."""
    innodb_flush_neighbors: int | Unset = UNSET
    """Dirty pages of the same extent that are flushed along with a page: 0 none, 1 those adjacent to it, 2 all."""
    innodb_ft_enable_stopword: bool | Unset = UNSET
    """Leave stopwords out of full-text indexes. Off by default once a stopword table of your own is set."""
    innodb_ft_max_token_size: int | Unset = UNSET
    """Longest word in a full-text index, in characters; 10 to 84. A change restarts MySQL."""
    innodb_ft_min_token_size: int | Unset = UNSET
    """Shortest word in a full-text index, in characters; 0 to 16."""
    innodb_ft_num_word_optimize: int | Unset = UNSET
    """Words of a full-text index that one OPTIMIZE TABLE goes through; 1000 to 10000."""
    innodb_ft_result_cache_limit: int | Unset = UNSET
    """Largest result cache of a full-text query, in bytes; 1000000 to 4294967295."""
    innodb_ft_server_stopword_table: str | Unset = UNSET
    """Table that lists the stopwords of all InnoDB tables, as `database/table`; at most 1024 characters."""
    innodb_ft_user_stopword_table: str | Unset | None = UNSET
    """Table that lists the stopwords of full-text indexes made by users, as `database/table`; at most 1024 characters.
    `None` is sent as null, which clears it; reading gives UNSET, never `None`."""
    innodb_lock_wait_timeout: int | Unset = UNSET
    """Longest wait for a row lock, in seconds; 1 to 3600."""
    innodb_log_buffer_size: int | Unset = UNSET
    """Buffer for writing the redo log, in bytes; 1048576 to 4294967295."""
    innodb_online_alter_log_max_size: int | Unset = UNSET
    """Largest temporary log of an online DDL operation, in bytes; 65536 to 1099511627776. Beyond it the operation
    fails."""
    innodb_optimize_fulltext_only: bool | Unset = UNSET
    """Have OPTIMIZE TABLE rebuild only the full-text index, not the table."""
    innodb_print_all_deadlocks: bool | Unset = UNSET
    """Write every deadlock to the error log, not only the last to the engine's status. Default false."""
    innodb_read_io_threads: int | Unset = UNSET
    """I/O threads for reads; 1 to 64. A change restarts MySQL."""
    innodb_rollback_on_timeout: bool | Unset = UNSET
    """Roll back the whole transaction on a lock timeout, not only its last statement."""
    innodb_thread_concurrency: int | Unset = UNSET
    """Threads inside InnoDB at once; 0 to 1000. Default 0: no limit."""
    innodb_write_io_threads: int | Unset = UNSET
    """I/O threads for writes; 1 to 64. A change restarts MySQL."""
    interactive_timeout: int | Unset = UNSET
    """Seconds after which an idle interactive connection is closed; 30 to 604800."""
    internal_tmp_mem_storage_engine: EnumOrStr[TmpStorageEngine] | Unset = UNSET
    """Storage engine of internal temporary tables in memory."""
    log_output: EnumOrStr[LogOutput] | Unset = UNSET
    """Where the logs of queries go. Default `NONE`."""
    long_query_time: float | Unset = UNSET
    """Seconds from which a query counts as slow; 0 to 3600, fractions allowed. Default 10."""
    max_allowed_packet: int | Unset = UNSET
    """Largest message that the server takes, in bytes; 102400 to 1073741824. Default 67108864, 64 MiB."""
    max_execution_time: int | Unset = UNSET
    """Milliseconds after which a SELECT is stopped; 0 to 4294967295, where 0 means never."""
    max_heap_table_size: int | Unset = UNSET
    """Largest table in memory, in bytes; 1048576 to 1073741824. Default 16777216, 16 MiB. Set `tmp_table_size` alike:
    the smaller of the two counts."""
    max_seeks_for_key: int | Unset = UNSET
    """Most seeks that the optimizer assumes for a lookup by a key; 1 to 18446744073709552000 (2**64 - 1, as the
    vendor's description rounds it). Low values make it prefer indexes to table scans."""
    mysql_incremental_backup: IncrementalBackup | Unset = UNSET
    """Backups of changes only, between full ones."""
    net_buffer_length: int | Unset = UNSET
    """Initial size of a connection's buffer and of its result buffer, in bytes, a multiple of 1024; 1024 to 1048576. A
    change restarts MySQL."""
    net_read_timeout: int | Unset = UNSET
    """Seconds of silence in the middle of a client's message after which the read is given up; 1 to 3600."""
    net_write_timeout: int | Unset = UNSET
    """Seconds that one block may take to reach the client before the write is given up; 1 to 3600."""
    optimizer_prune_level: int | Unset = UNSET
    """Drop unpromising partial plans early (1) or look at all (0); 0 to 1."""
    optimizer_search_depth: int | Unset = UNSET
    """How deep the optimizer searches for a plan; 0 to 62, where 0 leaves the choice to the server. Less depth compiles
    large joins faster."""
    optimizer_switch: str | Unset = UNSET
    """Optimizer flags: `name=on`, `name=off` and `name=default` joined by commas, or only `default` for all."""
    slow_query_log: bool | Unset = UNSET
    """Log slow queries. Turning it off also empties the table `mysql.slow_log`. Default false."""
    sort_buffer_size: int | Unset = UNSET
    """Buffer of one sort, in bytes; 32768 to 1073741824. Default 262144, 256 KiB."""
    sql_mode: str | Unset = UNSET
    """Global SQL mode: names in capitals joined by commas, without blanks, such as `ANSI,TRADITIONAL`; at most 1024
    characters. Empty for MySQL's own default. The module `sql_mode` takes a list instead."""
    sql_require_primary_key: bool | Unset = UNSET
    """Refuse to create or alter a table without a primary key. Recommended: large tables without one can break
    functions of the service."""
    tmp_table_size: int | Unset = UNSET
    """Largest internal temporary table in memory, in bytes; 1048576 to 1073741824. Default 16777216, 16 MiB. Set
    `max_heap_table_size` alike: the smaller of the two counts."""
    wait_timeout: int | Unset = UNSET
    """Seconds after which an idle connection that is not interactive is closed; 1 to 2147483."""
    windowing_use_high_precision: bool | Unset = UNSET
    """Compute window functions at full precision, which is slower."""
