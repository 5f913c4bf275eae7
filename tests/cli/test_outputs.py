"""Where results go: files, pipes and devices that take them or not."""

from __future__ import annotations

import json
import os
import stat
import sys
import threading
from collections.abc import Generator
from contextlib import nullcontext
from pathlib import Path

import jsonschema
import pytest
from terminal import Cli, Finished, emulated, environment, in_process, through_shell, without_reader

from asyncdbaas.emulator import Emulator
from asyncdbaas.plan.documents import output_schema
from asyncdbaas.plan.files import OutputFile, UpdatedFile

TOPICS = "topics: [{name: a, partitions: 3}]\n"
HAS_FULL = Path("/dev/full").exists()


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Generator[Emulator, None, None]:
    yield from emulated(monkeypatch)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], emulator: Emulator) -> Cli:
    def run(*arguments: object) -> Finished:
        emulator.requests.clear()
        return in_process(capsys, *map(str, arguments))

    return run


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "topics.yaml"
    path.write_text(TOPICS)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("target", "reason"), [("no/x.yaml", "its folder does not exist"), ("folder", "is a directory")]
)
@pytest.mark.parametrize("command", ["plan", "export"])
def test_an_output_that_cannot_be_written_is_reported_before_anything_is_sent(
    *, cli: Cli, emulator: Emulator, file: Path, tmp_path: Path, command: str, target: str, reason: str
) -> None:
    (tmp_path / "folder").mkdir()
    out = tmp_path / target
    arguments = ("plan", file, "--cluster", "events") if command == "plan" else ("export",)
    done = cli("kafka", *arguments, "--out", out)
    assert done.code == 1
    assert not list(emulator.requests)
    assert reason in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("command", ["plan", "export"])
def test_nothing_that_exists_is_overwritten_unless_force_is_given(
    cli: Cli, emulator: Emulator, file: Path, tmp_path: Path, command: str
) -> None:
    cli("kafka", "apply", file, "--cluster", "events", "--yes")
    emulator.clock.advance(minutes=1)
    out = tmp_path / "out.yaml"
    out.write_text("# years of work\n")
    arguments = ("plan", file, "--cluster", "events") if command == "plan" else ("export",)
    done = cli("kafka", *arguments, "--out", out)
    assert (done.code, done.err) == (1, f"error: {out}: the file exists; name a new file, or pass --force\n")
    assert not list(emulator.requests)
    assert out.read_text() == "# years of work\n"
    assert cli("kafka", *arguments, "--out", out, "--force").code == 0
    assert "events" in out.read_text()
    assert names(tmp_path) == ["out.yaml", "topics.yaml"]


def test_a_plan_never_replaces_the_catalogue_that_it_is_made_of(cli: Cli, file: Path) -> None:
    done = cli("kafka", "plan", file, "--cluster", "events", "--out", file)
    assert (done.code, file.read_text()) == (1, TOPICS)
    forced = cli("kafka", "plan", file, "--cluster", "events", "--out", file, "--force")
    assert (forced.code, file.read_text()) == (1, TOPICS)
    assert "is one of the inputs" in forced.err


def test_no_output_replaces_an_input_in_a_folder_an_earlier_version_or_a_file_to_import(
    cli: Cli, file: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state.yml"
    state.write_text("topics: {a: {partitions: 3}}\n")
    for arguments in (
        ("plan", tmp_path, "--cluster", "events", "--out", file),
        ("plan", state, "--cluster", "events", "--since", file, "--out", file),
        ("import", state, "--out", state),
    ):
        done = cli("kafka", *arguments, "--force")
        assert (done.code, "is one of the inputs" in done.err) == (1, True), done.err
    assert file.read_text() == TOPICS


def test_a_new_file_has_the_users_usual_mode_and_a_secret_one_is_the_owners(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        for name, is_secret, mode in (("usual", False, 0o644), ("secret", True, 0o600)):
            with OutputFile(tmp_path / name, is_secret=is_secret) as output:
                output.write(b"x")
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == mode
    finally:
        os.umask(before)


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
@pytest.mark.parametrize("option", ["--out", "--cache"])
def test_links_in_a_circle_are_an_output_like_any_other(cli: Cli, file: Path, option: str) -> None:
    first, second = file.with_name("first.json"), file.with_name("second.json")
    first.symlink_to(second)
    second.symlink_to(first)
    done = cli("kafka", "plan", file, "--emulator", option, first)
    assert "Traceback" not in done.err
    if option == "--out":
        assert done.code == 1
        assert f"{first}: the file exists" in done.err
        assert first.is_symlink()


@pytest.mark.skipif(os.name == "nt", reason="it has neither")
def test_a_cache_that_is_a_pipe_or_a_device_is_rejected_without_reading_it(cli: Cli, file: Path) -> None:
    pipe, device = file.with_name("pipe"), file.with_name("device")
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    for cache in (pipe, device):
        done = cli("kafka", "plan", file, "--emulator", "--cache", cache)
        assert done.code == 1
        assert f"error: {cache}: is " in done.err


def test_a_name_as_long_as_the_file_system_allows_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("\U0001f600" * 60)
    with OutputFile(path) as file:
        file.write(b"content")
    assert path.read_bytes() == b"content"


def test_an_output_that_gets_no_content_leaves_no_trace(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), OutputFile(tmp_path / "x"):
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_nothing_is_left_in_the_folder_while_the_work_is_done_so_that_a_killed_process_leaves_no_trace(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x"
    with OutputFile(path, is_secret=True) as output:
        assert names(tmp_path) == []
        output.write(b"once")
    with UpdatedFile(path):
        assert names(tmp_path) == ["x"]


def test_a_file_that_somebody_else_makes_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with OutputFile(path) as output:
        path.write_text("theirs")
        with pytest.raises(FileExistsError):
            output.write(b"ours")
    assert (path.read_text(), names(tmp_path)) == ("theirs", ["x"])


@pytest.mark.parametrize("exists", [False, True])
def test_a_file_system_without_hard_links_gets_the_file_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exists: bool
) -> None:
    def link(*_: object) -> None:
        raise OSError(1, "not permitted")

    monkeypatch.setattr(os, "link", link)
    path = tmp_path / "x"
    with OutputFile(path) as output:
        if exists:
            path.write_text("theirs")
        with pytest.raises(FileExistsError) if exists else nullcontext():
            output.write(b"ours")
    assert (path.read_text(), names(tmp_path)) == ("theirs" if exists else "ours", ["x"])


def test_a_full_disk_leaves_neither_an_empty_file_nor_a_broken_one(
    cli: Cli, emulator: Emulator, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(_: int) -> None:
        raise OSError(28, "No space left on device")

    cli("kafka", "apply", file, "--cluster", "events", "--yes")
    emulator.clock.advance(minutes=1)
    monkeypatch.setattr(os, "fsync", fsync)
    other = tmp_path / "other.yaml"
    other.write_text("cluster: events\ntopics: [{name: a, partitions: 9}]  # nine\n")
    for arguments, shown in ((("-o", tmp_path / "new.yaml"), "new.yaml"), (("--update", other), "other.yaml")):
        done = cli("kafka", "export", *arguments)
        assert (done.code, done.err.splitlines()[-1]) == (1, f"error: {tmp_path / shown}: No space left on device")
    assert names(tmp_path) == ["other.yaml", "topics.yaml"]
    assert other.read_text() == "cluster: events\ntopics: [{name: a, partitions: 9}]  # nine\n"


@pytest.mark.parametrize("kind", ["mode", "symbolic link", "hard link", "closed folder"])
def test_an_updated_file_keeps_its_mode_and_its_links(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "x.yaml"
    path.write_bytes(b"before, and longer")
    path.chmod(0o640)
    other = tmp_path / "other.yaml"
    if kind == "symbolic link":
        path.rename(other)
        path.symlink_to(other)
    elif kind == "hard link":
        os.link(path, other)
    elif kind == "closed folder":
        folder.chmod(0o555)
    inode = path.stat().st_ino
    try:
        with UpdatedFile(path) as file:
            assert file.content == b"before, and longer"
            file.write(b"after")
    finally:
        folder.chmod(0o755)
    assert path.read_bytes() == b"after"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.is_symlink() == (kind == "symbolic link")
    if kind == "hard link":
        assert (other.read_bytes(), path.stat().st_ino) == (b"after", inode)
    assert names(folder) == ["x.yaml"]


def test_a_file_whose_owner_cannot_be_kept_by_a_new_one_is_written_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"before")
    inode = path.stat().st_ino
    real = Path.stat

    def other_owner(self: Path, **options: bool) -> os.stat_result:
        found = real(self, **options)
        return os.stat_result((*found[:4], found.st_uid + (self.name == "x.yaml"), *found[5:]))

    def chown(*_: object) -> None:
        raise PermissionError(1, "not permitted")

    monkeypatch.setattr(os, "chown", chown)
    with monkeypatch.context() as patch, UpdatedFile(path) as file:
        patch.setattr(Path, "stat", other_owner)
        file.write(b"after")
    assert (path.read_bytes(), path.stat().st_ino, names(tmp_path)) == (b"after", inode, ["x.yaml"])


def test_an_updated_file_that_is_a_mount_of_its_own_is_written_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace(*_: object) -> None:
        raise OSError(16, "Device or resource busy")

    path = tmp_path / "x.yaml"
    path.write_bytes(b"before")
    monkeypatch.setattr(Path, "replace", replace)
    with UpdatedFile(path) as file:
        file.write(b"after")
    assert (path.read_bytes(), names(tmp_path)) == (b"after", ["x.yaml"])


def test_a_file_that_another_program_keeps_open_on_windows_is_reported_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace(*_: object) -> None:
        raise PermissionError(13, "Permission denied")  # what os.replace raises there

    path = tmp_path / "x.yaml"
    path.write_bytes(b"before")
    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(OSError, match=r"Permission denied: '.*x.yaml'"), UpdatedFile(path) as file:
        file.write(b"after")
    assert (path.read_bytes(), names(tmp_path)) == (b"before", ["x.yaml"])


@pytest.mark.parametrize("redirection", [">&-", ">/dev/full", "| true", "2>&-", "2>/dev/full", "<&-"])
@pytest.mark.parametrize("command", ["plan", pytest.param("apply", marks=pytest.mark.long)])
async def test_a_closed_or_full_stream_is_one_line_or_none_and_never_a_traceback(
    file: Path, command: str, redirection: str
) -> None:
    if redirection.endswith("full") and not HAS_FULL:
        pytest.skip("this system has no /dev/full")
    done = await through_shell(f"kafka {command} {file} --emulator {redirection}", env=environment())
    assert "Traceback" not in done.err
    assert "Exception ignored" not in done.err
    if redirection in (">&-", ">/dev/full"):
        assert done.code == 1
        assert done.err.splitlines()[-1].startswith("error: standard output ")
    elif redirection != "| true":
        assert done.code == (2 if command == "plan" else 0)


@pytest.mark.parametrize(
    ("arguments", "code", "creates"),
    [
        (("plan", "FILE", "--cluster", "events"), 2, 0),
        (("plan", "FILE", "--cluster", "events", "--format", "json"), 2, 0),
        (("plan", "FILE", "--cluster", "nowhere", "--format", "json"), 1, 0),
        (("apply", "FILE", "--cluster", "events", "--yes"), 0, 1),
        (("schema",), 0, 0),
        (("plan", "--help"), 0, 0),
    ],
)
async def test_a_reader_that_has_ended_is_no_error_and_ends_no_work(
    emulator: Emulator, file: Path, arguments: tuple[str, ...], code: int, creates: int
) -> None:
    words = (str(file) if word == "FILE" else word for word in arguments)
    done = await without_reader("kafka", *words, env=environment(emulator))
    assert done.code == code
    assert emulator.requests.operations["create_topic"] == creates
    for word in ("pipe", "output", "Traceback", "Exception ignored"):
        assert word not in done.err


@pytest.mark.skipif(sys.platform == "win32", reason="it has no named pipes in the file system")
def test_an_output_file_whose_reader_has_ended_is_an_error(cli: Cli, tmp_path: Path) -> None:
    many = tmp_path / "many.yaml"  # the plan is larger than what a pipe holds
    many.write_text("topics:\n" + "".join(f"- {{name: topic-{number}}}\n" for number in range(2000)))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def read_a_little() -> None:
        with pipe.open("rb", buffering=0) as stream:
            stream.read(1)

    reader = threading.Thread(target=read_a_little)
    reader.start()
    done = cli("kafka", "plan", many, "--cluster", "events", "--out", pipe)
    reader.join()
    assert (done.code, done.err.splitlines()[-1]) == (1, f"error: {pipe}: Broken pipe")


async def test_an_output_can_be_a_pipe_or_a_device(file: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("Windows has no /dev/stdout")
    done = await through_shell(f"kafka plan {file} --emulator --brief --out /dev/stdout | cat", env=environment())
    assert '"format": "asyncdbaas-plan/2"' in done.out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("kafka", "plan", "FILE", "--cluster", "events"), 2),
        (("kafka", "plan", "FILE", "--cluster", "event"), 1),
        (("kafka", "plan", "FILE"), 1),
        (("kafka", "plan", "missing.yaml"), 1),
        (("kafka", "diff", "FILE", "--cluster", "events"), 2),
        (("kafka", "apply", "FILE", "--cluster", "events"), 1),
        (("kafka", "apply", "FILE", "--cluster", "events", "--yes"), 0),
        (("clusters", "list"), 0),
        (("clusters", "wait", "nowhere"), 1),
        (("kafka", "plan", "FILE", "--no-such-option"), 1),
        (("clusters", "wait", "export"), 1),
        pytest.param(
            ("kafka", "plan", "FILE", "--cluster", "events", "--out", "/dev/full"),
            1,
            marks=pytest.mark.skipif(not HAS_FULL, reason="needs /dev/full"),
        ),
    ],
)
def test_all_json_fits_the_published_schema(cli: Cli, file: Path, arguments: tuple[str, ...], code: int) -> None:
    done = cli(*(str(file) if word == "FILE" else word for word in arguments), "--format", "json")
    assert done.code == code, done.err
    document = json.loads(done.out)
    validator = jsonschema.Draft202012Validator(json.loads(output_schema()))
    validator.validate(document)  # pyright: ignore[reportUnknownMemberType] -- jsonschema types it in part
    assert cli("kafka", "schema", "output").out == output_schema()
    assert (document["type"] == "error") == (code == 1)


@pytest.mark.parametrize("command", ["import", "export"])
def test_the_format_of_a_catalogue_is_not_that_of_an_error(cli: Cli, tmp_path: Path, command: str) -> None:
    file = tmp_path / "missing.yaml"
    arguments = (file,) if command == "import" else ("--cluster", "nowhere")
    done = cli("kafka", command, *arguments, "--format", "json")
    assert (done.code, done.out) == (1, "")


def test_the_deletion_of_a_cluster_given_by_its_id_is_over_if_it_does_not_exist(cli: Cli) -> None:
    gone = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
    done = cli("clusters", "wait", gone, "--deleted", "--interval", "0.01")
    assert done.code == 0, done.err
    assert f"{gone}: absent" in done.err
