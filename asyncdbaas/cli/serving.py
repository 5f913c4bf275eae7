"""Run the emulator of `asyncdbaas emulator` until a signal."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, Final

import click

from asyncdbaas.cli.emulator_seed import seed_data
from asyncdbaas.cli.signals import end_signals, handled
from asyncdbaas.cli.terminal import note, out
from asyncdbaas.emulator import Delays, Emulator, EmulatorError, SeenRequest, certificates
from asyncdbaas.emulator.access import is_loopback

__all__ = ["run_emulator"]

_REMOTE: Final = (
    "Other machines can reach this emulator: whoever has the token can read and change everything in it, "
    "and /_emulator/ needs the token."
)
_PLAIN: Final = "Tokens would cross the network unencrypted, and asyncdbaas refuses to send them: pass --tls."


def run_emulator(*, verbose: bool, ca_file: Path | None, **options: Any) -> None:
    """Make an emulator and serve it until a signal."""
    _check(**options)
    address = f"{options['host']} port {options['port']}"
    try:
        made = _made(**options)
        made.requests.listener = _print_request if verbose else None
        asyncio.run(_serve(made, address, ca_file, tls=options["tls"]))
    except EmulatorError as error:
        raise click.ClickException(str(error)) from error


def _check(*, host: str, allow_remote: bool, token: str | None, tls: bool, **_: Any) -> None:
    if token is not None and (not token or not token.isprintable() or " " in token):
        raise click.BadParameter("must not be empty or contain spaces or control characters", param_hint="--token")
    if tls and not certificates.available():
        raise click.ClickException("--tls needs the package cryptography: pip install 'asyncdbaas[emulator]'")
    if not (allow_remote or is_loopback(host)):
        raise click.BadParameter(
            f"{host} makes the emulator reachable for other machines: whoever has the token can then read and change "
            "everything in it; pass --allow-remote to allow that",
            param_hint="--host",
        )


def _made(
    *, seed_file: Path | None, clusters: Any, delays: Any, quirks: Any, no_delays: bool, **options: Any
) -> Emulator:
    seed = seed_data(seed_file, clusters, delays, quirks)
    made = Emulator(delays=Delays.none() if no_delays else None, **options)
    made.seed_from(seed)
    return made


async def _serve(made: Emulator, address: str, authority: Path | None, *, tls: bool) -> None:
    with _stop_signals() as stopped:
        try:
            await made.start()
        except OSError as error:
            raise click.ClickException(f"{address} cannot be listened on: {error.strerror}") from error
        try:
            with _authority_file(made if tls else None, authority) as file:
                _print_address(made, file)
                await stopped.wait()
        finally:
            await made.stop()


def _print_request(seen: SeenRequest) -> None:
    """Print one line for a request; paths hold no secrets."""
    left = "" if seen.minute_left is None else f", {seen.minute_left} left this minute, {seen.hour_left} this hour"
    status = seen.status or "cut"
    note(f"{seen.method} {seen.path} {status} {1000 * seen.seconds:.1f} ms{left}")


def _print_address(made: Emulator, authority: Path | None) -> None:
    out(f"url: {made.url}")
    out(f"token: {made.token}")
    if authority is not None:
        out(f"ca: {authority}")
    out(f"page: {made.url}/_emulator/ui")
    if made.allow_remote:
        note(_REMOTE if authority else f"{_REMOTE} {_PLAIN}")


@contextmanager
def _stop_signals() -> Generator[asyncio.Event]:
    """Return an event that Ctrl-C and requests to end the process set."""
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()

    def stop(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stopped.set)

    with handled([signal.SIGINT, *end_signals()], stop):
        yield stopped


@contextmanager
def _authority_file(made: Emulator | None, wanted: Path | None) -> Generator[Path | None]:
    """Write the certificate that clients trust to a file that they can read."""
    if made is None:
        yield None
        return
    file = _temporary_file() if wanted is None else wanted
    try:
        file.write_text(made.authority_pem, encoding="ascii")
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from error
    try:
        yield file
    finally:
        with suppress(PermissionError):  # on Windows, while a client has it open
            file.unlink(missing_ok=True)


def _temporary_file() -> Path:
    handle, name = tempfile.mkstemp(prefix="asyncdbaas-ca-", suffix=".pem")
    os.close(handle)
    return Path(name)
