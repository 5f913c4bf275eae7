"""Find secrets in texts that come from outside, and replace them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, cast
from urllib.parse import quote, unquote

import msgspec

_MASK: Final = "***"
# Names of fields in request bodies: password, access_key, api_token, tls_cert, connection uri ...
_SECRET_NAME: Final = re.compile(r"pass|secret|token|key|cert|credential|auth|uri|url|dsn", re.IGNORECASE)
# Secrets shorter than this are masked as whole words only. Else "a" as a password would make any text unreadable.
_SHORTEST: Final = 6
# Secrets shorter than this are not searched for in decoded text, where they match by chance.
_SHORTEST_DECODED: Final = 8
_NOT_SHOWN: Final = "*** (not shown, because it contains a secret in another encoding)"
_NOT_SEARCHED: Final = "*** (not shown, because the process has too many open files to search it for secrets)"
# What `html.escape` does; importing it loads 2,000 names of characters.
_HTML: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})
_TAG: Final = re.compile(r"<[^<>]*>")
# Characters that quoting, wrapping and UTF-16 insert into a text.
_ADDED: Final = re.compile(r"[\\\s\0\ufffd]+")
_UNICODE_ESCAPE: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{10,}")
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2}){8,}")


def hide(text: str, secrets: Iterable[str]) -> str:
    """Replace secrets in a text, verbatim and as JSON, HTML and URLs escape them.

    If a secret is encoded in another way, such as base64, the whole text is replaced.
    """
    known = [secret for secret in secrets if secret]
    spellings = {spelling for secret in known for spelling in _spellings(secret)}
    for spelling in sorted(spellings, key=len, reverse=True):
        if len(spelling) >= _SHORTEST:
            text = text.replace(spelling, _MASK)
        else:
            text = re.sub(rf"(?<!\w){re.escape(spelling)}(?!\w)", _MASK, text)
    # Skip secrets that are longer than the text, such as the id of a request: no encoding is shorter than its input.
    long = [bare for secret in known if _SHORTEST_DECODED <= len(bare := _bare(secret)) <= len(text)]
    try:
        is_encoded = bool(long) and any(secret in bare for bare in map(_bare, _decoded(text)) for secret in long)
    except OSError:  # of the import in `_decoded`
        return _NOT_SEARCHED
    return _NOT_SHOWN if is_encoded else text


def _spellings(secret: str) -> set[str]:
    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        secret.translate(_HTML),
        quote(secret, safe="", errors="replace"),
    }


def _bare(text: str) -> str:
    """Remove what quoting, wrapping and UTF-16 add to a text, and differences of case."""
    return _ADDED.sub("", text).casefold()


def _decoded(text: str) -> Iterator[str]:
    """Yield a text decoded as HTML, URL, JSON, text between tags, hexadecimal digits and base64."""
    if "&" in text:
        from html import unescape  # see above

        yield unescape(text)
    once = unquote(text)
    yield from (once, unquote(once))
    yield _UNICODE_ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
    yield _TAG.sub("", text)
    for run in _HEX.findall(text):
        yield bytes.fromhex(run).decode("latin-1")
    for run in _BASE64.findall(text.replace("-", "+").replace("_", "/")):
        for start in range(4):  # the secret may begin at any alignment
            digits = run[start:-1] if len(run[start:]) % 4 == 1 else run[start:]  # 4n + 1 digits are invalid: drop one
            yield base64.b64decode(digits + "=" * (-len(digits) % 4)).decode("latin-1")


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
