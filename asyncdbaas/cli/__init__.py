"""The command `asyncdbaas`; it needs the extra `cli`."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line."""
    try:
        from asyncdbaas.cli.commands import run
    except KeyboardInterrupt:  # loading takes long enough for a Ctrl-C; what comes later, `run` handles
        sys.exit(130)
    except ModuleNotFoundError as error:
        if error.name not in ("click", "yaml"):
            raise
        sys.exit(f"asyncdbaas: {error.name} is missing; install the command line with: pip install 'asyncdbaas[cli]'")
    sys.exit(run())
