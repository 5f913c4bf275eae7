"""The package's source as syntax trees, for the tests of its structure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).parents[2] / "asyncdbaas"
TESTS: Final = Path(__file__).parents[1]

# One resource each.
ENDPOINTS: Final = {
    "autoscale",
    "backups",
    "clusters",
    "configs",
    "databases",
    "events",
    "eviction_policy",
    "firewall",
    "indexes",
    "logsinks",
    "maintenance",
    "metrics",
    "migrations",
    "options",
    "pools",
    "replicas",
    "schemas",
    "settings",
    "sql_mode",
    "topics",
    "users",
}

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


@cache
def trees() -> dict[str, ast.Module]:
    """Map each module's name below the package, such as `topics` or `emulator.state`, to its tree; "" is the root."""
    return {_name(path): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


def _name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_package(module: str) -> bool:
    """Tell whether a module has modules below it."""
    return PACKAGE.joinpath(*module.split("."), "__init__.py").exists()


@cache
def imports(module: str) -> frozenset[str]:
    """Return the absolute names of all that a module imports, wherever in it: `asyncdbaas.types.UNSET`, `aiohttp`."""
    names: set[str] = set()
    for node in ast.walk(trees()[module]):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{_source(node, module)}.{alias.name}" for alias in node.names}
    return frozenset(names)


def _source(node: ast.ImportFrom, module: str) -> str:
    if not node.level:
        return node.module or ""
    here = ["asyncdbaas", *module.split(".")] if module else ["asyncdbaas"]
    base = here[: len(here) - node.level + is_package(module)]
    return ".".join([*base, *([node.module] if node.module else [])])


def top_modules(module: str) -> set[str]:
    """Return the modules and packages right below asyncdbaas that a module imports; "" stands for the root itself."""
    found: set[str] = set()
    for name in imports(module):
        first, _, rest = name.partition(".")
        if first == "asyncdbaas":
            below = rest.partition(".")[0]
            found.add(below if below in top_names() else "")
    return found


@cache
def top_names() -> frozenset[str]:
    """Return the names of the modules and packages right below asyncdbaas."""
    return frozenset(name.partition(".")[0] for name in trees()) - {""}


def definitions(module: str) -> Iterator[tuple[str, Definition]]:
    """Yield every function, class and method of a module under its qualified name, such as `topics:Topic`."""
    yield from _definitions(trees()[module], f"{module or 'asyncdbaas'}:")


def _definitions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Definition]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Definition):
            yield prefix + child.name, child
            inside = "." if isinstance(child, ast.ClassDef) else ".<locals>."
            yield from _definitions(child, f"{prefix}{child.name}{inside}")
        else:
            yield from _definitions(child, prefix)


def is_public(name: str) -> bool:
    """Tell whether others may use what has a qualified name: no part is private, or inside a function."""
    return not any(part.startswith(("_", "<")) for part in re.split("[.:]", name))


def listed(module: str) -> list[str]:
    """Return a module's `__all__`."""
    for node in trees()[module].body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return []


def is_offered(name: str) -> bool:
    """Tell whether what has a qualified name is public, and offered by the module or package right below asyncdbaas."""
    module, _, inside = name.partition(":")
    return is_public(name) and inside.partition(".")[0] in listed(module.partition(".")[0])
