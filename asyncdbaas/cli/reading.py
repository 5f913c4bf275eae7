"""Read the catalogues that a command line names."""

from __future__ import annotations

import glob
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs
import click

from asyncdbaas.catalogue import Catalogue, CatalogueError, CatalogueTopic, Problem, parse_catalogue, read_catalogue
from asyncdbaas.catalogue.reading import SUFFIXES, decode_catalogue

__all__ = ["Sources", "plan_file", "read_sources"]

_STANDARD_INPUT: Final = "-"
# What is found near the start of a saved plan, and of nothing else.
_PLAN_MARK: Final = b'"asyncdbaas-plan/'


@attrs.frozen(kw_only=True)
class Sources:
    """The catalogues that a user names."""

    files: tuple[Path, ...]
    input_format: str = "yaml"


def read_sources(sources: Sources) -> Catalogue:
    """Read catalogues as one. CatalogueError holds the problems of all of them."""
    topics: list[CatalogueTopic] = []
    problems: list[Problem] = []
    for file in _expanded(sources):
        try:
            topics += _read(file, sources.input_format).topics
        except CatalogueError as error:
            problems += error.problems
    if problems:
        raise CatalogueError(problems)
    return Catalogue(topics=tuple(topics))


def plan_file(sources: Sources) -> Path | None:
    """Return the file if it is the only one, and a saved plan."""
    file = sources.files[0]
    if len(sources.files) > 1 or not file.is_file():
        return None
    with file.open("rb") as stream:
        return file if _PLAN_MARK in stream.read(256) else None


def _read(file: Path, input_format: str) -> Catalogue:
    if str(file) != _STANDARD_INPUT:
        return read_catalogue(file)
    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison] -- so it is after `<&-`
        raise click.UsageError("the standard input is closed")
    name = f"<stdin>.{input_format}"
    return parse_catalogue(decode_catalogue(sys.stdin.buffer.read(), file=name), file=name)


def _expanded(sources: Sources) -> Iterator[Path]:
    """Yield the files; a folder stands for its catalogues, and a pattern for those that fit.

    Shells on Windows expand no patterns, and quotes keep others from it.
    """
    if sum(str(file) == _STANDARD_INPUT for file in sources.files) > 1:
        raise click.UsageError("the standard input can be read once; name - once")
    for file in sources.files:
        if file.is_dir():
            yield from _found(file, (path for path in file.rglob("*") if path.suffix.lower() in SUFFIXES))
        elif not file.exists() and glob.has_magic(str(file)):
            # Path.glob takes no absolute patterns.
            yield from _found(file, map(Path, glob.glob(str(file), recursive=True)))  # noqa: PTH207 -- see above
        else:
            yield file


def _found(named: Path, paths: Iterator[Path]) -> list[Path]:
    files = sorted(path for path in paths if path.is_file())
    if not files:
        raise click.UsageError(f"{named}: no catalogues found ({', '.join(SUFFIXES)})")
    return files
