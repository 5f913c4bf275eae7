"""All operations together."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from asyncdbaas.emulator.resources import (
    autoscale,
    backups,
    ca,
    changes,
    clusters,
    configs,
    databases,
    events,
    eviction_policy,
    firewall,
    indexes,
    logsinks,
    maintenance,
    metrics,
    migrations,
    options,
    pools,
    replicas,
    schemas,
    settings,
    sql_mode,
    topics,
    users,
)
from asyncdbaas.emulator.routing import Route
from asyncdbaas.emulator.state import Actions

_MODULES: Final = (
    autoscale,
    backups,
    ca,
    changes,
    clusters,
    configs,
    databases,
    events,
    eviction_policy,
    firewall,
    indexes,
    logsinks,
    maintenance,
    metrics,
    migrations,
    options,
    pools,
    replicas,
    schemas,
    settings,
    sql_mode,
    topics,
    users,
)

ROUTES: Final[Sequence[Route]] = tuple(route for module in _MODULES for route in module.ROUTES)
ACTIONS: Final[Actions] = MappingProxyType(
    {name: action for module in _MODULES for name, action in module.ACTIONS.items()}
)
