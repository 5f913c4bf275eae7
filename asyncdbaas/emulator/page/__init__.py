"""The files of the page `/_emulator/ui`, and the description of `/_emulator/`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Final

from asyncdbaas.emulator.responses import Response

_TYPES: Final = MappingProxyType(
    {
        ".html": "text/html; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".json": "application/json; charset=utf-8",
    }
)
_FILES: Final = MappingProxyType(
    {
        "/ui": "page.html",
        "/ui/style.css": "style.css",
        "/ui/script.js": "script.js",
        "/openapi.json": "openapi.json",
    }
)
# Nothing but the page's own files is loaded or run, and no other page can frame it to steal clicks.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def find(path: str) -> Response | None:
    """Return the file at a path below `/_emulator`, or None."""
    name = _FILES.get(path.rstrip("/"))
    if name is None:
        return None
    headers = {
        "content-type": _TYPES[Path(name).suffix],
        "cache-control": "no-cache",
        "content-security-policy": _POLICY,
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    return Response(200, headers, _read(name))


@cache
def _read(name: str) -> bytes:
    return files(__name__).joinpath(name).read_bytes()
