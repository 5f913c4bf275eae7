"""The SQL modes of a MySQL cluster."""

from __future__ import annotations

from collections.abc import Iterable

from asyncdbaas._checks import check_text, kind_of
from asyncdbaas._endpoint import cluster_path
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.session import AsyncSession
from asyncdbaas.types import Id

__all__ = ["get_sql_mode", "set_sql_mode"]


async def get_sql_mode(session: AsyncSession, cluster_id: Id) -> list[str]:
    """Read the SQL modes of a MySQL cluster, such as `["ANSI", "NO_ZERO_DATE"]`.

    Scope `database:read`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_get_sql_mode
    """
    path = cluster_path(cluster_id, "sql_mode")
    modes = await session.request("GET", path, str, key="sql_mode")
    # The service sends one string, joined by commas, sometimes with spaces.
    return [mode.strip() for mode in modes.split(",") if mode.strip()]


async def set_sql_mode(session: AsyncSession, cluster_id: Id, modes: Iterable[str]) -> None:
    """Replace the SQL modes of a MySQL cluster; an empty list removes all.

    The modes are MySQL's own, see https://dev.mysql.com/doc/refman/8.0/en/sql-mode.html. Scope `database:update`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_update_sql_mode
    """
    await session.request("PUT", cluster_path(cluster_id, "sql_mode"), body={"sql_mode": _join(modes)})


def _join(modes: Iterable[str]) -> str:
    if isinstance(modes, str):
        raise InvalidInputError("modes must be a list of strings, not one string")
    if not isinstance(modes, Iterable):
        raise InvalidInputError(f"modes must be a list of strings, not {kind_of(modes)}")
    return ",".join(check_text(mode, "each of the modes").strip() for mode in modes)
