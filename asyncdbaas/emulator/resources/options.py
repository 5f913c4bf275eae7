"""The options for new clusters."""

from __future__ import annotations

from typing import Final

from asyncdbaas.emulator.routing import Answer, Call, Resource
from asyncdbaas.emulator.state import State

resource: Final = Resource()


@resource.get("/options")
def get_options(state: State, call: Call) -> Answer:
    """Handle GET /v2/databases/options."""
    return Answer(200, state.offer.show(state.clock.now()))
