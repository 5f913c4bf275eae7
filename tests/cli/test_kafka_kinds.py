"""Users, schemas, credentials and memories on the command line, and plans as Markdown."""

from __future__ import annotations

import json
import stat
from collections.abc import Generator
from pathlib import Path

import pytest
import yaml
from terminal import Cli, Finished, emulated, in_process

from asyncdbaas.catalogue import parse_catalogue
from asyncdbaas.cli.markdown import LIMIT, plan_text
from asyncdbaas.emulator import Emulator
from asyncdbaas.plan import ClusterRef, LiveState, Plan, Target, compare

TEXT = """
cluster: events
topics:
  - {name: orders, owner: team-shop, config: {retention.ms: 5}}
users:
  - name: shop
    acl:
      - {topic: orders.*, permission: produce}
      - {topic: stock, permission: consume}
schema_registry: {compatibility: FULL}
schemas:
  - {subject: orders-value, type: avro, schema: '"string"'}
"""


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Generator[Emulator, None, None]:
    yield from emulated(monkeypatch, per_minute=10**6, per_hour=10**6)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], emulator: Emulator) -> Cli:
    def run(*arguments: object) -> Finished:
        emulator.clock.advance(minutes=1)
        emulator.requests.clear()
        return in_process(capsys, *map(str, arguments), "--time-scale", "1e6")

    return run


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "events.yaml"
    path.write_text(TEXT)
    return path


def test_a_new_users_credentials_are_in_a_file_for_the_owner_and_nowhere_else(
    cli: Cli, file: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "deep" / "credentials"
    done = cli("kafka", "apply", file, "--yes", "--credentials", folder)
    assert done.code == 0, done.err
    (written,) = folder.iterdir()
    data = json.loads(written.read_text())
    assert (written.name, data["user"], data["cluster"]) == ("events.shop.json", "shop", "events")
    assert (stat.S_IMODE(written.stat().st_mode), stat.S_IMODE(folder.stat().st_mode)) == (0o600, 0o700)
    assert data["password"]
    assert data["password"] not in done.out + done.err


def test_credentials_that_could_not_be_kept_stop_the_apply_before_anything_is_sent(
    cli: Cli, emulator: Emulator, file: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "events.shop.json").write_text("mine")
    done = cli("kafka", "apply", file, "--yes", "--credentials", folder)
    assert (done.code, "move it, or name another folder" in done.err) == (1, True)
    assert not emulator.requests.operations["create_topic"]
    assert (folder / "events.shop.json").read_text() == "mine"


def test_no_file_of_credentials_has_the_name_of_a_device_on_windows(
    cli: Cli, emulator: Emulator, file: Path, tmp_path: Path
) -> None:
    emulator.add_cluster(name="con")
    file.write_text(file.read_text().replace("cluster: events", "cluster: con"))
    done = cli("kafka", "apply", file, "--cluster", "con", "--yes", "--credentials", tmp_path / "c")
    assert done.code == 0, done.err
    assert [written.name for written in (tmp_path / "c").iterdir()] == ["%63on.shop.json"]


def test_without_a_folder_passwords_are_not_shown_and_a_note_says_so(cli: Cli, file: Path) -> None:
    done = cli("kafka", "apply", file, "--yes", "--format", "json")
    assert (
        "The service makes passwords, which are not shown (1 new user); --credentials DIR writes them to files."
        in done.err
    )
    assert "password" not in done.out


def test_a_token_that_may_not_see_passwords_is_reported(
    cli: Cli, emulator: Emulator, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scopes = ["database:read", "database:create", "database:update"]
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", emulator.add_token(scopes=scopes))
    done = cli("kafka", "apply", file, "--yes", "--credentials", tmp_path / "c")
    assert done.code == 1
    assert "the credentials of user shop were not written: the token may not see passwords" in done.err


def test_rights_that_would_be_taken_away_are_shown_and_asked_for(
    cli: Cli, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("kafka", "apply", file, "--yes")
    less = tmp_path / "less.yaml"
    less.write_text("cluster: events\nusers: [{name: shop, acl: [{topic: stock, permission: consume}]}]")
    monkeypatch.setenv("FORCE_COLOR", "1")
    planned = cli("kafka", "plan", less, "--brief")
    assert planned.code == 2
    assert "\x1b[31m~  user  shop  acl -produce orders.*; takes away produce orders.*\x1b[0m" in planned.out
    refused = cli("kafka", "apply", less)
    assert "this would update 1 object, and take away 1 right; review it with `plan`, then pass --yes" in refused.err
    data = json.loads(cli("kafka", "plan", less, "--format", "json").out)
    assert data["changes"][0]["losses"] == ["produce orders.*"]
    assert data["forecast"]["requests"] == 2


def test_notes_of_the_catalogue_are_shown(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "notes.yaml"
    topic = "{name: a, description: orders, owner: shop, labels: {tier: gold, pii: 'no'}, x-team: blue}"
    path.write_text(f"cluster: events\ndescription: all of the shop\nx-area: 7\ntopics: [{topic}]")
    shown = cli("kafka", "plan", path).out
    assert shown.startswith("description: all of the shop, x-area: 7\n")
    assert "the defaults (description: orders, owner: shop, labels: tier=gold pii=no, x-team: blue)" in " ".join(
        shown.split()
    )
    review = cli("kafka", "plan", path, "--format", "markdown").out
    assert "\n\ndescription: all of the shop, x-area: 7\n" in review
    assert "`a`: the defaults (owner: shop)" in review, "what differs between all topics would not fit a comment"
    data = json.loads(cli("kafka", "plan", path, "--format", "json").out)
    assert data["notes"] == {"description": "all of the shop", "x-area": 7}
    (change,) = data["changes"]
    assert (change["labels"], change["x-team"]) == ({"tier": "gold", "pii": "no"}, "blue")


def test_names_that_match_nothing_are_reported(cli: Cli, file: Path) -> None:
    done = cli("kafka", "plan", file, "--only", "order")
    assert (done.code, done.out) == (0, "no objects. Nothing to do.\n")
    assert "warning: --only and --except match no object of the catalogue" in done.err


def test_incompatible_schemas_and_such_that_return_are_results_of_their_own(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "schemas.yaml"

    def applied(kind: str, *options: str, level: str = "none") -> Finished:
        schema = f"{{subject: s, type: avro, schema: '\"{kind}\"', compatibility: {level}}}"
        path.write_text(f"cluster: events\nschemas: [{schema}]")
        return cli("kafka", "apply", path, "--yes", *options)

    assert [applied("string").code, applied("long").code] == [0, 0]
    for result, options in {"no_effect": ("string", "none"), "incompatible": ("boolean", "full")}.items():
        kind, level = options
        data = json.loads(applied(kind, "--format", "json", level=level).out)
        assert [(outcome["name"], outcome["result"]) for outcome in data["outcomes"]] == [("s", result)]
        assert data["counts"][result] == 1
        for style in ("table", "markdown"):
            done = applied(kind, "--format", style, level=level)
            assert done.code == 1
            assert f"{result.replace('_', ' ')}: " in done.out


def test_everything_that_is_exported_plans_to_nothing(cli: Cli, file: Path, tmp_path: Path) -> None:
    cli("kafka", "apply", file, "--yes")
    out = tmp_path / "export.yaml"
    done = cli("kafka", "export", "--users", "--schemas", "-o", out)
    assert done.code == 0, done.err
    document = yaml.safe_load(out.read_text())
    assert [user["name"] for user in document["users"]] == ["shop"], "the first user of a cluster is the service's"
    assert document["schemas"][0]["subject"] == "orders-value"
    assert "compatibility" not in document["schemas"][0], "it has the registry's level"
    assert document["topics"][0]["config"] == {"retention.ms": 5}, "only what differs from the service's defaults"
    planned = cli("kafka", "plan", out)
    assert (planned.code, "Nothing to do" in planned.out) == (0, True), planned.out


def test_an_export_can_be_of_some_topics_only(cli: Cli, file: Path) -> None:
    cli("kafka", "apply", file, "--yes")
    assert "there is nothing to export" in cli("kafka", "export", "--except", "ord*").err
    assert "name: orders" in cli("kafka", "export", "--only", "ord*", "--all-settings").out


@pytest.mark.parametrize(("change", "code"), [("", 0), ("partitions: 9, ", 2)])
def test_an_update_says_what_it_changed_and_check_exits_with_2(
    cli: Cli, tmp_path: Path, change: str, code: int
) -> None:
    path = tmp_path / "t.yaml"
    path.write_text("cluster: events\ntopics:\n- {name: a, partitions: 3, config: {retention.ms: 5}}\n")
    cli("kafka", "apply", path, "--yes")
    path.write_text(path.read_text().replace("partitions: 3, ", change or "partitions: 3, "))
    done = cli("kafka", "export", "--update", path, "--check")
    assert (done.code, done.out) == (code, f"{path}: +0 ~{1 if code else 0} -0\n")


def test_a_memory_on_the_command_line_is_used_reported_and_kept_up_to_date(
    cli: Cli, emulator: Emulator, file: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "memory.json"
    assert cli("kafka", "apply", file, "--yes", "--cache", cache).code == 0
    planned = cli("kafka", "plan", file, "--cache", cache)
    assert planned.code == 0, planned.out
    assert "Settings of topics: 0 read, 1 from memory, the oldest 0:00:0" in planned.out
    assert not emulator.requests.operations["get_topic"]
    cache.write_text("{")
    again = cli("kafka", "plan", file, "--cache", cache)
    assert "warning: " in again.err
    assert "is damaged" in again.err
    assert [request.operation for request in emulator.requests][-1] == "get_topic"
    assert "is one of the inputs" in cli("kafka", "plan", file, "--cache", file).err
    assert cli("kafka", "plan", file, "--max-reads", 5).code == 1
    assert "is not an age" in cli("kafka", "plan", file, "--cache", cache, "--max-age", "soon").err


def test_owners_are_shown_in_plans(cli: Cli, file: Path) -> None:
    assert "(owner: team-shop)" in cli("kafka", "plan", file).out
    assert json.loads(cli("kafka", "plan", file, "--format", "json").out)["changes"][0]["owner"] == "team-shop"


def plan_of(topics: int, clusters: int, settings: int = 1) -> Plan:
    targets: list[Target] = []
    for number in range(clusters):
        lines = [
            f"- {{name: shop.orders.event-{each}, config: {{retention.ms: {each % settings}}}}}\n"
            for each in range(topics // clusters)
        ]
        entries = parse_catalogue("topics:\n" + "".join(lines), file="t.yaml").topics
        targets.append(Target(cluster=ClusterRef(id=str(number), name=f"cluster-{number}"), topics=entries))
    return compare(targets, LiveState(objects={}))


def test_a_review_of_1200_changes_on_6_clusters_fits_a_comment() -> None:
    text = plan_text(plan_of(1200, 6), "1200 requests to send.", brief=False)
    assert len(text) <= LIMIT
    assert text.startswith("**1200 create** on 6 clusters. 1200 requests to send.")
    assert text.count("<details>") == 6
    assert text.count("shop.orders.event-") == 1200


def test_a_review_that_does_not_fit_says_what_it_left_out_and_where_it_is() -> None:
    text = plan_text(plan_of(4000, 4, settings=500), "", brief=False)
    assert len(text) <= LIMIT
    left_out = int(text.rpartition("\n")[2].split()[0])
    assert text.count("shop.orders.event-") + left_out == 4000
    assert "`asyncdbaas kafka plan --format table`" in text
