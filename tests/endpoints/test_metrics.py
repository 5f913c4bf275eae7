"""Credentials of the metrics endpoints."""

from __future__ import annotations

import attrs
import pytest
from canned import Canned, Sent

from asyncdbaas import AsyncSession, DecodeError, InvalidInputError, metrics
from asyncdbaas.metrics import MetricsCredentials, MetricsCredentialsUpdate

PATH = "/v2/databases/metrics/credentials"


async def test_new_credentials_are_read_back(session: AsyncSession) -> None:
    update = MetricsCredentialsUpdate(basic_auth_username="prometheus", basic_auth_password="s3cret")
    await metrics.update_metrics_credentials(session, update)
    read = await metrics.get_metrics_credentials(session)
    assert read == MetricsCredentials(basic_auth_username="prometheus", basic_auth_password="s3cret")


async def test_credentials_belong_to_the_account_and_are_sent_below_a_key(canned: Canned) -> None:
    update = MetricsCredentialsUpdate(basic_auth_username="prometheus", basic_auth_password="s3cret")
    await metrics.update_metrics_credentials(canned.session, update)
    sent = {"credentials": {"basic_auth_username": "prometheus", "basic_auth_password": "s3cret"}}
    assert canned.sent == Sent("PUT", PATH, sent)


PAIR = '{"basic_auth_username":"username","basic_auth_password":"password"}'


@pytest.mark.parametrize("body", [PAIR, f'{{"credentials":{PAIR}}}', f'{{"credentials":{{"credentials":{PAIR}}}}}'])
async def test_credentials_are_read_bare_and_below_one_key_or_two(canned: Canned, body: str) -> None:
    canned(200, body)
    found = await metrics.get_metrics_credentials(canned.session)
    assert (found.basic_auth_username, found.basic_auth_password) == ("username", "password")


@pytest.mark.parametrize(
    "body",
    [
        '{"credentials":{"basic_auth_password":"s3cret"}}',
        '{"credentials":{"credentials":{"basic_auth_password":"s3cret"}}}',
        '{"credentials":{"credentials":{"credentials":{"basic_auth_username":"s3cret"}}}}',
    ],
)
async def test_credentials_without_a_name_are_unreadable(canned: Canned, body: str) -> None:
    canned(200, body)
    with pytest.raises(DecodeError, match="basic_auth_username") as caught:
        await metrics.get_metrics_credentials(canned.session)
    assert "s3cret" not in str(caught.value)


async def test_the_password_does_not_show(canned: Canned) -> None:
    canned(200, '{"credentials":{"basic_auth_username":"username","basic_auth_password":"s3cret"}}')
    assert "s3cret" not in repr(await metrics.get_metrics_credentials(canned.session))
    assert "s3cret" not in repr(MetricsCredentialsUpdate(basic_auth_username="u", basic_auth_password="s3cret"))


@pytest.mark.parametrize("empty", ["basic_auth_username", "basic_auth_password"])
def test_empty_credentials_are_refused(empty: str) -> None:
    with pytest.raises(InvalidInputError, match=f"MetricsCredentialsUpdate: {empty} must not be empty"):
        attrs.evolve(MetricsCredentialsUpdate(basic_auth_username="u", basic_auth_password="s3cret"), **{empty: ""})


async def test_a_password_that_is_no_string_is_rejected_by_its_field(canned: Canned) -> None:
    update = MetricsCredentialsUpdate(basic_auth_username="u", basic_auth_password=7)  # type: ignore[arg-type]  # the point of the test
    with pytest.raises(InvalidInputError, match=r"\$\.basic_auth_password"):
        await metrics.update_metrics_credentials(canned.session, update)
    assert canned.requests == []
