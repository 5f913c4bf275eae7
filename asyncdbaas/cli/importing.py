"""`kafka import`: write a catalogue of what other tools declare."""

from __future__ import annotations

from pathlib import Path

from asyncdbaas.catalogue.importing import import_catalogue
from asyncdbaas.cli.catalogues import Output, check_is_new, counted_entries
from asyncdbaas.cli.terminal import counted, note

__all__ = ["import_files"]


def import_files(files: tuple[Path, ...], output: Output) -> int:
    """Write a catalogue of what other tools declare; notes go to standard error."""
    check_is_new(output.path, files)
    with output.opened() as write:
        found = import_catalogue(*files)
        write(found.catalogue)
    for text in found.notes:
        note(str(text))
    note(f"{counted_entries(found.catalogue)}; {counted(len(found.notes), 'note')}")
    return 0
