"""Importing loads what is needed and no more, observed in fresh interpreters."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Final
from zipfile import ZipFile

from source_tree import ENDPOINTS, PACKAGE

# What every endpoint module stands on.
_CORE: Final = {
    "_certificates",
    "_checks",
    "_core",
    "_core.admission",
    "_core.aiohttp_request",
    "_core.call",
    "_core.coalescing",
    "_core.codec",
    "_core.credentials",
    "_core.deadlines",
    "_core.decoding",
    "_core.deletions",
    "_core.http",
    "_core.lifetime",
    "_core.networks",
    "_core.observers",
    "_core.passwords",
    "_core.secrets",
    "_core.sender",
    "_core.slices",
    "_core.transport",
    "_core.wire",
    "_documented",
    "_endpoint",
    "_models",
    "_version",
    "errors",
    "hooks",
    "ratelimit",
    "ratelimit.limiter",
    "ratelimit.queue",
    "ratelimit.timer",
    "ratelimit.windows",
    "retry",
    "session",
    "types",
}


def _loaded(*statements: str) -> list[set[str]]:
    """Return, after each statement, the modules loaded by then in an interpreter of its own."""
    lines = ["import json, sys, importlib"]
    for statement in statements:
        lines += [statement, "print(json.dumps(sorted(sys.modules)))"]
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    return [set(json.loads(line)) for line in done.stdout.splitlines()]


def _ours(modules: set[str]) -> set[str]:
    return {name.removeprefix("asyncdbaas.") for name in modules if name.startswith("asyncdbaas.")}


def test_importing_the_package_loads_no_endpoint_no_emulator_no_cli_and_no_cattrs() -> None:
    (modules,) = _loaded("import asyncdbaas")
    assert _ours(modules) <= _CORE
    assert modules.isdisjoint({"cattrs", "click", "yaml", "aiohttp.web", "cryptography"})


def test_importing_an_endpoint_module_loads_that_one_only() -> None:
    forget = """for name in [name for name in sys.modules if name.startswith('asyncdbaas')]: del sys.modules[name]"""
    imports = [f"import asyncdbaas.{name}" for name in sorted(ENDPOINTS)]
    steps = _loaded(*(statement for line in imports for statement in (forget, line)))[1::2]
    loaded = {name: _top(step) - _CORE for name, step in zip(sorted(ENDPOINTS), steps, strict=True)}
    assert loaded == {name: {name} for name in ENDPOINTS}


def test_an_endpoint_module_is_loaded_when_it_is_first_asked_for() -> None:
    names = sorted(ENDPOINTS)
    steps = _loaded("import asyncdbaas", *(f"asyncdbaas.{name}.__name__" for name in names))
    added = [_top(after) - _top(before) - _CORE for before, after in pairwise(steps)]
    assert added == [{name} for name in names]


def _top(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in _ours(modules)}


FROM_A_ZIP: Final = """
import sys
sys.path.insert(0, sys.argv[1])
import importlib, pkgutil, urllib.request
import asyncdbaas
assert asyncdbaas.__file__.startswith(sys.argv[1]), asyncdbaas.__file__
for module in pkgutil.walk_packages(asyncdbaas.__path__, "asyncdbaas."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
from asyncdbaas.catalogue import catalogue_schema
from asyncdbaas.emulator.parameters import parameters
from asyncdbaas.plan.documents import output_schema
from asyncdbaas.ratelimit.address import read_address
from asyncdbaas.ratelimit.store import QuotaStore
assert catalogue_schema() and output_schema() and parameters("advanced_pg")
QuotaStore(read_address("redis://127.0.0.1"), "quota", print)
with asyncdbaas.Emulator() as emulator:
    emulator.add_cluster(engine="pg")
    for page in ("ui", "ui/style.css", "ui/script.js", "openapi.json"):
        assert urllib.request.urlopen(f"{emulator.url}/_emulator/{page}").status == 200
"""


def test_everything_runs_from_a_zip_archive(tmp_path: Path) -> None:
    archive = tmp_path / "package.zip"
    with ZipFile(archive, "w") as package:
        for file in PACKAGE.rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                package.write(file, Path("asyncdbaas", file.relative_to(PACKAGE)))
    command = [sys.executable, "-c", FROM_A_ZIP, str(archive)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
