"""The path `/_emulator/`: what `Emulator` offers in code, for tests in other languages, and a page for people.

`openapi.json` describes its routes. It counts in no rate limit. `access` decides who may use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from asyncdbaas.emulator import access, page
from asyncdbaas.emulator.admin_routes import ROUTES
from asyncdbaas.emulator.errors import EmulatorError, Refusal, unprocessable
from asyncdbaas.emulator.request_handler import parse
from asyncdbaas.emulator.responses import Response, encode, page_not_found, refuse
from asyncdbaas.emulator.routing import Router

if TYPE_CHECKING:
    from asyncdbaas.emulator.emulated_service import EmulatedService

PREFIX: Final = "/_emulator"


class Admin:
    """Answer requests to the path `/_emulator/`."""

    def __init__(self, emulator: EmulatedService) -> None:
        self._emulator = emulator
        self._router = Router(ROUTES)

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer one request."""
        path, _, query = target.partition("?")
        try:
            access.require_same_site(headers, allow_remote=self._emulator.allow_remote)
            if method == "GET" and (file := page.find(path.removeprefix(PREFIX))) is not None:
                return file
            if self._emulator.allow_remote:
                access.require_token(headers, self._emulator.tokens)
            match = self._router.match(method, path.rstrip("/"))
            if match is None:
                return page_not_found()
            call = match.call(path, query, parse(body) if match.route.takes_body else {})
            return encode(match.answer(self._emulator, call))
        except Refusal as refusal:
            return refuse(refusal, "")
        except EmulatorError as error:
            cause = error.__cause__
            return refuse(cause if isinstance(cause, Refusal) else unprocessable(str(error)), "")
