"""The code of the README and of the guides runs as it stands, against an emulator."""

from __future__ import annotations

import ast
import inspect
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from pages import PAGES, ROOT, Block, blocks

from asyncdbaas import AsyncSession
from asyncdbaas.emulator import Delays, Emulator

SCRIPTS: Final = [
    pytest.param(block, id=f"{page.name}:{block.line}")
    for page in PAGES
    for block in blocks(page)
    if block.is_script and block.is_run
]
SNIPPETS: Final = [page for page in PAGES if any(block.is_snippet and block.is_run for block in blocks(page))]
COMMANDS: Final = [
    page for page in PAGES if any(block.language == "console" and block.is_run for block in blocks(page))
]


def page_name(page: Path) -> str:
    return page.stem


@pytest.mark.parametrize("block", SCRIPTS)
def test_a_script_runs(block: Block, tmp_path: Path) -> None:
    script = tmp_path / "test_block.py"
    script.write_text(block.code, encoding="utf-8")
    # There is no ini file beside the script, without which pytest-asyncio warns.
    scope = "asyncio_default_fixture_loop_scope=function"
    plugins = ["-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:xdist"]  # they only take time here
    as_test = ["-m", "pytest", "-q", *plugins, "-o", scope] if "def test_" in block.code else []
    done = _run([sys.executable, "-X", "dev", "-W", "error", *as_test, str(script)], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", SNIPPETS, ids=page_name)
async def test_the_snippets_of_a_page_run_from_top_to_bottom(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _write_files(page, tmp_path)
    async with Emulator(delays=Delays.none()) as emulator:
        names: dict[str, Any] = {
            "emulator": emulator,
            "kafka": emulator.add_cluster(engine="kafka", name="events")["id"],
            "postgres": emulator.add_cluster(engine="pg", name="shop", version="16")["id"],
            "mysql": emulator.add_cluster(engine="mysql", name="billing")["id"],
            "valkey": emulator.add_cluster(engine="valkey", name="cache")["id"],
        }
        async with AsyncSession(emulator.token, base_url=emulator.url) as session:
            names["session"] = session
            for block in blocks(page):
                if block.is_snippet and block.is_run:
                    await _evaluate(block, page, names)


async def _evaluate(block: Block, page: Path, names: dict[str, Any]) -> None:
    # The lines of a traceback are those of the page.
    code = compile("\n" * (block.line - 1) + block.code, str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(code, names)
    if inspect.isawaitable(result):
        await result


@pytest.mark.parametrize("page", COMMANDS, ids=page_name)
def test_the_commands_of_a_page_run(page: Path, tmp_path: Path) -> None:
    _write_files(page, tmp_path)
    for block in blocks(page):
        if block.language == "console" and block.is_run:
            done = _run(["bash", "-euo", "pipefail", "-c", block.code], tmp_path)
            expected = int(block.note.rpartition("exit ")[2]) if "exit " in block.note else 0
            assert done.returncode == expected, f"{page.name}:{block.line}\n{done.stdout}{done.stderr}"


def _write_files(page: Path, folder: Path) -> None:
    for block in blocks(page):
        if block.file:
            target = folder / block.file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.code, encoding="utf-8")


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DIGITALOCEAN_")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, env=environment, cwd=folder, check=False
    )


def test_the_pages_have_blocks_of_all_kinds() -> None:
    assert SCRIPTS
    assert SNIPPETS
    assert ROOT / "README.md" in PAGES
