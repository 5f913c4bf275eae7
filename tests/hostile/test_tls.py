"""Certificates that must not be trusted: the token is not sent, nothing is repeated, and the error says why."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from raw_server import RawServer, answer
from virtual_time import virtual

from asyncdbaas import AsyncSession, TLSError

DAY = dt.timedelta(days=1)


def certificate(directory: Path, name: str, *, days: int) -> ssl.SSLContext:
    """Make a server's TLS context with a certificate of its own for a name, which ends so many days from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 20 * DAY)
        .not_valid_after(now + days * DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = directory / "server.pem"
    file.write_bytes(built.public_bytes(serialization.Encoding.PEM) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


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
