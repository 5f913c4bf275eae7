"""A benchmark's server in a process of its own, which ends when its standard input does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

__all__ = ["ROOT", "serving_process"]

ROOT: Final = Path(__file__).parents[1]


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
