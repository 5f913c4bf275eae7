"""Make seed data for `asyncdbaas emulator` from its options and a seed file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import click

from asyncdbaas.catalogue import CatalogueError
from asyncdbaas.catalogue.documents import read_document
from asyncdbaas.catalogue.files import read_text
from asyncdbaas.catalogue.nodes import to_plain

__all__ = ["seed_data"]


def seed_data(
    file: Path | None, clusters: Iterable[str], delays: Iterable[str], quirks: Iterable[str]
) -> dict[str, Any]:
    """Return the seed data of a file with those of the options; an option wins over the file."""
    seed = _read(file) if file is not None else {}
    added = [_cluster(text) for text in clusters]
    for kind, texts in (("delays", delays), ("quirks", quirks)):
        if pairs := dict(_pair(text, f"--{kind[:-1]}") for text in texts):
            seed[kind] = {**seed.get(kind, {}), **pairs}
    if added:
        seed["clusters"] = [*added, *seed.get("clusters", [])]
    return seed


def _read(file: Path) -> dict[str, Any]:
    """Read a seed file: one object in YAML or JSON."""
    try:
        name, text = read_text(str(file))
        document = read_document(text, file=name, suffix=file.suffix.lower())
    except CatalogueError as error:
        raise click.ClickException(str(error)) from None
    data = to_plain(document.roots[0]) if len(document.roots) == 1 else None
    if not isinstance(data, dict):
        raise click.ClickException(f"{file} must hold one object with clusters, faults, delays or quirks")
    return cast("dict[str, Any]", data)


def _cluster(text: str) -> dict[str, Any]:
    """Read ENGINE:NAME[:NODES]."""
    engine, _, rest = text.partition(":")
    name, _, nodes = rest.partition(":")
    if not engine or not name or not ((nodes.isascii() and nodes.isdigit()) or ":" not in rest):
        raise click.BadParameter(f"{text!r} is not ENGINE:NAME or ENGINE:NAME:NODES", param_hint="--cluster")
    return {"engine": engine, "name": name, **({"num_nodes": int(nodes)} if nodes else {})}


def _pair(text: str, option: str) -> tuple[str, Any]:
    """Read NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint=option)
    return name.replace("-", "_"), _value(value)


def _value(text: str) -> Any:
    words = {"true": True, "false": False, "none": None}
    if text in words:
        return words[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
