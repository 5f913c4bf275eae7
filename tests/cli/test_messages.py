"""Every message that a user of `asyncdbaas kafka` can meet says what happened, to what, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from terminal import Finished, in_process

from asyncdbaas.catalogue import CatalogueError, parse_catalogue, read_catalogue
from asyncdbaas.cli.printing import forecast_line
from asyncdbaas.plan import Forecast


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    file = tmp_path / "t.yaml"
    file.write_text("cluster: events\ntopics: [{name: a}]\nusers: [{name: u, acl: []}]\n")
    return file


PLAN: Final = ("kafka", "plan", "FILE")
UPDATE: Final = ("kafka", "export", "--emulator", "--update", "FILE")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((*PLAN, "--max-reads", "5"), "--max-reads needs --cache"),
        ((*PLAN, "--max-age", "soon"), "'soon' is not an age: write a number and s, m, h or d"),
        ((*PLAN, "--prefix", "a"), "--prefix and --max-deletes need --prune"),
        ((*PLAN, "--prune"), "--prune needs --prefix: only objects whose names begin with it are deleted"),
        (
            (*PLAN, "--prune", "--prefix", "_a"),
            "prefix must not be '_a': names that begin with _ are reserved for Kafka",
        ),
        ((*PLAN, "--emulator", "--only", "x"), "warning: --only and --except match no object of the catalogue"),
        ((*PLAN, "--emulator", "--cache", "FILE"), "t.yaml is one of the inputs; name a new file"),
        (("kafka", "plan", "-", "-"), "standard input can be read once; pass - once"),
        (("kafka", "export", "--emulator", "--check"), "--remove-missing, --check and --var need --update"),
        ((*UPDATE, "--only", "a"), "it cannot be combined with -o, --no-settings, --only or --except"),
        (
            ("kafka", "apply", "FILE", "--emulator"),
            "The service makes passwords, which are not shown (1 new user); --credentials DIR writes them to files.",
        ),
    ],
)
def test_a_wrong_call_is_answered_with_what_to_write(
    capsys: pytest.CaptureFixture[str], catalogue: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = _run(capsys, catalogue, *arguments)
    assert message in done.err


@pytest.mark.parametrize("name", ["a b", "-a", "a" * 64, "orders.events"])
def test_a_cluster_name_that_the_service_rejects_is_one_line_with_an_emulator_too(
    capsys: pytest.CaptureFixture[str], catalogue: Path, name: str
) -> None:
    catalogue.write_text(f"cluster: '{name}'\ntopics: [{{name: a}}]")
    done = _run(capsys, catalogue, *PLAN, "--emulator")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert done.err.startswith(f"error: the emulator rejects the cluster '{name}': ")


@pytest.mark.parametrize(
    ("requests", "seconds", "left", "line"),
    [
        (0, 0.0, None, "Nothing to send."),
        (1, 0.0, None, "1 request to send."),
        (2, 0.4, 200, "2 requests to send (200 left in this hour)."),
        (1200, 240.0, None, "1200 requests to send, the last one after 0:04:00."),
    ],
)
def test_a_forecast_says_when_the_last_request_is_sent_if_it_must_wait(
    requests: int, seconds: float, left: int | None, line: str
) -> None:
    assert forecast_line(Forecast(requests=requests, seconds=seconds, quota_left=left)) == line


@pytest.mark.parametrize(
    ("count", "message"),
    [(1000, ": name: is missing"), (1001, "t.yaml: one more problem is not shown"), (1002, "2 more problems are not")],
)
def test_problems_that_are_not_shown_are_counted(count: int, message: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue("topics:\n" + "- {}\n" * count, file="t.yaml")
    assert message in str(caught.value.problems[-1])


@pytest.mark.parametrize(
    ("suffix", "text", "message"),
    [
        (".csv", 'name\n"a', "t.csv:2: not valid CSV: "),
        (".csv", "host,password\na,b", "t.csv:1: the header names no column of a catalogue, such as name"),
        (".yaml", "topics: {name: a}", "t.yaml:1: topics: must be a list, not a mapping"),
        (".yaml", "topics: [{name: a}]\ntopics: [{name: b}]", "t.yaml:2: topics: is already set in line 1"),
        (".yaml", "cluster: [a, b, a]\ntopics: [{name: t}]", "t.yaml:1: cluster: the cluster a is listed twice"),
        (".yaml", "topics:\n- {name: a}\n- {name: a}", "t.yaml:3: a: name: the same topic is declared in line 2"),
        (
            ".yaml",
            "users: [{name: u, acl: [{topic: a, permission: read}]}]",
            "must be one of admin, consume, produce, produceconsume, not 'read'; did you mean consume?",
        ),
    ],
)
def test_a_mistake_in_a_file_is_reported_with_its_line(suffix: str, text: str, message: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue(text, file=f"t{suffix}")
    assert message in str(caught.value.problems[0])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("topics: [{name: a}]".encode("utf-16"), "t.yaml:1: is UTF-16 text; save it as UTF-8"),
        (b"topics:\n- name: \xff", "t.yaml:2: is not UTF-8 text"),
        (b"topics:\n\t- name: a", "t.yaml:2: not valid YAML: a tab cannot indent a line; use blanks"),
    ],
)
def test_a_file_that_another_program_wrote_otherwise_is_answered_with_how_to_save_it(
    capsys: pytest.CaptureFixture[str], catalogue: Path, content: bytes, message: str
) -> None:
    catalogue.write_bytes(content)
    assert message in _run(capsys, catalogue, "kafka", "validate", "FILE").err


def test_an_empty_name_is_not_the_working_directory() -> None:
    with pytest.raises(CatalogueError, match="'': is not a file name"):
        read_catalogue("")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_reported_with_the_file(capsys: pytest.CaptureFixture[str], catalogue: Path) -> None:
    done = _run(capsys, catalogue, *PLAN, "--emulator", "--out", "/dev/full")
    assert (done.code, done.err.splitlines()[-1]) == (1, "error: /dev/full: No space left on device")


def _run(capsys: pytest.CaptureFixture[str], catalogue: Path, *arguments: str) -> Finished:
    return in_process(capsys, *(str(catalogue) if argument == "FILE" else argument for argument in arguments))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("kafka", "plan", ""), "the name of a file must not be empty"),
        (("kafka", "import", ""), "the name of a file must not be empty"),
        (("kafka", "plan", "t.yaml", "--only", ""), "only: a pattern must not be empty"),
        (("kafka", "plan", "t.yaml", "--except", ""), "exclude: a pattern must not be empty"),
        (("clusters", "wait", "events", "--nodes", "0"), "0 is not in the range x>=1"),
        (("clusters", "list", "--emulator", "--time-scale", "1e308"), "1e+308 is not in the range"),
        (("clusters", "list", "--emulator", "--time-scale", "1e-320"), "is not in the range"),
    ],
)
def test_what_an_unset_variable_leaves_or_nothing_can_be_is_rejected(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    done = in_process(capsys, *arguments)
    assert (done.code, message in done.err) == (1, True), done.err
