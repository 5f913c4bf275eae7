"""Settings of OpenSearch clusters."""

from __future__ import annotations

import attrs

from asyncdbaas.configs._base import EngineConfig
from asyncdbaas.types import UNSET, Unset

__all__ = ["OpenSearchConfig"]


@attrs.frozen(kw_only=True, slots=False, repr=False)
class OpenSearchConfig(EngineConfig):
    """Settings of an OpenSearch cluster. What is unset is not sent, and stays as it is.

    Set the `ism_*` fields together or not at all: the service has refused some without the others (Terraform
    provider, issue 1273).
    """

    action_auto_create_index_enabled: bool | Unset = UNSET
    """Create an index when a document for it comes. Default true."""
    action_destructive_requires_name: bool | Unset = UNSET
    """Refuse to delete indexes by wildcard or `_all`."""
    cluster_max_shards_per_node: int | Unset = UNSET
    """Shards on one data node; 100 to 10000."""
    cluster_routing_allocation_node_concurrent_recoveries: int | Unset = UNSET
    """Shard recoveries that a node takes part in at once, each way; 2 to 16. Default 2."""
    enable_security_audit: bool | Unset = UNSET
    """Write a security audit log. Default false."""
    http_max_content_length_bytes: int | Unset = UNSET
    """Largest HTTP request body, in bytes; 1 to 2147483647. Default 100000000."""
    http_max_header_size_bytes: int | Unset = UNSET
    """Largest HTTP headers, in bytes; 1024 to 262144. Default 8192."""
    http_max_initial_line_length_bytes: int | Unset = UNSET
    """Longest HTTP URL, in bytes; 1024 to 65536. Default 4096."""
    indices_fielddata_cache_size_percentage: int | Unset = UNSET
    """Field data cache, in percent of the heap at most; 3 to 100. A small one reloads often, a large one takes heap
    from the rest."""
    indices_memory_index_buffer_size_percentage: int | Unset = UNSET
    """Indexing buffer, in percent of the heap; 3 to 40. Default 10. A large one speeds indexing up, but slows queries
    down."""
    indices_memory_max_index_buffer_size_mb: int | Unset = UNSET
    """Largest indexing buffer, in MB, whatever `indices_memory_index_buffer_size_percentage` makes; 3 to 2048. No limit
    by default."""
    indices_memory_min_index_buffer_size_mb: int | Unset = UNSET
    """Least indexing buffer, in MB, whatever `indices_memory_index_buffer_size_percentage` makes; 3 to 2048. Default
    48."""
    indices_queries_cache_size_percentage: int | Unset = UNSET
    """Query cache, in percent of the heap; 3 to 40. Default 10. A small one slows queries down, a large one the
    rest."""
    indices_query_bool_max_clause_count: int | Unset = UNSET
    """Clauses of one Lucene boolean query; 64 to 4096. Default 1024. More can slow the cluster down."""
    indices_recovery_max_concurrent_file_chunks: int | Unset = UNSET
    """File chunks that a recovery sends at once; 2 to 5. Default 2."""
    indices_recovery_max_mb_per_sec: int | Unset = UNSET
    """Recovery traffic of a node, both ways together, in MB per second, from peers and from snapshots; 40 to 400.
    Default 40."""
    ism_enabled: bool | Unset = UNSET
    """Index State Management. Default true."""
    ism_history_enabled: bool | Unset = UNSET
    """Keep an audit history of Index State Management in an index of its own. Default true."""
    ism_history_max_age_hours: int | Unset = UNSET
    """Age at which the audit history index is rolled over, in hours; 1 to 2147483647. Default 24."""
    ism_history_max_docs: int | Unset = UNSET
    """Documents at which the audit history index is rolled over; 1 to 9223372036854776000 (2**63 - 1, as the vendor's
    description rounds it). Default 2500000."""
    ism_history_rollover_check_period_hours: int | Unset = UNSET
    """Hours between two checks whether to roll the audit history index over; 1 to 2147483647. Default 8."""
    ism_history_rollover_retention_period_days: int | Unset = UNSET
    """Days for which audit history indexes are kept; 1 to 2147483647. Default 30."""
    keep_index_refresh_interval: bool | Unset = UNSET
    """Keep your own `index.refresh_interval`, which the service otherwise sets back to once a second. Default false."""
    knn_memory_circuit_breaker_enabled: bool | Unset = UNSET
    """Limit the memory of k-NN indexes. Default true."""
    knn_memory_circuit_breaker_limit: int | Unset = UNSET
    """Memory of k-NN indexes, in percent of the JVM heap; 0 to 100. Default 50. 0 sends the engine a null, a
    way to empty the caches."""
    override_main_response_version: bool | Unset = UNSET
    """Report version 7.10, for clients that insist on it. Default false. Sending it has been seen to trip a fault of
    the service (Terraform provider, issue 1273): leave it unset unless you need it."""
    plugins_alerting_filter_by_backend_roles_enabled: bool | Unset = UNSET
    """Show alerting monitors only to users who share a backend role. Default false."""
    reindex_remote_whitelist: list[str] | Unset = UNSET
    """Addresses, as `host:port`, from which a reindex may read. A change restarts all nodes."""
    script_max_compilations_rate: str | Unset = UNSET
    """Inline scripts compiled in a span of time, such as `75/5m`. Default `use-context`."""
    search_max_buckets: int | Unset = UNSET
    """Aggregation buckets in one response; 1 to 1000000. Default 10000."""
    thread_pool_analyze_queue_size: int | Unset = UNSET
    """Analyze operations that may wait for a thread; 10 to 2000."""
    thread_pool_analyze_size: int | Unset = UNSET
    """Threads for analyze operations; 1 to 128. More than the node's CPUs allow is lowered to that."""
    thread_pool_force_merge_size: int | Unset = UNSET
    """Threads for force merges of shards; 1 to 128. More than the node's CPUs allow is lowered to that."""
    thread_pool_get_queue_size: int | Unset = UNSET
    """Get operations that may wait for a thread; 10 to 2000."""
    thread_pool_get_size: int | Unset = UNSET
    """Threads for get operations; 1 to 128. More than the node's CPUs allow is lowered to that."""
    thread_pool_search_queue_size: int | Unset = UNSET
    """Searches that may wait for a thread; 10 to 2000."""
    thread_pool_search_size: int | Unset = UNSET
    """Threads for searches; 1 to 128. More than the node's CPUs allow is lowered to that."""
    thread_pool_search_throttled_queue_size: int | Unset = UNSET
    """Searches in frozen indexes that may wait for a thread; 10 to 2000."""
    thread_pool_search_throttled_size: int | Unset = UNSET
    """Threads for searches in frozen indexes; 1 to 128. More than the node's CPUs allow is lowered to that."""
    thread_pool_write_queue_size: int | Unset = UNSET
    """Writes that may wait for a thread; 10 to 2000."""
    thread_pool_write_size: int | Unset = UNSET
    """Threads for writes; 1 to 128. More than the node's CPUs allow is lowered to that."""
