"""Callers get the true outcome from a service that lies, seed by seed; see `lying.py`."""

from __future__ import annotations

import pytest
from lying import report, simulate_lies

# How many run with the other tests; `.ci/run` runs 300, `lying.py` as many as you like.
SEEDS = 24
BLOCKS = 6


@pytest.mark.parametrize("block", range(BLOCKS))
def test_the_outcome_that_callers_see_agrees_with_the_service_or_is_unknown(block: int) -> None:
    broken = [report(run) for run in map(simulate_lies, range(block, SEEDS, BLOCKS)) if run.problems]
    assert not broken, "\n\n".join(broken)


def test_a_lying_seed_replays_exactly() -> None:
    assert simulate_lies(7).log == simulate_lies(7).log


@pytest.mark.long
def test_the_lying_seeds_meet_every_kind_of_trouble() -> None:
    """What is never drawn is never tested."""
    runs = [simulate_lies(seed) for seed in range(30)]
    log = [line for run in runs for line in run.log]
    for words in (
        "is being deleted: this session deleted it",
        "ensure users-",
        "ensure dbs-",
        "ensure pools-",
        "ensure topics-",
        "online cluster-",
        "deleted cluster-",
        "ready replica-",
        ": updated",
        ": created",
    ):
        assert any(words in line for line in log), words
