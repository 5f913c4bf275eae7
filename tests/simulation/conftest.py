"""`pytest tests/simulation --seed 7` runs one seed, `--seeds 2000` that many."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, help="run this seed of the simulation alone, as it ran before")
    parser.addoption("--uvloop", action="store_true", help="run the simulation on uvloop")
    parser.addoption("--seeds", type=int, help="how many seeds of the simulation to run")
