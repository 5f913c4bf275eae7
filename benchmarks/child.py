"""A benchmark's server in a process of its own, which ends when its standard input does."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

__all__ = ["ROOT", "bytecode_cache", "serving_process"]

ROOT: Final = Path(__file__).parents[1]


@contextmanager
def bytecode_cache(*, filled: bool) -> Generator[dict[str, str]]:
    """Provide the environment for processes with an empty cache of bytecode, which the first one fills if `filled`.

    The cache of this environment does not count: PYTHONDONTWRITEBYTECODE may have kept it empty.
    """
    with tempfile.TemporaryDirectory() as folder:
        yield os.environ | {"PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": "" if filled else "1"}


@contextmanager
def serving_process(module: str, *arguments: str) -> Generator[subprocess.Popen[str]]:
    """Run a module of the benchmarks, with pipes to and from it, until the block ends."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdin is not None
        try:
            yield process
        finally:
            process.stdin.close()
