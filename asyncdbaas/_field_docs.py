"""Documentation of the fields of classes, from the strings below them in the source."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator, Sequence
from itertools import pairwise


def with_fields(text: str, cls: type) -> str:
    """Append the name, type and documentation of each field of a class to its docstring."""
    docs = field_docs(cls)
    if not docs:
        return text
    lines = [inspect.cleandoc(text), "", "Fields:"]
    for name, (kind, below) in docs.items():
        lines.append(f"    {name}: {kind}")
        lines += [f"        {line}" for line in textwrap.wrap(below, 100)]
    return "\n".join(lines)


def field_docs(cls: type) -> dict[str, tuple[str, str]]:
    """Map each field of a class, inherited ones included, to its type and its documentation; {} without source.

    Fields are those that the class annotates, or sets from parameters of its constructor.
    """
    docs: dict[str, tuple[str, str]] = {}
    for base in reversed(cls.__mro__):
        docs |= dict(_own_docs(base))
    return docs


def _own_docs(cls: type) -> Iterator[tuple[str, tuple[str, str]]]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    except (OSError, TypeError, SyntaxError):  # no source, as in an interactive session or a frozen program
        return
    if not isinstance(tree, ast.ClassDef):
        return
    for field, below in _with_text(tree.body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            if not field.target.id.startswith("_"):
                yield field.target.id, (ast.unparse(field.annotation), below)
        elif isinstance(field, ast.FunctionDef) and field.name == "__init__":
            yield from _set_by(field)


def _set_by(constructor: ast.FunctionDef) -> Iterator[tuple[str, tuple[str, str]]]:
    parameters = [*constructor.args.args, *constructor.args.kwonlyargs]
    kinds = {each.arg: ast.unparse(each.annotation) for each in parameters if each.annotation is not None}
    for statement, below in _with_text(constructor.body):
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        if isinstance(target, ast.Attribute) and target.attr in kinds:
            yield target.attr, (kinds[target.attr], below)


def _with_text(body: Sequence[ast.stmt]) -> Iterator[tuple[ast.stmt, str]]:
    """Yield each statement with the string that stands below it, if any."""
    for statement, below in pairwise([*body, ast.Pass()]):
        value = below.value if isinstance(below, ast.Expr) else None
        text = value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""
        yield statement, " ".join(text.split())
