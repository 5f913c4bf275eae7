"""Passwords that the service shows only once."""

from __future__ import annotations

from typing import Any, Final, TypeVar
from urllib.parse import quote

import attrs

from asyncdbaas.types import Secret

T = TypeVar("T", bound=Any)

# Bounds the memory of a session that keeps creating users. An entry takes about 300 bytes.
_MOST: Final = 10_000


class Passwords:
    """Remember the passwords that a session was given, by cluster and user.

    MongoDB passwords appear only in the response to a create or a reset. A program that waits for a new cluster reads
    it again, and would lose the password.
    """

    def __init__(self) -> None:
        self._passwords: dict[tuple[str, str], Secret] = {}

    def add(self, cluster_id: str, user: str | None, password: str | None) -> None:
        """Remember a user's password. A missing or empty one does not replace another."""
        if user and password:
            key = (cluster_id.lower(), user)
            self._passwords.pop(key, None)  # the newest entry stands last
            self._passwords[key] = Secret(password)
            if len(self._passwords) > _MOST:
                del self._passwords[next(iter(self._passwords))]

    def get(self, cluster_id: str, user: str | None) -> str | None:
        """Return a user's password, or None if this session was never given it."""
        return self._passwords.get((cluster_id.lower(), user or ""))

    def fill(self, cluster: T) -> T:
        """Return a cluster with those passwords that it lacks and this session was given."""
        if not self._passwords:
            return cluster
        connections = {
            field.name: self._filled(cluster.id, connection)
            for field in cluster.__attrs_attrs__
            if field.name.endswith("connection") and (connection := getattr(cluster, field.name)) is not None
        }
        users = [self.fill_user(cluster.id, user) for user in cluster.users]
        return attrs.evolve(cluster, users=users, **connections)

    def fill_user(self, cluster_id: str, user: T) -> T:
        """Return a user with its password, if it lacks one and this session was given it."""
        password = None if user.password else self.get(cluster_id, user.name)
        return user if password is None else attrs.evolve(user, password=password)

    def _filled(self, cluster_id: str, connection: Any) -> Any:
        password = None if connection.password else self.get(cluster_id, connection.user)
        if password is None:
            return connection
        blank, filled = (f"//{quote(connection.user, safe='')}:{quote(word, safe='')}@" for word in ("", password))
        uri = connection.uri and connection.uri.replace(blank, filled, 1)
        return attrs.evolve(connection, password=password, uri=uri)

    def discard(self, cluster_id: str, user: str) -> None:
        """Forget the password of a deleted user."""
        self._passwords.pop((cluster_id.lower(), user), None)
