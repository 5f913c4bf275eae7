"""Settings of MongoDB clusters."""

from __future__ import annotations

import attrs

from asyncdbaas.configs._base import EngineConfig
from asyncdbaas.types import UNSET, EnumOrStr, OpenEnum, Unset, take_strings

__all__ = ["MongoDBConfig", "ReadConcern"]


class ReadConcern(OpenEnum):
    """Read concern: how widely the data of a read must be acknowledged."""

    LOCAL = "local"
    """What the node has; it may be rolled back."""
    AVAILABLE = "available"
    """Like `local`, but on a sharded collection it may hold orphaned documents."""
    MAJORITY = "majority"
    """What most nodes have acknowledged."""


@attrs.frozen(kw_only=True, slots=False, repr=False, field_transformer=take_strings)
class MongoDBConfig(EngineConfig):
    """Settings of a MongoDB cluster. What is unset is not sent, and stays as it is."""

    default_read_concern: EnumOrStr[ReadConcern] | Unset = UNSET
    """Read concern of operations that name none. Default `local`."""
    default_write_concern: str | Unset = UNSET
    """Write concern of operations that name none: `majority`, the default, or a number of nodes as a string; `0` asks
    for no acknowledgement."""
    slow_op_threshold_ms: int | Unset = UNSET
    """Milliseconds from which an operation is logged as slow; at least 0. Default 100. A change restarts MongoDB."""
    transaction_lifetime_limit_seconds: int | Unset = UNSET
    """Seconds after which a multi-document transaction is aborted; at least 1. Default 60. A change restarts
    MongoDB."""
    verbosity: int | Unset = UNSET
    """Verbosity of the log; 0 to 5, from only informational messages to all debug messages. Default 0. From 1 on, slow
    or not, all operations on the primary are logged. A change restarts MongoDB."""
