"""Find secrets in texts that come from outside, and replace them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, cast
from urllib.parse import quote

import msgspec

__all__ = ["hide", "secrets_in"]

_MASK: Final = "***"
# Names of fields in request bodies: password, access_key, api_token, tls_cert, connection uri ...
_SECRET_NAME: Final = re.compile(r"pass|secret|token|key|cert|credential|auth|uri|url|dsn", re.IGNORECASE)
# A shorter secret is replaced as a whole word only. Else "a" as a password would make any text unreadable.
_SHORTEST: Final = 6


def hide(text: str, secrets: Iterable[str]) -> str:
    """Replace secrets in a text, as they are and as JSON, HTML and URLs escape them."""
    spellings = {spelling for secret in secrets if secret for spelling in _spellings(secret)}
    for spelling in sorted(spellings, key=len, reverse=True):
        if len(spelling) >= _SHORTEST:
            text = text.replace(spelling, _MASK)
        else:
            text = re.sub(rf"(?<!\w){re.escape(spelling)}(?!\w)", _MASK, text)
    return text


def _spellings(secret: str) -> set[str]:
    from html import escape  # it loads 2,000 names of characters, and only errors need it

    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        escape(secret),
        quote(secret, safe="", errors="replace"),
    }


def secrets_in(body: bytes | None) -> Iterator[str]:
    """Yield the values of a JSON request body whose names say that they are secret."""
    if body is not None:
        yield from _secrets(msgspec.json.decode(body), secret=False)


def _secrets(value: Any, *, secret: bool) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in cast("dict[str, Any]", value).items():
            yield from _secrets(inner, secret=secret or _SECRET_NAME.search(name) is not None)
    elif isinstance(value, list):
        for inner in value:  # pyright: ignore[reportUnknownVariableType] -- parsed JSON
            yield from _secrets(inner, secret=secret)
    elif secret and isinstance(value, str):
        yield value
