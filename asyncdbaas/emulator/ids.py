"""Ids and credentials that depend on the seed alone."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any


class Ids:
    """Derive values from the seed and a key; the same key asked again gives the next value of its own series.

    Nothing depends on the order of calls with different keys, so concurrent tests get the same ids each run.
    `drawn` counts the values given per key, and is all that has to be saved.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.drawn: dict[str, int] = {}

    def digest(self, *key: str) -> bytes:
        """Return 64 bytes for the key."""
        name = "/".join(key)
        nth = self.drawn.get(name, 0)
        self.drawn[name] = nth + 1
        return hashlib.sha512(f"{self.seed}:{name}:{nth}".encode("utf-8", "surrogatepass")).digest()

    def uuid(self, *key: str) -> str:
        """Return a version 4 UUID."""
        return str(uuid.UUID(bytes=self.digest("uuid", *key)[:16], version=4))

    def fixed_uuid(self, *key: str) -> str:
        """Return the one UUID that belongs to the key for good."""
        digest = hashlib.sha512(f"{self.seed}:fixed/{'/'.join(key)}".encode("utf-8", "surrogatepass")).digest()
        return str(uuid.UUID(bytes=digest[:16], version=4))

    def hex(self, length: int, *key: str) -> str:
        """Return up to 128 hexadecimal digits."""
        return self.digest("hex", *key).hex()[:length]

    def password(self, *key: str) -> str:
        """Return a password in the service's style."""
        return "AVNS_" + self.hex(19, "password", *key)

    def fraction(self, *key: str) -> float:
        """Return a number in [0, 1)."""
        return int.from_bytes(self.digest("fraction", *key)[:6]) / 2**48

    def dump(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {"seed": self.seed, "drawn": self.drawn}

    def load(self, state: dict[str, Any]) -> None:
        """Take on a dumped state."""
        self.seed, self.drawn = state["seed"], state["drawn"]
