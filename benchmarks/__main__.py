"""The command line."""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import Final

from .report import Report, print_report

SCENARIOS: Final = ("cpu", "limits", "bulk", "imports")


def main() -> int:
    """Run the scenarios asked for; the exit status is 1 if a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("scenario", nargs="*", choices=SCENARIOS, default=SCENARIOS)
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs; figures mean little")
    arguments = parser.parse_args()
    reports: list[Report] = []
    for name in arguments.scenario:
        reports.append(importlib.import_module(f"benchmarks.{name}").run(quick=arguments.quick))
        print_report(reports[-1])
    return int(any(figure.missed for report in reports for figure in report.figures))


if __name__ == "__main__":
    sys.exit(main())
