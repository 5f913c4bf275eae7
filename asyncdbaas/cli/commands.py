"""The root of the command line: its groups, its exit codes, and how it reports errors."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import click

from asyncdbaas._version import __version__
from asyncdbaas.cli.clusters import clusters
from asyncdbaas.cli.emulator import emulator
from asyncdbaas.cli.kafka import kafka
from asyncdbaas.cli.options import verbose
from asyncdbaas.cli.terminal import INTERRUPTED, PIPE_CLOSED, check_output, drop_unwritten, note, out, refuse
from asyncdbaas.errors import DBaaSError

__all__ = ["root", "run"]

_NAME: Final = "asyncdbaas"
_INTERRUPTION: Final = "Interrupted."
# Here --format is that of the catalogue.
_WITH_OTHER_FORMATS: Final = (["kafka", "export"], ["kafka", "import"])


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 2 changes are pending, 1 anything else.

    Without arguments it takes those of the process.
    """
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    finally:
        drop_unwritten()


def _run(arguments: Sequence[str]) -> int:
    try:
        check_output()
        code = root.main(list(arguments), prog_name=_NAME, standalone_mode=False)
    except click.ClickException as error:
        return _failed(error.format_message(), error, arguments)
    except DBaaSError as error:
        return _failed(str(error), error, arguments)
    except SystemExit:  # so click ends its own help if nobody reads on
        return 0
    except (click.Abort, KeyboardInterrupt):
        note(_INTERRUPTION)
        _print_error(_INTERRUPTION, (), arguments)
        return INTERRUPTED
    return code if isinstance(code, int) else 0


class _Root(click.Group):
    """Report the errors of files here: click takes each broken pipe for that of standard output, and is silent."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.filename is None and error.errno in PIPE_CLOSED:  # click prints the help of a command
                return 0
            raise click.ClickException(_os_error(error)) from None


@click.group(cls=_Root, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name=_NAME)
@verbose()
def root() -> None:
    """Work with DigitalOcean's Managed Databases; the token is read from DIGITALOCEAN_TOKEN.

    To try a command without an account, pass --emulator.
    """


@root.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@verbose()
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    Examples:
      asyncdbaas completion bash >> ~/.bashrc
      asyncdbaas completion fish > ~/.config/fish/completions/asyncdbaas.fish
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is not None:
        out(found(root, {}, _NAME, "_ASYNCDBAAS_COMPLETE").source())


for command in (kafka, clusters, emulator):
    root.add_command(command)


def _failed(message: str, error: Exception, arguments: Sequence[str]) -> int:
    """Report an error on standard error, and with --format json also as a document."""
    problems = getattr(error, "problems", ())
    if problems:
        refuse(problems)
    else:
        if isinstance(error, click.UsageError) and error.ctx is not None:
            note(error.ctx.get_usage())
        note(f"error: {message}")
    _print_error(message, problems, arguments)
    return 1


def _print_error(message: str, problems: Sequence[Any], arguments: Sequence[str]) -> None:
    """Print an error as a document, if the command prints documents."""
    if _wants_json(arguments):
        from asyncdbaas.plan.documents import error_document

        with suppress(click.ClickException):  # the output may be what failed
            out(json.dumps(error_document(message, problems), indent=2))


def _os_error(error: OSError) -> str:
    reason = error.strerror or str(error)
    if isinstance(error, FileExistsError):
        reason = f"{reason}; name a new file, or pass --force"
    return f"{error.filename}: {reason}" if error.filename else reason


def _wants_json(arguments: Sequence[str]) -> bool:
    given = " ".join(arguments).replace("--format=", "--format ")
    command = [word for word in arguments if not word.startswith("-")][:2]
    return "--format json" in given and command not in _WITH_OTHER_FORMATS
