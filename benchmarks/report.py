"""What a scenario found, as tables for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

__all__ = ["Figure", "Report", "Table", "print_report"]


@attrs.frozen(kw_only=True)
class Figure:
    """One number with its target; lower is better."""

    name: str
    value: float
    unit: str
    target: float | None = None
    """The largest value that is good enough; None if the number is for information."""
    stretch: float | None = None
    """A better value, hoped for."""

    @property
    def missed(self) -> bool:
        """Tell whether the target is missed."""
        return self.target is not None and self.value > self.target

    @property
    def verdict(self) -> str:
        """Say in a word how the value stands to its target."""
        if self.target is None:
            return ""
        if self.missed:
            return "MISSED"
        return "met, stretch too" if self.stretch is not None and self.value <= self.stretch else "met"


@attrs.frozen(kw_only=True)
class Table:
    """Rows of text below a title."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def __str__(self) -> str:
        lines = [list(self.columns), *map(list, self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        text = [
            "  ".join(_pad(cell, width, n) for n, (cell, width) in enumerate(zip(line, widths, strict=True)))
            for line in lines
        ]
        text.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join([self.title, *("  " + line.rstrip() for line in text), *("  " + note for note in self.notes)])


def _pad(cell: str, width: int, column: int) -> str:
    return cell.ljust(width) if column == 0 else cell.rjust(width)


@attrs.frozen(kw_only=True)
class Report:
    """What one scenario found."""

    scenario: str
    tables: Sequence[Table]
    figures: Sequence[Figure]
    data: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """What plots and comparisons need beyond the figures."""


def print_report(report: Report) -> None:
    """Print the tables of a scenario, then its figures with targets and verdicts."""
    for table in report.tables:
        print(table, end="\n\n")
    rows = [
        [figure.name, _number(figure.value, figure.unit), _target(figure), figure.verdict] for figure in report.figures
    ]
    print(Table(title="figures", columns=["figure", "value", "target", "verdict"], rows=rows), end="\n\n", flush=True)


def _target(figure: Figure) -> str:
    if figure.target is None:
        return ""
    stretch = "" if figure.stretch is None else f" (stretch {figure.stretch:g})"
    return f"<= {figure.target:g}{stretch}"


def _number(value: float, unit: str) -> str:
    digits = 0 if value == int(value) else 3 if value < 10 else 1
    return f"{value:.{digits}f} {unit}".rstrip()
