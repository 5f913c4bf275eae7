"""Run the cells of a notebook and keep their outputs: `python run_notebook.py overview.ipynb`.

Like Jupyter, it lets cells use `await`, and shows the value of a cell's last line.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Cell = dict[str, Any]


async def run_cell(source: str, names: dict[str, Any]) -> list[Cell]:
    """Run the code of one cell, and return its outputs in the format of notebooks."""
    tree, last = ast.parse(source), None
    if isinstance(tree.body[-1], ast.Expr) and not source.rstrip().endswith(";"):
        last = ast.Expression(tree.body.pop().value)  # type: ignore[attr-defined]  # it is an Expr
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        await _evaluate(tree, "exec", names)
        value = None if last is None else await _evaluate(last, "eval", names)
    outputs: list[Cell] = []
    if text := printed.getvalue():
        outputs.append({"name": "stdout", "output_type": "stream", "text": text.splitlines(keepends=True)})
    if value is not None:
        outputs.append({"data": _shown(value), "metadata": {}, "output_type": "execute_result"})
    return outputs


async def _evaluate(tree: ast.Module | ast.Expression, mode: str, names: dict[str, Any]) -> Any:
    result = eval(compile(tree, "<cell>", mode, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
    return await result if inspect.iscoroutine(result) else result


def _shown(value: object) -> dict[str, list[str]]:
    as_html: Callable[[], str] | None = getattr(value, "_repr_html_", None)
    return {"text/plain": [repr(value)]} | ({} if as_html is None else {"text/html": [as_html()]})


async def run_notebook(notebook: Cell) -> Cell:
    """Return a notebook with the outputs of its code cells as they are now."""
    names: dict[str, Any] = {"__name__": "__main__"}
    cells: list[Cell] = []
    number = 0
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            number += 1
            outputs = await run_cell("".join(cell["source"]), names)
            results = [each | {"execution_count": number} if "data" in each else each for each in outputs]
            cells.append(cell | {"execution_count": number, "outputs": results})
        else:
            cells.append(cell)
    return notebook | {"cells": cells}


def main() -> None:
    path = Path(sys.argv[1])
    notebook = asyncio.run(run_notebook(json.loads(path.read_text(encoding="utf-8"))))
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
