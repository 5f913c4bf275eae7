"""Documentation of the fields of attrs classes, from the strings below them in the source."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from itertools import pairwise

import attrs

__all__ = ["field_docs", "with_fields"]


def with_fields(text: str, cls: type) -> str:
    """Append the name, type and documentation of each field of a class to its docstring."""
    docs = field_docs(cls)
    if not docs or not attrs.has(cls):
        return text
    lines = [inspect.cleandoc(text), "", "Fields:"]
    for field in attrs.fields(cls):
        kind, below = docs.get(field.name, (str(field.type), ""))
        lines.append(f"    {field.name}: {kind}")
        lines += [f"        {line}" for line in textwrap.wrap(below, 100)]
    return "\n".join(lines)


def field_docs(cls: type) -> dict[str, tuple[str, str]]:
    """Map each field of a class, inherited ones included, to its type and its documentation; {} without source."""
    docs: dict[str, tuple[str, str]] = {}
    for base in reversed(cls.__mro__):
        if attrs.has(base):
            docs |= dict(_own_docs(base))
    return docs


def _own_docs(cls: type) -> Iterator[tuple[str, tuple[str, str]]]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    except (OSError, TypeError, SyntaxError):  # no source, as in an interactive session or a frozen program
        return
    for field, below in pairwise([*(tree.body if isinstance(tree, ast.ClassDef) else []), ast.Pass()]):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            value = below.value if isinstance(below, ast.Expr) else None
            text = value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""
            yield field.target.id, (ast.unparse(field.annotation), " ".join(text.split()))
