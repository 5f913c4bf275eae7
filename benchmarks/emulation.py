"""Run the emulator in a process of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import attrs

from benchmarks.child import serving_process

__all__ = ["OTHER_CLIENTS", "Seen", "Service", "emulating"]

OTHER_CLIENTS: Final = ("none", "drip", "bursts")


@attrs.frozen(kw_only=True)
class Seen:
    """What the emulator has seen of the creates."""

    created: int
    """Creates that were applied."""
    refused: int
    """Creates that met a 429."""
    others: int
    """Creates that failed in another way; a name that is taken counts here."""
    topics: int
    """Topics there are."""
    other_clients: int
    """Requests of the other client that were not refused."""


class Service:
    """A running emulator, seen from the client's process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._input, self._output = process.stdin, process.stdout
        self.url, self.token, self.cluster_id = json.loads(self._output.readline())

    def seen(self) -> Seen:
        """Ask what has happened so far."""
        self._input.write("\n")
        self._input.flush()
        return Seen(**json.loads(self._output.readline()))


@contextmanager
def emulating(*, time_scale: float, other_client: str = "none") -> Generator[Service]:
    """Run an emulator; its minute takes 60 / time_scale seconds."""
    with serving_process("emulator_server", str(time_scale), other_client) as process:
        yield Service(process)
