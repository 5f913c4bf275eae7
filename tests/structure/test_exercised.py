"""Every public coroutine has a test that awaits it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from typing import Final

import pytest
from source_tree import TESTS, definitions, is_offered, trees

# These tests call all functions alike, or none.
NO_PROOF: Final = {"contract", "structure", "typing"}
COROUTINES: Final = [
    name
    for module in sorted(trees())
    for name, node in definitions(module)
    if isinstance(node, ast.AsyncFunctionDef) and is_offered(name) and not module.startswith(("emulator", "cli"))
]


@cache
def _called() -> frozenset[str]:
    """Return the names of all functions and methods that the tests call."""
    paths = [path for path in TESTS.rglob("*.py") if path.relative_to(TESTS).parts[0] not in NO_PROOF]
    return frozenset(name for path in paths for name in _calls(ast.parse(path.read_text(encoding="utf-8"))))


def _calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func).rpartition(".")[2]


@pytest.mark.parametrize("name", COROUTINES)
def test_a_test_awaits_it(name: str) -> None:
    assert name.replace(":", ".").rpartition(".")[2] in _called()
