"""Settings of PostgreSQL clusters, PgBouncer and TimescaleDB."""

from __future__ import annotations

import attrs

from asyncdbaas._core.wire import wire
from asyncdbaas._models import PoolMode
from asyncdbaas.configs._base import EngineConfig, Section
from asyncdbaas.types import UNSET, EnumOrStr, OpenEnum, Unset, take_strings

__all__ = [
    "FunctionTracking",
    "LogErrorVerbosity",
    "LogLinePrefix",
    "OnOff",
    "PgBouncerConfig",
    "PostgreSQLConfig",
    "StartupParameter",
    "StatementTracking",
    "SynchronousReplication",
    "TimescaleDBConfig",
    "ToastCompression",
]


class ToastCompression(OpenEnum):
    """Methods of compressing large column values."""

    LZ4 = "lz4"
    PGLZ = "pglz"


class LogErrorVerbosity(OpenEnum):
    """Level of detail of each message in PostgreSQL's log."""

    TERSE = "TERSE"
    DEFAULT = "DEFAULT"
    VERBOSE = "VERBOSE"


class LogLinePrefix(OpenEnum):
    """Formats of a log line's start, in PostgreSQL's own notation."""

    PID = "pid=%p,user=%u,db=%d,app=%a,client=%h"
    """Process first, no time."""
    TIME_MS = "%m [%p] %q[user=%u,db=%d,app=%a]"
    """Time with milliseconds first."""
    TIME = "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h"
    """Time in whole seconds first, then process and line number."""


class StatementTracking(OpenEnum):
    """Statements that pg_stat_statements counts."""

    ALL = "all"
    TOP = "top"
    NONE = "none"


class FunctionTracking(OpenEnum):
    """Functions whose calls PostgreSQL counts."""

    ALL = "all"
    PL = "pl"
    NONE = "none"


class OnOff(OpenEnum):
    """A switch that the service spells as a word."""

    ON = "on"
    OFF = "off"


class SynchronousReplication(OpenEnum):
    """Guarantee of a commit: which standbys it waits for."""

    OFF = "off"
    QUORUM = "quorum"
    """Until a quorum of the standbys has the commit."""


class StartupParameter(OpenEnum):
    """Startup parameters that PgBouncer can ignore."""

    EXTRA_FLOAT_DIGITS = "extra_float_digits"
    SEARCH_PATH = "search_path"


@attrs.frozen(kw_only=True, slots=False, repr=False, field_transformer=take_strings)
class PgBouncerConfig(Section):
    """Settings of the connection pooler PgBouncer."""

    autodb_idle_timeout: int | Unset = UNSET
    """Seconds after which an unused automatically made pool is freed; 0 to 86400, where 0 means never."""
    autodb_max_db_connections: int | Unset = UNSET
    """Server connections to one database, all users together; 0 to 2147483647, where 0 means no limit."""
    autodb_pool_mode: EnumOrStr[PoolMode] | Unset = UNSET
    """Mode of automatically made pools."""
    autodb_pool_size: int | Unset = UNSET
    """Size of the pool made for a user of a database that has none; 0 to 10000, where 0 makes none."""
    ignore_startup_parameters: list[EnumOrStr[StartupParameter]] | Unset = UNSET
    """Startup parameters that clients may send and that are ignored; at most 32."""
    min_pool_size: int | Unset = UNSET
    """Server connections that a pool keeps open; 0 to 10000, the pool's size at most. Softens the return of load after
    a lull."""
    server_idle_timeout: int | Unset = UNSET
    """Seconds after which an idle server connection is dropped; 0 to 86400, where 0 means never."""
    server_lifetime: int | Unset = UNSET
    """Seconds after which a server connection is closed once it is unused; 60 to 86400."""
    server_reset_query_always: bool | Unset = UNSET
    """Run DISCARD ALL between clients in every pool mode, not only in `session`."""


@attrs.frozen(kw_only=True, slots=False, repr=False)
class TimescaleDBConfig(Section):
    """Settings of the extension TimescaleDB."""

    max_background_workers: int | Unset = UNSET
    """Background workers; 1 to 4096. Count one per database, plus the number that should run at once."""


@attrs.frozen(kw_only=True, slots=False, repr=False, field_transformer=take_strings)
class PostgreSQLConfig(EngineConfig):
    """Settings of a PostgreSQL cluster. What is unset is not sent, and stays as it is."""

    autovacuum_analyze_scale_factor: float | Unset = UNSET
    """Fraction of the table's size that is added to `autovacuum_analyze_threshold`; 0 to 1. Default 0.2."""
    autovacuum_analyze_threshold: int | Unset = UNSET
    """Inserted, updated and deleted rows from which a table is analyzed; 0 to 2147483647. Default 50.
    `autovacuum_analyze_scale_factor` comes on top."""
    autovacuum_freeze_max_age: int | Unset = UNSET
    """Age of a table's oldest transaction ID, in transactions, at which VACUUM is forced against wraparound, even where
    autovacuum is off; 200000000 to 1500000000. A change restarts the server."""
    autovacuum_max_workers: int | Unset = UNSET
    """Autovacuum processes at once, the launcher not counted; 1 to 20. Default 3. Takes effect when the server
    starts."""
    autovacuum_naptime: int | Unset = UNSET
    """Seconds between two autovacuum runs on a database, at least; 0 to 86400. Default 60."""
    autovacuum_vacuum_cost_delay: int | Unset = UNSET
    """Pause of autovacuum each time it reaches its cost limit, in milliseconds; -1 to 100, where -1 takes
    `vacuum_cost_delay`, 20 ms."""
    autovacuum_vacuum_cost_limit: int | Unset = UNSET
    """Cost at which autovacuum pauses; -1 to 10000. Default -1: the value of `vacuum_cost_limit`."""
    autovacuum_vacuum_scale_factor: float | Unset = UNSET
    """Fraction of the table's size that is added to `autovacuum_vacuum_threshold`; 0 to 1. Default 0.2."""
    autovacuum_vacuum_threshold: int | Unset = UNSET
    """Updated and deleted rows from which a table is vacuumed; 0 to 2147483647. Default 50.
    `autovacuum_vacuum_scale_factor` comes on top."""
    backup_hour: int | Unset = UNSET
    """Hour at which the daily backup starts, in UTC; 0 to 23. A backup that still runs is let finish first."""
    backup_minute: int | Unset = UNSET
    """Minute of `backup_hour` at which the daily backup starts; 0 to 59."""
    bgwriter_delay: int | Unset = UNSET
    """Milliseconds between two rounds of the background writer; 10 to 10000. Default 200."""
    bgwriter_flush_after: int | Unset = UNSET
    """Kilobytes that the background writer writes before it has the kernel put them on disk; 0 to 2048. Default 512; 0
    leaves that to the kernel."""
    bgwriter_lru_maxpages: int | Unset = UNSET
    """Buffers that the background writer writes in a round at most; 0 to 1073741823. Default 100; 0 turns it off."""
    bgwriter_lru_multiplier: float | Unset = UNSET
    """Buffers to clean for the next round, as a multiple of the recent need; 0 to 10. Default 2.0; 1.0 is just enough,
    more is a cushion for peaks, less leaves work to the server processes."""
    deadlock_timeout: int | Unset = UNSET
    """Milliseconds of waiting for a lock before a deadlock is looked for; 500 to 1800000."""
    default_toast_compression: EnumOrStr[ToastCompression] | Unset = UNSET
    """Compression of large column values. Default `lz4`."""
    idle_in_transaction_session_timeout: int | Unset = UNSET
    """Milliseconds after which a session that idles inside a transaction is ended; 0 to 604800000, where 0 means
    never."""
    jit: bool | Unset = UNSET
    """Compile expensive queries just in time."""
    log_autovacuum_min_duration: int | Unset = UNSET
    """Milliseconds from which an autovacuum action is logged; -1 to 2147483647. Default -1: none; 0 logs all."""
    log_error_verbosity: EnumOrStr[LogErrorVerbosity] | Unset = UNSET
    """How much detail goes into the log for each message."""
    log_line_prefix: EnumOrStr[LogLinePrefix] | Unset = UNSET
    """Start of each log line: one of three formats, which tools such as pgBadger and pganalyze can read."""
    log_min_duration_statement: int | Unset = UNSET
    """Milliseconds from which a statement is logged; -1 to 86400000, where -1 logs none."""
    max_connections: int | Unset = UNSET
    """Connections at once; at least 25. Can only be raised; a change restarts the server. Only for accounts that the
    vendor has cleared. Raise it on read replicas first, then on the primary."""
    max_failover_replication_time_lag: int | Unset = UNSET
    """Seconds for which the primary may be gone before a standby takes over; 10 to 9223372036854776000 (2**63 - 1, as
    the vendor's description rounds it). Default 60."""
    max_files_per_process: int | Unset = UNSET
    """Files that one server process may hold open; 1000 to 4096."""
    max_locks_per_transaction: int | Unset = UNSET
    """Object locks per transaction, on average; 64 to 6400. Can only be raised."""
    max_logical_replication_workers: int | Unset = UNSET
    """Workers for logical replication; 4 to 64. The vendor counts them against `max_parallel_workers`."""
    max_parallel_workers: int | Unset = UNSET
    """Workers for parallel queries, server-wide; 0 to 96."""
    max_parallel_workers_per_gather: int | Unset = UNSET
    """Workers that one Gather or Gather Merge node may start; 0 to 96."""
    max_pred_locks_per_transaction: int | Unset = UNSET
    """Predicate locks per transaction, on average; 64 to 640."""
    max_prepared_transactions: int | Unset = UNSET
    """Prepared transactions (two-phase commit) at once; 0 to 10000. Can only be raised."""
    max_replication_slots: int | Unset = UNSET
    """Replication slots; 8 to 64."""
    max_slot_wal_keep_size: int | Unset = UNSET
    """WAL that replication slots may hold back, in MB; -1 to 2147483647. Default -1: no limit. `wal_keep_size` is kept
    in any case."""
    max_stack_depth: int | Unset = UNSET
    """Depth of the execution stack, in bytes; 2097152 to 6291456."""
    max_standby_archive_delay: int | Unset = UNSET
    """How long queries on a standby may hold up WAL from the archive, in milliseconds; 1 to 43200000."""
    max_standby_streaming_delay: int | Unset = UNSET
    """How long queries on a standby may hold up streamed WAL, in milliseconds; 1 to 43200000."""
    max_wal_senders: int | Unset = UNSET
    """Processes that send WAL at once; 20 to 64. Can only be raised."""
    max_worker_processes: int | Unset = UNSET
    """Background processes, server-wide; 8 to 96. Can only be raised."""
    pg_partman_bgw_interval: int | Unset = attrs.field(default=UNSET, metadata=wire("pg_partman_bgw.interval"))
    """Seconds between two runs of pg_partman's scheduled jobs; 3600 to 604800. In JSON `pg_partman_bgw.interval`."""
    pg_partman_bgw_role: str | Unset = attrs.field(default=UNSET, metadata=wire("pg_partman_bgw.role"))
    """Role that runs the scheduled jobs of pg_partman: letters, digits, dots, underscores and hyphens, no dot or hyphen
    first, at most 64 characters. In JSON `pg_partman_bgw.role`."""
    pg_stat_statements_track: EnumOrStr[StatementTracking] | Unset = attrs.field(
        default=UNSET, metadata=wire("pg_stat_statements.track")
    )
    """Statements that are counted: those that clients send (`top`, the default), also those inside functions (`all`),
    or none. In JSON `pg_stat_statements.track`."""
    pgbouncer: PgBouncerConfig | Unset = UNSET
    """Settings of the connection pooler."""
    shared_buffers_percentage: float | Unset = UNSET
    """Shared buffers, in percent of the RAM; 20 to 60, fractions allowed."""
    stat_monitor_enable: bool | Unset = UNSET
    """Turn on the extension pg_stat_monitor, which restarts the cluster. While it is on, what pg_stat_statements shows
    of utility commands cannot be relied on."""
    synchronous_replication: EnumOrStr[SynchronousReplication] | Unset = UNSET
    """Whether a commit waits for standbys. The plan has to support it."""
    temp_file_limit: int | Unset = UNSET
    """Disk space for the temporary files of a process, in KiB; -1 to 2147483647, where -1 means no limit."""
    timescaledb: TimescaleDBConfig | Unset = UNSET
    """Settings of the extension TimescaleDB."""
    timezone: str | Unset = UNSET
    """Time zone of the server, such as `Europe/Helsinki`; at most 64 characters."""
    track_activity_query_size: int | Unset = UNSET
    """Bytes kept of the command that each session runs; 1024 to 10240."""
    track_commit_timestamp: EnumOrStr[OnOff] | Unset = UNSET
    """Record when each transaction was committed. A string in JSON, not a bool."""
    track_functions: EnumOrStr[FunctionTracking] | Unset = UNSET
    """Functions whose calls and time are counted: none, those in procedural languages (`pl`), or all."""
    track_io_timing: EnumOrStr[OnOff] | Unset = UNSET
    """Time every I/O call, which costs a lot on platforms with a slow clock. Default `off`. A string in JSON, not a
    bool."""
    wal_sender_timeout: int | Unset = UNSET
    """Milliseconds of silence after which a replication connection is ended: 0 for never, else 5000 to 10800000."""
    wal_writer_delay: int | Unset = UNSET
    """Milliseconds between two flushes of WAL; 10 to 200. PostgreSQL's own default is 200; below it, performance may
    suffer."""
    work_mem: int | Unset = UNSET
    """Memory of one sort or hash before it goes to disk, in MB; 1 to 1024. Default 1 MB plus 0.075 % of the RAM, but
    not more than 32 MB."""
