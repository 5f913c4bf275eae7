"""Write the generated parts of the guides: `python tests/contract/guide_tables.py`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path
from textwrap import dedent
from typing import Final

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from operations import operations
from pages import GUIDES, with_part
from pydo_docs import method_name

from asyncdbaas import emulator


def operations_table() -> str:
    """Make the table of the reference: a line for each operation, in the order of the modules."""
    lines = [
        f"| {each.method} | `{each.path}` | `{each.name}` | {_first_line(each.function)} |"
        for each in sorted(operations(), key=lambda each: each.name.partition(".")[0])
    ]
    return "\n".join(["| method | path | function | what it does |", "|---|---|---|---|", *lines, ""])


def pydo_table() -> str:
    """Make the table of names side by side, in the order of the modules."""
    lines = [
        f"| `client.databases.{method_name(each.id)}` | `{each.name}` |"
        for each in sorted(operations(), key=lambda each: each.name.partition(".")[0])
    ]
    return "\n".join(["| pydo | asyncdbaas |", "|---|---|", *lines, ""])


def assumptions() -> str:
    """Take the section "Assumed" of the emulator's documentation."""
    text = (inspect.getdoc(emulator) or "").partition("\nAssumed\n")[2]
    lines = takewhile(lambda line: not line or line.startswith(" "), text.splitlines())
    return dedent("\n".join(lines)).strip() + "\n"


def _first_line(function: object) -> str:
    return (inspect.getdoc(function) or "").partition("\n")[0].replace("|", "\\|")


TABLES: Final[dict[str, Callable[[], str]]] = {
    "operations": operations_table,
    "from-pydo": pydo_table,
    "assumptions": assumptions,
}
"""Maps each guide to the function that makes its generated part, which stands between markers of the same name."""


def with_table(guide: str) -> str:
    """Return the text of a guide with its table as it should be."""
    text = GUIDES.joinpath(f"{guide}.md").read_text(encoding="utf-8")
    return with_part(text, guide, TABLES[guide]())


if __name__ == "__main__":
    for name in TABLES:
        GUIDES.joinpath(f"{name}.md").write_text(with_table(name), encoding="utf-8")
