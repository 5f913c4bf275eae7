"""Commands in this process: what they print, send and return."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
import yaml
from terminal import Cli, Finished, emulated, in_process

from asyncdbaas import __version__
from asyncdbaas.catalogue import read_catalogue
from asyncdbaas.cli.commands import root
from asyncdbaas.emulator import Emulator

EXAMPLE = Path(__file__).parents[1] / "data" / "topics.yaml"

FORMATTED = [("kafka", "plan"), ("kafka", "apply"), ("kafka", "diff"), ("clusters", "list"), ("clusters", "wait")]


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Generator[Emulator, None, None]:
    yield from emulated(monkeypatch)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    def in_json(*arguments: object) -> Finished:
        style = ("--format", "json") if arguments[:2] in FORMATTED and "--format" not in arguments else ()
        return in_process(capsys, *map(str, arguments), *style)

    return in_json


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write_file(text: str, name: str = "topics.yaml") -> Path:
        file = tmp_path / name
        file.write_text(text)
        return file

    return write_file


def operations(emulator: Emulator) -> list[str | None]:
    return [request.operation for request in emulator.requests]


def counts(done: Finished) -> dict[str, Any]:
    return {name: count for name, count in json.loads(done.out)["counts"].items() if count}


TWO = "cluster: events\ntopics: [{name: a, config: {retention.ms: 5}}, {name: b}]"


def test_a_plan_shows_what_apply_does_with_exit_code_2_and_then_0(
    cli: Cli, emulator: Emulator, write: Callable[..., Path]
) -> None:
    file = write(TWO)
    planned = cli("kafka", "plan", file)
    assert (planned.code, counts(planned)) == (2, {"create": 2})
    assert [change["name"] for change in json.loads(planned.out)["changes"]] == ["a", "b"]
    assert json.loads(planned.out)["forecast"]["requests"] == 2
    assert "create_topic" not in operations(emulator)
    dry = cli("kafka", "apply", file, "--dry-run")
    assert (dry.code, counts(dry)) == (2, {"create": 2})
    assert cli("kafka", "apply", "--yes", file).code == 0
    emulator.clock.advance(minutes=1)
    again = cli("kafka", "plan", file)
    assert (again.code, counts(again)) == (0, {"keep": 2})


def test_several_files_are_one_catalogue_and_all_their_problems_are_reported(
    cli: Cli, emulator: Emulator, write: Callable[..., Path]
) -> None:
    one, two = write(TWO, "one.yaml"), write("cluster,name\nevents,c\n", "two.csv")
    assert counts(cli("kafka", "plan", one, two)) == {"create": 3}
    bad, worse = write("topics: [{name: a/b}]", "bad.yaml"), write("", "worse.json")
    emulator.requests.clear()
    done = cli("kafka", "plan", one, bad, worse)
    assert done.code == 1
    assert "bad.yaml:1: name: " in done.err
    assert "worse.json:1: not valid JSON" in done.err
    assert done.err.endswith("2 problems; nothing was changed.\n")
    assert not operations(emulator)
    twice = cli("kafka", "plan", one, write(TWO, "again.yaml"))
    assert f"again.yaml:2: b: the same topic is declared in {one}:2" in twice.err


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        ("event", "error: there is no cluster 'event'; did you mean 'events'?"),
        ("x", "error: there is no cluster 'x'; Kafka clusters here: events"),
        ("users", "error: cluster 'users' is pg, and topics need Kafka"),
    ],
)
@pytest.mark.usefixtures("emulator")
def test_a_cluster_that_is_missing_or_not_kafka_is_reported_before_anything_is_sent_to_it(
    cli: Cli, emulator: Emulator, write: Callable[..., Path], cluster: str, message: str
) -> None:
    emulator.add_cluster(engine="pg", name="users")
    done = cli("kafka", "apply", "--yes", write("topics: [{name: a}]"), "--cluster", cluster)
    assert (done.code, done.err.splitlines()[-1]) == (1, message)
    assert json.loads(done.out) == {
        "format": "asyncdbaas-output/1",
        "type": "error",
        "message": message.removeprefix("error: "),
        "problems": [],
    }
    assert operations(emulator) == ["list_clusters"]


def test_all_that_does_not_fit_the_clusters_is_reported_at_once_with_file_and_line(
    cli: Cli, emulator: Emulator, write: Callable[..., Path]
) -> None:
    file = write(
        "clusters:\n- cluster: nowhere\n  topics: [{name: a}, {name: b}]\n"
        "- cluster: events\n  topics:\n  - {name: a, replication_factor: 5}\ntopics: [{name: c}]\n"
    )
    done = cli("kafka", "apply", "--yes", file)
    assert done.code == 1
    assert done.err.splitlines()[-4:] == [
        f"{file}:7: c: no cluster is named for this topic; write `cluster:` in the file, or pass --cluster NAME",
        f"{file}:2: cluster: there is no cluster 'nowhere'; Kafka clusters here: events",
        f"{file}:6: a: replication_factor: 5 is more than the nodes of cluster 'events', 3",
        "3 problems; nothing was changed.",
    ]
    assert operations(emulator) == ["list_clusters"]


def test_without_a_terminal_existing_topics_are_changed_only_with_yes(
    cli: Cli, emulator: Emulator, write: Callable[..., Path]
) -> None:
    cli("kafka", "apply", "--yes", write(TWO))
    emulator.clock.advance(minutes=1)
    file = write("cluster: events\ntopics: [{name: a, config: {retention.ms: 7}}]")
    refused = cli("kafka", "apply", file)
    assert refused.code == 1
    assert "this would update 1 object; review it with `plan`, then pass --yes" in refused.err
    assert "update_topic" not in operations(emulator)
    assert counts(cli("kafka", "apply", file, "--yes")) == {"updated": 1}


def test_prune_needs_a_prefix_keeps_to_it_and_to_the_largest_number(
    cli: Cli, emulator: Emulator, write: Callable[..., Path]
) -> None:
    cli("kafka", "apply", "--yes", write("cluster: events\ntopics: [{name: x.1}, {name: x.2}, {name: y.1}]"))
    emulator.clock.advance(minutes=1)
    file = write("cluster: events\ntopics: [{name: a}]")
    assert "--prune needs --prefix" in cli("kafka", "apply", file, "--prune").err
    assert "--max-deletes need --prune" in cli("kafka", "apply", file, "--prefix", "x").err
    over = cli("kafka", "apply", file, "--prune", "--prefix", "x.", "--max-deletes", 1, "--yes")
    assert over.code == 1
    assert "2 objects would be deleted, and only 1 may be" in over.err
    assert "delete_topic" not in operations(emulator)
    done = cli("kafka", "apply", file, "--prune", "--prefix", "x.", "--yes")
    assert counts(done) == {"created": 1, "deleted": 2}


def test_a_saved_plan_is_applied_once_and_refused_when_the_live_state_has_changed(
    cli: Cli, emulator: Emulator, write: Callable[..., Path], tmp_path: Path
) -> None:
    plan = tmp_path / "plan.json"
    assert cli("kafka", "plan", write(TWO), "--out", plan).code == 2
    assert cli("kafka", "apply", "--yes", plan, "--cluster", "events").code == 1
    assert counts(cli("kafka", "apply", "--yes", plan)) == {"created": 2}
    stale = cli("kafka", "apply", "--yes", plan)
    assert stale.code == 1
    assert "the plan: objects were changed since it was made, so it is stale; make it again" in stale.err
    assert emulator.requests.operations["create_topic"] == 2


def test_an_edited_plan_is_refused_in_one_line(
    cli: Cli, emulator: Emulator, write: Callable[..., Path], tmp_path: Path
) -> None:
    plan = tmp_path / "plan.json"
    cli("kafka", "plan", write(TWO), "--out", plan)
    emulator.requests.clear()
    for old, new, message in (
        ('"a"', '"c"', "was edited after it was saved"),
        ("plan/2", "plan/3", "is not a saved plan of this version: its format is 'asyncdbaas-plan/3'"),
        ("}", "", "is not a saved plan: it is not JSON"),
    ):
        edited = write(plan.read_text().replace(old, new), "edited.json")
        done = cli("kafka", "apply", "--yes", edited)
        assert done.code == 1
        assert message in done.err
        assert not operations(emulator)


def test_a_failed_topic_makes_the_exit_code_1_and_is_reported_with_the_reason(
    cli: Cli, emulator: Emulator, write: Callable[..., Path]
) -> None:
    done = cli(
        "kafka", "apply", "--yes", write("cluster: events\ntopics: [{name: a, config: {message.format.version: x}}]")
    )
    assert (done.code, counts(done)) == (1, {"failed": 1})
    assert "failed: a on events: POST" in done.err
    assert json.loads(done.out)["outcomes"][0]["name"] == "a"
    assert emulator.requests.statuses[422] == 1


def test_a_token_that_may_not_write_is_reported_in_one_line(
    cli: Cli, emulator: Emulator, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", emulator.add_token(scopes=["database:read"]))
    names = ", ".join(f"{{name: t{number}}}" for number in range(20))
    done = cli("kafka", "apply", "--yes", write(f"cluster: events\ntopics: [{names}]"))
    assert (done.code, counts(done)) == (1, {"failed": 1, "not_sent": 19})
    assert emulator.requests.statuses[403] == 1


def test_a_missing_token_is_reported_in_one_line(
    cli: Cli, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DIGITALOCEAN_TOKEN", raising=False)
    monkeypatch.delenv("DIGITALOCEAN_ACCESS_TOKEN", raising=False)
    done = cli("kafka", "plan", write(TWO))
    assert (done.code, done.err) == (1, "error: no token: pass token=..., or set DIGITALOCEAN_TOKEN\n")


def test_diff_shows_both_directions(cli: Cli, emulator: Emulator, write: Callable[..., Path]) -> None:
    cli("kafka", "apply", "--yes", write("cluster: events\ntopics: [{name: a, config: {retention.ms: 9}}, {name: c}]"))
    emulator.clock.advance(minutes=1)
    done = cli("kafka", "diff", write(TWO))
    assert done.code == 2
    assert [(row["name"], row["difference"]) for row in json.loads(done.out)["differences"]] == [
        ("a", "different"),
        ("b", "missing"),
        ("c", "extra"),
    ]
    assert json.loads(done.out)["differences"][0]["keys"] == {"retention.ms": {"live": 9, "declared": 5}}
    same = cli("kafka", "diff", write("cluster: events\ntopics: [{name: a}, {name: c}]"))
    assert (same.code, json.loads(same.out)["differences"]) == (0, [])


@pytest.mark.parametrize("suffix", ["yaml", "json", "csv"])
def test_export_writes_a_catalogue_that_plans_to_nothing(
    cli: Cli, emulator: Emulator, write: Callable[..., Path], tmp_path: Path, suffix: str
) -> None:
    cli("kafka", "apply", "--yes", write(TWO))
    emulator.clock.advance(minutes=1)
    out = tmp_path / f"export.{suffix}"
    assert cli("kafka", "export", "-o", out).code == 0
    assert counts(cli("kafka", "plan", out)) == {"keep": 2}
    again = cli("kafka", "export", "-o", out)
    assert (again.code, "exists" in again.err) == (1, True)


def test_export_without_settings_costs_one_request_for_each_cluster(
    cli: Cli, emulator: Emulator, write: Callable[..., Path]
) -> None:
    cli("kafka", "apply", "--yes", write(TWO))
    emulator.requests.clear()
    done = cli("kafka", "export", "--no-settings", "--cluster", "events")
    assert operations(emulator) == ["list_clusters", "list_topics"]
    assert yaml.safe_load(done.out) == {
        "cluster": "events",
        "defaults": {"partition_count": 3, "replication_factor": 2},
        "topics": [{"name": "a"}, {"name": "b"}],
    }


def test_export_of_nothing_says_so(cli: Cli, emulator: Emulator) -> None:
    done = cli("kafka", "export")
    assert (done.code, done.err.splitlines()[-1]) == (1, "error: there is nothing to export")
    assert operations(emulator) == ["list_clusters", "list_topics"]


def test_clusters_are_listed_without_secrets(cli: Cli, emulator: Emulator) -> None:
    done = cli("clusters", "list")
    (row,) = json.loads(done.out)["clusters"]
    assert (row["name"], row["engine"], row["status"]) == ("events", "kafka", "online")
    assert "password" not in done.out
    assert operations(emulator) == ["list_clusters"]


def test_waiting_prints_the_states_and_ends_when_all_are_online(cli: Cli) -> None:
    done = cli("clusters", "wait", "orders", "shop-events", "--emulator", "--time-scale", 20)
    assert done.code == 0
    assert "orders: creating after 0 s" in done.err
    assert "orders: online after" in done.err
    assert [row["status"] for row in json.loads(done.out)["clusters"]] == ["online", "online"]


@pytest.mark.usefixtures("emulator")
def test_waiting_for_an_unknown_cluster_or_too_long_is_reported(cli: Cli) -> None:
    unknown = cli("clusters", "wait", "nowhere")
    assert unknown.code == 1
    assert unknown.err.splitlines()[-1] == "error: there is no cluster 'nowhere'; clusters here: events"
    late = cli("clusters", "wait", "events", "--nodes", 6, "--timeout", 0.05, "--interval", 0.01)
    assert late.code == 1
    assert "is not ready after 0.05 s" in late.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("kafka", "plan", EXAMPLE),
        ("kafka", "diff", EXAMPLE),
        ("kafka", "export"),
        ("clusters", "list"),
        ("clusters", "wait", "shop-db"),
    ],
)
def test_every_command_can_be_tried_on_an_emulator(cli: Cli, arguments: tuple[str, ...]) -> None:
    done = cli(*arguments, "--emulator")
    assert done.code in (0, 2)
    assert done.out
    assert "no account is touched" in done.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(cli: Cli, shell: str) -> None:
    done = cli("completion", shell)
    assert done.code == 0
    assert "_ASYNCDBAAS_COMPLETE" in done.out


@pytest.mark.parametrize(
    "command",
    [
        ("kafka", "plan"),
        ("kafka", "apply"),
        ("kafka", "export"),
        ("kafka", "diff"),
        ("kafka", "schema"),
        ("clusters", "list"),
        ("clusters", "wait"),
        ("emulator",),
        ("completion",),
    ],
)
def test_help_shows_examples(cli: Cli, command: tuple[str, ...]) -> None:
    done = cli(*command, "--help")
    assert done.code == 0
    assert f"\n    asyncdbaas {' '.join(command)}" in done.out


def test_every_command_and_option_is_described_by_whole_sentences() -> None:
    groups = [root, *(each for each in root.commands.values() if isinstance(each, click.Group))]
    for command in (command for group in groups for command in group.commands.values()):
        assert not command.get_short_help_str(60).endswith("..."), command.name
        for option in command.params:
            assert not isinstance(option, click.Option) or (option.help or "").endswith("."), option.name


def test_the_version_is_the_packages(cli: Cli) -> None:
    assert __version__ in cli("--version").out


def test_a_mistake_in_the_command_line_has_exit_code_1_as_2_means_pending(cli: Cli) -> None:
    done = cli("kafka", "plan")
    assert done.code == 1
    assert "Missing argument 'FILE...'" in done.err


def test_the_schema_takes_the_example_and_refuses_what_reading_refuses(cli: Cli) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(cli("kafka", "schema").out))

    def is_valid(text: str) -> bool:
        return not list(validator.iter_errors(yaml.safe_load(text)))  # pyright: ignore[reportUnknownMemberType]

    assert is_valid(EXAMPLE.read_text())
    assert read_catalogue(EXAMPLE).topics
    for text in ("topics: [{}]", "topics: [{name: a, partitions: 1}]", "foo: 1", "topics: [{name: a, config: {x: 1}}]"):
        assert not is_valid(text), text


def test_an_interrupt_while_modules_are_loaded_is_no_traceback() -> None:
    code = """
import sys

class Interrupt:
    def find_spec(self, name, *_):
        if name == "asyncdbaas.cli.commands":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupt())
from asyncdbaas.cli import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")
