"""Passwords that the service shows only once."""

from __future__ import annotations

from typing import Final

from asyncdbaas.types import Secret

__all__ = ["Passwords"]

# Bounds the memory of a session that creates users for ever. An entry takes about 300 bytes.
_MOST: Final = 10_000


class Passwords:
    """Remember the passwords that a session was given, by cluster and user.

    MongoDB passwords appear only in the response to the creation, or to a reset. Whoever waits for a cluster after
    creating it reads it again, and would lose the password.
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

    def discard(self, cluster_id: str, user: str) -> None:
        """Forget the password of a deleted user."""
        self._passwords.pop((cluster_id.lower(), user), None)
