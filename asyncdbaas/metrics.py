"""Credentials of the metrics endpoints: one pair for all clusters of the account.

The endpoints are in each cluster's `metrics_endpoints`: `https://host:9273/metrics`, basic
authentication; MongoDB has none.
"""

from __future__ import annotations

from typing import Final

import attrs

from asyncdbaas._core.codec import envelop
from asyncdbaas._core.decoding import MismatchError, reader
from asyncdbaas._core.model import Model
from asyncdbaas._endpoint import payload
from asyncdbaas._models import not_empty
from asyncdbaas.session import AsyncSession

__all__ = [
    "MetricsCredentials",
    "MetricsCredentialsUpdate",
    "get_metrics_credentials",
    "update_metrics_credentials",
]

_PATH: Final = "/v2/databases/metrics/credentials"


@attrs.frozen(kw_only=True, slots=False, repr=False)
class MetricsCredentials(Model):
    """Name and password of all metrics endpoints of the account."""

    basic_auth_username: str
    basic_auth_password: str | None = attrs.field(default=None, repr=False)


@attrs.frozen(kw_only=True, slots=False, repr=False)
class MetricsCredentialsUpdate(Model):
    """A new name and password for every metrics endpoint of the account."""

    basic_auth_username: str = attrs.field(validator=not_empty)
    basic_auth_password: str = attrs.field(validator=not_empty, repr=False)


@attrs.frozen(kw_only=True, slots=False, repr=False)
class _Answer(Model):
    """Both forms of the response: in one envelope, as in the vendor's example, or in two, as in its description."""

    basic_auth_username: str | None = None
    basic_auth_password: str | None = attrs.field(default=None, repr=False)
    credentials: MetricsCredentials | None = None


def _unwrap(answer: _Answer) -> MetricsCredentials:
    if answer.credentials is not None:
        return answer.credentials
    if answer.basic_auth_username is None:
        raise MismatchError("required field missing @ $.credentials.basic_auth_username")
    return MetricsCredentials(
        basic_auth_username=answer.basic_auth_username, basic_auth_password=answer.basic_auth_password
    )


async def get_metrics_credentials(session: AsyncSession) -> MetricsCredentials:
    """Read the credentials of all metrics endpoints of the account.

    Scope `database:update` and `database:view_credentials`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_get_cluster_metrics_credentials
    """
    return await session.request("GET", _PATH, reader(_Answer, "credentials").then(_unwrap))


async def update_metrics_credentials(session: AsyncSession, credentials: MetricsCredentialsUpdate) -> None:
    """Replace the credentials of all metrics endpoints of the account. Every scraper then needs the new ones.

    Scope `database:update`.
    https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_update_cluster_metrics_credentials
    """
    await session.request(
        "PUT", _PATH, body=envelop("credentials", payload(credentials, MetricsCredentialsUpdate, "credentials"))
    )
