"""Catalogues that a command reads, checks or writes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

import attrs
import click

from asyncdbaas.catalogue import Catalogue, catalogue_variables, read_catalogue, write_catalogue
from asyncdbaas.catalogue.files import FileError, expand
from asyncdbaas.cli.terminal import counted, out, out_bytes
from asyncdbaas.plan.documents import validation_document
from asyncdbaas.plan.files import OutputFile
from asyncdbaas.plan.kinds import KINDS

__all__ = ["Output", "Sources", "check_is_new", "counted_entries", "validate_sources"]

# What is found near the start of a saved plan, and of nothing else.
_PLAN_MARK: Final = b'"asyncdbaas-plan/'


@attrs.frozen(kw_only=True)
class Sources:
    """The catalogues that a user names."""

    files: tuple[Path, ...]
    input_format: str
    variables: Mapping[str, str]
    """Values that the command line gives; others come from the environment."""

    def read(self) -> Catalogue:
        """Read the catalogues as one. CatalogueError holds the problems of all of them."""
        variables = catalogue_variables(os.environ, self.variables)
        return read_catalogue(*self.files, variables=variables, input_format=self.input_format)

    def plan_file(self) -> Path | None:
        """Return the file if it is the only one, and a saved plan."""
        file = self.files[0]
        if len(self.files) > 1 or not file.is_file():
            return None
        with suppress(OSError), file.open("rb") as stream:  # reported with its name when it is read
            return file if _PLAN_MARK in stream.read(256) else None
        return None


def check_is_new(out: Path | None, inputs: Iterable[Path]) -> None:
    """Raise UsageError if an output would replace one of the inputs, as when the shell completes a wrong name."""
    if out is None or not out.is_file():
        return
    with suppress(FileError, OSError):  # reported when the inputs are read
        if any(Path(name).samefile(out) for name in expand(map(str, inputs)) if Path(name).exists()):
            raise click.UsageError(f"{out} is one of the inputs; name a new file")


@attrs.frozen(kw_only=True)
class Output:
    """The place to write a catalogue to, and its format."""

    path: Path | None
    """None stands for standard output."""
    overwrite: bool
    suffix: str
    """Format of standard output, and of a file without a suffix."""

    @contextmanager
    def opened(self, *, minimal: bool = False) -> Generator[Callable[[Catalogue], None]]:
        """Open the file before the work; the block gets the function that writes."""
        path = self.path
        suffix = f".{self.suffix}" if path is None or not path.suffix else path.suffix.lower()
        with ExitStack() as stack:
            file = None if path is None else stack.enter_context(OutputFile(path, overwrite=self.overwrite))
            write_catalogue(Catalogue(), suffix=suffix)  # an unknown suffix is refused before the work

            def write(catalogue: Catalogue) -> None:
                content = write_catalogue(catalogue, suffix=suffix, minimal=minimal).encode()
                if file is None:
                    out_bytes(content)
                else:
                    file.write(content)

            yield write


def validate_sources(sources: Sources, *, style: str) -> int:
    """Read catalogues, and print how much they declare. CatalogueError holds what is wrong."""
    catalogue = sources.read()
    if style == "json":
        out(json.dumps(validation_document(catalogue), indent=2))
    else:
        out(f"Valid: {counted_entries(catalogue)}.")
    return 0


def counted_entries(catalogue: Catalogue) -> str:
    """Return how many entries of each kind there are."""
    return ", ".join(counted(len(entries), kind.name) for kind in KINDS if (entries := kind.entries(catalogue)))
