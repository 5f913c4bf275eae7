"""The command `asyncdbaas emulator`, as a process."""

from __future__ import annotations

import errno
import json
import os
import re
import resource
import signal
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner

from asyncdbaas.cli.emulator import emulator
from asyncdbaas.emulator import Delays, Emulator, Quirks, certificates

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


def told_line(process: subprocess.Popen[str]) -> str:
    """Return the next line of the standard error, without what asyncio reports as slow in its debug mode."""
    assert process.stderr is not None
    return next((line for line in process.stderr if not line.startswith("Executing <")), "")


def ask(printed: dict[str, str], method: str = "GET", path: str = "", body: Any = None) -> Any:
    request = urllib.request.Request(
        f"{printed['url']}/v2/databases{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {printed['token']}"},
    )
    context = ssl.create_default_context(cafile=printed["ca"]) if "ca" in printed else None
    with urllib.request.urlopen(request, context=context) as answer:
        return json.loads(answer.read() or b"null")


def control(printed: dict[str, str], method: str, path: str, token: str | None = None) -> Any:
    url = f"{printed['url']}/_emulator{path}"
    headers = {"Authorization": f"Bearer {printed['token'] if token is None else token}"}
    with urllib.request.urlopen(urllib.request.Request(url, method=method, headers=headers)) as answer:
        return json.loads(answer.read() or b"null")


@pytest.mark.parametrize("code", [PLAIN, AS_ON_WINDOWS], ids=["plain", "windows"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_serves_until_a_signal_and_exits_cleanly(number: signal.Signals, code: str) -> None:
    with running("--token", "mine", code=code) as (process, printed):
        assert printed["token"] == "mine"
        assert ask(printed) == {"databases": []}
        process.send_signal(number)
        assert process.wait(10) == 0


@pytest.mark.parametrize("code", [PLAIN, pytest.param(AS_ON_WINDOWS, marks=pytest.mark.long)], ids=["plain", "windows"])
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 0), (signal.SIGKILL, -9)])
def test_the_state_survives_a_restart(tmp_path: Path, number: signal.Signals, status: int, code: str) -> None:
    options = ("--state", str(tmp_path / "dev.json"), "--time-scale", "100000")
    with running(*options, code=code) as (process, printed):
        created = ask(printed, "POST", "", ORDER)["database"]
        process.send_signal(number)
        assert process.wait(10) == status
    with running(*options) as (_, printed):
        assert ask(printed, "GET", f"/{created['id']}")["database"]["connection"] == created["connection"]


def test_with_tls_it_names_the_authority_to_trust_and_removes_it_at_the_end() -> None:
    with running("--tls") as (process, printed):
        assert printed["url"].startswith("https://")
        assert ask(printed) == {"databases": []}
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            ask({"url": printed["url"], "token": printed["token"]})
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        assert not Path(printed["ca"]).exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--token", ""], "must not be empty"),
        (["--token", "a\nb"], "must not be empty or contain spaces or control characters"),
        (["--time-scale", "0"], "0.0 is not in the range x>0"),
        (["--port", "70000"], "70000 is not in the range"),
        (["--seed", "x"], "'x' is not a valid integer"),
        (["--cluster", "kafka"], "'kafka' is not ENGINE:NAME or ENGINE:NAME:NODES"),
        (["--cluster", "kafka:a:x"], "'kafka:a:x' is not ENGINE:NAME or ENGINE:NAME:NODES"),
        (["--delay", "topic"], "'topic' is not NAME=VALUE"),
        (["--quirk", "page_size"], "'page_size' is not NAME=VALUE"),
        (["--host", "0.0.0.0"], "for other machines: whoever has the token can then read and change everything"),
        (["--host", "::"], "pass --allow-remote to allow that"),
    ],
)
def test_a_wrong_option_is_rejected_by_name(options: list[str], message: str) -> None:
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
    with running(*options) as (_, printed):
        result = CliRunner().invoke(emulator, ["--port", "0", *options])
        assert ask(printed) == {"databases": []}
    assert result.exit_code == 1
    assert "another emulator is using this state file" in result.output


def test_a_full_disk_keeps_the_last_state_and_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "dev.json"

    def limit_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))  # a write beyond it fails, as on a full disk

    with running("--state", str(file), prepare=limit_files) as (process, printed):
        assert process.stderr is not None
        before = file.read_bytes()
        created = ask(printed, "POST", "", ORDER)["database"]
        assert f"{file}: the state cannot be written: {os.strerror(errno.EFBIG)}" in told_line(process)
        assert ask(printed, "GET", f"/{created['id']}")["database"]["name"] == "main"
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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--cluster", "kafca:a"], "clusters[0]: there is no engine 'kafca'"),
        (["--cluster", "kafka:a:4"], "clusters[0]: invalid node count"),
        (["--delay", "creat=1"], "delays: unknown key 'creat'; did you mean 'create'?"),
        (["--delay", "create=soon"], "delays.create must be a number from 0 to 1000000000, not 'soon'"),
        (["--quirk", "page_size=x"], "quirks.page_size must be a whole number from 1 to 200, or none, not 'x'"),
        (["--offer", "missing.json"], "missing.json cannot be read as an offer"),
        (["--offer", "/dev/zero"], "/dev/zero is not a regular file"),
        (["--seed-file", "/dev/zero"], "/dev/zero: is not a regular file"),
        (["--state", "/dev/zero"], "/dev/zero is not a regular file"),
        (["--seed-file", "missing.yaml"], "missing.yaml: "),
        (["--tls", "--ca-file", "missing/ca.pem"], "missing/ca.pem cannot be written"),
    ],
)
def test_what_it_cannot_start_with_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(emulator, ["--port", "0", *options])
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: {message}")
    assert result.output.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("seed.yaml", "clusters: [", "seed.yaml:2: not valid YAML"),
        ("seed.json", '{"clusters": [}', "seed.json:1: not valid JSON"),
        ("seed.yaml", "- kafka", "must hold one object with clusters, faults, delays or quirks"),
        ("seed.yaml", "", "must hold one object"),
        ("seed.yaml", "clusters: [{engine: kafka, topics: [a b]}]", "clusters[0].topics[0]: invalid topic name"),
        ("seed.yaml", b"\xff", "is not UTF-8 text"),
    ],
)
def test_a_seed_file_that_is_wrong_is_named(tmp_path: Path, name: str, text: str | bytes, message: str) -> None:
    file = tmp_path / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    result = CliRunner().invoke(emulator, ["--port", "0", "--seed-file", str(file)])
    assert result.exit_code == 1
    assert message in result.output


SEED = """
delays: {topic: 7, create: 9}
clusters:
  - engine: kafka
    name: events
    topics: [orders, {name: payments, partition_count: 6}]
    users: [shop]
"""


def test_it_starts_with_the_clusters_delays_and_quirks_of_options_and_file(tmp_path: Path) -> None:
    (tmp_path / "seed.yaml").write_text(SEED)
    options = ["--cluster", "kafka:stream:3", "--cluster", "pg:shop", "--delay", "topic=8", "--quirk", "page_size=2"]
    options += ["--seed-file", str(tmp_path / "seed.yaml"), "--per-minute", "77"]
    with running(*options) as (_, printed):
        listed = ask(printed)["databases"] + ask(printed, path="?page=2")["databases"]
        assert [(each["name"], each["status"]) for each in listed] == [
            ("stream", "online"),
            ("shop", "online"),
            ("events", "online"),
        ]
        assert [topic["name"] for topic in ask(printed, path=f"/{listed[2]['id']}/topics")["topics"]] == [
            "orders",
            "payments",
        ]
        settings = control(printed, "GET", "/settings")
        assert (settings["delays"]["topic"], settings["delays"]["create"]) == (8, 9)
        assert settings["quirks"]["page_size"] == 2
        assert control(printed, "GET", "/limits")["per_minute"] == 77


def test_every_field_of_delays_and_quirks_can_be_set_by_an_option() -> None:
    delays = [f"--delay={field.name.replace('_', '-')}=1.5" for field in attrs.fields(Delays)]
    words = {"consumer_group_key": "group_name", "valkey_policy": "hyphens", "page_size": "3"}
    quirks = [f"--quirk={field.name}={words.get(field.name, 'true')}" for field in attrs.fields(Quirks)]
    with running(*delays, *quirks) as (_, printed):
        settings = control(printed, "GET", "/settings")
    assert set(settings["delays"].values()) == {1.5}
    assert set(settings["quirks"].values()) == {True, "group_name", "hyphens", 3}


def test_a_line_for_each_request_shows_what_is_left_and_no_secret() -> None:
    with running("-v", "--cluster", "pg:shop") as (process, printed):
        cluster = ask(printed)["databases"][0]
        ask(printed, "POST", f"/{cluster['id']}/users", {"name": "web"})
        process.send_signal(signal.SIGINT)
        said = process.communicate()[1]
    line = r"(GET|POST) /v2/databases\S* 20[01] \d+\.\d ms, 24[89] left this minute, 499[89] this hour"
    assert [bool(re.fullmatch(line, each)) for each in said.splitlines()] == [True, True]
    assert printed["token"] not in said
    assert "AVNS_" not in said


def test_other_machines_are_let_in_with_a_warning_and_a_token_that_nobody_knows(tmp_path: Path) -> None:
    options = ["--host", "0.0.0.0", "--allow-remote"]
    with running(*options) as (process, printed):
        assert ask(printed) == {"databases": []}
        assert "Tokens would cross the network unencrypted" in told_line(process)
        with pytest.raises(urllib.error.HTTPError, match="401"):
            control(printed, "GET", "/clock", token="")
        assert control(printed, "GET", "/clock")["scale"] == 1
        assert printed["token"] != Emulator().token
    authority = tmp_path / "ca.pem"
    options += ["--tls", "--tls-name", "emulator", "--ca-file", str(authority)]
    with running(*options) as (process, printed):
        assert printed["ca"] == str(authority)
        assert ask(printed) == {"databases": []}
        assert "unencrypted" not in told_line(process)
        address = ("127.0.0.1", int(printed["url"].rpartition(":")[2]))
        trusting = ssl.create_default_context(cafile=authority)
        with socket.create_connection(address) as plain, trusting.wrap_socket(plain, server_hostname="emulator"):
            pass


def test_tls_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "available", lambda: False)
    result = CliRunner().invoke(emulator, ["--tls"])
    assert result.exit_code == 1
    assert "asyncdbaas[emulator]" in result.output
