"""Measure asyncdbaas against its targets and against what else one could use.

The exit status is 1 if a target is missed, but never with --quick.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import sys
from pathlib import Path
from typing import Final

from benchmarks import results
from benchmarks.optional import optional
from benchmarks.report import Report, print_report

SCENARIOS: Final = (
    "cpu",
    "fanout",
    "lists",
    "decode",
    "waiting",
    "bulk",
    "imports",
    "catalogue",
    "limits",
    "pacing",
    "shared",
    "reads",
    "emulator",
    "fixtures",
)


def main() -> int:
    """Run the scenarios asked for."""
    options = _parse()
    if options.uvloop:
        asyncio.set_event_loop_policy(optional("uvloop").EventLoopPolicy())  # pyright: ignore[reportDeprecated] -- for every asyncio.run of the scenarios
    surroundings = results.about()
    print(", ".join(f"{name} {value}" for name, value in surroundings.items()), end="\n\n")
    reports: list[Report] = []
    for name in options.scenario or SCENARIOS:
        reports.append(importlib.import_module(f"benchmarks.{name}").run(quick=options.quick))
        print_report(reports[-1])
        if options.save:
            results.save(options.save, reports[-1:], surroundings)
    if options.compare:
        print(results.compare(results.load(options.compare), reports))
    missed = any(figure.missed for report in reports for figure in report.figures)
    return int(missed and not options.quick)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    # Not `choices`: with them, argparse refuses the empty list that stands for all.
    parser.add_argument("scenario", nargs="*", type=_scenario, help=f"{', '.join(SCENARIOS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs; figures mean little")
    parser.add_argument("--uvloop", action="store_true", help="run the clients on uvloop")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the results as JSON, beside what is there")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="print the change against saved results")
    return parser.parse_args()


def _scenario(name: str) -> str:
    if name not in SCENARIOS:
        raise argparse.ArgumentTypeError(f"there is no scenario {name!r}; there are {', '.join(SCENARIOS)}")
    return name


if __name__ == "__main__":
    sys.exit(main())
