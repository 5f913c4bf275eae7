"""Results as JSON: save them, and compare with what was saved."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import attrs

from benchmarks.report import Report, Table

__all__ = ["about", "compare", "load", "save"]

PACKAGES: Final = ("asyncdbaas", "aiohttp", "attrs", "msgspec", "cattrs", "httpx", "pydo", "pydantic", "aiolimiter")


def about() -> dict[str, Any]:
    """Return what a number needs beside it: machine, load, versions."""
    return {
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "load average": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="ascii", errors="replace").splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown CPU")


def load(path: Path) -> dict[str, Any]:
    """Read saved results: what each scenario found, by its name."""
    results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return results


def save(path: Path, reports: Iterable[Report], surroundings: Mapping[str, Any]) -> None:
    """Write what the scenarios found; those in the file that were not run this time stay."""
    results = load(path) if path.exists() else {}
    for report in reports:
        figures = [attrs.asdict(figure) for figure in report.figures]
        results[report.scenario] = {"about": dict(surroundings), "figures": figures, "data": report.data}
    path.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def compare(base: Mapping[str, Any], reports: Iterable[Report]) -> Table:
    """Set the figures beside the saved ones."""
    before = {
        (scenario, figure["name"]): figure["value"] for scenario, found in base.items() for figure in found["figures"]
    }
    rows = [
        [figure.name, f"{old:.4g} {figure.unit}", f"{figure.value:.4g} {figure.unit}", _change(old, figure.value)]
        for report in reports
        for figure in report.figures
        if (old := before.get((report.scenario, figure.name))) is not None
    ]
    notes = ["less is better"]
    return Table(
        title="compared with the saved results", columns=["figure", "saved", "now", "change"], rows=rows, notes=notes
    )


def _change(before: float, now: float) -> str:
    return f"{now / before - 1:+.1%}" if before else ""
