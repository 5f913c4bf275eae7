"""Modules and classes stay small, imports are absolute, and private names stay in their package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from source_tree import PACKAGE, Function, definitions, is_package, trees

MOST_METHODS: Final = 15
MOST_CLASS_LINES: Final = 200
MOST_MODULE_LINES: Final = 350


def _lines(module: str) -> int:
    path = PACKAGE.joinpath(*module.split(".")) if module else PACKAGE
    file = path / "__init__.py" if is_package(module) or not module else path.with_suffix(".py")
    return len(file.read_text(encoding="utf-8").splitlines())


def _classes() -> Iterator[tuple[str, int, int]]:
    for module in trees():
        for name, node in definitions(module):
            if isinstance(node, ast.ClassDef):
                methods = sum(isinstance(child, Function) for child in node.body)
                yield name, methods, (node.end_lineno or 0) - node.lineno + 1


def _too_large() -> set[str]:
    modules = {module for module in trees() if _lines(module) > MOST_MODULE_LINES}
    return modules | {name for name, methods, lines in _classes() if methods > MOST_METHODS or lines > MOST_CLASS_LINES}


def test_modules_and_classes_are_small() -> None:
    assert _too_large() == set()


def test_imports_are_absolute() -> None:
    imports = list(_imports())
    assert len(imports) > 500
    assert [f"{module}:{node.lineno}" for module, node in imports if node.level] == []


def test_private_names_are_imported_in_their_own_package_only() -> None:
    imported = [
        (module, f"{node.module}.{alias.name}")
        for module, node in _imports()
        if (node.module or "").startswith("asyncdbaas")
        for alias in node.names
    ]
    assert [(module, name) for module, name in imported if not _may_use(module, name)] == []


def _imports() -> Iterator[tuple[str, ast.ImportFrom]]:
    for module, tree in trees().items():
        yield from ((module, node) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))


def _may_use(module: str, name: str) -> bool:
    """Tell whether each private part of a name belongs to a package that the module is in."""
    parts = name.split(".")
    owners = [parts[:index] for index, part in enumerate(parts) if part.startswith("_") and not part.startswith("__")]
    return all(["asyncdbaas", *module.split(".")][: len(owner)] == owner for owner in owners)
