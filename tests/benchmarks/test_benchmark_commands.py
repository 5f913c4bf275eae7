"""The commands of `benchmarks/` run, at tiny sizes. Their figures are not checked: a test is no stopwatch."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
ALONE = ["bulk", "fanout", "imports", "waiting"]
# What the extra `bench` brings, and the tests do without.
BESIDE_OTHERS = {
    "cpu": ["httpx", "pydo", "uvloop"],
    "decode": ["pydantic"],
    "lists": ["httpx", "pydo"],
    "pacing": ["aiolimiter", "pydo"],
}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def measured(scenario: str, file: Path, *options: str) -> tuple[str, dict[str, Any]]:
    for name in BESIDE_OTHERS.get(scenario, []):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed: pip install -e '.[bench]'")
    done = run("benchmarks", scenario, "--quick", "--save", str(file), *options)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))[scenario]
    return done.stdout, found


@pytest.mark.parametrize("scenario", [*ALONE, *BESIDE_OTHERS])
def test_a_scenario_prints_its_figures_and_saves_them(scenario: str, tmp_path: Path) -> None:
    printed, found = measured(scenario, tmp_path / "results.json")

    assert found["figures"]
    assert all(figure["name"] in printed for figure in found["figures"])
    assert found["about"]["python"] in printed


def test_the_limits_are_kept_even_at_tiny_sizes(tmp_path: Path) -> None:
    printed, found = measured("limits", tmp_path / "results.json")

    assert "creates under the rate limits" in printed
    values = {figure["name"]: figure["value"] for figure in found["figures"]}
    assert {name: value for name, value in values.items() if "lost" in name or "twice" in name} == {
        f"300 creates{other_client}: {what}": 0
        for other_client in ("", ", drip of another client", ", bursts of another client")
        for what in ("lost", "sent twice")
    }


def test_saved_results_can_be_compared_with_and_scenarios_not_run_stay_in_them(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_text(json.dumps({"bulk": {"about": {}, "figures": [], "data": {}}}), encoding="utf-8")

    measured("fanout", file)
    printed, _ = measured("fanout", file, "--compare", str(file))

    assert "over bare aiohttp" in printed.partition("compared with the saved results")[2]
    assert sorted(json.loads(file.read_text(encoding="utf-8"))) == ["bulk", "fanout"]


@pytest.mark.parametrize("chosen", [["imports"], []])
def test_a_missed_target_is_the_exit_status_whether_one_scenario_runs_or_all(chosen: list[str]) -> None:
    code = (
        "import sys; from benchmarks import __main__ as command, report;"
        "figure = report.Figure(name='f', value=2, unit='x', target=1);"
        "found = report.Report(scenario='imports', tables=[], figures=[figure]);"
        "sys.modules['benchmarks.imports'] = type('Missed', (), {'run': staticmethod(lambda *, quick: found)});"
        f"command.SCENARIOS = ('imports',); sys.argv[1:] = {chosen}; sys.exit(command.main())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.returncode, "MISSED" in done.stdout) == (1, True), done.stderr


def test_the_plots_are_drawn_from_saved_results(tmp_path: Path) -> None:
    results = {
        "pacing": {"data": {"minute": 5.0, "every": 10, "answers": {"asyncdbaas": [0.1, 0.2, 5.3], "other": [0.1]}}},
        "cpu": {"data": {"64": {"asyncdbaas": 150.0, "other": 900.0}}},
    }
    file = tmp_path / "results.json"
    file.write_text(json.dumps(results), encoding="utf-8")

    done = run("benchmarks.plots", str(file), str(tmp_path / "plots"))

    assert done.returncode == 0, done.stderr
    texts = {plot.stem: "".join(ET.parse(plot).getroot().itertext()) for plot in (tmp_path / "plots").glob("*.svg")}
    assert "asyncdbaas: 1.1 min" in texts["accepted"]
    assert "900" in texts["cpu"]
