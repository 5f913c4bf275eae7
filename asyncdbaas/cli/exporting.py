"""`kafka export`: write what is live into a new catalogue, or bring one up to date."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import click

from asyncdbaas.catalogue import Catalogue, catalogue_variables, parse_catalogue, write_catalogue
from asyncdbaas.catalogue.importing import import_catalogue
from asyncdbaas.catalogue.reading import decode_catalogue
from asyncdbaas.cli.connect import Connection, catalogue_world, demo_world
from asyncdbaas.cli.planning import default_clusters
from asyncdbaas.cli.progress import Progress
from asyncdbaas.cli.running import working
from asyncdbaas.cli.terminal import note, out_bytes
from asyncdbaas.clusters import ClusterStatus, Engine, list_clusters
from asyncdbaas.plan import export, export_into, find_cluster
from asyncdbaas.plan.files import OutputFile, UpdatedFile
from asyncdbaas.session import AsyncSession

__all__ = ["export_live", "import_files", "update_file"]

_CHANGED: Final = 2
_YAML: Final = (".yaml", ".yml")


def export_live(
    clusters: Sequence[str],
    connection: Connection,
    *,
    out: Path | None,
    overwrite: bool,
    suffix: str,
    settings: bool,
    all_settings: bool,
) -> int:
    """Write a catalogue of the live topics to a new file, or print it."""
    with ExitStack() as stack:
        output = None if out is None else stack.enter_context(OutputFile(out, overwrite=overwrite))
        kind = f".{suffix}" if out is None or not out.suffix else out.suffix.lower()
        write_catalogue(Catalogue(), suffix=kind)  # an unknown suffix is refused before the work
        worker = stack.enter_context(working(connection, demo_world))
        catalogue = worker.run(lambda session: _export(session, clusters, settings=settings), Progress())
        if not catalogue.topics:
            raise click.ClickException("there are no topics to export")
        content = write_catalogue(catalogue, suffix=kind, minimal=not all_settings).encode()
        if output is None:
            out_bytes(content)
        else:
            output.write(content)
    return 0


def import_files(files: Sequence[Path], *, out: Path | None, overwrite: bool, suffix: str) -> int:
    """Write a catalogue of what other tools declare to a new file, or print it; notes go to the error output."""
    found = import_catalogue(*files)
    kind = f".{suffix}" if out is None or not out.suffix else out.suffix.lower()
    content = write_catalogue(found.catalogue, suffix=kind).encode()
    if out is None:
        out_bytes(content)
    else:
        with OutputFile(out, overwrite=overwrite) as output:
            output.write(content)
    for text in found.notes:
        note(str(text))
    counts = f"{len(found.catalogue.topics)} topics, {len(found.catalogue.users)} users"
    note(f"{counts}, {len(found.catalogue.schemas)} schemas; {len(found.notes)} notes")
    return 0


def update_file(
    path: Path, clusters: tuple[str, ...], connection: Connection, *, remove_missing: bool, check: bool
) -> int:
    """Bring a catalogue up to date, whole or not at all; with `check`, return 2 if anything has changed."""
    if path.suffix.lower() not in _YAML:
        raise click.UsageError(
            f"{path} has no comments to keep, so --update is for YAML only; write a new file with -o"
        )
    with UpdatedFile(path) as file:
        text = decode_catalogue(file.content, file=str(path))
        variables = catalogue_variables(os.environ, {})
        catalogue = parse_catalogue(text, file=str(path), variables=variables)
        chosen = default_clusters(catalogue, clusters, connection)
        with working(connection, catalogue_world(catalogue, chosen)) as worker:
            after = worker.run(
                lambda session: export_into(
                    session,
                    text,
                    file=str(path),
                    clusters=chosen,
                    remove_missing=remove_missing,
                    variables=variables,
                ),
                Progress(),
            )
        if not file.is_unchanged():
            raise click.ClickException(f"{path} was changed meanwhile, so it was left as it is; try again")
        if after.text != text:
            file.write(file.content.removesuffix(text.encode()) + after.text.encode())
    note(f"{path}: {after}")
    return _CHANGED if check and after.text != text else 0


async def _export(session: AsyncSession, names: Sequence[str], *, settings: bool) -> Catalogue:
    clusters = await list_clusters(session)
    unfinished = (ClusterStatus.CREATING, ClusterStatus.FORKING)
    every = [cluster.id for cluster in clusters if cluster.engine is Engine.KAFKA and cluster.status not in unfinished]
    return await export(session, [find_cluster(clusters, name) for name in names or every], settings=settings)
