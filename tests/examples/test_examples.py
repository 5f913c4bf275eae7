"""Each example does what it says, over real HTTP against an emulator."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from pages import EXAMPLES, GUIDES
from run_notebook import run_notebook

from asyncdbaas.emulator import Delays, Emulator

LONGEST: Final = 80
CATALOGUE: Final = """\
topics:
  - {name: orders, partition_count: 6, replication_factor: 2, config: {retention.ms: 7d}}
  - {name: invoices, partition_count: 3, replication_factor: 2}
"""


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(delays=Delays.none()) as running:
        running.add_cluster(engine="kafka", name="events")
        yield running


def run(emulator: Emulator, folder: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", str(EXAMPLES / script), *arguments]
    environment = os.environ | {"DIGITALOCEAN_TOKEN": emulator.token, "DIGITALOCEAN_API_URL": emulator.url}
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, timeout=60, check=False)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def test_bulk_creation_shows_progress_and_can_be_repeated(emulator: Emulator, tmp_path: Path) -> None:
    emulator.faults.add("create_topic", "server_error")
    first = run(emulator, tmp_path, "bulk_creation.py", "events", "40")
    assert (first.returncode, sorted(first.stdout.strip().split(", "))) == (1, ["1 failed", "39 created"])
    assert "the request may have been applied" in first.stderr
    assert "\r40/40 topics, about 0 s left" in first.stderr
    second = run(emulator, tmp_path, "bulk_creation.py", "events", "40")
    assert (second.returncode, sorted(second.stdout.strip().split(", "))) == (0, ["1 created", "39 existed"])


def test_the_nightly_job_reports_drift_and_nothing_else(emulator: Emulator, tmp_path: Path) -> None:
    (tmp_path / "topics.yaml").write_text(CATALOGUE, encoding="utf-8")
    job = "nightly_drift.py", "topics.yaml", "events"
    night = run(emulator, tmp_path, *job)
    assert (night.returncode, night.stdout.splitlines()[2:]) == (
        2,
        ["- topic `orders`: is missing", "- topic `invoices`: is missing"],
    )
    path = f"/v2/databases/{emulator.perform('GET', '/v2/databases')[1]['databases'][0]['id']}/topics"
    emulator.perform("POST", path, {"name": "orders", "partition_count": 6, "replication_factor": 2})
    emulator.perform("POST", path, {"name": "invoices", "partition_count": 3, "replication_factor": 2})
    emulator.perform("PUT", f"{path}/orders", {"config": {"retention_ms": 60_000}})
    night = run(emulator, tmp_path, *job)
    assert (night.returncode, night.stdout.splitlines()[2:]) == (
        2,
        ["- topic `orders`: `retention_ms` is 60000, not 604800000"],
    )
    emulator.perform("PUT", f"{path}/orders", {"config": {"retention_ms": 604_800_000}})
    (tmp_path / "drift-memory.json").unlink()  # else the settings of last night hold for a week
    night = run(emulator, tmp_path, *job)
    assert (night.returncode, night.stdout) == (0, "No drift.\n")


async def test_the_outputs_of_the_notebook_are_those_of_its_cells() -> None:
    notebook = json.loads(EXAMPLES.joinpath("overview.ipynb").read_text(encoding="utf-8"))
    assert await run_notebook(notebook) == notebook


def test_every_example_is_short_and_linked_from_a_guide() -> None:
    linked = {
        name for guide in GUIDES.glob("*.md") for name in re.findall(r"/tests/examples/([\w.]+)", guide.read_text())
    }
    examples = {path for path in EXAMPLES.iterdir() if path.suffix in {".py", ".ipynb"}}
    examples = {path for path in examples if path.stem not in {"test_examples", "run_notebook"}}
    assert {path.name for path in examples} - linked == set()
    scripts = (path for path in examples if path.suffix == ".py")
    assert {path.name for path in scripts if len(path.read_text().splitlines()) >= LONGEST} == set()
