"""Certificates that must not be trusted: the token is not sent, nothing is repeated, and the error says why."""

from __future__ import annotations

import ssl
from pathlib import Path

import aiohttp
import pytest
from certificates import certificate
from raw_server import RawServer, answer
from virtual_time import virtual

from asyncdbaas import AsyncSession, TLSError


@pytest.mark.parametrize(
    ("name", "days", "trusted", "reason"),
    [
        ("localhost", 10, False, "self-signed certificate|self signed certificate"),
        ("localhost", -10, True, "certificate has expired"),
        ("elsewhere.example", 10, True, "Hostname mismatch"),
    ],
    ids=["unknown authority", "expired", "wrong name"],
)
@virtual
async def test_a_server_that_is_not_who_it_says_gets_nothing(
    tmp_path: Path, name: str, days: int, *, trusted: bool, reason: str
) -> None:
    server_context = certificate(tmp_path, name, days=days)
    client_context = ssl.create_default_context(cafile=tmp_path / "server.pem" if trusted else None)
    async with (
        RawServer(answer(200), ssl_context=server_context) as server,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=client_context)) as http,
        AsyncSession("token", base_url=f"https://localhost:{server.port}", http=http) as session,
    ):
        with pytest.raises(TLSError, match=reason) as caught:
            await session.request("POST", "/v2/databases", body={})
        assert (caught.value.attempts, caught.value.sent, caught.value.outcome_unknown) == (1, False, False)
        assert server.requests == []


@virtual
async def test_the_same_server_with_a_good_certificate_is_talked_to(tmp_path: Path) -> None:
    server_context = certificate(tmp_path, "localhost", days=10)
    client_context = ssl.create_default_context(cafile=tmp_path / "server.pem")
    async with (
        RawServer(answer(200), ssl_context=server_context) as server,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=client_context)) as http,
        AsyncSession("token", base_url=f"https://localhost:{server.port}", http=http) as session,
    ):
        await session.request("POST", "/v2/databases", body={})
        assert len(server.requests) == 1


@virtual
async def test_by_default_an_unknown_authority_is_not_trusted(tmp_path: Path) -> None:
    async with (
        RawServer(answer(200), ssl_context=certificate(tmp_path, "localhost", days=10)) as server,
        AsyncSession("token", base_url=f"https://localhost:{server.port}") as session,
    ):
        with pytest.raises(TLSError):
            await session.request("GET", "/v2/databases")
        assert server.requests == []
