"""The statuses at the edge: which are a success, and after which a read can succeed."""

from __future__ import annotations

import pytest

from asyncdbaas import APIError
from asyncdbaas._core.call import Response
from asyncdbaas._core.polling import is_transient


@pytest.mark.parametrize(("status", "success"), [(199, False), (200, True), (299, True), (300, False)])
def test_the_statuses_from_200_to_299_are_a_success(status: int, *, success: bool) -> None:
    assert Response(status, {}, b"").is_success is success


@pytest.mark.parametrize(("status", "transient"), [(404, False), (412, True), (429, True), (499, False), (500, True)])
def test_a_wait_goes_on_after_errors_of_a_busy_service_from_500_on(status: int, *, transient: bool) -> None:
    assert is_transient(APIError("busy", status=status, method="GET", path="/v2/databases")) is transient
