"""That `tests/mutation.py` runs: what it finds, people read in its output."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent


@pytest.mark.long
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_mutants_are_killed_survive_or_are_not_run_by_the_tests_that_were_chosen() -> None:
    chosen = (
        "test_what_a_refusal_cannot_explain_by_own_requests_is_used_by_others"  # it does not meet all of the function
    )
    tests = f"{TESTS}/core/test_quota.py::{chosen}"
    command = [sys.executable, f"{TESTS}/mutation.py", "--only", "unexplained", tests]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    first, *_ = lines = done.stdout.splitlines() or [done.stderr]
    assert first.startswith("1 of 1 tests pass; "), done.stdout + done.stderr
    results = next(ast.literal_eval(line) for line in lines if line.startswith("{"))
    assert results.keys() == {"killed", "survived", "not run"}
    assert sum(line.startswith("survived: windows.py:") for line in lines) == results["survived"]
