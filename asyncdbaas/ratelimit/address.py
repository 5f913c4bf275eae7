"""The address of the server that keeps a shared quota, read so that no error can show a part of its password."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, unquote

import attrs

from asyncdbaas.errors import InvalidInputError
from asyncdbaas.types import Secret

__all__ = ["StoreAddress", "read_address"]

# How redis-py spells the schemes.
_SCHEMES: Final = {
    "redis": "redis",
    "rediss": "rediss",
    "valkey": "redis",
    "valkeys": "rediss",
    "unix": "unix",
    "redis+sentinel": "redis",
    "valkey+sentinel": "redis",
}
_SHAPE: Final = re.compile(
    r"(?P<scheme>[a-z+]+)://"
    r"(?:(?P<user>[^/?#\[\]]*)@)?"
    r"(?P<hosts>[^/?#@]*)"
    r"(?P<path>/[^?#@]*)?"
    r"(?:\?(?P<query>[^#@]*))?"
)
_HOST: Final = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_DATABASE: Final = re.compile(r"/?[0-9]*")
_SERVICE: Final = re.compile(r"/(?P<name>[A-Za-z0-9._-]+)(?P<database>/[0-9]+)?")
_SENTINEL_PORT: Final = 26379
_Hosts = tuple[tuple[str, int], ...]


@attrs.frozen(kw_only=True)
class StoreAddress:
    """Address of the server that keeps the quota."""

    url: Secret
    """What redis-py reads; for Sentinel, with the first sentinel as the host."""
    shown: str
    """The address without user, password and options."""
    sentinels: _Hosts = ()
    """The sentinels to ask for the primary; empty for a plain server."""
    service: str = ""
    """The name under which they know the primary."""
    secrets: tuple[str, ...] = attrs.field(default=(), repr=False)
    """What must not be shown, the longest first, in each spelling that a server may echo."""


def read_address(url: str) -> StoreAddress:
    """Read the address of a store; raise InvalidInputError if it is not valid. The error quotes no part of it.

    Characters with a meaning in an address are rejected in user and password unless they are percent-encoded.
    Otherwise a part of the password would be taken for the host, the port or the database, and errors would show it.
    """
    if not isinstance(url, str):
        raise InvalidInputError(f"the address of the quota store must be a string, not {type(url).__name__}")
    url = Secret(url)  # a traceback with locals must not show it
    scheme = url.partition("://")[0]
    if scheme not in _SCHEMES:
        del scheme
        raise InvalidInputError(f"the address of the quota store must begin with one of {'://, '.join(_SCHEMES)}://")
    address = _read(url)
    if address is None:
        raise InvalidInputError(
            f"the address of the quota store is not valid; write it as {_pattern(scheme)} and percent-encode user and "
            'password with urllib.parse.quote(password, safe="")'
        )
    return address


def _pattern(scheme: str) -> str:
    if scheme == "unix":
        return "unix://user:password@/path/of/socket"
    if scheme.endswith("sentinel"):
        return f"{scheme}://user:password@host:port,host:port/service/database"
    return f"{scheme}://user:password@host:port/database"


def _read(url: Secret) -> StoreAddress | None:
    shape = _SHAPE.fullmatch(url) if url.isprintable() and " " not in url else None
    target = shape and _target(shape["scheme"], shape["hosts"], shape["path"] or "")
    if shape is None or target is None:
        return None
    host, database, sentinels, service = target
    user, query = shape["user"], shape["query"]
    return StoreAddress(
        url=Secret(
            f"{_SCHEMES[shape['scheme']]}://{'' if user is None else f'{user}@'}{host}{database}"
            f"{'' if query is None else f'?{query}'}"
        ),
        shown=f"{shape['scheme']}://{shape['hosts']}{shape['path'] or ''}",
        sentinels=sentinels,
        service=service,
        secrets=_secrets(user or "", query or ""),
    )


def _target(scheme: str, hosts: str, path: str) -> tuple[str, str, _Hosts, str] | None:
    """Return host and database as redis-py reads them, the sentinels and the service; None if they are not valid."""
    if scheme == "unix":
        return None if hosts or len(path) < 2 else ("", path, (), "")
    found = _hosts(hosts)
    if scheme.endswith("sentinel"):
        service = _SERVICE.fullmatch(path)
        return (
            (hosts.partition(",")[0], service["database"] or "", found, service["name"]) if found and service else None
        )
    return (hosts, path, (), "") if found and len(found) == 1 and _DATABASE.fullmatch(path) else None


def _hosts(hosts: str) -> _Hosts | None:
    found = [_HOST.fullmatch(host) for host in hosts.split(",")]
    read = tuple((host["host"], int(host["port"] or _SENTINEL_PORT)) for host in found if host)
    return read if len(read) == len(found) and all(port < 2**16 for _, port in read) else None


def _secrets(user: str, query: str) -> tuple[str, ...]:
    password = user.partition(":")[2]
    found = {password, unquote(password)}
    found |= {value for name, value in parse_qsl(query) if "password" in name}
    return tuple(sorted(found - {""}, key=len, reverse=True))
