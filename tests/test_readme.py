"""The README's Python blocks run as they stand, against an emulator."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from asyncdbaas import AsyncSession
from asyncdbaas.emulator import Delays, Emulator

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", README.read_text(), flags=re.DOTALL | re.MULTILINE)
SCRIPTS = [block for block in BLOCKS if "asyncio.run(" in block or "def test_" in block]
SNIPPETS = [block for block in BLOCKS if block not in SCRIPTS]


def title(block: str) -> str:
    return next(line for line in block.splitlines() if line and not line.startswith(("import", "from")))[:60]


@pytest.mark.parametrize("block", SCRIPTS, ids=title)
def test_script_runs(block: str, tmp_path: Path) -> None:
    script = tmp_path / "test_block.py"
    script.write_text(block)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DIGITALOCEAN_")}
    # There is no ini file beside the script, without which pytest-asyncio warns.
    scope = "asyncio_default_fixture_loop_scope=function"
    as_test = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", scope] if "def test_" in block else []
    command = [sys.executable, "-X", "dev", "-W", "error", *as_test, str(script)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env=environment, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("block", SNIPPETS, ids=title)
async def test_snippet_runs(block: str) -> None:
    async with Emulator(delays=Delays.none()) as emulator:
        names: dict[str, object] = {
            "kafka": emulator.add_cluster(engine="kafka", name="kafka")["id"],
            "postgres": emulator.add_cluster(engine="pg", name="postgres", version="16")["id"],
            "mysql": emulator.add_cluster(engine="mysql", name="mysql")["id"],
            "valkey": emulator.add_cluster(engine="valkey", name="valkey")["id"],
        }
        async with AsyncSession(emulator.token, base_url=emulator.url) as session:
            code = compile(block, str(README), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            result = eval(code, names | {"session": session})
            if inspect.isawaitable(result):
                await result


def test_the_readme_has_blocks_of_both_kinds() -> None:
    assert SCRIPTS
    assert SNIPPETS
