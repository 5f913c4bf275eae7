"""Certificates are real where they can be, and said to be none where they cannot."""

from __future__ import annotations

import base64
import ssl

import aiohttp
import pytest
from cryptography import x509

from asyncdbaas.emulator import Emulator, EmulatorError, Quirks, certificates


def _authority(emulator: Emulator, cluster_id: str) -> str:
    headers = {"authorization": f"Bearer {emulator.token}"}
    body = emulator.handle("GET", f"/v2/databases/{cluster_id}/ca", headers).body
    return base64.b64decode(body.split(b'"')[5]).decode()


def test_each_cluster_has_an_authority_of_its_own_that_stays() -> None:
    emulator = Emulator()
    one, other = (emulator.add_cluster()["id"] for _ in range(2))
    assert _authority(emulator, one) == _authority(emulator, one) != _authority(emulator, other)
    certificate = x509.load_pem_x509_certificate(_authority(emulator, one).encode())
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    ssl.create_default_context(cadata=_authority(emulator, one))


def test_what_an_authority_issues_can_be_verified_with_it() -> None:
    authority = certificates.make_authority("authority")
    issued = certificates.issue(authority, "app")
    signer = x509.load_pem_x509_certificate(authority.certificate.encode())
    x509.load_pem_x509_certificate(issued.certificate.encode()).verify_directly_issued_by(signer)


async def test_tls_is_verified_by_the_emulators_own_authority_and_by_no_other() -> None:
    async with Emulator(tls=True) as emulator, aiohttp.ClientSession(emulator.url) as session:
        assert emulator.url.startswith("https://127.0.0.1:")
        async with session.get("/v2/databases", ssl=emulator.client_context()) as answer:
            assert answer.status == 401
        other_client = Emulator(tls=True).client_context()
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get("/v2/databases", ssl=other_client)


async def test_links_to_other_pages_use_tls_as_the_request_did() -> None:
    async with Emulator(tls=True, quirks=Quirks(page_size=1)) as emulator:
        for _ in range(2):
            emulator.add_cluster()
        headers = {"authorization": f"Bearer {emulator.token}"}
        connector = aiohttp.TCPConnector(ssl=emulator.client_context())
        async with aiohttp.ClientSession(emulator.url, headers=headers, connector=connector) as session:
            async with session.get("/v2/databases") as answer:
                links = (await answer.json())["links"]["pages"]
            assert links["next"].startswith(f"{emulator.url}/v2/databases?")
            async with session.get(links["next"]) as answer:
                assert len((await answer.json())["databases"]) == 1


def test_without_tls_there_is_nothing_to_trust() -> None:
    with pytest.raises(EmulatorError, match="without tls=True"):
        Emulator().client_context()


def test_without_cryptography_all_share_one_certificate_and_tls_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(certificates, "available", lambda: False)
    emulator = Emulator()
    one, other = (emulator.add_cluster()["id"] for _ in range(2))
    assert _authority(emulator, one) == _authority(emulator, other)
    ssl.create_default_context(cadata=_authority(emulator, one))
    headers = {"authorization": f"Bearer {emulator.token}"}
    assert emulator.handle("POST", f"/v2/databases/{one}/users", headers, b'{"name": "a"}').status == 201
    with pytest.raises(EmulatorError, match=r"pip install 'asyncdbaas\[emulator\]'"):
        Emulator(tls=True)
