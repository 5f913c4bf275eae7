"""What the pytest plugin costs: a test with its fixtures over an empty test, and its load in other people's runs."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from benchmarks.child import bytecode_cache
from benchmarks.report import Figure, Report, Table

__all__ = ["run"]

TESTS: Final = 1000
EMPTY: Final = """
import pytest

@pytest.mark.asyncio
@pytest.mark.parametrize("number", range({count}))
async def test_empty(number):
    pass
"""
WITH_FIXTURES: Final = EMPTY.replace("(number)", "(number, dbaas_emulator, dbaas_session, dbaas_faults)")
LOAD: Final = """
import time
import pytest
start = time.perf_counter()
import asyncdbaas.pytest_plugin
print(time.perf_counter() - start)
"""


def run(*, quick: bool) -> Report:
    """Run both test files in processes of their own, and import the plugin in fresh ones."""
    count = 20 if quick else TESTS
    costs = {name: _cost(code, count) for name, code in (("empty", EMPTY), ("with fixtures", WITH_FIXTURES))}
    (empty, _), (with_fixtures, _) = costs.values()
    with bytecode_cache(filled=True) as environment:
        load = min(_load(environment) for _ in range(2 if quick else 11))  # the first one fills the cache
    rows = [[name, f"{wall:.2f}", f"{cpu:.2f}"] for name, (wall, cpu) in costs.items()]
    return Report(
        scenario="fixtures",
        tables=[
            Table(
                title="the pytest plugin",
                columns=["test", "wall ms", "CPU ms, with start"],
                rows=rows,
                notes=[f"{count} tests of each kind; the fixtures are dbaas_emulator, dbaas_session and dbaas_faults"],
            )
        ],
        figures=[
            Figure(name="a test with fixtures over an empty one", value=with_fixtures - empty, unit="ms", target=10),
            Figure(name="loading the plugin, least of 10", value=1000 * load, unit="ms", target=20),
        ],
    )


def _cost(code: str, count: int) -> tuple[float, float]:
    """Return the wall time of a test in ms, as pytest adds it up, and the CPU time of the run, by its tests."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_file.py").write_text(code.format(count=count), encoding="utf-8")
        options = ("-q", "-p", "no:cacheprovider", "-o", "asyncio_default_fixture_loop_scope=function")
        command = [sys.executable, "-m", "pytest", *options, "--junitxml=report.xml", folder]
        before = _children_cpu()
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        cpu = _children_cpu() - before
        suite = ET.parse(Path(folder, "report.xml")).getroot()[0]
        if ran.returncode or int(suite.attrib["tests"]) != count:
            raise RuntimeError(ran.stdout)
        return 1000 * float(suite.attrib["time"]) / count, 1000 * cpu / count


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _load(environment: dict[str, str]) -> float:
    command = [sys.executable, "-c", LOAD]
    return float(subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout)
