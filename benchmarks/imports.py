"""Time until `AsyncSession` can be used, what its import loads, and how much memory it takes."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from typing import Any, Final

from benchmarks.child import ROOT, bytecode_cache
from benchmarks.report import Figure, Report, Table

__all__ = ["run"]

PROGRAMS: Final = {
    "aiohttp": "import aiohttp",
    "asyncdbaas": "import asyncdbaas",
    "AsyncSession": "from asyncdbaas import AsyncSession",
}
# The public modules that a session needs. Whatever else it loads is a mistake.
NEEDED: Final = frozenset({"errors", "hooks", "ratelimit", "retry", "session", "types"})
CODE: Final = """
import json, sys, time
start, cpu = time.perf_counter(), time.process_time()
{program}
wall, cpu = time.perf_counter() - start, time.process_time() - cpu
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
print(json.dumps(dict(wall=wall, cpu=cpu, rss=peak, modules=sorted(sys.modules))))
"""


def run(*, quick: bool) -> Report:
    """Run each import in fresh processes, in turn, first with bytecode cached, then without.

    The package loads a name when it is first used: `import asyncdbaas` loads next to nothing, `AsyncSession` the rest.
    The figures are CPU time, which other processes change less than the wall time.
    """
    rounds = 1 if quick else 40
    with bytecode_cache(filled=True) as environment:
        ready = _measure(rounds, environment)
    with bytecode_cache(filled=False) as environment:
        first = _measure(1 if quick else 5, environment)
    rows = [_row(name, ready[name]) for name in PROGRAMS] + [
        _row(f"{name}, no bytecode", first[name]) for name in PROGRAMS
    ]
    loaded: set[str] = set(ready["AsyncSession"][0]["modules"])
    wanted = loaded - set(ready["aiohttp"][0]["modules"])
    columns = ["import", "wall ms, median", "min", "CPU ms, median", "min", "RSS MiB", "modules"]
    notes = [f"{rounds} fresh processes each, in turn", *_slowest(wanted)]
    return Report(
        scenario="imports",
        tables=[Table(title="import time", columns=columns, rows=rows, notes=notes)],
        figures=[
            Figure(
                name="CPU of from asyncdbaas import AsyncSession, over import aiohttp",
                value=1000 * _difference(ready["AsyncSession"], ready["aiohttp"]),
                unit="ms",
                target=40,
            ),
            Figure(
                name="CPU of import asyncdbaas",
                value=1000 * _median(ready["asyncdbaas"], "cpu"),
                unit="ms",
                target=20,
            ),
            Figure(
                name="modules loaded that a session does not need",
                value=len(list(filter(_is_unneeded, loaded))),
                unit="",
                target=0,
            ),
        ],
        data={"modules": sorted(wanted)},
    )


def _is_unneeded(module: str) -> bool:
    package, _, rest = module.partition(".")
    top = rest.partition(".")[0]
    return module == "cattrs" or (package == "asyncdbaas" and not top.startswith("_") and top not in {"", *NEEDED})


def _measure(rounds: int, environment: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in PROGRAMS}
    for number in range(rounds + 1):
        for name in PROGRAMS if number % 2 else reversed(PROGRAMS):
            output = _python("-c", CODE.format(program=PROGRAMS[name]), environment=environment).stdout
            if number:
                found[name].append(json.loads(output))
    return found


def _python(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, env=environment)


def _row(name: str, found: list[dict[str, Any]]) -> list[str]:
    times = [f"{1000 * of(found, key):.1f}" for key in ("wall", "cpu") for of in (_median, _least)]
    return [name, *times, f"{_median(found, 'rss') / 1024:.1f}", str(len(found[0]["modules"]))]


def _median(found: list[dict[str, Any]], key: str) -> float:
    return statistics.median(float(one[key]) for one in found)


def _difference(found: list[dict[str, Any]], base: list[dict[str, Any]]) -> float:
    """Return the median of the differences in CPU time, round by round."""
    return statistics.median(float(one["cpu"]) - float(other["cpu"]) for one, other in zip(found, base, strict=True))


def _least(found: list[dict[str, Any]], key: str) -> float:
    return min(float(one[key]) for one in found)


def _slowest(wanted: set[str]) -> list[str]:
    """Tell which of the modules that aiohttp does not load take longest by themselves, by -X importtime."""
    times: dict[str, int] = {}
    with bytecode_cache(filled=True) as environment:
        _python("-c", PROGRAMS["AsyncSession"], environment=environment)
        lines = _python("-X", "importtime", "-c", PROGRAMS["AsyncSession"], environment=environment).stderr
    for line in lines.splitlines():
        own, _, name = line.removeprefix("import time:").split("|")
        if name.strip() in wanted:
            times[name.strip()] = int(own)
    slowest = sorted(times, key=lambda name: -times[name])[:12]
    return ["own time of the slowest, ms: " + ", ".join(f"{name} {times[name] / 1000:.1f}" for name in slowest)]
