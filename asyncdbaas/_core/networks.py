"""The network settings of the environment: proxies and certificate authorities."""

from __future__ import annotations

import os
import ssl
import sys
from base64 import b64encode
from pathlib import Path
from typing import Final
from urllib.request import getproxies, proxy_bypass

from yarl import URL

from asyncdbaas._core.http import is_loopback
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.types import Secret

_CERTIFICATE_VARIABLES: Final = {"SSL_CERT_FILE": Path.is_file, "SSL_CERT_DIR": Path.is_dir}


def environment_proxy(base: str) -> tuple[URL | None, Secret | None]:
    """Return the environment's proxy for an address, and the login for it.

    Addresses of this machine never go through a proxy. aiohttp could look, too, but does so in a thread for each
    request, and fails where .netrc has a password for the host.
    """
    scheme, host = URL(base).scheme, URL(base).host or ""
    if is_loopback(host) or proxy_bypass(host):
        return None, None
    address = Secret(getproxies().get(scheme, ""))
    if not address:
        return None, None
    proxy: URL | None = None
    try:
        proxy = URL(address if "://" in address else f"http://{address}")
        # A password that holds one of these characters ends the host too early. What is left can be the address of
        # another place, with a part of the password in it.
        whole = proxy.path in ("", "/") and not proxy.query_string and not proxy.fragment
        if whole and proxy.scheme in ("http", "https") and proxy.host:
            return split_login(proxy)
    except ValueError:
        pass  # said below, without the address
    finally:
        del proxy
    raise InvalidInputError(
        f"the environment's proxy for {scheme} must be an http:// or https:// address without a path; percent-encode "
        "the characters : / ? # [ ] @ in its user and password, or ignore the environment with trust_env=False"
    )


def split_login(proxy: URL) -> tuple[URL, Secret | None]:
    """Return a proxy's address without its login, which would show in errors, and a header value with the login."""
    if proxy.user is None:
        return proxy, None
    return proxy.with_user(None), basic(proxy.user, proxy.password or "")


def basic(user: str, password: str) -> Secret:
    """Return a login as the value of a header."""
    return Secret(f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}")


def tls_setting(base: str, *, trust_env: bool) -> ssl.SSLContext | bool:
    """Return what aiohttp takes for `ssl`: a context if the environment names certificate authorities.

    aiohttp makes its own context when it is imported, from the variables of that time. Reading a file of authorities
    takes about 30 ms, so an address without TLS, as an emulator's, does not pay for it.
    """
    named = {name: path for name in _CERTIFICATE_VARIABLES if (path := os.environ.get(name))}
    if not named or URL(base).scheme == "http":
        return True
    if not trust_env:
        return _context_without_environment()
    for name, path in named.items():
        if not _CERTIFICATE_VARIABLES[name](Path(path)):
            raise InvalidInputError(f"{name} names nothing that can be read; correct it, or set trust_env=False")
    return ssl.create_default_context()


def _context_without_environment() -> ssl.SSLContext:
    paths = ssl.get_default_verify_paths()
    file, folder = paths.openssl_cafile, paths.openssl_capath
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if Path(file).is_file() or Path(folder).is_dir():
        context.load_verify_locations(file if Path(file).is_file() else None, folder if Path(folder).is_dir() else None)
    if sys.platform == "win32":
        for certificate, encoding, trust in ssl.enum_certificates("ROOT"):
            if encoding == "x509_asn" and trust is True:
                context.load_verify_locations(cadata=certificate)
    return context
