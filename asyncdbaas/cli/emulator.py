"""The command `asyncdbaas emulator`."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Final

import click

from asyncdbaas.cli.options import once
from asyncdbaas.emulator import Emulator, StateError, certificates

__all__ = ["emulator"]

# Ctrl-C, the request to end of init systems and containers, and Ctrl-Break, which only Windows has.
_STOP_SIGNALS: Final = tuple(
    number for name in ("SIGINT", "SIGTERM", "SIGBREAK") if (number := getattr(signal, name, None)) is not None
)


@click.command()
@once("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes a free one.")
@once("--seed", type=int, default=0, show_default=True, help="The same seed gives the same ids and credentials.")
@once(
    "--time-scale",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="How many seconds pass in one: at 60, a minute of waiting or of rate limit takes a second.",
)
@once("--state", type=click.Path(dir_okay=False, path_type=Path), help="Keep the state in this file.")
@click.option("--tls", is_flag=True, help="Serve https, with a certificate of the emulator's own authority.")
@once("--token", help="The token to accept; else one is made from the seed.")
def emulator(*, port: int, seed: int, time_scale: float, state: Path | None, tls: bool, token: str | None) -> None:
    """Run a local emulator of the API, until Ctrl-C or SIGTERM.

    It listens on 127.0.0.1 only, and prints what a client needs: its URL and a token.

    \b
    Example:
      asyncdbaas emulator --time-scale 60 --state dev.json
    """
    if token is not None and (not token or not token.isprintable() or " " in token):
        raise click.BadParameter("must not be empty, nor hold blanks or control characters", param_hint="--token")
    if tls and not certificates.available():
        raise click.ClickException("--tls needs the package cryptography: pip install 'asyncdbaas[emulator]'")
    try:
        made = Emulator(port=port, seed=seed, time_scale=time_scale, state=state, tls=tls, token=token)
        asyncio.run(_serve(made, port, tls=tls))
    except StateError as error:
        raise click.ClickException(str(error)) from error


async def _serve(made: Emulator, port: int, *, tls: bool) -> None:
    with _stop_signals() as stopped:
        try:
            await made.start()
        except OSError as error:
            raise click.ClickException(f"port {port} cannot be listened on: {error.strerror}") from error
        try:
            with _authority_file(made if tls else None) as authority:
                click.echo(f"url: {made.url}")
                click.echo(f"token: {made.token}")
                if authority:
                    click.echo(f"ca: {authority}")
                await stopped.wait()
        finally:
            await made.stop()


@contextmanager
def _stop_signals() -> Generator[asyncio.Event]:
    """Return an event that Ctrl-C and requests to end the process set.

    Event loops have no signal handlers on Windows. `signal.signal` works everywhere: the loop wakes up by
    `call_soon_threadsafe`.
    """
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()

    def stop(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stopped.set)

    before = {number: signal.signal(number, stop) for number in _STOP_SIGNALS}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


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
        with suppress(PermissionError):  # on Windows, while a client has it open
            Path(name).unlink(missing_ok=True)
