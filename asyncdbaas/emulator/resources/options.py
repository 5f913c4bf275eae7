"""What can be ordered."""

from __future__ import annotations

from typing import Final

from asyncdbaas.emulator.engines import ENGINES, Engine
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.routing import Answer, Call, Route
from asyncdbaas.emulator.state import Actions, State


def get_options(state: State, call: Call) -> Answer:
    """Answer GET /v2/databases/options."""
    return Answer(
        200,
        {
            "options": {name: _offer(engine) for name, engine in ENGINES.items()},
            "version_availability": {name: _availability(engine) for name, engine in ENGINES.items()},
        },
    )


def _offer(engine: Engine) -> Record:
    offer: Record = {
        "regions": list(engine.regions),
        "versions": [version.name for version in engine.versions],
        "layouts": [{"num_nodes": nodes, "sizes": list(sizes)} for nodes, sizes in engine.layouts.items()],
    }
    return offer | {"default_version": engine.versions[-1].name} if engine.creatable else offer


def _availability(engine: Engine) -> list[Record]:
    return [
        {
            "version": version.name,
            "end_of_life": version.end_of_life,
            "end_of_availability": version.end_of_availability,
            "default": version is engine.versions[-1],
        }
        for version in engine.versions
    ]


ROUTES: Final = (Route("GET", "/v2/databases/options", "get_options", get_options),)
ACTIONS: Final[Actions] = {}
