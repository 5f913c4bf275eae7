"""`kafka validate`: check catalogues without any service."""

from __future__ import annotations

import json

from asyncdbaas.cli.reading import Sources, read_sources
from asyncdbaas.cli.terminal import counted, out
from asyncdbaas.plan.documents import validation_document
from asyncdbaas.plan.kinds import KINDS

__all__ = ["validate_sources"]


def validate_sources(sources: Sources, *, style: str) -> int:
    """Read catalogues, and print how much they declare. CatalogueError holds what is wrong."""
    catalogue = read_sources(sources)
    if style == "json":
        out(json.dumps(validation_document(catalogue), indent=2))
    else:
        counts = ", ".join(counted(len(entries), kind.name) for kind in KINDS if (entries := kind.entries(catalogue)))
        out(f"Valid: {counts}.")
    return 0
