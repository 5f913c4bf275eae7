"""The command `asyncdbaas emulator`."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import click

from asyncdbaas.emulator import Emulator, StateError

__all__ = ["emulator"]


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes a free one.")
@click.option(
    "--seed", type=int, default=0, show_default=True, help="The same seed gives the same ids and credentials."
)
@click.option(
    "--time-scale",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="How many seconds pass in one: at 60, a minute of waiting or of rate limit takes a second.",
)
@click.option("--state", type=click.Path(dir_okay=False, path_type=Path), help="Keep the state in this file.")
@click.option("--tls", is_flag=True, help="Serve https, with a certificate of the emulator's own authority.")
@click.option("--token", help="The token to accept; else one is made from the seed.")
def emulator(*, port: int, seed: int, time_scale: float, state: Path | None, tls: bool, token: str | None) -> None:
    """Run a local emulator of the API, until Ctrl-C or SIGTERM.

    It listens on 127.0.0.1 only, and prints what a client needs: its URL and a token.

    \b
    Example:
      asyncdbaas emulator --time-scale 60 --state dev.json
    """
    if token is not None and (not token or not token.isprintable() or " " in token):
        raise click.BadParameter("must not be empty, nor hold blanks or control characters", param_hint="--token")
    try:
        made = Emulator(port=port, seed=seed, time_scale=time_scale, state=state, tls=tls, token=token)
        asyncio.run(_serve(made, tls=tls))
    except StateError as error:
        raise click.ClickException(str(error)) from error
    except RuntimeError as error:  # TLS without the package for it
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"port {port} cannot be listened on: {error.strerror}") from error


async def _serve(made: Emulator, *, tls: bool) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with made:
        with _authority_file(made if tls else None) as authority:
            click.echo(f"url: {made.url}")
            click.echo(f"token: {made.token}")
            if authority:
                click.echo(f"ca: {authority}")
            await stopped.wait()


@contextmanager
def _authority_file(made: Emulator | None) -> Generator[Path | None]:
    """Write the certificate that clients are to trust where they can read it."""
    if made is None:
        yield None
        return
    handle, name = tempfile.mkstemp(prefix="asyncdbaas-ca-", suffix=".pem")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(made.authority_pem)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
