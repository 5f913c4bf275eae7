"""The command `asyncdbaas emulator`, as a process."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from asyncdbaas.cli.emulator import emulator
from asyncdbaas.emulator import Emulator, certificates

PLAIN = "from asyncdbaas.cli.emulator import emulator; emulator()"
AS_ON_WINDOWS = (
    """
import asyncio
def missing(*_):
    raise NotImplementedError
loop = asyncio.new_event_loop()
type(loop).add_signal_handler = type(loop).remove_signal_handler = missing
loop.close()
"""
    + PLAIN
)
ORDER = {"name": "main", "engine": "pg", "region": "nyc3", "size": "db-s-1vcpu-1gb", "num_nodes": 1}


@contextmanager
def running(
    *options: str, code: str = PLAIN, prepare: Callable[[], None] | None = None
) -> Generator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """Run the command on a free port, and read what it prints."""
    process = subprocess.Popen(
        [sys.executable, "-X", "dev", "-c", code, "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=prepare,  # noqa: PLW1509 -- it sets a limit, and the tests start no threads
    )
    assert process.stdout is not None
    try:
        count = 3 if "--tls" in options else 2
        yield process, dict(process.stdout.readline().rstrip().split(": ", 1) for _ in range(count))
    finally:
        process.kill()
        process.communicate()


def ask(told: dict[str, str], method: str = "GET", path: str = "", body: Any = None) -> Any:
    request = urllib.request.Request(
        f"{told['url']}/v2/databases{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {told['token']}"},
    )
    context = ssl.create_default_context(cafile=told["ca"]) if "ca" in told else None
    with urllib.request.urlopen(request, context=context) as answer:
        return json.loads(answer.read() or b"null")


@pytest.mark.parametrize("code", [PLAIN, AS_ON_WINDOWS], ids=["plain", "windows"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal_and_exits_cleanly(number: signal.Signals, code: str) -> None:
    with running("--token", "mine", code=code) as (process, told):
        assert told["token"] == "mine"
        assert ask(told) == {"databases": []}
        process.send_signal(number)
        assert process.wait(10) == 0


@pytest.mark.parametrize("code", [PLAIN, AS_ON_WINDOWS], ids=["plain", "windows"])
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 0), (signal.SIGKILL, -9)])
def test_the_state_survives_a_restart(tmp_path: Path, number: signal.Signals, status: int, code: str) -> None:
    options = ("--state", str(tmp_path / "dev.json"), "--time-scale", "100000")
    with running(*options, code=code) as (process, told):
        created = ask(told, "POST", "", ORDER)["database"]
        process.send_signal(number)
        assert process.wait(10) == status
    with running(*options) as (_, told):
        assert ask(told, "GET", f"/{created['id']}")["database"]["connection"] == created["connection"]


def test_with_tls_it_names_the_authority_to_trust_and_removes_it_at_the_end() -> None:
    with running("--tls") as (process, told):
        assert told["url"].startswith("https://")
        assert ask(told) == {"databases": []}
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            ask({"url": told["url"], "token": told["token"]})
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        assert not Path(told["ca"]).exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--token", ""], "must not be empty"),
        (["--token", "a\nb"], "must not be empty, nor hold blanks or control characters"),
        (["--time-scale", "0"], "0.0 is not in the range x>0"),
        (["--port", "70000"], "70000 is not in the range"),
        (["--seed", "x"], "'x' is not a valid integer"),
    ],
)
def test_a_wrong_option_is_refused_by_name(options: list[str], message: str) -> None:
    result = CliRunner().invoke(emulator, options)
    assert (result.exit_code, options[0] in result.output) == (2, True)
    assert message in result.output


def test_a_state_file_that_is_none_is_named(tmp_path: Path) -> None:
    file = tmp_path / "dev.json"
    file.write_text("nonsense")
    result = CliRunner().invoke(emulator, ["--state", str(file)])
    assert result.exit_code == 1
    assert str(file) in result.output


def test_a_state_file_that_cannot_be_written_is_refused_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "missing" / "dev.json"
    result = CliRunner().invoke(emulator, ["--port", "0", "--state", str(file)])
    assert result.exit_code == 1
    assert result.output == f"Error: {file}: the state cannot be written: {os.strerror(errno.ENOENT)}\n"


def test_a_second_process_on_the_same_state_file_is_refused(tmp_path: Path) -> None:
    options = ["--state", str(tmp_path / "dev.json")]
    with running(*options) as (_, told):
        result = CliRunner().invoke(emulator, ["--port", "0", *options])
        assert ask(told) == {"databases": []}
    assert result.exit_code == 1
    assert "another emulator is using this state file" in result.output


def test_a_full_disk_keeps_the_last_state_and_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "dev.json"

    def limit_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))  # a write beyond it fails, as on a full disk

    with running("--state", str(file), prepare=limit_files) as (process, told):
        assert process.stderr is not None
        before = file.read_bytes()
        created = ask(told, "POST", "", ORDER)["database"]
        assert f"{file}: the state cannot be written: {os.strerror(errno.EFBIG)}" in process.stderr.readline()
        assert ask(told, "GET", f"/{created['id']}")["database"]["name"] == "main"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 1
        assert f"Error: {file}: the state cannot be written" in process.stderr.read()
    assert file.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["dev.json"]


def test_a_port_that_is_taken_is_named() -> None:
    with Emulator() as other:
        port = other.url.rpartition(":")[2]
        result = CliRunner().invoke(emulator, ["--port", port])
    assert result.exit_code == 1
    assert f"port {port} cannot be listened on" in result.output


def test_tls_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "available", lambda: False)
    result = CliRunner().invoke(emulator, ["--tls"])
    assert result.exit_code == 1
    assert "asyncdbaas[emulator]" in result.output
