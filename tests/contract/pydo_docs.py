"""The vendor's Python client `pydo`, as an oracle: the templates in its docstrings, and its operations by name.

Its modules are loaded by name: they hold 20 MB of source that type checkers should not read.
"""

from __future__ import annotations

import ast
import re
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any, Final

import attrs

_TEMPLATE: Final = re.compile(r"( *)(body|response) (?:==?) (.*)")
_LABEL: Final = re.compile(r" *# response body for status code\(s\): (\d+)")
_STEP: Final = 4


@attrs.frozen(kw_only=True)
class Templates:
    """What a docstring says of one operation."""

    bodies: list[Any]
    """Request bodies; as a rule one or none."""
    answers: list[Any]
    """Bodies of the 2xx answers."""


@cache
def methods() -> dict[str, Any]:
    """Map the name of each database operation in pydo to its function."""
    cls = import_module("pydo.operations").DatabasesOperations
    return {name: getattr(cls, name) for name in dir(cls) if not name.startswith("_")}


def method_name(operation_id: str) -> str:
    """Turn the vendor's name, `databases_update_clusterSize`, into pydo's, `update_cluster_size`."""
    words = operation_id.removeprefix("databases_")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", words).lower()


def templates(name: str) -> Templates:
    """Read the templates in the docstring of one of pydo's functions."""
    found = Templates(bodies=[], answers=[])
    other: list[Any] = []  # what stands in the responses of errors
    target, lines, indent, status = other, list[str](), 0, ""
    for line in (methods()[name].__doc__ or "").splitlines():
        if label := _LABEL.match(line):
            status = label[1]
        elif start := _TEMPLATE.fullmatch(line):
            lines, indent = [start[3]], len(start[1])
            target = found.bodies if start[2] == "body" else found.answers if status.startswith("2") else other
        elif lines:
            depth = len(line) - len(line.lstrip()) - indent
            if depth % _STEP == 0:  # other lines continue a comment
                lines.append(re.sub(r"  #.*", "", line))
            if depth == 0:
                target.append(_evaluate("\n".join(lines)))
                lines = []
    return found


def _evaluate(text: str) -> Any:
    """Read a template; `bool` stands for a boolean in it."""
    tree = ast.parse(text.strip(), mode="eval")
    return ast.literal_eval(_BoolAsTrue().visit(tree))


class _BoolAsTrue(ast.NodeTransformer):
    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.copy_location(ast.Constant(value=True), node) if node.id == "bool" else node


def call(name: str, url: str, arguments: list[Any], options: dict[str, Any]) -> None:
    """Let pydo send a request to a server on loopback, once; its reading of the response does not matter here."""
    connect: Any = import_module("pydo").Client
    refused = import_module("azure.core.exceptions").HttpResponseError
    with connect(token="token", endpoint=url, retry_total=0) as client, suppress(refused):
        methods()[name](client.databases, *arguments, enforce_https=False, **options)
