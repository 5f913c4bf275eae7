"""Parameters of the advanced editions of MySQL and PostgreSQL.

Not in the vendor's description. They are read as a list and set as a mapping, as in its Go and Terraform clients.
"""

from __future__ import annotations

import attrs

from asyncdbaas._core.model import Model
from asyncdbaas.configs._base import EngineConfig

__all__ = [
    "AdvancedMySQLConfig",
    "AdvancedMySQLConfigUpdate",
    "AdvancedPostgreSQLConfig",
    "AdvancedPostgreSQLConfigUpdate",
    "Parameter",
]


@attrs.frozen(kw_only=True, slots=False, repr=False)
class Parameter(Model):
    """One parameter of the database server, as the service shows it."""

    name: str
    value: str | None = None
    """In the server's own notation, such as `4096` or `8MB`. Can be empty for a while after it was set."""
    default_value: str | None = None
    description: str | None = None
    requires_restart: bool | None = None
    """Whether a change restarts the server."""


@attrs.frozen(kw_only=True, slots=False, repr=False)
class AdvancedMySQLConfig(EngineConfig):
    """Parameters of an advanced MySQL cluster, as read; to change them, see `AdvancedMySQLConfigUpdate`."""

    mysql_parameters: list[Parameter] = attrs.field(factory=list[Parameter])


@attrs.frozen(kw_only=True, slots=False, repr=False)
class AdvancedPostgreSQLConfig(EngineConfig):
    """Parameters of an advanced PostgreSQL cluster, as read; to change them, see `AdvancedPostgreSQLConfigUpdate`."""

    pg_parameters: list[Parameter] = attrs.field(factory=list[Parameter])


@attrs.frozen(kw_only=True, slots=False, repr=False)
class AdvancedMySQLConfigUpdate(Model):
    """Changes to the parameters of an advanced MySQL cluster."""

    mysql_parameters: dict[str, str]
    """Values by name, all strings, such as `{"max_connections": "200"}`; what is not named stays as it is."""


@attrs.frozen(kw_only=True, slots=False, repr=False)
class AdvancedPostgreSQLConfigUpdate(Model):
    """Changes to the parameters of an advanced PostgreSQL cluster."""

    pg_parameters: dict[str, str]
    """Values by name, all strings in PostgreSQL's notation, such as `{"work_mem": "8MB"}`; `4096` without a unit counts
    in the parameter's own, here kilobytes. What is not named stays as it is."""
