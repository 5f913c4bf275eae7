"""What takes more than three parameters documents each of them in a section that tools can read."""

from __future__ import annotations

import ast
import re
from typing import Final

from source_tree import Definition, Function, definitions, is_offered, trees

MOST_WITHOUT: Final = 3


def _parameters(node: Definition) -> list[str]:
    """Return the names of what a caller passes: to a function, or to the constructor of a class."""
    made = node if isinstance(node, Function) else _constructor(node)
    if made is None or "overload" in map(ast.unparse, made.decorator_list):
        return []
    arguments = [*made.args.posonlyargs, *made.args.args, *made.args.kwonlyargs]
    return [argument.arg for argument in arguments if argument.arg not in ("self", "cls")]


def _constructor(node: ast.ClassDef) -> Function | None:
    return next((child for child in node.body if isinstance(child, Function) and child.name == "__init__"), None)


def _undocumented(node: Definition) -> list[str]:
    section = (ast.get_docstring(node) or "").partition("Args:\n")[2]
    return [name for name in _parameters(node) if not re.search(rf"^ +{name}: ", section, re.MULTILINE)]


def test_more_than_three_parameters_are_documented_one_by_one() -> None:
    found = {
        name: _undocumented(node)
        for module in trees()
        for name, node in definitions(module)
        if is_offered(name) and len(_parameters(node)) > MOST_WITHOUT
    }
    assert len(found) > 30
    assert {name: missing for name, missing in found.items() if missing} == {}
