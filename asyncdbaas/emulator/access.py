"""Access to the path `/_emulator/`: programs on this machine, the emulator's page, and others with the token."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from asyncdbaas.emulator.errors import Refusal


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is a loopback one."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def require_same_site(headers: Mapping[str, str], *, allow_remote: bool) -> None:
    """Reject requests that a web page of another site has sent.

    A page can send a form to any address, so `Origin` and `Sec-Fetch-Site` must name this server. A page can also make
    its own host name resolve to 127.0.0.1 (DNS rebinding), so `Host` must be a loopback address. If other machines are
    allowed, the host name is not known; then the token protects, which other sites do not have.
    """
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise Refusal(403, "requests of other sites' web pages are refused")
    host, origin = headers.get("host", ""), headers.get("origin")
    if origin is not None and (origin.partition("://")[2] != host):
        raise Refusal(403, "web pages of other sites may not send requests here: Origin and Host differ")
    if not allow_remote and not is_loopback(_name(host)):
        raise Refusal(403, "only this machine may use this path: Host must be 127.0.0.1, ::1 or localhost")


def require_token(headers: Mapping[str, str], tokens: Mapping[str, Collection[str] | None]) -> None:
    """Refuse a request without a token that has all scopes."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or tokens.get(token, ()) is not None:
        raise Refusal(401, "other machines can reach this emulator, so this path needs its token as a bearer token")


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
