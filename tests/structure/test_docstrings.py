"""What is public is documented."""

from __future__ import annotations

import ast
import re
from typing import Final

from source_tree import ENDPOINTS, Definition, definitions, is_public, trees

_LINK: Final = re.compile(
    r"^https://docs.digitalocean.com/reference/api/digitalocean/#operation/databases_\w+$", re.MULTILINE
)
_SCOPE: Final = re.compile(r"[Ss]copes? `database:(read|create|update|delete)`")
# Functions that are made of several operations, or of one that is not described.
_COMPOSED: Final = {"firewall:edit_firewall_rules", "clusters:convert_cluster"}


def _public(module: str) -> dict[str, Definition]:
    return {
        name: node
        for name, node in definitions(module)
        if is_public(name.partition(":")[2]) and "overload" not in map(ast.unparse, node.decorator_list)
    }


def _all_public() -> list[tuple[str, Definition]]:
    return [item for module in trees() for item in _public(module).items()]


def test_modules_and_what_they_define_have_docstrings() -> None:
    assert [module for module, tree in trees().items() if not ast.get_docstring(tree)] == []
    assert [name for name, node in _all_public() if not ast.get_docstring(node)] == []


def test_docstrings_open_with_one_sentence() -> None:
    openings = {name: (ast.get_docstring(node) or "").partition("\n\n")[0] for name, node in _all_public()}
    assert {name: text for name, text in openings.items() if not text.endswith((".", ":"))} == {}


def test_endpoint_functions_name_their_operation_and_scope() -> None:
    functions = {
        name: ast.get_docstring(node) or ""
        for module in ENDPOINTS
        for name, node in _public(module).items()
        if isinstance(node, ast.AsyncFunctionDef) and name not in _COMPOSED
    }
    assert {name.partition(":")[0] for name in functions} == ENDPOINTS
    assert [name for name, text in functions.items() if len(_LINK.findall(text)) != 1 or not _SCOPE.search(text)] == []


# The advanced editions have no fields for their parameters, which the service itself describes.
def test_every_setting_of_an_engine_is_documented() -> None:
    modules = [name for name in trees() if re.match(r"configs\.(?!advanced)", name)]
    fields = {name: documented for module in modules for name, documented in _fields(module).items()}
    assert fields
    assert [name for name, documented in fields.items() if not documented] == []


def _fields(module: str) -> dict[str, bool]:
    """Return for each field of a module's public classes whether a text stands below it."""
    return {
        f"{name}.{ast.unparse(field.target)}": isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        for name, node in _public(module).items()
        if isinstance(node, ast.ClassDef)
        for field, below in zip(node.body, [*node.body[1:], None], strict=True)
        if isinstance(field, ast.AnnAssign)
    }
