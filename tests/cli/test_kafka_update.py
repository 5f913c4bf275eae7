"""`asyncdbaas kafka export --update`, on catalogues that people wrote."""

from __future__ import annotations

import json
from collections.abc import Generator
from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest
from terminal import Cli, Finished, emulated, in_process

from asyncdbaas.emulator import Emulator

EXAMPLE = Path(__file__).parents[1] / "data" / "topics.yaml"


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Generator[Emulator, None, None]:
    yield from emulated(monkeypatch, cluster="shop-events", per_minute=10**6, per_hour=10**6)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    def run(*arguments: object) -> Finished:
        style = ("--format", "json") if arguments[1] in ("plan", "apply") else ()
        return in_process(capsys, *map(str, arguments), "--time-scale", "1e6", *style)

    return run


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    file = tmp_path / "topics.yaml"
    file.write_bytes(EXAMPLE.read_bytes())
    return file


def counts(done: Finished) -> dict[str, Any]:
    return {name: count for name, count in json.loads(done.out)["counts"].items() if count}


def request(emulator: Emulator, method: str, path: str, body: dict[str, Any] | None = None) -> None:
    headers = {"authorization": f"Bearer {emulator.token}"}
    sent = b"" if body is None else json.dumps(body).encode()
    answer = emulator.handle(method, path, headers, sent)
    assert answer.status < 300
    emulator.clock.advance(minutes=1)


def path_of_the_cluster(emulator: Emulator) -> str:
    headers = {"authorization": f"Bearer {emulator.token}"}
    (cluster,) = json.loads(emulator.handle("GET", "/v2/databases", headers).body)["databases"]
    return f"/v2/databases/{cluster['id']}"


def change_behind_the_back(emulator: Emulator) -> None:
    topics = f"{path_of_the_cluster(emulator)}/topics"
    changes: dict[str, dict[str, Any]] = {
        "orders.order.placed": {"partition_count": 48},
        "orders.order-line.removed": {"partition_count": 30},
        "notifications.retry": {"config": {"retention_ms": 5}},
        "web.page.viewed": {"config": {"retention_ms": 6}},
        "monolith.cdc.public.articles": {"config": {"segment_ms": 7}},
        "loyalty.points.earned": {"partition_count": 12, "config": {"compression_type": "lz4"}},
    }
    for name, body in changes.items():
        request(emulator, "PUT", f"{topics}/{name}", body)
    for name in ("suppliers.delivery.short", "fraud.transaction.scored"):
        request(emulator, "DELETE", f"{topics}/{name}")
    request(emulator, "POST", topics, {"name": "somebody.else.s", "partition_count": 6, "replication_factor": 3})


DIFFERENCE = [
    "-    partition_count: 24",
    "+    partition_count: 48",
    "-    partitions: 24",
    "+    partitions: 30",
    "-  - name: fraud.transaction.scored",
    "-    partition_count: 12",
    "-    config:",
    "-      min.insync.replicas: 3",
    "-      retention.ms: 7776000000",
    "+    partition_count: 12",
    "+    config:",
    "+      compression.type: lz4",
    "-    partition_count: 3",
    "-  - name: suppliers.delivery.short",
    "-    config: *retry",
    "+    config: {<<: *retry, retention_ms: 5}",
    "-      retention.ms: 172800000         # two days",
    "+      retention.ms: 6         # two days",
    "+      segment.ms: 7",
    "+  - name: somebody.else.s",
]


def test_a_catalogue_keeps_all_that_was_written_around_what_has_changed_and_then_plans_to_nothing(
    cli: Cli, emulator: Emulator, catalogue: Path
) -> None:
    assert cli("kafka", "apply", catalogue, "--yes").code == 0
    emulator.clock.advance(minutes=1)
    untouched = cli("kafka", "export", "--update", catalogue)
    assert (untouched.code, untouched.out, catalogue.read_bytes()) == (
        0,
        f"{catalogue}: +0 ~0 -0\n",
        EXAMPLE.read_bytes(),
    )
    change_behind_the_back(emulator)
    catalogue.chmod(0o640)
    assert counts(cli("kafka", "plan", catalogue)).keys() > {"create", "keep"}
    updated = cli("kafka", "export", "--update", catalogue, "--remove-missing")
    assert (updated.code, updated.out) == (0, f"{catalogue}: +1 ~6 -2\n"), updated.err
    planned = cli("kafka", "plan", catalogue)
    assert (planned.code, counts(planned)) == (0, {"keep": EXAMPLE.read_text().count("- name: ") - 1})
    before, after = EXAMPLE.read_text().splitlines(), catalogue.read_text().splitlines()
    difference = [line for line in unified_diff(before, after, n=0) if line[0] in "+-"][2:]
    assert difference[: len(DIFFERENCE)] == DIFFERENCE
    assert not [line for line in difference[len(DIFFERENCE) :] if line[0] == "-"]
    assert [path.name for path in catalogue.parent.iterdir()] == ["topics.yaml"]
    assert catalogue.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("name", "text", "options", "message"),
    [
        ("t.json", "{}", (), "has no comments to keep, so --update is for YAML only"),
        ("t.csv", "name", (), "has no comments to keep, so --update is for YAML only"),
        ("t.yaml", "topics: [{name: a/b}]", (), "t.yaml:1: name: "),
        ("t.yaml", "topics: [{name: a}]", (), "no cluster is named for this topic"),
        (
            "t.yaml",
            "topics: [{name: a}]",
            ("--cluster", "shop-events", "--remove-missing"),
            "cannot be updated in place: none of its topics",
        ),
        ("t.yaml", "topics: [{name: a}]", ("--no-settings",), "cannot be combined with -o, --no-settings"),
        ("t.yaml", "topics: [{name: a}]", ("--cluster", "a", "--cluster", "b"), "there is no cluster 'a'"),
    ],
)
@pytest.mark.usefixtures("emulator")
def test_a_file_that_cannot_be_updated_is_refused_and_stays(
    *, cli: Cli, tmp_path: Path, name: str, text: str, options: tuple[str, ...], message: str
) -> None:
    file = tmp_path / name
    file.write_text(text)
    done = cli("kafka", "export", "--update", file, *options)
    assert (done.code, message in done.err, file.read_text()) == (1, True, text), done.err
    assert list(tmp_path.iterdir()) == [file]


KINDS = """\
cluster: shop-events
topics:
  - name: orders
users:
  - name: shop   # the shop
    acl:
      - {topic: orders, permission: consume}   # reads
      - {topic: carts, permission: produce}
  - name: planned   # not applied yet
    acl: []
schemas:
  - subject: orders-value
    type: avro
    schema: '"string"'   # simple
    compatibility: backward
"""


AUDIT = """\
  - name: audit
    acl:
      - {topic: orders, permission: admin}
"""


def test_users_and_schemas_are_brought_up_to_date_on_request_and_then_plan_to_nothing(
    cli: Cli, emulator: Emulator, tmp_path: Path
) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(KINDS.replace("  - name: planned   # not applied yet\n    acl: []\n", ""))
    assert cli("kafka", "apply", file, "--yes").code == 0
    path = path_of_the_cluster(emulator)
    rights = [{"topic": "orders", "permission": "admin"}]
    request(emulator, "PUT", f"{path}/users/shop", {"settings": {"acl": rights}})
    request(emulator, "POST", f"{path}/users", {"name": "audit", "settings": {"acl": rights}})
    request(emulator, "PUT", f"{path}/schema-registry/config/orders-value", {"compatibility_level": "NONE"})
    file.write_text(KINDS)
    checked = cli("kafka", "export", "--update", file, "--users", "--schemas", "--check")
    told = f"{file}: +1 ~2 -0; kept 1 entry that does not exist (--remove-missing removes them)\n"
    assert (checked.code, checked.out) == (2, told), checked.err
    expected = (
        KINDS.replace("permission: consume}   # reads", "permission: admin}   # reads")
        .replace("      - {topic: carts, permission: produce}\n", "")
        .replace(
            "    acl: []\n", "    acl: []\n  - name: audit\n    acl:\n      - {topic: orders, permission: admin}\n"
        )
        .replace("backward", "none")
    )
    assert file.read_text() == expected
    removed = cli("kafka", "export", "--update", file, "--users", "--schemas", "--remove-missing")
    assert (removed.code, removed.out) == (0, f"{file}: +0 ~0 -1\n")
    planned = cli("kafka", "plan", file)
    assert (planned.code, counts(planned)) == (0, {"keep": 4})


def test_the_primary_user_is_not_missing_and_no_topic_is_read(cli: Cli, emulator: Emulator, tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text("cluster: shop-events\nusers:\n  - name: doadmin\n")
    done = cli("kafka", "export", "--update", file, "--users", "--remove-missing")
    assert (done.code, done.out) == (0, f"{file}: +0 ~0 -0\n"), done.err
    assert "list_topics" not in emulator.requests.operations


def test_variables_of_a_file_are_given_to_its_update(cli: Cli, emulator: Emulator, tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text("cluster: ${PLACE}\ntopics: [{name: a, partitions: 6}]  # kept\n")
    assert cli("kafka", "apply", file, "--yes", "--var", "PLACE=shop-events").code == 0
    emulator.clock.advance(minutes=1)
    file.write_text(file.read_text().replace("6", "9"))
    missing = cli("kafka", "export", "--update", file)
    assert (missing.code, "the variable PLACE is not defined" in missing.err) == (1, True)
    done = cli("kafka", "export", "--update", file, "--var", "PLACE=shop-events")
    assert (done.code, done.out) == (0, f"{file}: +0 ~1 -0\n")
    assert file.read_text() == "cluster: ${PLACE}\ntopics: [{name: a, partitions: 6}]  # kept\n"


def test_a_file_that_is_changed_meanwhile_stays(
    cli: Cli, emulator: Emulator, catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue.write_bytes(b"\xef\xbb\xbfcluster: shop-events\r\ntopics: [{name: a}]  # a\r\n")
    assert cli("kafka", "apply", catalogue, "--yes").code == 0
    emulator.clock.advance(minutes=1)
    contents = iter([catalogue.read_bytes(), b"other"])
    original = Path.read_bytes

    def read_bytes(path: Path) -> bytes:
        return next(contents) if path == catalogue else original(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", read_bytes)
        done = cli("kafka", "export", "--update", catalogue)
    assert (done.code, "was changed meanwhile" in done.err) == (1, True)
    catalogue.write_bytes(catalogue.read_bytes().replace(b"{name: a}", b"{name: a, partitions: 6}"))
    assert cli("kafka", "export", "--update", catalogue).code == 0
    assert catalogue.read_bytes() == (
        b"\xef\xbb\xbfcluster: shop-events\r\ntopics: [{name: a, partitions: 3}]  # a\r\n"
    )
