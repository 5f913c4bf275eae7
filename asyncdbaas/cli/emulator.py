"""The command `asyncdbaas emulator`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from asyncdbaas.cli.options import once

__all__ = ["emulator"]

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@once("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Address to listen on.")
@once("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Port; 0 takes a free one.")
@click.option("--allow-remote", is_flag=True, help="Allow a --host that other machines can reach.")
@once("--token", help="The token to accept. By default it is derived from the seed.")
@click.option("--tls", is_flag=True, help="Serve https, with a certificate of the emulator's own authority.")
@click.option("--tls-name", "tls_names", multiple=True, metavar="NAME", help="A further host name in the certificate.")
@once("--ca-file", type=_FILE, help="Where to write the certificate that clients trust; it is removed at the end.")
@click.option("--cluster", "clusters", multiple=True, metavar="ENGINE:NAME[:NODES]", help="Start with this cluster.")
@once("--seed-file", type=_FILE, help="Start with the clusters, topics, users ... of this YAML or JSON file.")
@once("--state", type=_FILE, help="Keep the state in this file.")
@once("--seed", type=int, default=0, show_default=True, help="The same seed gives the same ids and credentials.")
@once(
    "--time-scale",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="Virtual seconds per second: at 60, a minute of waiting or of rate limit takes a second.",
)
@once("--per-minute", type=click.IntRange(min=1), default=250, show_default=True, help="Requests per token and minute.")
@once("--per-hour", type=click.IntRange(min=1), default=5000, show_default=True, help="Requests per token and hour.")
@click.option("--no-delays", is_flag=True, help="Let every change take effect at once.")
@click.option("--delay", "delays", multiple=True, metavar="NAME=SECONDS", help="How long a change takes.")
@click.option(
    "--quirk", "quirks", multiple=True, metavar="NAME=VALUE", help="Choose a behaviour on which sources disagree."
)
@once("--offer", type=_FILE, help="What can be ordered: a JSON file with a response of GET /v2/databases/options.")
@click.option("--strict", is_flag=True, help="Accept only what the offer lists.")
@click.option("--lenient", is_flag=True, help="Accept any version, size and region.")
@click.option("-v", "--verbose", is_flag=True, help="Print a line for each request.")
def emulator(**options: Any) -> None:
    """Run a local emulator of the API, until Ctrl-C or SIGTERM.

    It prints the URL and the token that a client needs, and the address of a page that shows what happens. Names
    of delays and quirks are listed in help(asyncdbaas.emulator.Delays) and help(asyncdbaas.emulator.Quirks).

    \b
    Examples:
      asyncdbaas emulator --cluster kafka:events:3 --cluster pg:shop
      asyncdbaas emulator --time-scale 60 --state dev.json -v
      asyncdbaas emulator --delay create=10 --delay topic=0 --quirk page_size=20
    """
    from asyncdbaas.cli.serving import run_emulator  # with it the emulator: loaded by this command only

    run_emulator(**options)
