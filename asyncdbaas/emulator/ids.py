"""Ids and credentials that depend only on the seed."""

from __future__ import annotations

import hashlib
from typing import Any


class Ids:
    """Derive values from the seed and a key. Each key has a series of values of its own.

    The order of calls with different keys does not matter, so concurrent tests get the same ids in each run.
    `drawn` counts the values given per key, and is all that has to be saved.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.drawn: dict[str, int] = {}

    def digest(self, *key: str) -> bytes:
        """Return the next 64 bytes of a key's series."""
        name = "/".join(key)
        nth = self.drawn.get(name, 0)
        self.drawn[name] = nth + 1
        return hashlib.sha512(f"{self.seed}:{name}:{nth}".encode("utf-8", "surrogatepass")).digest()

    def uuid(self, *key: str) -> str:
        """Return a version 4 UUID."""
        return _uuid(self.digest("uuid", *key))

    def fixed_uuid(self, *key: str) -> str:
        """Return the one UUID of a key, the same each time."""
        digest = hashlib.sha512(f"{self.seed}:fixed/{'/'.join(key)}".encode("utf-8", "surrogatepass")).digest()
        return _uuid(digest)

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
        """Restore a dumped state."""
        self.seed, self.drawn = state["seed"], state["drawn"]


def _uuid(digest: bytes) -> str:
    """Write 16 bytes as a version 4 UUID: its version and variant stand at fixed places."""
    digits = digest[:16].hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
