"""Every public coroutine has a test that awaits it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from source_tree import TESTS, definitions, is_offered, trees

# These tests call all functions alike, or none.
NO_PROOF: Final = {"contract", "structure", "typing"}


def _coroutines() -> list[str]:
    return [
        name
        for module in trees()
        for name, node in definitions(module)
        if isinstance(node, ast.AsyncFunctionDef) and is_offered(name) and not module.startswith(("emulator", "cli"))
    ]


def _called() -> frozenset[str]:
    """Return the names of all functions and methods that the tests call."""
    paths = [path for path in TESTS.rglob("*.py") if path.relative_to(TESTS).parts[0] not in NO_PROOF]
    return frozenset(name for path in paths for name in _calls(ast.parse(path.read_text(encoding="utf-8"))))


def _calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func).rpartition(".")[2]


def test_a_test_awaits_every_public_coroutine() -> None:
    coroutines, called = _coroutines(), _called()
    assert len(coroutines) > 100
    assert [name for name in coroutines if name.replace(":", ".").rpartition(".")[2] not in called] == []
