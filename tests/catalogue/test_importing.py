"""Files of other tools become catalogues, and what has no place in one is reported with its line.

The files in `tests/data/imports` are written anew after the documentation of each tool. Beside each stands what becomes
of it: the catalogue, and the notes below a line of dashes.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from asyncdbaas.catalogue import CatalogueError, parse_catalogue, write_catalogue
from asyncdbaas.catalogue.importing import import_catalogue

FOLDER = Path(__file__).parents[1] / "data" / "imports"
FILES = sorted(path.name for path in FOLDER.iterdir() if path.suffix in (".yaml", ".json", ".txt"))
RULE = "-----\n"


def notes_of(tmp_path: Path, text: str, name: str = "t.yaml") -> list[str]:
    (tmp_path / name).write_text(text)
    return [str(note).removeprefix(f"{tmp_path}/") for note in import_catalogue(tmp_path / name).notes]


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_tool_becomes_a_catalogue(name: str) -> None:
    found = import_catalogue(FOLDER / name)
    text = write_catalogue(found.catalogue, suffix=".yaml")
    notes = "".join(f"{note}\n".removeprefix(f"{FOLDER}/") for note in found.notes)
    assert f"{text}{RULE}{notes}" == (FOLDER / f"{name}.expected").read_text()
    read = parse_catalogue(text, file="t.yaml")
    assert [entry.topic for entry in read.topics] == [entry.topic for entry in found.catalogue.topics]
    assert [(user.name, user.acl) for user in read.users] == [(user.name, user.acl) for user in found.catalogue.users]


def test_no_note_and_no_catalogue_holds_the_secrets_of_a_terraform_state() -> None:
    assert "hunter2" in (FOLDER / "terraform.json").read_text()
    found = import_catalogue(FOLDER / "terraform.json")
    assert "hunter2" not in write_catalogue(found.catalogue, suffix=".json")
    assert "hunter2" not in "".join(map(str, found.notes))


def test_several_files_become_one_catalogue_and_conflicts_between_them_are_problems(tmp_path: Path) -> None:
    found = import_catalogue(FOLDER / "strimzi.yaml", FOLDER / "strimzi-list.json", FOLDER / "topicctl.yaml")
    assert [entry.topic.name for entry in found.catalogue.topics] == ["orders.placed", "audit", "clicks", "shipments"]
    (tmp_path / "other.yaml").write_text((FOLDER / "topicctl.yaml").read_text())
    with pytest.raises(CatalogueError, match="the same topic is declared in"):
        import_catalogue(FOLDER / "topicctl.yaml", tmp_path / "other.yaml")


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("t.yaml", "password: hunter2", "is none of the files that can be imported"),
        ("t.yaml", "hunter2", "is none of the files that can be imported"),
        ("t.json", "{", "t.json:1: not valid JSON"),
        ("t.yaml", "a: [", "not valid YAML"),
        ("missing/t.yaml", None, "No such file or directory"),
    ],
)
def test_what_cannot_be_imported_is_rejected_without_quoting_it(
    tmp_path: Path, name: str, text: str | None, problem: str
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(CatalogueError, match=problem) as caught:
        import_catalogue(tmp_path / name)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("topics", "note"),
    [
        ("a/b: {}", "t.yaml:2: topic name must be"),
        ("a.b: {partitions: 3}\n  a_b: {partitions: 3}", "t.yaml:3: a_b: collides with a.b in line 2: Kafka treats"),
        ("a: {partitions: many}", "t.yaml:2: a: partition_count: is not a number, and is left out"),
        ("a: {partitions: 99999}", "the service takes 3 to 2048: 2048 is written in place of 99999"),
        ("a: {configs: {colour: blue}}", "t.yaml:2: a: colour: is not a setting of the service's topics"),
        ("a: {replication: 2, configs: {min.insync.replicas: 3}}", "is above the replication factor, 2"),
        ("a: {x: 1}", "t.yaml:2: a: x: has no place in a catalogue, and is left out"),
    ],
)
def test_a_topic_that_does_not_fit_is_reported(tmp_path: Path, topics: str, note: str) -> None:
    notes = notes_of(tmp_path, f"topics:\n  {topics}\n")
    assert any(note in text for text in notes), notes


STRIMZI_USER = "apiVersion: kafka.strimzi.io/v1beta2\nkind: KafkaUser\nmetadata: {name: u}\n"
TERRAFORM_SCHEMA = """{"format_version": "1.0", "values": {"root_module": {"resources": [
{"type": "digitalocean_database_kafka_schema_registry", "values": {"subject_name": "s", "schema_type": "avro"}}]}}}"""


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (
            f"{STRIMZI_USER}spec: {{authentication: {{type: custom}}}}",
            "1: u: authentication: custom: the service makes a password and a certificate for each user",
        ),
        (
            f"{STRIMZI_USER}spec: {{authorization: {{acls: [{{resource: {{name: x}}, operation: Read}}]}}}}",
            "4: u: the service has rights on topics only, so this one is left out",
        ),
        (
            "customUserAcls:\n  u:\n    a: {type: TOPIC, name: t, operation: READ, permission: DENY}",
            "3: u: the service has no rules that deny, so this one is left out",
        ),
        (
            "context: c\nprojects:\n- name: p\n  topics: [{name: t, schemas: {key.format: avro}}]",
            "4: c.p.t: key.format: has no place in a catalogue, and is left out",
        ),
        (
            "meta: {name: events}\nspec: {bootstrapAddrs: []}",
            "1: events: describes a cluster, not a topic; it is left out",
        ),
        (
            TERRAFORM_SCHEMA,
            "2: s: the schema is incomplete, and is left out",
        ),
        (
            "topics:\n  a: {configs: {local.retention.ms: 5}}",
            "2: a: local.retention.ms: DigitalOcean's service does not offer this setting, so it is left out",
        ),
        (
            "topics:\n  a: {configs: {cleanup.policy: sometimes}}",
            "2: a: cleanup.policy: must be one of delete, compact, compact_delete, so it is left out",
        ),
        ("topics:\n  _a: {}", "2: _a: names that begin with _ are reserved for Kafka; it is left out"),
    ],
)
def test_what_has_no_place_in_a_catalogue_is_one_note_with_its_line(tmp_path: Path, text: str, note: str) -> None:
    assert notes_of(tmp_path, text) == [f"t.yaml:{note}"]


@pytest.mark.parametrize(
    ("operations", "permission", "note"),
    [
        ("[Read]", "consume", ""),
        ("[Write, IdempotentWrite]", "produce", ""),
        ("[Read, Write, Describe, DescribeConfigs]", "produceconsume", ""),
        ("[All]", "admin", ""),
        ("[Read, AlterConfigs]", "admin", "admin on t gives more than alterconfigs, read"),
        ("[Describe]", None, "no permission of the service corresponds to describe on t"),
        ("[Read, ClusterAction]", None, "no permission of the service corresponds to clusteraction, read on t"),
    ],
)
def test_kafkas_operations_become_the_permission_that_covers_them(
    tmp_path: Path, operations: str, permission: str | None, note: str
) -> None:
    resource = "{type: topic, name: t, patternType: literal}"
    (tmp_path / "t.yaml").write_text(
        "apiVersion: kafka.strimzi.io/v1beta2\nkind: KafkaUser\nmetadata: {name: u}\n"
        f"spec: {{authorization: {{acls: [{{resource: {resource}, operations: {operations}}}]}}}}\n"
    )
    found = import_catalogue(tmp_path / "t.yaml")
    (user,) = found.catalogue.users
    assert [right.permission for right in user.acl or ()] == ([permission] if permission else [])
    assert [note in str(text) for text in found.notes] == ([True] if note else [])


def test_a_schema_of_a_topology_is_read_from_below_it_only(tmp_path: Path) -> None:
    (tmp_path / "secret.avsc").write_text('{"token": "hunter2"}')
    (tmp_path / "in").mkdir()
    text = "context: c\nprojects: [{name: p, topics: [{name: t, schemas: [{value.schema.file: ../secret.avsc}]}]}]\n"
    (tmp_path / "in" / "t.yaml").write_text(text)
    found = import_catalogue(tmp_path / "in" / "t.yaml")
    assert found.catalogue.schemas == ()
    assert "must lie below the folder of the catalogue" in str(found.notes[0])


STRIMZI = """
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaUser
metadata: {name: app}
spec: {authorization: {acls: [{resource: {type: topic, patternType: prefix}, operations: [Read]}]}}
"""
GITOPS = """
services: {app: {consumes: [null]}}
customServiceAcls: {app: {all: {type: TOPIC, operation: READ}}}
"""


@pytest.mark.parametrize("text", [STRIMZI, GITOPS])
def test_a_rule_without_a_topic_gives_no_right_to_any(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.yaml").write_text(text)
    found = import_catalogue(tmp_path / "t.yaml")
    assert [(user.name, user.acl) for user in found.catalogue.users] == [("app", ())]
    assert all("app: a rule names no topic, and is left out" in str(note) for note in found.notes)
    assert found.notes


def test_rights_of_nobody_are_reported(tmp_path: Path) -> None:
    assert notes_of(tmp_path, STRIMZI.replace("{name: app}", "{}")) == ["t.yaml:2: names no user, and is left out"]


def test_a_file_of_nothing_is_no_file_of_another_tool(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="none of the files that can be imported"):
        notes_of(tmp_path, "# nothing\n")
