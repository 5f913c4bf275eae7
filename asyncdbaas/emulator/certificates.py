"""Certificates for clusters, Kafka users and the emulator's own TLS.

They are real if `cryptography` is installed (extra `emulator`). Without it every cluster and user has the same fixed
certificate, whose key nobody has: clients can load it, but nothing can be verified with it, and `tls=True` is rejected.
"""

from __future__ import annotations

import ssl
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

_FIXED_CERTIFICATE: Final = """\
-----BEGIN CERTIFICATE-----
MIIBnjCCAUSgAwIBAgIUNILNJDWVnTXMeANEigiyR859OukwCgYIKoZIzj0EAwIw
LDEqMCgGA1UEAwwhYXN5bmNkYmFhcyBlbXVsYXRvciwgbm8gYXV0aG9yaXR5MCAX
DTIwMDEwMTAwMDAwMFoYDzIxMTkxMjA5MDAwMDAwWjAsMSowKAYDVQQDDCFhc3lu
Y2RiYWFzIGVtdWxhdG9yLCBubyBhdXRob3JpdHkwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAT6zo8bdjnH+i7VH/+5JkInrWyTKUZB3wZWha2M3VRZ734teSjPLIaQ
RJzQ15gQ2/vQqBXBUAvw/Or25SlBjM70o0IwQDAPBgNVHRMBAf8EBTADAQH/MB0G
A1UdDgQWBBQc/q66wZVB/5y7YGWZo6bxam0U0TAOBgNVHQ8BAf8EBAMCAQYwCgYI
KoZIzj0EAwIDSAAwRQIhANAcSN7CiIsS0gUxUPxh5LPxcfQnbjX8wDhURryg9Z9K
AiBL+W7D9ibooLWgFQN8hXaG9C4m8R6oZEz4iahNnlsJAw==
-----END CERTIFICATE-----
"""
_NO_KEY: Final = "-----BEGIN PRIVATE KEY-----\nbm8ga2V5\n-----END PRIVATE KEY-----\n"


class Pair(NamedTuple):
    """A certificate and its private key, both PEM."""

    certificate: str
    key: str


def available() -> bool:
    """Return whether real certificates can be made."""
    return find_spec("cryptography") is not None


def make_authority(name: str) -> Pair:
    """Make a certificate authority, or give the fixed certificate."""
    if not available():
        return Pair(_FIXED_CERTIFICATE, _NO_KEY)
    from asyncdbaas.emulator import x509  # needs the optional cryptography

    return Pair(*x509.make_authority(name))


def issue(authority: Pair, name: str, *hosts: str) -> Pair:
    """Issue a certificate for a client's name, or for a server with these hosts; or give the fixed one."""
    if not available():
        return Pair(_FIXED_CERTIFICATE, _NO_KEY)
    from asyncdbaas.emulator import x509  # needs the optional cryptography

    return Pair(*x509.issue(authority, name, hosts))


def server_context(authority: Pair, *hosts: str) -> ssl.SSLContext:
    """Make the TLS context of a server with these hosts."""
    pair = issue(authority, hosts[0], *hosts)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with tempfile.TemporaryDirectory() as directory:  # the ssl module reads keys from files only
        file = Path(directory, "server.pem")
        file.write_text(pair.certificate + pair.key, encoding="ascii")
        context.load_cert_chain(file)
    return context
