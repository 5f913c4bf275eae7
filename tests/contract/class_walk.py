"""Walking the attrs classes of the package: their fields, their names in JSON, and the types inside their types."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
import types
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from itertools import pairwise
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import attrs
from operations import MODULES, operations
from plain_json import items_of

from asyncdbaas import Unset
from asyncdbaas._core import codec, decoding


def kinds(tp: Any) -> tuple[Any, ...]:
    """Return the alternatives of a type, without None and unset; a type variable counts as its bound."""
    if isinstance(tp, TypeVar):
        return kinds(tp.__bound__)
    if isinstance(tp, types.UnionType) or get_origin(tp) is Union:
        return tuple(kind for arg in get_args(tp) for kind in kinds(arg))
    return () if tp in (type(None), Unset) else (tp,)


def attrs_classes(tp: Any) -> list[Any]:
    """Return the attrs classes that a type names, also in lists and dictionaries, but not in their fields."""
    found: list[Any] = []
    for kind in kinds(tp):
        if attrs.has(kind):
            found.append(kind)
        elif get_origin(kind) is not type:
            found += [cls for arg in get_args(kind) for cls in attrs_classes(arg)]
    return found


@cache
def wire_fields(cls: Any) -> dict[str, attrs.Attribute[Any]]:
    """Map the name in JSON of each field of a class to what attrs knows of it; a flattened field has no name there."""
    return {
        field.metadata.get("asyncdbaas.wire", field.name): field
        for field in attrs.fields(cls)
        if "asyncdbaas.flatten" not in field.metadata
    }


@cache
def field_types(cls: Any) -> dict[str, Any]:
    """Map the name in JSON of each field of a class to its type."""
    hints = get_type_hints(cls)
    return {name: hints[field.name] for name, field in wire_fields(cls).items()}


@cache
def field_texts(cls: Any) -> dict[str, str]:
    """Map the name in JSON of each field of a class to the text below it, "" if there is none."""
    texts: dict[str, str] = {}
    for base in reversed([base for base in cls.__mro__ if attrs.has(base)]):
        body = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]
        texts |= dict(_texts(body.body if isinstance(body, ast.ClassDef) else []))
    return {name: texts.get(field.name, "") for name, field in wire_fields(cls).items()}


def _texts(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for field, below in pairwise([*body, ast.Pass()]):
        if isinstance(field, ast.AnnAssign):
            documented = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
            yield ast.unparse(field.target), ast.unparse(below) if documented else ""


def unknown_keys(cls: Any) -> str | None:
    """Return the name of the field that holds the keys of a response that a class has no field for, if it has one."""
    return next((field.name for field in attrs.fields(cls) if "asyncdbaas.flatten" in field.metadata), None)


def reachable(hints: Iterable[Any]) -> set[Any]:
    """Return the attrs classes that types name, and those in their fields, and so on."""
    found: set[Any] = set()
    waiting = [cls for hint in hints for cls in attrs_classes(hint)]
    while waiting:
        cls = waiting.pop()
        if cls not in found:
            found.add(cls)
            waiting += [inner for tp in field_types(cls).values() for inner in attrs_classes(tp)]
    return found


def answer_classes() -> set[Any]:
    """Return every class that an endpoint function gives back, with those inside."""
    return reachable(get_type_hints(each.function)["return"] for each in operations())


def request_classes() -> set[Any]:
    """Return every class that an endpoint function sends, with those inside; `live` is what it has read."""
    parameters = (get_type_hints(each.function).items() for each in operations())
    return reachable(hint for hints in parameters for name, hint in hints if name not in ("return", "live"))


def public_classes() -> list[Any]:
    """Return every attrs class that an endpoint module offers, in the order of their names."""
    loaded = [import_module(f"asyncdbaas.{module}") for module in MODULES]
    return by_name({value for module in loaded for name in module.__all__ if attrs.has(value := getattr(module, name))})


def by_name(classes: Iterable[Any]) -> list[Any]:
    """Sort classes by their names."""
    return sorted(classes, key=lambda cls: str(cls.__name__))


def best_match(classes: Iterable[Any], names: Iterable[str]) -> Any:
    """Return the class that has the most of some names in JSON."""
    wanted = set(names)
    return max(classes, key=lambda cls: len(wanted & set(field_types(cls))))


def structure(value: Any, tp: Any) -> Any:
    """Build an object, or a list of them, from parsed JSON the way answers are read."""
    if isinstance(value, list):
        return [structure(item, tp) for item in items_of(value)]
    return decoding.reader(best_match(attrs_classes(tp), value))(json.dumps(value).encode())


def dump(value: Any) -> Any:
    """Turn an object, or a list of them, into parsed JSON under the names that it has on the wire."""
    if isinstance(value, list):
        return [dump(item) for item in items_of(value)]
    return json.loads(codec.encode(value))
