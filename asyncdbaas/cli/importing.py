"""`kafka import`: write a catalogue of what other tools declare."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from asyncdbaas.catalogue import Catalogue, write_catalogue
from asyncdbaas.catalogue.importing import import_catalogue
from asyncdbaas.cli.terminal import counted, note, out_bytes
from asyncdbaas.plan.files import OutputFile
from asyncdbaas.plan.kinds import KINDS

__all__ = ["import_files"]


def import_files(files: tuple[Path, ...], *, out: Path | None, overwrite: bool, suffix: str) -> int:
    """Write a catalogue of what other tools declare to a new file, or print it; notes go to the error output."""
    with ExitStack() as stack:
        output = None if out is None else stack.enter_context(OutputFile(out, overwrite=overwrite))
        kind = f".{suffix}" if out is None or not out.suffix else out.suffix.lower()
        write_catalogue(Catalogue(), suffix=kind)  # an unknown suffix is refused before the work
        found = import_catalogue(*files)
        content = write_catalogue(found.catalogue, suffix=kind).encode()
        if output is None:
            out_bytes(content)
        else:
            output.write(content)
    for text in found.notes:
        note(str(text))
    counts = ", ".join(counted(len(entries), kind.name) for kind in KINDS if (entries := kind.entries(found.catalogue)))
    note(f"{counts}; {counted(len(found.notes), 'note')}")
    return 0
