"""Shapes that several endpoint modules show."""

from __future__ import annotations

from datetime import UTC, time

import pytest

from asyncdbaas._models import Connection, MaintenanceWindow, User


def test_a_connection_shows_neither_password_nor_uri() -> None:
    connection = Connection(host="db", port=25060, user="doadmin", password="s3cret", uri="pg://doadmin:s3cret@db")
    assert "s3cret" not in repr(connection)
    assert "doadmin" in repr(connection)


@pytest.mark.parametrize(
    ("connection", "address"),
    [
        (Connection(host="broker", port=25073), "broker:25073"),
        (Connection(host="broker"), None),
        (Connection(host="", port=0), None),
        (Connection(port=25073), None),
        (Connection(host="broker", port=0, application_ports={"sasl": 25080}), "broker:25080"),
        (Connection(host="broker", port=25073, application_ports={"sasl": 25080}), "broker:25073"),
        (Connection(host="broker", port=0, application_ports={"certificate": 25071}), None),
    ],
)
def test_an_address_needs_host_and_port(connection: Connection, address: str | None) -> None:
    assert connection.address == address


def test_a_user_shows_no_secret() -> None:
    user = User(name="app", password="s3cret", access_cert="s3cret", access_key="s3cret")
    assert "s3cret" not in repr(user)
    assert "app" in repr(user)


@pytest.mark.parametrize(
    ("hour", "start"),
    [
        ("13:00", time(13, tzinfo=UTC)),
        ("13:00:00", time(13, tzinfo=UTC)),
        ("08:45:12", time(8, 45, 12, tzinfo=UTC)),
        ("", None),
        (None, None),
        ("noon", None),
    ],
)
def test_the_start_of_a_window_is_the_same_with_and_without_seconds(hour: str | None, start: time | None) -> None:
    assert MaintenanceWindow(hour=hour).start == start
