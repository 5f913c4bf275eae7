"""Read the catalogues that a command line names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs

from asyncdbaas.catalogue import Catalogue, catalogue_variables, read_catalogue

__all__ = ["Sources", "plan_file", "read_sources"]

# What is found near the start of a saved plan, and of nothing else.
_PLAN_MARK: Final = b'"asyncdbaas-plan/'


@attrs.frozen(kw_only=True)
class Sources:
    """The catalogues that a user names."""

    files: tuple[Path, ...]
    input_format: str = "yaml"
    variables: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Values that the command line gives; others come from the environment."""


def read_sources(sources: Sources) -> Catalogue:
    """Read catalogues as one. CatalogueError holds the problems of all of them."""
    variables = catalogue_variables(os.environ, sources.variables)
    return read_catalogue(*sources.files, variables=variables, input_format=sources.input_format)


def plan_file(sources: Sources) -> Path | None:
    """Return the file if it is the only one, and a saved plan."""
    file = sources.files[0]
    if len(sources.files) > 1 or not file.is_file():
        return None
    with file.open("rb") as stream:
        return file if _PLAN_MARK in stream.read(256) else None
