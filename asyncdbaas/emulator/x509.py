"""Real certificates. Only `certificates` imports this, and only where `cryptography` is installed."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

_LIFETIME: Final = timedelta(days=3650)


def make_authority(name: str) -> tuple[str, str]:
    """Make a certificate authority: certificate and key as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(name, key, _name(name), authority=True)
    return _pem(builder.sign(key, SHA256()), key)


def issue(authority: tuple[str, str], name: str, hosts: tuple[str, ...]) -> tuple[str, str]:
    """Issue a certificate for a client (no hosts) or for a server: certificate and key as PEM."""
    signer = cast("ec.EllipticCurvePrivateKey", load_pem_private_key(authority[1].encode(), None))
    certificate = x509.load_pem_x509_certificate(authority[0].encode())
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(name, key, certificate.subject, authority=False).add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
    )
    if hosts:
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    return _pem(builder.sign(signer, SHA256()), key)


def _builder(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: x509.Name, *, authority: bool
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(_usage(authority=authority), critical=True)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> tuple[str, str]:
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM).decode(), private.decode()
