"""Output on a terminal: no control codes from outside, nothing wider than the window, no progress bar in a pipe."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Generator
from pathlib import Path

import click
import pytest
from terminal import environment, in_process, on_terminal

from asyncdbaas.cli.commands import root
from asyncdbaas.cli.options import FORMATS, once
from asyncdbaas.cli.progress import Progress, _line
from asyncdbaas.cli.tables import Row, table
from asyncdbaas.cli.terminal import safe
from asyncdbaas.emulator import Clock, Emulator
from asyncdbaas.plan import Forecast
from asyncdbaas.ratelimit import RateLimiter

EVIL = "a\x1b[2J\x9b1m\u202ez"
EXAMPLE = str(Path(__file__).parents[1] / "data" / "topics.yaml")


@pytest.fixture
def unset_logger() -> Generator[None]:
    """Restore the logger after a command has configured it."""
    logger = logging.getLogger("asyncdbaas")
    handlers, level = logger.handlers[:], logger.level
    yield
    logger.handlers[:] = handlers
    logger.setLevel(level)


def always(_: object) -> bool:
    return True


def test_control_characters_are_made_visible_and_lines_stay() -> None:
    assert safe("plain, ä and 語\nnext") == "plain, ä and 語\nnext"
    assert safe(EVIL) == "a\\x1b[2J\\x9b1m\\u202ez"


@pytest.mark.unobserved
@pytest.mark.usefixtures("unset_logger")
@pytest.mark.parametrize("style", FORMATS)
@pytest.mark.parametrize("command", ["diff", "export", "clusters", "error", "verbose"])
def test_escape_sequences_of_the_service_never_reach_the_terminal(
    *, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str, style: str
) -> None:
    monkeypatch.setattr("asyncdbaas.cli.terminal.is_terminal", always)
    monkeypatch.setenv("NO_COLOR", "1")
    file = tmp_path / "t.yaml"
    file.write_text("cluster: events\ntopics: [{name: a}]")
    with Emulator(clock=Clock.stepped()) as emulator:
        cluster = emulator.add_cluster(name="events")
        monkeypatch.setenv("DIGITALOCEAN_TOKEN", emulator.token)
        arguments = ("clusters", "list") if command == "clusters" else ("kafka", "diff", str(file))
        if command == "export":
            arguments = ("kafka", "export", "--no-settings")
        if command == "clusters":
            emulator.faults.add("list_clusters", "wrong_shape", body={"databases": [cluster | {"region": EVIL}]})
        else:
            body = {"topics": [{"name": EVIL}]} if command != "error" else {"id": "x", "message": EVIL}
            emulator.faults.add("list_topics", "wrong_shape", body=body)
        formatted = () if command == "export" else ("--format", style)
        verbose = ("-v",) if command == "verbose" else ()
        done = in_process(capsys, *arguments, *formatted, *verbose, "--api-url", emulator.url)
    assert ("attempt 1" in done.err) == (command == "verbose")
    for text in (done.out, done.err):
        assert not {"\x1b", "\x9b", "\u202e"} & set(text)


def test_an_encoding_that_lacks_a_character_is_no_reason_to_fail(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from asyncdbaas.cli.terminal import _encodable

    class Windows:
        encoding = "cp1252"

    assert _encodable("ä 語", Windows()) == "ä \\u8a9e"  # type: ignore[arg-type]  # a stream in all that counts here
    monkeypatch.setattr("sys.stdin", None)
    assert in_process(capsys, "kafka", "plan", "-", "--emulator").code == 1


@pytest.mark.parametrize("variable", ["FORCE_COLOR", "TTY_COMPATIBLE"])
@pytest.mark.parametrize(
    "command", [("kafka", "apply", EXAMPLE), ("kafka", "plan", EXAMPLE), ("kafka", "export"), ("clusters", "list")]
)
def test_no_line_is_drawn_again_in_a_pipe_whatever_colours_are_forced(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], variable: str
) -> None:
    monkeypatch.setenv(variable, "1")
    monkeypatch.delenv("COLUMNS", raising=False)  # pytest-xdist sets it
    done = in_process(capsys, *command, "--emulator")
    assert done.code in (0, 2)
    assert "\r" not in done.err
    assert "\x1b[2K" not in done.err
    colours = variable == "FORCE_COLOR" and command[-1] != "export"
    assert ("\x1b[1m" in done.out) == colours


@pytest.mark.parametrize("columns", [60, *(pytest.param(width, marks=pytest.mark.long) for width in (80, 200))])
async def test_tables_fit_the_terminal_and_ids_stay_whole(columns: int) -> None:
    async with on_terminal("clusters", "list", "--emulator", env=environment(), columns=columns) as terminal:
        assert await terminal.exit_code() == 0
    text = terminal.text
    async with on_terminal("kafka", "plan", EXAMPLE, "--emulator", env=environment(), columns=columns) as second:
        assert await second.exit_code() == 2
    listed, planned = text.partition("shop-events")[2], second.text.partition("shop-events: ")[2]
    lines = [line for line in (listed + planned).splitlines() if "left in this hour" not in line]
    assert max(map(len, lines)) <= columns
    assert "gd-2vcpu-8gb" in text
    assert sum(len(word) == 36 and word.count("-") == 4 for word in text.split()) == 3


def test_a_table_wraps_its_last_column_or_becomes_blocks() -> None:
    rows = [Row(cells=("a", "one two three four five six seven"))]
    assert table(("id", "text"), rows, width=None)[1] == "a   one two three four five six seven"
    assert table(("id", "text"), rows, width=24)[1:] == ["a   one two three four", "    five six seven"]
    name = "x" * 30
    assert table(("id", "text"), [Row(cells=(name, "one two three four five"))], width=40) == [
        name,
        "    text one two three four five",
    ]


def test_the_bar_keeps_its_time_on_a_narrow_terminal() -> None:
    progress = Progress()
    progress._limiter = RateLimiter(10, 100)
    progress.on_event(Forecast(requests=200, seconds=0.0, quota_left=None))
    assert _line(progress, 100) == "[....................] reading, 0 of 200, 1:09:00 left, 0 in flight, 200 waiting"
    assert _line(progress, 40) == "reading, 0 of 200, 1:09:00 left"


def every_option() -> list[tuple[str, click.Option]]:
    def walk(name: str, command: click.Command) -> list[tuple[str, click.Option]]:
        if isinstance(command, click.Group):
            return [found for key, sub in command.commands.items() for found in walk(f"{name} {key}".strip(), sub)]
        return [(name, option) for option in command.params if isinstance(option, click.Option)]

    return walk("", root)


def test_every_option_with_one_value_refuses_a_second_one(capsys: pytest.CaptureFixture[str]) -> None:
    single = [(name, option) for name, option in every_option() if not option.multiple and not option.is_flag]
    assert len(single) > 20
    for name, option in single:
        assert isinstance(option, once.keywords["cls"]), f"{name} {option.opts}"
    done = in_process(capsys, "kafka", "plan", "x.yaml", "--prefix", "a", "--prefix=b")
    assert (done.code, done.err.splitlines()[-1]) == (1, "error: --prefix can be passed once, not 2 times")
    done = in_process(capsys, "kafka", "export", "-o", "a.yaml", "--out", "b.yaml")
    assert done.err.splitlines()[-1] == "error: --out can be passed once, not 2 times"


@pytest.mark.unobserved
@pytest.mark.usefixtures("unset_logger")
@pytest.mark.parametrize("where", [0, 1, 3])
def test_verbose_can_stand_before_or_after_the_command(capsys: pytest.CaptureFixture[str], where: int) -> None:
    words = ["clusters", "list", "--emulator"]
    words.insert(where, "-v")
    if where == 1:
        words = ["clusters", "list", "-v", "--emulator"]
    done = in_process(capsys, *words)
    assert done.code == 0
    assert done.err.count("GET /v2/databases (call 1): attempt 1") == 1


@pytest.mark.parametrize(
    ("text", "options", "code"),
    [
        ("topics:\n  - name: orders\n", "", 2),
        ("name\norders\n", "--input-format csv", 2),
        ('{"topics": [{"name": "orders"}]}', "--input-format json", 2),
        ("topics: [{name: a/b}]", "", 1),
        ("topics: []", "-", 1),
    ],
)
def test_a_catalogue_can_come_from_the_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, text: str, options: str, code: int
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    done = in_process(capsys, "kafka", "plan", "-", *options.split(), "--emulator", "--format", "json")
    assert done.code == code, done.err
    if code == 2:
        assert json.loads(done.out)["counts"]["create"] == 1
    else:
        assert "standard input:1: name: " in done.err or "can be read once" in done.err


def test_a_folder_and_a_pattern_stand_for_their_catalogues(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name, topic in (("a.yaml", "a"), ("b.json", "b"), ("deep/c.csv", "c"), ("notes.txt", "")):
        text = f"name\n{topic}\n" if name.endswith("csv") else json.dumps({"topics": [{"name": topic}]})
        (tmp_path / name).write_text(text)
    for source, names in ((str(tmp_path), ["a", "b", "c"]), (f"{tmp_path}/**/*.[cy]*", ["a", "c"])):
        done = in_process(capsys, "kafka", "plan", source, "--emulator", "--format", "json")
        assert [change["name"] for change in json.loads(done.out)["changes"]] == names
    (tmp_path / "empty").mkdir()
    assert "no catalogues found" in in_process(capsys, "kafka", "plan", str(tmp_path / "empty")).err
