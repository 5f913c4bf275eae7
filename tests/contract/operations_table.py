"""Write the table of operations into the README: `python tests/contract/operations_table.py`."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Final

from operations import operations

README: Final = Path(__file__).parents[2] / "README.md"
_BLOCK: Final = re.compile(r"(?<=<!-- operations -->\n).*?(?=<!-- /operations -->)", re.DOTALL)


def table() -> str:
    """Make the table: a line for each operation, in the order of the modules."""
    lines = [
        f"| {each.method} | `{each.path}` | `{each.name}` | {_first_line(each.function)} |"
        for each in sorted(operations(), key=lambda each: each.name.partition(".")[0])
    ]
    return "\n".join(["| method | path | function | what it does |", "|---|---|---|---|", *lines, ""])


def _first_line(function: object) -> str:
    return (inspect.getdoc(function) or "").partition("\n")[0].replace("|", "\\|")


def with_table(readme: str) -> str:
    """Return the text of a README with the table between its two markers."""
    return _BLOCK.sub(lambda _: table(), readme)


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
