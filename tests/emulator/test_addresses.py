"""The addresses on which an emulator listens: names with several addresses, and addresses that a machine lacks."""

from __future__ import annotations

import errno
import os
import socket
from typing import Any, Final

import pytest

from asyncdbaas.emulator import Emulator


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


IPV6: Final = pytest.mark.skipif(not has_ipv6(), reason="the machine has no IPv6")
ELSEWHERE: Final = "192.0.2.1"  # reserved for documentation
ask: Final = socket.getaddrinfo


def point_localhost_to(monkeypatch: pytest.MonkeyPatch, first: str) -> None:
    def getaddrinfo(host: Any, port: Any, *more: Any, **options: Any) -> Any:
        return [
            answer
            for name in ((first, "127.0.0.1") if host == "localhost" else (host,))
            for answer in ask(name, port, *more, **options)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def addresses(emulator: Emulator) -> list[tuple[str, int]]:
    runner = emulator._server._runner
    assert runner is not None
    return [address[:2] for address in runner.addresses]


@pytest.mark.parametrize(
    ("first", "found"),
    [pytest.param("::1", ["::1", "127.0.0.1"], marks=IPV6), (ELSEWHERE, ["127.0.0.1"])],
    ids=["two addresses", "one that the machine lacks"],
)
async def test_all_addresses_of_a_name_have_the_port_of_the_url(
    monkeypatch: pytest.MonkeyPatch, first: str, found: list[str]
) -> None:
    point_localhost_to(monkeypatch, first)
    async with Emulator(host="localhost") as emulator:
        port = int(emulator.url.removeprefix("http://localhost:"))
        assert addresses(emulator) == [(address, port) for address in found]


async def test_no_host_stands_for_all_addresses_of_the_machine() -> None:
    async with Emulator(host="", allow_remote=True) as emulator:
        port = int(emulator.url.rpartition(":")[2])
        assert ("0.0.0.0", port) in addresses(emulator)


async def test_an_address_that_the_machine_lacks_is_an_error_that_says_so() -> None:
    with pytest.raises(OSError, match=os.strerror(errno.EADDRNOTAVAIL)) as caught:
        await Emulator(host=ELSEWHERE, allow_remote=True).start()
    assert caught.value.strerror, "Python 3.13 leaves it out, and the command line prints it"
