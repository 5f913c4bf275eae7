"""Maintenance windows, and the installation of updates.

A cluster's window is part of the cluster: `clusters.get_cluster` shows it.
"""

from __future__ import annotations

import re
from typing import Any, Final

import attrs

from asyncdbaas._core.model import Model
from asyncdbaas._endpoint import cluster_path, payload
from asyncdbaas._models import MaintenanceWindow, Weekday
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.session import AsyncSession
from asyncdbaas.types import EnumOrStr, Id, take_strings

__all__ = ["MaintenanceWindow", "MaintenanceWindowUpdate", "Weekday", "install_update", "update_maintenance_window"]

_HOUR: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?")


def _check_day(_: object, __: attrs.Attribute[Any], day: str) -> None:
    if not isinstance(day, str) or day not in set(Weekday):
        raise InvalidInputError(
            "MaintenanceWindowUpdate: day must be a day of the week in lower case, such as 'monday'"
        )


def _check_hour(_: object, __: attrs.Attribute[Any], hour: str) -> None:
    if not isinstance(hour, str) or not _HOUR.fullmatch(hour):
        raise InvalidInputError("MaintenanceWindowUpdate: hour must be a time in UTC such as '14:00'")


@attrs.frozen(kw_only=True, slots=False, repr=False, field_transformer=take_strings)
class MaintenanceWindowUpdate(Model):
    """Start of a cluster's maintenance window, which lasts four hours."""

    day: EnumOrStr[Weekday] = attrs.field(validator=_check_day)
    hour: str = attrs.field(validator=_check_hour)
    """UTC, such as `14:00`. It is read back with seconds: compare with `MaintenanceWindow.start`."""


async def update_maintenance_window(session: AsyncSession, cluster_id: Id, window: MaintenanceWindowUpdate) -> None:
    """Set the day and hour of a cluster's maintenance.

    A replica has a window of its own: use its id. Scope `database:update`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_update_maintenanceWindow
    """
    await session.request(
        "PUT", cluster_path(cluster_id, "maintenance"), body=payload(window, MaintenanceWindowUpdate, "window")
    )


async def install_update(session: AsyncSession, cluster_id: Id) -> None:
    """Begin the pending maintenance now, without waiting for its window.

    Scope `database:update`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_install_update
    """
    await session.request("PUT", cluster_path(cluster_id, "install_update"))
