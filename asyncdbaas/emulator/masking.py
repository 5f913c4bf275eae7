"""Hide secrets in what the page and `/_emulator/` show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, cast

MASK: Final = "••••"
# Names of fields that hold a secret, or an address with one in it.
_SECRET: Final = re.compile(r"password|secret|token|uri|url|credential|cert|(?:^|_)key$|^ca$")


def masked(value: Any) -> Any:
    """Return plain data with the values of secret fields replaced."""
    if isinstance(value, list):
        return [masked(item) for item in cast("Sequence[Any]", value)]
    if isinstance(value, dict):
        return {name: _field(name, item) for name, item in cast("dict[str, Any]", value).items()}
    return value


def masked_token(token: str) -> str:
    """Return the last four characters of a long token, which is enough to tell tokens apart."""
    return f"{MASK}{token[-4:]}" if len(token) >= 16 else MASK


def _field(name: str, value: Any) -> Any:
    return MASK if isinstance(value, str) and value and _SECRET.search(name) else masked(value)
