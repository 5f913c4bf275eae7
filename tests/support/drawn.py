"""How many examples hypothesis draws: a quarter of the full number, unless all are asked for."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

__all__ = ["examples"]


def examples(count: int) -> settings:
    """Draw all examples with ASYNCDBAAS_TEST_EXAMPLES=all in the environment, as in `.ci/run`; else a quarter."""
    if os.environ.get("ASYNCDBAAS_TEST_EXAMPLES") != "all":
        count = max(1, count // 4)
    return settings(
        max_examples=count, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
    )
