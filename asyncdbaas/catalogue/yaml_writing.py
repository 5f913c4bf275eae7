"""Write plain data as YAML, so that all readers take it for the same."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final, TypeGuard, cast

__all__ = ["Flow", "flow", "flow_item", "yaml_list", "yaml_mapping"]

# Everything else could be read as a number, a date or a truth value by other readers of YAML.
_PLAIN: Final = re.compile(r"(?!(?:y|n|yes|no|on|off|true|false|null)$)[A-Za-z][A-Za-z0-9._,-]*", re.IGNORECASE)
# A text with quotes, such as JSON, that single quotes keep as it is.
_SINGLE_QUOTED: Final = re.compile(r"[ -&(-~]*[\"\\][ -&(-~]*")
# A text of which a literal block keeps every character.
_LITERAL: Final = re.compile(r"[^\s#][\t\n -~]*[^\s]\n?")


class Flow(dict[str, Any]):
    """A mapping to be written in braces, on one line."""


def yaml_mapping(mapping: Mapping[str, Any], indent: str) -> list[str]:
    """Return the lines of a mapping."""
    return [line for key, value in mapping.items() for line in _pair(key, value, indent)]


def yaml_list(items: list[Any], indent: str) -> list[str]:
    """Return the lines of a list."""
    lines: list[str] = []
    for item in items:
        if _is_block(item):
            first, *rest = yaml_mapping(item, f"{indent}  ")
            lines += [f"{indent}- {first.strip()}", *rest]
        elif _is_block_list(item):
            lines += [f"{indent}-", *yaml_list(item, f"{indent}  ")]
        else:
            lines.append(f"{indent}- {flow(item)}")
    return lines


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _is_block_list(value: object) -> TypeGuard[list[Any]]:
    """Return whether a value is a list to be written over several lines."""
    return isinstance(value, list) and value != []


def _is_block(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping) and not isinstance(value, Flow) and bool(cast("Mapping[str, Any]", value))


def _scalar(value: Any) -> str:
    """Return a value on one line."""
    if isinstance(value, str):
        if _SINGLE_QUOTED.fullmatch(value):
            return f"'{value}'"
        return value if _PLAIN.fullmatch(value) else _quoted(value)
    return json.dumps(value)


def _quoted(text: str) -> str:
    """Return a text in quotes. JSON's own escapes beyond 16 bits are pairs, which YAML does not know."""
    return "".join(
        character if character.isprintable() else f"\\U{ord(character):08x}"
        for character in json.dumps(text, ensure_ascii=False)
    )


def _pair(key: str, value: Any, indent: str) -> list[str]:
    start = f"{indent}{_scalar(key)}:"
    if _is_block(value):
        return [start, *yaml_mapping(value, f"{indent}  ")]
    if _is_block_list(value):
        return [start, *yaml_list(value, f"{indent}  ")]
    if isinstance(value, str) and "\n" in value and _LITERAL.fullmatch(value):
        mark = "|" if value.endswith("\n") else "|-"
        lines = value.removesuffix("\n").split("\n")
        return [f"{start} {mark}", *(f"{indent}  {line}" if line else "" for line in lines)]
    return [f"{start} {flow(value)}"]


def flow(value: Any) -> str:
    """Return a value on one line, mappings in braces and lists in brackets."""
    if isinstance(value, Mapping):
        pairs = cast("Mapping[str, Any]", value).items()
        return f"{{{', '.join(f'{_scalar(key)}: {flow_item(item)}' for key, item in pairs)}}}"
    return f"[{', '.join(map(flow_item, value))}]" if _is_list(value) else _scalar(value)


def flow_item(value: Any) -> str:
    """Return a value on one line, as it can stand between commas."""
    text = flow(value)
    return _quoted(text) if isinstance(value, str) and "," in text and text[0] not in "'\"" else text
