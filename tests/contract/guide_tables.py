"""Write the generated parts of the guides: `python tests/contract/guide_tables.py`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from itertools import groupby, takewhile
from pathlib import Path
from textwrap import dedent
from typing import Final

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from operations import Operation, operations
from pages import GUIDES, with_part
from pydo_docs import method_name

from asyncdbaas import emulator


def operations_table() -> str:
    """Make the tables of the reference: one for each module, with a line for each operation."""
    modules = groupby(_by_module(), key=lambda each: each.name.partition(".")[0])
    return "\n".join(_module_table(module, list(group)) for module, group in modules)


def _module_table(module: str, of_module: list[Operation]) -> str:
    lines = [
        f"| {_linked(each)} | `{each.method} {each.path.replace('/v2/databases/{cluster_id}', '…')}` "
        f"| {_first_line(each.function)} |"
        for each in of_module
    ]
    return "\n".join([f"## {module}", "", "| function | request | what it does |", "|---|---|---|", *lines, ""])


def pydo_table() -> str:
    """Make the table of names side by side, in the order of the modules."""
    lines = [f"| `client.databases.{method_name(each.id)}` | {_linked(each)} |" for each in _by_module()]
    return "\n".join(["| pydo | asyncdbaas |", "|---|---|", *lines, ""])


def _by_module() -> list[Operation]:
    return sorted(operations(), key=lambda each: each.name.partition(".")[0])


def _linked(operation: Operation) -> str:
    """Return the name of an operation's function with a link to it; the site turns it into one to the reference."""
    module, _, function = operation.name.partition(".")
    return f"[`{operation.name}`]({_source(module)}#{function})"


def _source(module: str) -> str:
    return f"../{module}.py" if (GUIDES.parent / f"{module}.py").exists() else f"../{module}/__init__.py"


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
