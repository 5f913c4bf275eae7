"""Functions fit in the head."""

from __future__ import annotations

import ast
from statistics import median
from typing import Final

from source_tree import Function, definitions, trees

LONGEST: Final = 40


def _lengths() -> dict[str, int]:
    return {
        name: (node.end_lineno or 0) - node.lineno + 1
        for module in trees()
        for name, node in definitions(module)
        if isinstance(node, Function)
    }


def test_no_function_is_longer_than_forty_lines() -> None:
    assert not {name: lines for name, lines in _lengths().items() if lines > LONGEST}


def test_the_median_function_is_shorter_than_ten_lines() -> None:
    assert median(_lengths().values()) < 10


def test_no_module_keeps_state_that_is_rebound() -> None:
    assert not [
        f"{module}:{node.lineno}"
        for module, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Global)
    ]
