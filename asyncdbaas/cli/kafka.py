"""`asyncdbaas kafka`: the commands that work with catalogues, and the options that they take.

The work is imported when a command runs, so that help and shell completion answer at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from asyncdbaas.cli.options import (
    FILE,
    INPUT,
    catalogue_files,
    choosing,
    clusters_option,
    connected,
    format_option,
    once,
    planning,
    variables_option,
    verbose,
    writing,
)

if TYPE_CHECKING:
    from asyncdbaas.cli.catalogues import Output, Sources
    from asyncdbaas.cli.connect import Connection
    from asyncdbaas.cli.planning import Request
    from asyncdbaas.plan import Names

__all__ = ["kafka"]


@click.group()
def kafka() -> None:
    """Manage topics, users and schemas by catalogues.

    A catalogue is a file that declares what Kafka clusters should have.
    """


@kafka.command()
@planning
@once("--out", type=FILE, help="Save the plan to this new file, for `kafka apply`.")
@click.option("--force", is_flag=True, help="Let --out overwrite a file.")
@click.option("--brief", is_flag=True, help="Show counts, and only what deletes something or is refused.")
@connected
@format_option
def plan(*, request: Request, out: Path | None, force: bool, brief: bool, connection: Connection, style: str) -> int:
    """Show what `apply` would do, without doing it.

    FILE is a catalogue (.yaml, .json or .csv), a folder or a pattern of catalogues, or - for standard input. Exit
    code 0 if there is nothing to do, 2 if there is, 1 if the plan is refused.

    \b
    Examples:
      asyncdbaas kafka plan topics.yaml --cluster events
      asyncdbaas kafka plan topics.yaml --format markdown
      asyncdbaas kafka plan topics.yaml --cache settings.json --max-reads 100
      asyncdbaas kafka plan topics.yaml --prune --prefix staging. --out plan.json
    """
    from asyncdbaas.cli.planning import show_plan

    return show_plan(request, connection, style=style, brief=brief, out=out, overwrite=force)


@kafka.command()
@planning
@click.option("--dry-run", is_flag=True, help="Show the plan only, as `kafka plan` does.")
@click.option("--yes", is_flag=True, help="Create, change and delete without asking.")
@click.option("--wait", is_flag=True, help="Wait until the topics are active, with all their partitions.")
@once(
    "--credentials",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the credentials of each new user to a file in this folder, for its owner only.",
)
@once(
    "--on-conflict",
    type=click.Choice(["fail", "update"]),
    default="fail",
    show_default=True,
    help="What to do with a topic that somebody else creates meanwhile with other settings.",
)
@connected
@format_option
def apply(*, request: Request, dry_run: bool, connection: Connection, style: str, **options: Any) -> int:
    """Create and change objects so that clusters match FILE.

    FILE is a catalogue as for `kafka plan`, or a plan that `kafka plan --out` saved. Nothing is ever deleted without
    --prune. On a terminal you are asked first; elsewhere pass --yes or a saved plan. Exit code 0 if everything is as
    FILE says, 1 if not.

    \b
    Examples:
      asyncdbaas kafka apply topics.yaml --emulator
      asyncdbaas kafka apply topics.yaml --cluster events --yes
      asyncdbaas kafka apply plan.json
    """
    from asyncdbaas.cli.applying import apply_plan
    from asyncdbaas.cli.planning import show_plan

    if dry_run:
        return show_plan(request, connection, style=style)
    return apply_plan(request, connection, style=style, **options)


@kafka.command()
@catalogue_files
@clusters_option
@choosing
@connected
@format_option
def diff(*, sources: Sources, clusters: tuple[str, ...], names: Names, connection: Connection, style: str) -> int:
    """Compare FILE with the live objects, in both directions.

    Unlike `plan` it also shows the objects that FILE does not list. Exit code 0 if there is no difference, 2 if there
    is one.

    \b
    Example:
      asyncdbaas kafka diff topics.yaml --cluster events
    """
    from asyncdbaas.cli.planning import show_differences

    return show_differences(sources, clusters, names, connection, style=style)


@kafka.command()
@clusters_option
@choosing
@click.option("--users", is_flag=True, help="Also write the users and their rights.")
@click.option("--schemas", is_flag=True, help="Also write the schemas and the compatibility levels.")
@writing
@click.option("--all-settings", is_flag=True, help="Also write settings that have the service's default.")
@once(
    "--update",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Change in this YAML catalogue only what differs, and keep its comments.",
)
@variables_option
@click.option("--remove-missing", is_flag=True, help="With --update: remove the entries that do not exist.")
@click.option("--check", is_flag=True, help="With --update: exit code 2 if the file was changed.")
@click.option("--settings/--no-settings", default=True, help="Read the settings too: one request for each topic.")
@connected
def export(
    *,
    connection: Connection,
    update: Path | None,
    variables: Mapping[str, str],
    remove_missing: bool,
    check: bool,
    **options: Any,
) -> int:
    """Write a catalogue of the live topics.

    `kafka plan` finds nothing to do for it. With --update it prints what it has changed in the file, such as +3 ~2 -0.

    \b
    Examples:
      asyncdbaas kafka export --cluster events
      asyncdbaas kafka export --users --schemas -o events.yaml
      asyncdbaas kafka export --no-settings -o topics.csv
      asyncdbaas kafka export --update topics.yaml --users --schemas
      asyncdbaas kafka export --update topics.yaml --check
    """
    from asyncdbaas.cli.exporting import Exporting, export_live, update_file

    exporting = Exporting(**options)
    if update is None:
        if remove_missing or check or variables:
            raise click.UsageError("--remove-missing, --check and --var need --update")
        return export_live(exporting, connection)
    return update_file(update, exporting, connection, variables=variables, remove_missing=remove_missing, check=check)


@kafka.command()
@catalogue_files
@format_option
@verbose()
def validate(*, sources: Sources, style: str) -> int:
    """Check catalogues without any service. Exit code 1 if something is wrong with one.

    \b
    Example:
      asyncdbaas kafka validate teams/
    """
    from asyncdbaas.cli.catalogues import validate_sources

    return validate_sources(sources, style=style)


@kafka.command(name="import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=INPUT)
@writing
@verbose()
def import_command(*, files: tuple[Path, ...], output: Output) -> int:
    """Write a catalogue of what other tools declare. What has no place in it is reported with its line.

    FILE is a KafkaTopic or KafkaUser of Strimzi, a state of kafka-gitops, a topology of JulieOps, a topic of topicctl,
    or what `terraform show -json` or `kafka-topics --describe` prints.

    \b
    Examples:
      asyncdbaas kafka import state.yaml -o topics.yaml
      terraform show -json | asyncdbaas kafka import -
    """
    from asyncdbaas.cli.importing import import_files

    return import_files(files, output)


@kafka.command()
@click.argument("what", type=click.Choice(["catalogue", "output"]), default="catalogue")
@verbose()
def schema(*, what: str) -> int:
    """Print the JSON Schema of catalogues or of JSON output.

    The schema of catalogues is for editors, that of what --format json prints for programs.

    \b
    Examples, the first with the YAML language server:
      asyncdbaas kafka schema > catalogue.schema.json
      # yaml-language-server: $schema=catalogue.schema.json
      asyncdbaas kafka schema output
    """
    from asyncdbaas.catalogue import catalogue_schema
    from asyncdbaas.cli.terminal import out_bytes
    from asyncdbaas.plan.documents import output_schema

    out_bytes((catalogue_schema() if what == "catalogue" else output_schema()).encode())
    return 0
