"""`asyncdbaas topics apply`, run as a user runs it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from terminal import environment, on_terminal, through_pipes

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


async def test_the_example_is_created_on_the_built_in_emulator_without_a_token() -> None:
    done = await through_pipes("topics", "apply", EXAMPLE, "--emulator", env=environment())
    assert (done.code, done.out) == (0, f"created: {COUNT}, already there: 0, failed: 0\n")
    assert "no account is touched" in done.err
    assert "20 times as fast" in done.err


async def test_a_terminal_shows_a_live_bar_with_the_rate_limit_and_ends_with_a_table() -> None:
    async with on_terminal("topics", "apply", EXAMPLE, "--emulator", env=environment()) as terminal:
        assert await terminal.exit_code() == 0
    assert "waiting for the rate limit" in terminal.text
    assert "in flight" in terminal.text
    assert "0:00:0" in terminal.text
    assert f"{COUNT} of {COUNT} done" in terminal.text
    assert "shop-events" in terminal.text.rpartition("done")[2]


async def test_only_missing_topics_are_created_and_a_second_run_changes_nothing(catalogue: str) -> None:
    async with Emulator(delays=Delays.none()) as emulator:
        emulator.add_cluster(name="events")
        for counts in ("created: 3, already there: 0", "created: 0, already there: 3"):
            done = await through_pipes("topics", "apply", catalogue, "--cluster", "events", env=environment(emulator))
            assert done.code == 0, done.err
            assert done.out == f"{counts}, failed: 0\n"
        assert created(emulator) == 3


async def test_a_cluster_can_be_chosen_by_its_id(catalogue: str) -> None:
    async with Emulator() as emulator:
        cluster = emulator.add_cluster()
        done = await through_pipes("topics", "apply", catalogue, "--cluster", cluster["id"], env=environment(emulator))
        assert done.code == 0, done.err
        assert created(emulator) == 3


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        ("event", "error: there is no cluster 'event'; did you mean 'events'?"),
        ("users", "error: cluster 'users' is pg, and topics need Kafka"),
    ],
)
async def test_a_cluster_that_is_missing_or_not_kafka_is_told_before_the_first_create(
    catalogue: str, cluster: str, message: str
) -> None:
    async with Emulator() as emulator:
        emulator.add_cluster(name="events")
        emulator.add_cluster(engine="pg", name="users")
        done = await through_pipes("topics", "apply", catalogue, "--cluster", cluster, env=environment(emulator))
        assert (done.code, done.err, done.out) == (1, message + "\n", "")
        assert [request.operation for request in emulator.requests] == ["list_clusters"]


async def test_all_that_does_not_fit_the_clusters_is_told_at_once_with_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "topics.yaml"
    file.write_text(
        "clusters:\n- cluster: nowhere\n  topics: [{name: a}, {name: b}]\n"
        "- cluster: events\n  topics:\n  - {name: a, replication_factor: 5}\ntopics: [{name: c}]\n"
    )
    async with Emulator() as emulator:
        emulator.add_cluster(name="events")
        done = await through_pipes("topics", "apply", str(file), env=environment(emulator))
        assert done.code == 1
        assert done.err.splitlines() == [
            f"{file}:7: c: no cluster is named for this topic, or those like it: write `cluster:`, or choose one",
            f"{file}:3: cluster: there is no cluster 'nowhere'; Kafka clusters here: events",
            f"{file}:6: a: replication_factor: 5 is more than cluster 'events' has nodes, 3",
            "3 problems; nothing was sent that changes anything.",
        ]
        assert [request.operation for request in emulator.requests] == ["list_clusters"]


async def test_a_wrong_file_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    file = tmp_path / "topics.yaml"
    file.write_text("topics:\n- name: a\n  partitions: x\n- name: a/b\n")
    async with Emulator() as emulator:
        done = await through_pipes("topics", "apply", str(file), env=environment(emulator))
        assert done.code == 1
        assert f"{file}:3: a: partitions: must be a whole number, not 'x'" in done.err
        assert f"{file}:4: name: " in done.err
        assert "2 problems" in done.err
        assert len(emulator.requests) == 0


async def test_a_missing_token_is_told_in_one_line(catalogue: str) -> None:
    done = await through_pipes("topics", "apply", catalogue, env=environment())
    assert (done.code, done.err) == (1, "error: no token: pass token=..., or set DIGITALOCEAN_TOKEN\n")


async def test_a_token_that_may_not_write_ends_the_run_with_one_line(catalogue: str) -> None:
    async with Emulator() as emulator:
        emulator.add_cluster(name="events")
        env = environment(emulator) | {"DIGITALOCEAN_TOKEN": emulator.add_token(scopes=["database:read"])}
        done = await through_pipes("topics", "apply", catalogue, "--cluster", "events", env=env)
        assert done.code == 1
        assert "403 forbidden" in done.err.splitlines()[-1]


async def test_a_failed_topic_makes_the_exit_code_1_and_is_told_with_the_reason(catalogue: str) -> None:
    async with Emulator(clock=Clock.stepped()) as emulator:
        cluster = emulator.add_cluster(name="events")
        env = environment(emulator)
        await through_pipes("topics", "apply", catalogue, "--cluster", "events", env=env)
        emulator.clock.advance(minutes=1)
        authorization = {"authorization": f"Bearer {emulator.token}"}
        emulator.handle("DELETE", f"/v2/databases/{cluster['id']}/topics/b", authorization)
        done = await through_pipes("topics", "apply", catalogue, "--cluster", "events", env=env)
        assert done.code == 1
        assert done.out.splitlines() == [
            "created: 0, already there: 2, failed: 1",
            "failed: b on events: a topic of this name is still being deleted; run again in a minute",
        ]


async def test_ctrl_c_tells_what_was_created_and_the_next_run_finishes_the_rest() -> None:
    async with Emulator(clock=Clock.stepped()) as emulator:
        emulator.add_cluster(name="shop-events")
        env = environment(emulator)
        async with on_terminal("topics", "apply", EXAMPLE, env=env) as terminal:
            await terminal.shows("waiting for the rate limit")
            terminal.type(b"\x03")
            assert await terminal.exit_code() == 130
        assert created(emulator) == 248  # a minute's quota, less the two lists
        assert "│ 248 " in terminal.text
        assert "the same command finishes the rest" in terminal.text
        emulator.clock.advance(minutes=1)
        done = await through_pipes("topics", "apply", EXAMPLE, env=env)
        assert (done.code, done.out) == (0, f"created: {COUNT - 248}, already there: 248, failed: 0\n")
        assert created(emulator) == COUNT


async def test_the_command_says_what_to_install_if_the_extra_is_missing() -> None:
    code = "import sys; sys.modules['click'] = None; from asyncdbaas.cli import main; main()"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stderr=asyncio.subprocess.PIPE)
    _, err = await process.communicate()
    assert (process.returncode, err.decode()) == (
        1,
        "asyncdbaas: click is missing; install the command line with: pip install 'asyncdbaas[cli]'\n",
    )
