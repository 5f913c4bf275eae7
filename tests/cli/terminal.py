"""Run the command line as people do: through pipes, and on a terminal; or, quicker, in this process."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import shlex
import signal
import struct
import sys
import termios
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import attrs
import pytest

from asyncdbaas.cli.commands import run
from asyncdbaas.emulator import Clock, Emulator

__all__ = [
    "Cli",
    "Finished",
    "Terminal",
    "emulated",
    "environment",
    "in_process",
    "on_terminal",
    "through_pipes",
    "through_shell",
    "without_reader",
]

_COMMAND: Final = (sys.executable, "-c", "from asyncdbaas.cli import main; main()")
# The terminal is taken by the command itself: Python warns of functions that run between fork and exec.
_TAKE_TERMINAL: Final = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
_IN_CONTROL: Final = (sys.executable, "-c", f"{_TAKE_TERMINAL}{_COMMAND[2]}")
_IGNORE_CTRL_C: Final = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); "
_IN_BACKGROUND: Final = (sys.executable, "-c", f"{_IGNORE_CTRL_C}{_COMMAND[2]}")
_ESCAPES: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
_PATIENCE: Final = 30.0


@attrs.frozen(kw_only=True)
class Finished:
    """A command's exit code and what it printed."""

    code: int
    out: str
    err: str


Cli = Callable[..., Finished]
"""Runs a command with its arguments."""


def emulated(
    monkeypatch: pytest.MonkeyPatch, *, cluster: str = "events", **settings: Any
) -> Generator[Emulator, None, None]:
    """Yield an emulator with one Kafka cluster, to which the environment points; for fixtures."""
    with Emulator(clock=Clock.stepped(), **settings) as running:
        running.add_cluster(name=cluster)
        monkeypatch.setenv("DIGITALOCEAN_TOKEN", running.token)
        monkeypatch.setenv("DIGITALOCEAN_API_URL", running.url)
        yield running


def environment(emulator: Emulator | None = None) -> dict[str, str]:
    """Return the environment of a user with a token, or of one with none."""
    user = {name: value for name, value in os.environ.items() if name == "PATH" or name.startswith("COVERAGE_")}
    user |= {"TERM": "xterm", "LANG": "C.UTF-8"}
    if emulator is None:
        return user
    return user | {"DIGITALOCEAN_TOKEN": emulator.token, "DIGITALOCEAN_API_URL": emulator.url}


async def through_pipes(*arguments: str, env: Mapping[str, str]) -> Finished:
    """Run a command with its output in pipes."""
    process = await asyncio.create_subprocess_exec(
        *_COMMAND, *arguments, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), _PATIENCE)
    assert process.returncode is not None
    return Finished(code=process.returncode, out=out.decode(), err=err.decode())


def in_process(capsys: pytest.CaptureFixture[str], *arguments: str) -> Finished:
    """Run a command in this process, with its output captured."""
    capsys.readouterr()
    code = run(arguments)
    out, err = capsys.readouterr()
    return Finished(code=code, out=out, err=err)


class Terminal:
    """A terminal on which a command runs."""

    def __init__(self, master: int, process: asyncio.subprocess.Process) -> None:
        self._printed = b""
        self._master = master
        self._process = process
        self._news = asyncio.Event()
        self._closed = False
        asyncio.get_running_loop().add_reader(master, self._read)

    @property
    def text(self) -> str:
        """All that was printed, without the codes for colours and cursor."""
        # A read may end within a character, or within a code.
        return _ESCAPES.sub("", self._printed.decode(errors="ignore"))

    @property
    def codes(self) -> set[str]:
        """The codes for colours and cursor that were printed."""
        return set(_ESCAPES.findall(self._printed.decode(errors="ignore"))) - {"\r"}

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._master, keys)

    async def shows(self, text: str) -> None:
        """Wait until the text has been printed."""
        async with asyncio.timeout(_PATIENCE):
            while text not in self.text:
                assert not self._closed, f"{text!r} was never printed, but: {self.text}"
                self._news.clear()
                await self._news.wait()

    async def exit_code(self) -> int:
        """Wait for the end of the command and of its output."""
        async with asyncio.timeout(_PATIENCE):
            while not self._closed:
                self._news.clear()
                await self._news.wait()
            return await self._process.wait()

    def _read(self) -> None:
        try:
            data = os.read(self._master, 65536)
        except OSError:  # Linux: the other end is closed
            data = b""
        if not data:
            self._closed = True
            asyncio.get_running_loop().remove_reader(self._master)
        self._printed += data
        self._news.set()


@asynccontextmanager
async def on_terminal(
    *arguments: str, env: Mapping[str, str], columns: int = 160, background: bool = False
) -> AsyncGenerator[Terminal, None]:
    """Run a command on a pseudo-terminal that it is in control of, so that Ctrl-C reaches it.

    In the background it ignores Ctrl-C, as a job that a script starts with `&`.
    """
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = await asyncio.create_subprocess_exec(
        *(_IN_BACKGROUND if background else _IN_CONTROL),
        *arguments,
        env=env,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield Terminal(master, process)
    finally:
        asyncio.get_running_loop().remove_reader(master)
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        os.close(master)


async def without_reader(*arguments: str, env: Mapping[str, str]) -> Finished:
    """Run a command whose standard output is a pipe that nobody reads any more, as behind `| head`."""
    reader, writer = os.pipe()
    os.close(reader)
    process = await asyncio.create_subprocess_exec(
        *_COMMAND, *arguments, env=env, stdin=asyncio.subprocess.DEVNULL, stdout=writer, stderr=asyncio.subprocess.PIPE
    )
    os.close(writer)
    _, err = await asyncio.wait_for(process.communicate(), _PATIENCE)
    assert process.returncode is not None
    return Finished(code=process.returncode, out="", err=err.decode())


async def through_shell(line: str, *, env: Mapping[str, str]) -> Finished:
    """Run a command as a shell would, with its redirections."""
    command = " ".join(shlex.quote(word) for word in _COMMAND)
    process = await asyncio.create_subprocess_shell(
        f"{command} {line}",
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), _PATIENCE)
    assert process.returncode is not None
    return Finished(code=process.returncode, out=out.decode(), err=err.decode())
