"""Markdown for merge requests: one line of summary, and folded details; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from asyncdbaas.cli.tables import Row
from asyncdbaas.cli.terminal import counted, safe
from asyncdbaas.cli.views import ACTION_LABELS, SIGNS, counts_line, describe, notes_line, shown_changes
from asyncdbaas.plan import Change, Plan

__all__ = ["LIMIT", "plan_text", "table"]

# What GitHub (65,536) and others take as one comment.
LIMIT: Final = 65_000
_RESERVE: Final = 300  # for the line that says what was left out


def plan_text(plan: Plan, forecast: str, *, brief: bool, limit: int = LIMIT) -> str:
    """Return a plan as Markdown of at most `limit` characters, with a note of what did not fit."""
    clusters = plan.by_cluster()
    head = f"**{counts_line(plan.counts)}** on {counted(len(clusters), 'cluster')}."
    head += f" {forecast}" if plan.writes else " Nothing to do."
    if notes := notes_line(plan.metadata):
        head += f"\n\n{_plain(notes)}"
    parts, room, left_out = [head], limit - len(head) - _RESERVE, 0
    for cluster, changes in clusters.items():
        opening = f"\n<details><summary>{_plain(cluster.name)}: {counts_line(plan.counts_of(changes))}</summary>\n"
        closing = "\n</details>"
        lines, missing = _fitting(_change_lines(shown_changes(changes, brief=brief)), room - len(opening + closing))
        left_out += missing
        if lines:
            section = "\n".join([opening, *lines, closing])
            parts.append(section)
            room -= len(section) + 1
    if left_out:
        parts.append(
            f"\n{counted(left_out, 'change')} left out, as a comment holds {limit:,} characters: all are in the "
            "output of `asyncdbaas kafka plan --format table` or `--format json`."
        )
    return "\n".join(parts)


def table(header: Sequence[str], rows: Iterable[Row]) -> str:
    """Return a table in Markdown."""
    lines = [f"| {' | '.join(header)} |", f"|{' --- |' * len(header)}"]
    return "\n".join([*lines, *(f"| {' | '.join(map(_plain, row.cells))} |" for row in rows)])


def _change_lines(changes: Sequence[Change]) -> list[tuple[str, int]]:
    """Return a line for the changes that say the same, with their number: 200 creates often differ by name only."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for change in changes:
        said = describe(change, notes=("owner",))  # others differ between all objects
        alike.setdefault((SIGNS[change.action], f"{ACTION_LABELS[change.action]} {change.kind}", said), []).append(
            change.name
        )
    lines: list[tuple[str, int]] = []
    for (sign, what, said), names in alike.items():
        shown = ", ".join(map(_code, names))
        lines.append((f"- `{sign}` {what} {shown}" + (f": {_plain(said)}" if said else ""), len(names)))
    return lines


def _fitting(lines: list[tuple[str, int]], room: int) -> tuple[list[str], int]:
    """Return the lines that fit, those that can do harm first, and how many changes the others stand for."""
    kept: list[str] = []
    missing = 0
    for line, count in reversed(lines):
        if len(line) + 1 > room:
            missing += count
        else:
            kept.append(line)
            room -= len(line) + 1
    return kept[::-1], missing


def _code(text: str) -> str:
    return f"`{_plain(text).replace('`', chr(39))}`"


def _plain(text: str) -> str:
    """Return a text in one line that starts no markup."""
    line = " ".join(safe(text).split())
    for character in ("|", "<", "[", "`"):
        line = line.replace(character, f"\\{character}")
    return line
