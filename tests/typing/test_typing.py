"""What type checkers make of the public functions: mypy and pyright, both strict, each run once over this folder."""

from __future__ import annotations

import ast
import inspect
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Final

import pytest

import asyncdbaas

HERE: Final = Path(__file__).parent
USES: Final = ["right_uses.py", "strings_for_enums.py", "wrong_uses.py"]


@pytest.mark.long
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_right_uses_pass_and_wrong_uses_are_reported(checker: str) -> None:
    command = [sys.executable, "-m", checker, *(str(HERE / name) for name in USES)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=HERE.parents[1], check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "command",
    [["pyrefly", "check", "--python-interpreter-path", sys.executable], ["ty", "check", "--python", sys.prefix]],
)
def test_strings_for_enumerations_pass_the_other_checkers(command: list[str]) -> None:
    checker = shutil.which(command[0], path=str(Path(sys.executable).parent))
    if checker is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(
        [checker, *command[1:], str(HERE / "strings_for_enums.py")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_public_coroutine_function_is_used() -> None:
    tree = ast.parse((HERE / "right_uses.py").read_text(encoding="utf-8"))
    used = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert {name for module in _modules() for name in _coroutines(module)} - used == set()


def _modules() -> list[str]:
    return [name for name in asyncdbaas.__all__ if inspect.ismodule(getattr(asyncdbaas, name))]


def _coroutines(module: str) -> list[str]:
    loaded = import_module(f"asyncdbaas.{module}")
    offered = {name: getattr(loaded, name) for name in loaded.__all__}
    return [f"{module}.{name}" for name, value in offered.items() if inspect.iscoroutinefunction(value)]
