"""`kafka export`: write what is live into a new catalogue, or bring one up to date."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import attrs
import click

from asyncdbaas.catalogue import Catalogue, catalogue_variables, parse_catalogue
from asyncdbaas.catalogue.files import decode
from asyncdbaas.cli.catalogues import Output
from asyncdbaas.cli.connect import Connection, prepare_demo, prepare_for_catalogue
from asyncdbaas.cli.planning import PENDING, default_clusters
from asyncdbaas.cli.progress import Progress
from asyncdbaas.cli.running import working
from asyncdbaas.cli.terminal import counted, out, safe
from asyncdbaas.clusters import ClusterStatus, Engine, list_clusters
from asyncdbaas.plan import Names, export, export_into, find_cluster
from asyncdbaas.plan.files import UpdatedFile
from asyncdbaas.plan.names import ALL_NAMES
from asyncdbaas.session import AsyncSession

__all__ = ["Exporting", "export_live", "update_file"]

_YAML: Final = (".yaml", ".yml")


@attrs.frozen(kw_only=True)
class Exporting:
    """Options of an export: objects and target."""

    clusters: tuple[str, ...]
    names: Names
    users: bool
    schemas: bool
    output: Output
    settings: bool
    all_settings: bool

    def check_update(self) -> None:
        """Raise UsageError for what an update of a file does not take."""
        if self.output.path is not None or not self.settings or self.names != ALL_NAMES:
            raise click.UsageError(
                "--update brings all topics of a file up to date: it cannot be combined with -o, --no-settings, "
                "--only or --except"
            )

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of objects to export."""
        return ("topic", *(("user",) * self.users), *(("registry", "schema") * self.schemas))


def export_live(exporting: Exporting, connection: Connection) -> int:
    """Write a catalogue of the live objects to a new file, or print it."""
    with (
        exporting.output.opened(minimal=not exporting.all_settings) as write,
        working(connection, prepare_demo) as worker,
    ):
        progress = Progress()
        catalogue = worker.run(lambda session: _export(session, exporting, progress), progress)
        if not catalogue.entries:
            raise click.ClickException("there is nothing to export")
        write(catalogue)
    return 0


def update_file(
    path: Path,
    exporting: Exporting,
    connection: Connection,
    *,
    variables: Mapping[str, str],
    remove_missing: bool,
    check: bool,
) -> int:
    """Bring a catalogue up to date, whole or not at all."""
    exporting.check_update()
    if path.suffix.lower() not in _YAML:
        message = f"{path} has no comments to keep, so --update is for YAML only; write a new file with -o"
        raise click.UsageError(message)
    with UpdatedFile(path) as file:
        text = decode(file.content, file=str(path))
        variables = catalogue_variables(os.environ, variables)
        catalogue = parse_catalogue(text, file=str(path), variables=variables)
        chosen, progress = default_clusters(catalogue, exporting.clusters, connection), Progress()
        update = partial(
            export_into,
            text=text,
            file=str(path),
            clusters=chosen,
            kinds=exporting.kinds,
            remove_missing=remove_missing,
            variables=variables,
            on_event=progress.on_event,
        )
        with working(connection, prepare_for_catalogue(catalogue, chosen)) as worker:
            after = worker.run(update, progress)
        if not file.is_unchanged():
            raise click.ClickException(f"{path} was changed meanwhile, so it was left as it is; try again")
        if after.text != text:
            file.write(file.content.removesuffix(text.encode()) + after.text.encode())
    out(f"{safe(str(path))}: {after}{_kept(after.missing)}")
    return PENDING if check and after.text != text else 0


def _kept(missing: Sequence[str]) -> str:
    """Name the entries of the file that the service does not have."""
    if not missing:
        return ""
    verb = "does" if len(missing) == 1 else "do"
    return f"; kept {counted(len(missing), 'entry')} that {verb} not exist (--remove-missing removes them)"


async def _export(session: AsyncSession, exporting: Exporting, progress: Progress) -> Catalogue:
    clusters = await list_clusters(session)
    unfinished = (ClusterStatus.CREATING, ClusterStatus.FORKING)
    every = [cluster.id for cluster in clusters if cluster.engine is Engine.KAFKA and cluster.status not in unfinished]
    chosen = [find_cluster(clusters, name) for name in exporting.clusters or every]
    return await export(
        session,
        chosen,
        settings=exporting.settings,
        kinds=exporting.kinds,
        names=exporting.names,
        on_event=progress.on_event,
    )
