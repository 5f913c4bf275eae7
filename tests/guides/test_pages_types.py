"""Both type checkers, strict, pass the Python of the README, of the guides and of the examples."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from textwrap import indent
from typing import Final

import pytest
from pages import PAGES, ROOT, Block, blocks

pytestmark = pytest.mark.long

# The names that a guide takes as given.
_HEAD: Final = """\
from asyncdbaas import AsyncSession
from asyncdbaas.emulator import Emulator


async def page(session: AsyncSession, emulator: Emulator, kafka: str, postgres: str, mysql: str, valkey: str) -> None:
"""


def _modules(page: Path) -> dict[str, str]:
    """Map names of modules to their code: one for the snippets of a page, and one for each script."""
    name, found = page.stem.replace("-", "_").lower(), list(blocks(page))
    snippets = [block for block in found if block.is_snippet]
    modules = {f"{name}_{block.line}": block.code for block in found if block.is_script}
    if snippets:
        modules[name] = _HEAD + "\n".join(_marked(block) for block in snippets)
    return modules


def _marked(block: Block) -> str:
    return f"    # line {block.line} of the page\n{indent(block.code, '    ')}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    for page in PAGES:
        for name, code in _modules(page).items():
            folder.joinpath(f"{name}.py").write_text(code, encoding="utf-8")
    settings = {"typeCheckingMode": "strict", "reportUnusedVariable": False, "include": ["."]}
    folder.joinpath("pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_the_code_of_the_pages_passes(checker: str, folder: Path) -> None:
    files = sorted(map(str, folder.glob("*.py")))
    options = {
        "mypy": ["--strict", "--config-file=", *files],
        "pyright": ["--project", str(folder), "--pythonpath", sys.executable],
    }
    command = [sys.executable, "-m", checker, *options[checker]]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
