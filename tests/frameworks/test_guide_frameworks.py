"""The applications of the guide run as they stand, each under the server that it names."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

import aiohttp
import pytest
from pages import GUIDES
from server_process import free_port, running
from test_frameworks import FRAMEWORKS, TROUBLE, UNKNOWN

from asyncdbaas.emulator import Emulator

# Python that needs a framework stands in blocks marked `py`, out of the way of those that run without one.
BLOCKS: Final = {
    name: block
    for block in re.findall(r"^```py\n(.*?)^```", (GUIDES / "web-frameworks.md").read_text(), re.DOTALL | re.MULTILINE)
    for name in FRAMEWORKS
    if re.search(rf"^from {name} |^from {name}\.", block, re.MULTILINE)
}


@pytest.mark.parametrize("name", BLOCKS)
async def test_application_of_the_guide_serves(name: str, tmp_path: Path) -> None:
    framework, port = FRAMEWORKS[name], free_port()
    pytest.importorskip(framework.module)
    (tmp_path / "app.py").write_text(BLOCKS[name])
    command = [part.format("app", port=port) for part in framework.command]
    url = f"http://127.0.0.1:{port}"
    async with Emulator() as emulator:
        cluster = emulator.add_cluster(engine="pg")
        settings = {"DIGITALOCEAN_TOKEN": emulator.token, "DIGITALOCEAN_API_URL": emulator.url, "PORT": str(port)}
        python = [sys.executable, "-X", "dev", "-W", "error", "-m"]
        async with (
            running(*python, *command, ready=framework.ready, env=settings, cwd=tmp_path) as process,
            aiohttp.ClientSession(url) as client,
        ):
            async with client.get(f"/clusters/{cluster['id']}") as answer:
                assert (answer.status, await answer.json()) == (200, {"state": "online"})
            async with client.get(f"/clusters/{UNKNOWN}") as answer:
                assert (answer.status, answer.content_type) == (404, "application/problem+json")
    assert not [line for line in process.lines if TROUBLE.search(line)], "\n".join(process.lines)
