"""`asyncdbaas kafka apply`, run as a user runs it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from terminal import environment, in_process, on_terminal, through_pipes

from asyncdbaas.emulator import Clock, Delays, Emulator

EXAMPLE = str(Path(__file__).parents[1] / "data" / "topics.yaml")
COUNT = Path(EXAMPLE).read_text(encoding="utf-8").count("- name: ")


@pytest.fixture
def catalogue(tmp_path: Path) -> str:
    file = tmp_path / "topics.yaml"
    file.write_text("topics: [{name: a}, {name: b, partitions: 6}, {name: c}]")
    return str(file)


def created(emulator: Emulator) -> int:
    return sum(request.applied for request in emulator.requests if request.operation == "create_topic")


def counts(out: str) -> dict[str, Any]:
    return {result: count for result, count in json.loads(out)["counts"].items() if count}


def test_the_example_is_created_on_an_emulator_of_its_own_without_a_token(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DIGITALOCEAN_TOKEN", raising=False)
    done = in_process(capsys, "kafka", "apply", EXAMPLE, "--emulator", "--format", "json")
    assert (done.code, counts(done.out)) == (0, {"created": COUNT})
    assert "no account is touched" in done.err
    assert "20 times as fast" in done.err
    assert f"{COUNT} requests to send" in done.err
    assert f"{COUNT} of {COUNT} done" in done.err


async def test_a_terminal_shows_a_live_bar_with_the_rate_limit_and_ends_with_a_table() -> None:
    async with on_terminal("kafka", "apply", EXAMPLE, "--emulator", env=environment()) as terminal:
        assert await terminal.exit_code() == 0
    assert "waiting for the rate limit" in terminal.text
    assert "in flight" in terminal.text
    assert "0:00:0" in terminal.text
    table = terminal.text.rpartition(f"{COUNT} of {COUNT} done")[2]
    assert f"shop-events  {COUNT} " in table
    assert "s waiting for the rate limit" in table
    assert terminal.codes <= {"\x1b[0m", "\x1b[1m"}, "the bar is plain text"


def test_only_missing_topics_are_created_and_a_second_run_changes_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, catalogue: str
) -> None:
    with Emulator(delays=Delays.none()) as emulator:
        emulator.add_cluster(name="events")
        monkeypatch.setenv("DIGITALOCEAN_TOKEN", emulator.token)
        monkeypatch.setenv("DIGITALOCEAN_API_URL", emulator.url)
        for result in ("created", "kept"):
            arguments = ("--cluster", "events", "--yes", "--format", "json")
            done = in_process(capsys, "kafka", "apply", catalogue, *arguments)
            assert done.code == 0, done.err
            assert counts(done.out) == {result: 3}
        assert created(emulator) == 3


async def test_ctrl_c_prints_what_was_created_and_the_next_run_finishes_the_rest() -> None:
    async with Emulator(clock=Clock.stepped(), per_minute=10**6, per_hour=10**6) as emulator:
        emulator.add_cluster(name="shop-events")
        env = environment(emulator)
        # Told the time scale, the client keeps to the service's limits and not to those of the emulator.
        async with on_terminal("kafka", "apply", EXAMPLE, "--time-scale", "1", "--yes", env=env) as terminal:
            await terminal.shows(f" left, 0 in flight, {COUNT - 248} waiting for the rate limit")
            terminal.type(b"\x03")
            assert await terminal.exit_code() == 130
        assert created(emulator) == 248  # a minute's quota, less the two lists
        assert "shop-events  248 " in terminal.text
        assert "The same command finishes the rest" in terminal.text
        emulator.clock.advance(minutes=1)
        done = await through_pipes(
            "kafka", "apply", EXAMPLE, "--time-scale", "1e6", "--yes", "--format", "json", env=env
        )
        assert (done.code, counts(done.out)) == (0, {"created": COUNT - 248, "kept": 248})
        assert created(emulator) == COUNT
        paths = [request.path for request in emulator.requests if request.operation == "create_topic"]
        assert len(paths) == COUNT, "none was sent twice"


@pytest.mark.parametrize(
    ("number", "background"),
    [(signal.SIGINT, False), (signal.SIGTERM, False), (signal.SIGTERM, True), (signal.SIGHUP, False)],
)
async def test_an_interruption_names_the_topics_whose_requests_had_been_sent(
    catalogue: str, number: signal.Signals, *, background: bool
) -> None:
    async with Emulator(clock=Clock.stepped()) as emulator:
        emulator.add_cluster(name="events")
        emulator.faults.add("create_topic", "silence", applied=True, skip=1)
        arguments = ("kafka", "apply", catalogue, "--cluster", "events", "--yes")
        async with on_terminal(*arguments, env=environment(emulator), background=background) as terminal:
            await terminal.shows("2 of 3 done, 1 in flight")
            terminal.send(number)
            assert await terminal.exit_code() == 130
        assert "Requests for these were sent and may be applied: b." in terminal.text
        assert "events   2 " in terminal.text


@pytest.mark.parametrize("command", ["plan", "apply"])
async def test_an_interrupted_command_prints_a_document_that_names_what_is_in_doubt(
    catalogue: str, command: str
) -> None:
    async with Emulator(clock=Clock.stepped()) as emulator:
        emulator.add_cluster(name="events")
        emulator.faults.add("create_topic" if command == "apply" else "list_topics", "silence", optional=True)
        more = ("--yes",) if command == "apply" else ()
        async with on_terminal(
            "kafka", command, catalogue, "--cluster", "events", "--format", "json", *more, env=environment(emulator)
        ) as terminal:
            await terminal.shows("1 in flight" if command == "plan" else "1 in flight, 2 waiting")
            terminal.type(b"\x03")
            assert await terminal.exit_code() == 130
        document = json.loads(terminal.text[terminal.text.index("{") : terminal.text.rindex("}") + 1])
    if command == "plan":
        assert (document["type"], document["message"]) == ("error", "Interrupted.")
    else:
        assert (document["type"], document["is_complete"]) == ("report", False)
        assert [outcome["name"] for outcome in document["outcomes"] if outcome["outcome_unknown"]] == ["a"]


async def test_a_change_of_existing_topics_is_asked_for_on_a_terminal(catalogue: str, tmp_path: Path) -> None:
    async with Emulator(delays=Delays.none()) as emulator:
        emulator.add_cluster(name="events")
        env = environment(emulator)
        await through_pipes("kafka", "apply", catalogue, "--cluster", "events", "--yes", env=env)
        file = tmp_path / "more.yaml"
        file.write_text("topics: [{name: a, partitions: 12}]")
        for answer, code in ((b"n\n", 130), (b"y\n", 0)):
            async with on_terminal("kafka", "apply", str(file), "--cluster", "events", env=env) as terminal:
                await terminal.shows("Update 1 object? [y/N]")
                assert "partition_count 3 -> 12" in terminal.text
                terminal.type(answer)
                assert await terminal.exit_code() == code
            assert emulator.requests.operations["update_topic"] == (1 if code == 0 else 0)


async def test_the_command_says_what_to_install_if_the_extra_is_missing() -> None:
    code = "import sys; sys.modules['click'] = None; from asyncdbaas.cli import main; main()"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stderr=asyncio.subprocess.PIPE)
    _, err = await process.communicate()
    assert (process.returncode, err.decode()) == (
        1,
        "asyncdbaas: click is missing; install the command line with: pip install 'asyncdbaas[cli]'\n",
    )


@pytest.mark.parametrize(
    ("command", "code", "shown"),
    [
        ("kafka plan topics.yaml", 2, ["partition_count 6", "+  topic  t49", "51 create.", "51 requests to send"]),
        pytest.param("kafka diff topics.yaml", 2, ["missing", "51 differences."], marks=pytest.mark.long),
        pytest.param("clusters list", 0, ["shop-events", "kafka", "creating"], marks=pytest.mark.long),
    ],
)
async def test_people_get_tables_of_plans_differences_and_clusters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, code: int, shown: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    topics = ", ".join(f"{{name: t{number}}}" for number in range(50))
    (tmp_path / "topics.yaml").write_text(f"cluster: events\ntopics: [{{name: orders, partitions: 6}}, {topics}]")
    async with on_terminal(*command.split(), "--emulator", env=environment()) as terminal:
        assert await terminal.exit_code() == code
    assert not [text for text in shown if text not in terminal.text]
